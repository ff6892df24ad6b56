/* One picture per method, at the same crop and zoom: side by side, two in one, or as error maps. */

import { makeHost } from "./common.host.js";
import { clamp, el, ownUrl } from "./common.js";
import { makeCarousel } from "./panes.carousel.js";
import { pictureUrl, shownOf } from "./panes.data.js";
import { makeDuo } from "./panes.duo.js";
import { makeErrorMaps } from "./panes.error.js";
import { makeHistory } from "./panes.history.js";
import { listenToKeys } from "./panes.keys.js";
import { closeMenu } from "./panes.menu.js";
import { errorLegend, makeModes, zoomBar } from "./panes.modes.js";
import { drawPane, makePane } from "./panes.pane.js";
import { show } from "./panes.picture.js";
import { makeView } from "./panes.view.js";

const EMPTY = "No results yet. Paint over what should disappear, choose methods, run.";

/* What the parts of one component share: what is shown, and what they ask of each other. */
function makePanes({ root, trigger }) {
  const panes = {
    root,
    trigger,
    value: { w: 0, h: 0, panes: [] },
    mode: "grid",
    asked: null,
    picked: null,
    shown: new Map(),
    wishes: new Map(),
    say: el("div", { class: "sr", "aria-live": "polite" }),
    grid: el("div", { class: "grid", role: "list", "aria-label": "Pictures" }),
    empty: el("p", { class: "nothing", text: EMPTY }),
    legend: errorLegend(),
  };
  const percent = el("span", { class: "percent" });
  panes.view = makeView(panes, percent);
  panes.modes = makeModes(panes);
  panes.duo = makeDuo(panes);
  panes.carousel = makeCarousel(panes);
  panes.drawErrorMaps = makeErrorMaps(panes);
  panes.history = makeHistory(panes);
  panes.bar = el("div", { class: "bar" }, panes.modes.bar, zoomBar(panes.view, percent));
  return Object.assign(panes, asking(panes), acting(panes));
}

function isTwo(panes) {
  return panes.mode === "slider" || panes.mode === "flip";
}

function asking(panes) {
  function named(id) {
    return panes.value.panes.find((pane) => pane.id === id);
  }

  /* The stage whose size counts for the view. */
  function stage() {
    return isTwo(panes) ? panes.duo.stage : panes.grid.querySelector(".stage");
  }

  function referenceUrl() {
    const pane = named(panes.value.ref);
    return ownUrl(pane ? pane.src : panes.value.ref);
  }

  function originalUrl() {
    return referenceUrl() || ownUrl(named("original")?.src);
  }

  function withPicture() {
    return panes.value.panes.map((data) => shownOf(data, panes.wishes.get(data.id))).filter(pictureUrl);
  }
  return { stage, referenceUrl, originalUrl, withPicture };
}

function acting(panes) {
  function pick(id) {
    panes.picked = id;
    for (const pane of panes.shown.values()) pane.node.classList.toggle("picked", pane.id === id);
  }

  function setMode(id) {
    if (panes.modes.reason(id)) return;
    panes.mode = id;
    panes.root.dataset.mode = id;
    drawMode(panes);
    panes.duo.draw();
    panes.drawErrorMaps();
    panes.carousel.draw();
    panes.view.apply();
  }

  function showOriginal(on) {
    const address = panes.originalUrl();
    const images = [...[...panes.shown.values()].map((pane) => pane.original), ...panes.duo.originals];
    if (on) for (const image of images) show(image, address);
    panes.root.classList.toggle("with-original", on && Boolean(address));
  }

  /* Draws what is there anew, as after another answer was chosen. */
  function draw() {
    drawValue(panes, panes.value);
  }
  return { pick, setMode, showOriginal, draw };
}

function drawMode(panes) {
  panes.modes.draw();
  const none = panes.value.panes.length === 0;
  panes.grid.hidden = isTwo(panes) || none;
  panes.duo.node.hidden = !isTwo(panes);
  panes.duo.hold.hidden = panes.mode !== "flip";
  panes.duo.handle.hidden = panes.mode !== "slider";
  panes.legend.hidden = panes.mode !== "error";
  panes.empty.hidden = !none;
  panes.root.hidden = Boolean(panes.value.bare);
}

function setSize(root, { w, h }) {
  root.style.setProperty("--shape", clamp(w / h || 4 / 3, 0.8, 2.2));
  root.style.setProperty("--w", `${w}px`);
  root.style.setProperty("--h", `${h}px`);
}

/* Panes that are there already are kept, so that a picture in view does not flicker. */
function drawGrid(panes) {
  const kept = new Map();
  for (const data of panes.value.panes) {
    const pane = panes.shown.get(data.id) ?? makePane(data.id, panes);
    kept.set(data.id, pane);
    drawPane(pane, data, panes);
    pane.node.classList.toggle("picked", data.id === panes.picked);
  }
  const nodes = [...kept.values()].map((pane) => pane.node);
  const old = panes.grid.children;
  const same = nodes.length === old.length && nodes.every((node, i) => old[i] === node);
  if (!same) panes.grid.replaceChildren(...nodes);
  panes.shown = kept;
}

function drawValue(panes, next) {
  const before = panes.value;
  const list = Array.isArray(next?.panes) ? next.panes : [];
  panes.value = { ...next, w: Number(next?.w) || 0, h: Number(next?.h) || 0, panes: list };
  if (before.w !== panes.value.w || before.h !== panes.value.h) panes.view.reset();
  setSize(panes.root, panes.value);
  panes.history.draw(panes.value);
  drawGrid(panes);
  if (next?.mode !== panes.asked) {
    panes.asked = next?.mode;
    if (panes.modes.has(panes.asked)) panes.mode = panes.asked;
  }
  if (panes.modes.reason(panes.mode)) panes.mode = "grid";
  panes.setMode(panes.mode);
}

export function mount(given) {
  const host = makeHost(given);
  const panes = makePanes(host);
  const parts = [panes.bar, panes.legend, panes.empty, panes.grid, panes.carousel.node, panes.duo.node];
  host.root.append(...parts, panes.history.node, panes.say, host.tip);
  document.addEventListener("pointerdown", (event) => {
    for (const pane of panes.shown.values()) if (!pane.node.contains(event.target)) closeMenu(pane);
  });
  listenToKeys(panes);
  panes.grid.addEventListener("scroll", host.hideTip, { passive: true });
  new ResizeObserver(panes.view.apply).observe(host.root);
  host.onValue((next) => drawValue(panes, next));
}
