/* What the value of a pane means: which of its answers is shown, and how it stands, in words. */

import { familyName } from "./common.families.js";
import { ownUrl, seconds } from "./common.js";

const STALE = "Settings changed since this run.";
const OTHER_HOLE = "The hole changed since this run.";
export const STATE_TEXT = {
  empty: "",
  queued: "Queued",
  running: "Running",
  stopped: "Stopped",
  error: "Failed",
  unavailable: "Not available here",
};

export function isDone(data) {
  return data.state === "done" || data.state === "stale" || !data.state;
}

export function isStale(data) {
  return Boolean(data.stale) || data.state === "stale";
}

/* A preview of a failed or missing method is not its picture. */
export function pictureUrl(data) {
  return data.state === "error" || data.state === "unavailable" ? "" : ownUrl(data.src);
}

/* What a pane shows: of several answers the one of seed `wish`, else the first that has a picture. `run`: how
   the method as a whole stands. */
export function shownOf(data, wish) {
  const whole = { ...data, run: data.state, runNote: data.note };
  if (!Array.isArray(data.answers)) return whole;
  const seen = data.answers.filter((answer) => ownUrl(answer.src));
  const answer = seen.find((one) => one.seed === wish) ?? seen[0];
  return answer ? { ...whole, ...answer, id: data.id, title: `${data.title}, seed ${answer.seed}` } : whole;
}

export function timeLeft(data) {
  return data.eta === null || data.eta === undefined ? "" : `about ${seconds(data.eta)}`;
}

/* What covers a pane without a picture, as heading and sentence; null where nothing does. */
export function coverText(data) {
  const ahead = Number(data.place) > 0 ? `${data.place} ahead` : "";
  if (data.state === "queued") return [STATE_TEXT.queued, [ahead, timeLeft(data)].filter(Boolean).join(", ")];
  if (data.state === "error" || data.state === "unavailable") {
    return [STATE_TEXT[data.state], data.err || data.note];
  }
  if (data.state === "stopped" && !data.src) return [STATE_TEXT.stopped, data.err || data.note];
  if (data.state === "empty") return ["", data.note || "Not run yet"];
  return null;
}

/* What is said over a picture that is there. */
export function tagText(data) {
  if (isStale(data)) return data.moved ? OTHER_HOLE : STALE;
  return data.state === "stopped" && !coverText(data) ? "Stopped here" : "";
}

export function chipsOf(data) {
  return Array.isArray(data.chips) ? data.chips : [];
}

export function describe(data) {
  const chips = chipsOf(data).map((chip) => `${chip.label} ${chip.value ?? "no value"}`);
  const state = isDone(data) ? "" : STATE_TEXT[data.state];
  const parts = [data.title, familyName(data.family), state, seconds(data.seconds), ...chips];
  return parts.filter(Boolean).join(", ");
}

/* What is said aloud when a run has ended. */
export function endText(data) {
  if (data.state === "done") return `${data.title}: done in ${seconds(data.seconds)}`;
  return `${data.title}: ${STATE_TEXT[data.run]}. ${data.err || ""}`;
}
