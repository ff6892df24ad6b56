/* One pane: title, stage, what covers it while it runs, answers, numbers. */

import { familyGlyph, familyName } from "./common.families.js";
import { el, seconds, setAttributes } from "./common.js";
import {
  chipsOf,
  coverText,
  describe,
  endText,
  isDone,
  isStale,
  pictureUrl,
  shownOf,
  tagText,
  timeLeft,
} from "./panes.data.js";
import { listenTo } from "./panes.gestures.js";
import { closeMenu, menuItems, menuKeys, toggleMenu } from "./panes.menu.js";
import { layer, picture, show } from "./panes.picture.js";
import { drawStrip, makeStrip } from "./panes.strip.js";

/* `panes`: root, shown, wishes, view, trigger, say, pick(id) and draw(). */
export function makePane(id, panes) {
  const pane = { id, state: null, map: null };
  pane.choose = (seed) => {
    panes.wishes.set(id, seed);
    panes.draw();
  };
  makeHead(pane, panes);
  makeFrame(pane);
  pane.strip = makeStrip(pane.choose);
  pane.chips = el("div", { class: "chips" });
  const head = el("div", { class: "head" }, pane.glyph, pane.title, pane.time, pane.more, pane.menu);
  const attributes = { class: "pane", role: "listitem", "data-id": id };
  pane.node = el("div", attributes, head, pane.frame, pane.strip, pane.chips);
  listenTo(pane.stage, panes, () => panes.pick(id));
  return pane;
}

function makeHead(pane, panes) {
  pane.glyph = el("span", { class: "mark" });
  pane.title = el("span", { class: "title" });
  pane.time = el("span", { class: "time" });
  pane.more = el("button", {
    type: "button",
    class: "more",
    text: "⋯",
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    on: { click: () => toggleMenu(pane, panes) },
  });
  const keydown = (event) => menuKeys(event, pane);
  pane.menu = el("div", { class: "menu", role: "menu", hidden: true, on: { keydown } });
}

function makeFrame(pane) {
  pane.image = picture();
  pane.original = picture("original");
  pane.layer = layer(pane.image, pane.original);
  pane.cover = el("div", { class: "cover" });
  const range = { "aria-valuemin": "0", "aria-valuemax": "100" };
  pane.bar = el("div", { class: "track", role: "progressbar", ...range }, el("div", { class: "fill" }));
  pane.step = el("span");
  pane.left = el("span");
  const steps = el("div", { class: "steps" }, pane.step, pane.left);
  pane.running = el("div", { class: "running", hidden: true }, pane.bar, steps);
  pane.stage = el("div", { class: "stage", tabindex: "0", role: "img" }, pane.layer);
  pane.frame = el("div", { class: "frame" }, pane.stage, pane.cover, pane.running);
}

function drawCover(pane, data, trigger) {
  const text = coverText(data);
  const tag = tagText(data);
  const key = JSON.stringify([data.state, text, tag]);
  if (pane.coverKey === key) return;
  pane.coverKey = key;
  pane.cover.replaceChildren();
  pane.cover.hidden = !text && !tag;
  pane.cover.classList.toggle("tag", !text && Boolean(tag));
  if (text)
    pane.cover.append(el("strong", { text: text[0], hidden: !text[0] }), el("span", { text: text[1] }));
  else if (tag) pane.cover.append(el("span", { text: tag }));
  if (data.state !== "error" && !(data.state === "stopped" && text)) return;
  const click = () => trigger("retry", { id: data.id });
  const label = `Retry ${data.title}`;
  pane.cover.append(el("button", { type: "button", text: "Retry", "aria-label": label, on: { click } }));
}

function drawRunning(pane, data) {
  pane.running.hidden = data.run !== "running";
  pane.running.classList.toggle("slim", isDone(data)); // an answer that is there is not covered
  if (data.run !== "running") return;
  const known = data.progress !== null && data.progress !== undefined;
  const done = Math.round(Math.min(Math.max(Number(data.progress) || 0, 0), 1) * 100);
  const label = `${data.title} progress`;
  setAttributes(pane.bar, { "aria-label": label, "aria-valuenow": known ? done : null });
  pane.bar.classList.toggle("unknown", !known);
  pane.bar.firstChild.style.width = `${known ? done : 100}%`;
  pane.step.textContent = data.runNote || (known ? `${done} %` : "Running");
  pane.left.textContent = timeLeft(data);
}

/* A number with its name; one with a reason is a button that opens it. */
function chipNode(chip) {
  const missing = chip.value === null || chip.value === undefined || chip.value === "";
  const name = el("span", { class: "name", text: chip.label });
  const number = el("span", { class: "number", text: missing ? "–" : chip.value });
  if (!chip.why) return el("span", { class: "chip" }, name, number);
  const label = chip.label + (missing ? ", no value: " : ` ${chip.value}: `) + chip.why;
  const attributes = { class: "chip", type: "button", "data-tip": chip.why, "aria-label": label };
  return el("button", attributes, name, number);
}

function drawChips(pane, data) {
  const note = isDone(data) || data.state === "stopped" ? data.note : "";
  const key = JSON.stringify([chipsOf(data), note]);
  if (pane.chipsKey === key) return;
  pane.chipsKey = key;
  pane.chips.replaceChildren(...chipsOf(data).map(chipNode));
  if (note) pane.chips.append(noteNode(note));
}

/* Two lines of what there is to say; pressed, all of it. */
function noteNode(text) {
  const node = el("button", { type: "button", class: "note", text, "aria-expanded": "false" });
  node.addEventListener("click", () => {
    node.setAttribute("aria-expanded", String(node.getAttribute("aria-expanded") !== "true"));
  });
  return node;
}

function drawTitle(pane, data) {
  pane.glyph.replaceChildren(familyGlyph(data.family));
  pane.glyph.title = familyName(data.family);
  pane.title.textContent = data.title;
  pane.title.title = data.title;
  pane.time.textContent = isDone(data) ? seconds(data.seconds) : "";
}

function drawMenu(pane, data, panes) {
  const none = menuItems(data, panes).length === 0;
  setAttributes(pane.more, { "aria-label": `More for ${data.title}`, disabled: none });
  if (none) closeMenu(pane);
}

function announce(pane, data, say) {
  const now = JSON.stringify([data.run, data.state, data.seed]);
  const ended = ["done", "error", "stopped"].includes(data.run);
  if (pane.state && pane.state !== now && ended) say.textContent = endText(data);
  pane.state = now;
}

/* `raw`: the pane's value, with all its answers. */
export function drawPane(pane, raw, panes) {
  const data = shownOf(raw, panes.wishes.get(raw.id));
  pane.data = data;
  pane.node.dataset.state = data.state || "done";
  pane.node.classList.toggle("stale", isStale(data));
  drawTitle(pane, data);
  pane.stage.setAttribute("aria-label", describe(data));
  show(pane.image, pictureUrl(data));
  drawCover(pane, data, panes.trigger);
  drawRunning(pane, data);
  drawStrip(pane.strip, raw, data.seed, pane.choose);
  drawChips(pane, data);
  drawMenu(pane, data, panes);
  announce(pane, data, panes.say);
}
