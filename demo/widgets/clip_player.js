/* A clip and what was made of it, side by side at the same time. */

import { load, makeFilm, makeReel } from "./clip_player.films.js";
import { makeHost } from "./common.host.js";
import { el, ownUrl, seconds, setAttributes } from "./common.js";

const NOTHING = { state: "ready", first: null, said: [], count: 1, rate: 12, w: 3, h: 2 };
const WAITING = "The clip without it comes here.";

function makePicture(...films) {
  const still = el("img", { class: "still", alt: "", hidden: true });
  const words = el("p", { class: "words" });
  const frame = el("div", { class: "frame" }, still, words, ...films);
  const caption = el("figcaption", {});
  return { node: el("figure", {}, caption, frame), frame, still, words, caption };
}

function setStill({ still }, address) {
  const src = ownUrl(address);
  still.hidden = !src;
  if (src && still.src !== src) still.src = src;
}

function makeNodes() {
  const films = {
    before: makeFilm("The original"),
    masks: makeFilm("The original with what was tracked"),
    after: makeFilm("The result"),
  };
  const button = (text, title, label) => el("button", { type: "button", text, title, "aria-label": label });
  const tools = {
    play: el("button", { type: "button", class: "play", text: "Play", title: "Play, pause (P)" }),
    back: button("‹", "Frame before (,)", "Frame before"),
    range: el("input", { type: "range", min: "0", value: "0", step: "1", "aria-label": "Frame" }),
    forth: button("›", "Frame after (.)", "Frame after"),
    count: el("span", { class: "count" }),
    tracked: el("input", { type: "checkbox" }),
    download: el("a", { class: "download", text: "Download", download: "without.webm" }),
  };
  const { play, back, range, forth, count, tracked, download } = tools;
  const label = el("label", { class: "tracked" }, tracked, "Show what was tracked");
  const bar = el(
    "div",
    { class: "reel", role: "group", "aria-label": "Player" },
    el("div", { class: "times" }, play, back, range, forth, count),
    el("div", { class: "more" }, label, download),
  );
  return { films, tools, bar };
}

function makeRun() {
  const fill = el("div", { class: "fill" });
  const what = el("span", {});
  const left = el("span", {});
  const track = el("div", { class: "track" }, fill);
  const node = el("div", { class: "run" }, track, el("div", { class: "steps" }, what, left));
  return { node, fill, what, left };
}

/* Two that differ only in which rows they show. */
function drawRun(player) {
  const { value, run, root } = player;
  const { state, place, eta, progress, what, err } = value;
  const left = eta ? `${seconds(eta)} left` : "";
  run.fill.style.width = `${100 * (state === "running" ? (progress ?? 0) : 0)}%`;
  run.what.textContent =
    state === "queued" ? (place ? `Waiting: ${place} before it` : "Waiting") : capital(what ?? "");
  run.left.textContent = left;
  const busy = state === "queued" || state === "running";
  run.node.hidden = !busy;
  player.bad.hidden = state !== "error" && state !== "stopped";
  player.bad.textContent = err ?? "";
  player.bad.classList.toggle("failed", state === "error");
  root.setAttribute("aria-busy", String(busy));
  root.dataset.state = state;
}

function capital(text) {
  return text && text[0].toUpperCase() + text.slice(1);
}

function drawPictures(player) {
  const { value, left, right, films, showsMasks } = player;
  const there = Boolean(value.after);
  for (const one of [left, right]) one.frame.style.aspectRatio = `${value.w} / ${value.h}`;
  left.caption.textContent = showsMasks && there ? "Original, with what was tracked" : "Original";
  right.caption.textContent = there
    ? ["Without it", value.title, seconds(value.seconds)].filter(Boolean).join(" · ")
    : "Without it";
  setStill(left, value.first);
  setStill(right, there ? null : value.preview);
  left.words.hidden = Boolean(value.first);
  right.words.hidden = there || Boolean(value.preview);
  right.words.textContent = WAITING;
  for (const name of ["before", "after"]) load(films[name], value[name]);
  load(films.masks, showsMasks ? value.masks : null);
  player.stale.hidden = !value.stale || !there;
}

function drawBar({ value, tools, bar, reel }) {
  bar.hidden = !value.after;
  const frame = reel.frame();
  const count = `${frame + 1} of ${value.count}`;
  tools.play.textContent = reel.playing() ? "Pause" : "Play";
  setAttributes(tools.range, { max: String(value.count - 1), "aria-valuetext": count });
  tools.range.value = String(frame);
  tools.count.textContent = count;
  const address = ownUrl(value.after);
  if (address) tools.download.href = `${address}?name=without.webm`;
}

function draw(player, next) {
  const before = player.value.after;
  player.value = { ...NOTHING, ...next };
  if (player.value.after !== before) player.fresh = Boolean(player.value.after);
  drawRun(player);
  drawPictures(player);
  drawBar(player);
  player.said.replaceChildren(...player.value.said.map((text) => el("p", { text })));
  player.root.dataset.rev = player.value.rev;
}

function makePlayer({ root, trigger }) {
  const { films, tools, bar } = makeNodes();
  const player = { root, trigger, films, tools, bar, value: NOTHING, showsMasks: false, fresh: false };
  player.left = makePicture(films.before, films.masks);
  player.right = makePicture(films.after);
  player.run = makeRun();
  player.bad = el("p", { class: "bad", role: "status", hidden: true });
  player.stale = el("p", { class: "bad", hidden: true, text: "Mask or method changed since this run." });
  player.said = el("div", { class: "said", "aria-live": "polite" });
  const clip = () => player.value;
  player.reel = makeReel(films.after, [films.before, films.masks], clip, () => drawBar(player));
  return player;
}

/* A result plays as soon as it is there, unless the visitor wants little motion. */
function playFresh(player) {
  player.films.after.addEventListener("loadeddata", () => {
    if (!player.fresh || !player.root.clientWidth) return;
    player.fresh = false;
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) player.reel.toggle();
  });
}

function listen(player) {
  const { root, tools, reel } = player;
  const showMasks = (on) => {
    player.showsMasks = on;
    tools.tracked.checked = on;
    drawPictures(player);
  };
  tools.play.addEventListener("click", reel.toggle);
  tools.back.addEventListener("click", () => reel.step(-1));
  tools.forth.addEventListener("click", () => reel.step(1));
  tools.range.addEventListener("input", () => reel.go(Number(tools.range.value)));
  tools.tracked.addEventListener("change", () => showMasks(tools.tracked.checked));
  const keys = {
    p: reel.toggle,
    ",": () => reel.step(-1),
    ".": () => reel.step(1),
    t: () => showMasks(!player.showsMasks),
  };
  root.addEventListener("keydown", (event) => {
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act || !player.value.after || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
}

/* Tells the server when the tab comes into view for the first time; out of view nothing plays. */
function makeLook({ root, trigger, reel }) {
  let told = false;
  return () => {
    if (!root.clientWidth) return reel.pause();
    if (told) return;
    told = true;
    trigger("open", {});
  };
}

export function mount(given) {
  const host = makeHost(given);
  const player = makePlayer(host);
  const { left, right, run, bad, stale, bar, said } = player;
  const pair = el("div", { class: "pair" }, left.node, right.node);
  host.root.append(pair, el("div", { class: "below" }, run.node, bad, bar, stale, said), host.tip);
  listen(player);
  playFresh(player);
  new ResizeObserver(makeLook(player)).observe(host.root);
  host.onValue((next) => draw(player, next ?? {}));
}
