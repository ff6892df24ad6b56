const NO_ORIGINAL = "No original inside this hole, so no scores.";
const STALE = "Settings changed since this run.";
const TWO_NEEDED = "Needs two pictures.";
const ERROR_FULL = 128;
const ZOOMS = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];
const MAGMA =
  "00000401000501010601010802010902020b02020d03030f03031204041405041606051806051a07061c08071e0907200a08220b09240c09260d0a29" +
  "0e0b2b100b2d110c2f120d31130d34140e36150e38160f3b180f3d19103f1a10421c10441d11471e114920114b21114e221150241253251255271258" +
  "29115a2a115c2c115f2d11612f116331116533106734106936106b38106c390f6e3b0f703d0f713f0f72400f74420f75440f76451077471078491078" +
  "4a10794c117a4e117b4f127b51127c52137c54137d56147d57157e59157e5a167e5c167f5d177f5f187f601880621980641a80651a80671b80681c81" +
  "6a1c816b1d816d1d816e1e81701f81721f817320817521817621817822817922827b23827c23827e2482802582812581832681842681862781882781" +
  "8928818b29818c29818e2a81902a81912b81932b80942c80962c80982d80992d809b2e7f9c2e7f9e2f7fa02f7fa1307ea3307ea5317ea6317da8327d" +
  "aa337dab337cad347cae347bb0357bb2357bb3367ab5367ab73779b83779ba3878bc3978bd3977bf3a77c03a76c23b75c43c75c53c74c73d73c83e73" +
  "ca3e72cc3f71cd4071cf4070d0416fd2426fd3436ed5446dd6456cd8456cd9466bdb476adc4869de4968df4a68e04c67e24d66e34e65e44f64e55064" +
  "e75263e85362e95462ea5661eb5760ec5860ed5a5fee5b5eef5d5ef05f5ef1605df2625df2645cf3655cf4675cf4695cf56b5cf66c5cf66e5cf7705c" +
  "f7725cf8745cf8765cf9785df9795df97b5dfa7d5efa7f5efa815ffb835ffb8560fb8761fc8961fc8a62fc8c63fc8e64fc9065fd9266fd9467fd9668" +
  "fd9869fd9a6afd9b6bfe9d6cfe9f6dfea16efea36ffea571fea772fea973feaa74feac76feae77feb078feb27afeb47bfeb67cfeb77efeb97ffebb81" +
  "febd82febf84fec185fec287fec488fec68afec88cfeca8dfecc8ffecd90fecf92fed194fed395fed597fed799fed89afdda9cfddc9efddea0fde0a1" +
  "fde2a3fde3a5fde5a7fde7a9fde9aafdebacfcecaefceeb0fcf0b2fcf2b4fcf4b6fcf6b8fcf7b9fcf9bbfcfbbdfcfdbf";

let value = { w: 0, h: 0, panes: [] };
let mode = "grid";
let asked = null;
let scale = null;
let centre = [0, 0];
let pair = [null, null];
let ownPair = false;
let cut = 50;
const wishes = new Map();
let flipped = false;
let picked = null;
let shown = new Map();

const say = el("div", { class: "sr", "aria-live": "polite" });
const modes = {};
const modeBar = el("div", { class: "modes", role: "radiogroup", "aria-label": "View" });
for (const [id, title] of [["grid", "Grid"], ["slider", "Slider"], ["flip", "Flip"], ["error", "Error"]]) {
  modes[id] = el("button", { type: "button", role: "radio", text: title, on: { click: () => setMode(id), keydown: stepMode } });
  modeBar.append(modes[id]);
}
const percent = el("span", { class: "percent", "aria-label": "Zoom" });
const zoomBar = el(
  "div",
  { class: "zooms", role: "group", "aria-label": "Zoom" },
  button("−", "Zoom out", () => zoomStep(-1)),
  percent,
  button("+", "Zoom in", () => zoomStep(1)),
  button("100 %", "Actual pixels", () => zoomTo(1)),
  button("Fit", "Fit the whole picture", fit),
);
const legend = el(
  "div",
  { class: "legend", hidden: true },
  el("span", { text: "Error, mean of |difference| over the three channels" }),
  el("span", { class: "scale" }, el("span", { text: "0" }), el("span", { class: "ramp", "aria-hidden": "true" }), el("span", { text: ERROR_FULL + " or more of 255" })),
);
const empty = el("p", { class: "nothing", text: "No results yet. Paint over what should disappear, choose methods, run." });
const grid = el("div", { class: "grid", role: "list", "aria-label": "Pictures" });
const duo = makeDuo();
root.append(el("div", { class: "bar" }, modeBar, zoomBar), legend, empty, grid, duo.node, say, tip);
legend.querySelector(".ramp").style.backgroundImage = "linear-gradient(to right," + [0, 32, 64, 96, 128, 160, 192, 224, 255].map(magma) + ")";

function button(text, name, click) {
  return el("button", { type: "button", text, "aria-label": name, title: name, on: { click } });
}

/* ---- the view all pictures share ---- */

function stageSize() {
  const stage = mode === "slider" || mode === "flip" ? duo.stage : grid.querySelector(".stage");
  const box = stage && stage.getBoundingClientRect();
  return box && box.width ? [stage.clientWidth, stage.clientHeight] : null;
}

function fitScale([cw, ch]) {
  return Math.min(cw / value.w, ch / value.h);
}

function clampAxis(c, length, room) {
  return length <= room ? length / 2 : Math.min(Math.max(c, room / 2), length - room / 2);
}

function applyView() {
  const size = stageSize();
  if (!size || !value.w || !value.h) return;
  const s = scale ?? fitScale(size);
  const dpr = window.devicePixelRatio || 1;
  centre = scale === null ? [value.w / 2, value.h / 2] : [clampAxis(centre[0], value.w, size[0] / s), clampAxis(centre[1], value.h, size[1] / s)];
  const shift = [0, 1].map((i) => Math.round((size[i] / 2 - centre[i] * s) * dpr) / dpr);
  root.style.setProperty("--view", "translate(" + shift[0] + "px, " + shift[1] + "px) scale(" + s + ")");
  root.classList.toggle("pixelated", s >= 2);
  root.classList.toggle("zoomed", s > fitScale(size) * 1.001);
  percent.textContent = (s < 0.1 ? (s * 100).toFixed(1) : Math.round(s * 100)) + " %";
}

function currentScale() {
  const size = stageSize();
  return scale ?? (size ? fitScale(size) : 1);
}

function zoomTo(next, at) {
  const size = stageSize();
  if (!size || !value.w) return;
  const s = currentScale();
  const least = Math.min(fitScale(size), 1);
  next = Math.min(Math.max(next, least), Math.max(32, least));
  const point = at || [size[0] / 2, size[1] / 2];
  centre = [0, 1].map((i) => centre[i] + (point[i] - size[i] / 2) * (1 / s - 1 / next));
  scale = next;
  applyView();
}

function zoomStep(direction) {
  const s = currentScale();
  const next = direction > 0 ? ZOOMS.find((z) => z > s * 1.01) : ZOOMS.findLast((z) => z < s * 0.99);
  if (next) zoomTo(next);
}

function fit() {
  scale = null;
  applyView();
}

function panBy(dx, dy) {
  if (scale === null) return;
  const s = currentScale();
  centre = [centre[0] - dx / s, centre[1] - dy / s];
  applyView();
}

function place(stage, event) {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
}

function pixelAt(stage, event) {
  const size = [stage.clientWidth, stage.clientHeight];
  const s = currentScale();
  const at = place(stage, event).map((p, i) => Math.floor(centre[i] + (p - size[i] / 2) / s));
  return at[0] >= 0 && at[1] >= 0 && at[0] < value.w && at[1] < value.h ? at : null;
}

function gestures(stage, id) {
  let drag = null;
  let pinch = null;
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && document.activeElement !== stage) return;
      event.preventDefault();
      zoomTo(currentScale() * Math.exp(-event.deltaY * (event.ctrlKey && Math.abs(event.deltaY) < 40 ? 0.01 : 0.002)), place(stage, event));
    },
    { passive: false },
  );
  stage.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && !event.target.closest("button")) drag = { x: event.clientX, y: event.clientY, far: 0 };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!drag || pinch) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    drag.far += Math.hypot(dx, dy);
    if (drag.far < 4) return;
    if (!stage.hasPointerCapture(event.pointerId) && root.classList.contains("zoomed")) stage.setPointerCapture(event.pointerId);
    Object.assign(drag, { x: event.clientX, y: event.clientY });
    panBy(dx, dy);
  });
  stage.addEventListener("pointerup", (event) => {
    if (drag && drag.far < 4 && !pinch) {
      pick(id());
      const at = pixelAt(stage, event);
      if (at) trigger("point", { id: id(), x: at[0], y: at[1] });
    }
    drag = null;
  });
  stage.addEventListener("pointercancel", () => (drag = null));
  const spread = ([a, b]) => ({
    d: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    clientX: (a.clientX + b.clientX) / 2,
    clientY: (a.clientY + b.clientY) / 2,
  });
  stage.addEventListener(
    "touchstart",
    (event) => {
      if (event.touches.length !== 2) return;
      event.preventDefault();
      drag = null;
      pinch = spread(event.touches);
    },
    { passive: false },
  );
  stage.addEventListener(
    "touchmove",
    (event) => {
      if (!pinch || event.touches.length !== 2) return;
      event.preventDefault();
      const now = spread(event.touches);
      panBy(now.clientX - pinch.clientX, now.clientY - pinch.clientY);
      zoomTo((currentScale() * now.d) / pinch.d, place(stage, now));
      pinch = now;
    },
    { passive: false },
  );
  for (const type of ["touchend", "touchcancel"]) stage.addEventListener(type, (event) => event.touches.length || (pinch = null));
}

/* ---- one pane ---- */

function picture() {
  return el("img", { class: "picture", alt: "", draggable: "false", decoding: "async", hidden: true });
}

function layer(...children) {
  return el("div", { class: "layer" }, ...children);
}

function show(image, address) {
  if (image.dataset.src === address) return;
  image.dataset.src = address;
  image.hidden = !address;
  if (address) image.src = address;
  else image.removeAttribute("src");
}

function makePane(id) {
  const pane = { id, state: null, map: null };
  pane.glyph = el("span", { class: "mark" });
  pane.title = el("span", { class: "title" });
  pane.time = el("span", { class: "time" });
  pane.more = el("button", { type: "button", class: "more", text: "⋯", "aria-haspopup": "menu", "aria-expanded": "false", on: { click: () => toggleMenu(pane) } });
  pane.menu = el("div", { class: "menu", role: "menu", hidden: true, on: { keydown: (event) => menuKeys(event, pane) } });
  pane.image = picture();
  pane.original = picture();
  pane.original.classList.add("original");
  pane.layer = layer(pane.image, pane.original);
  pane.cover = el("div", { class: "cover" });
  pane.bar = el("div", { class: "track", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" }, el("div", { class: "fill" }));
  pane.step = el("span");
  pane.left = el("span");
  pane.running = el("div", { class: "running", hidden: true }, pane.bar, el("div", { class: "steps" }, pane.step, pane.left));
  pane.stage = el("div", { class: "stage", tabindex: "0", role: "img" }, pane.layer);
  pane.frame = el("div", { class: "frame" }, pane.stage, pane.cover, pane.running);
  pane.strip = el("div", { class: "strip", role: "radiogroup", hidden: true, on: { keydown: (event) => stripKeys(event, pane) } });
  pane.chips = el("div", { class: "chips" });
  pane.node = el(
    "div",
    { class: "pane", role: "listitem", "data-id": id },
    el("div", { class: "head" }, pane.glyph, pane.title, pane.time, pane.more, pane.menu),
    pane.frame,
    pane.strip,
    pane.chips,
  );
  gestures(pane.stage, () => id);
  return pane;
}

/* What a pane shows: of several answers the one that the visitor chose, else the first that has a picture. `run`: how the method as a whole stands. */
function shownOf(data) {
  const whole = { ...data, run: data.state, runNote: data.note };
  if (!Array.isArray(data.answers)) return whole;
  const seen = data.answers.filter((answer) => ownUrl(answer.src));
  const answer = seen.find((one) => one.seed === wishes.get(data.id)) ?? seen[0];
  return answer ? { ...whole, ...answer, id: data.id, title: data.title + ", seed " + answer.seed } : whole;
}

/* ---- the strip of a pane's answers ---- */

const ANSWER_TEXT = { running: "being drawn", queued: "to come", stopped: "stopped", error: "failed" };

function drawStrip(pane, data) {
  const answers = Array.isArray(data.answers) ? data.answers : [];
  pane.strip.hidden = answers.length < 2;
  pane.strip.setAttribute("aria-label", "Answers of " + data.title);
  while (pane.strip.children.length > answers.length) pane.strip.lastChild.remove();
  answers.forEach((answer, i) => drawThumb(pane.strip.children[i] ?? makeThumb(pane), answer, pane.data.seed === answer.seed));
}

function makeThumb(pane) {
  const node = el("button", { type: "button", class: "thumb", role: "radio" }, picture(), el("span", { class: "number" }));
  node.addEventListener("click", () => {
    if (!isOff(node)) chooseAnswer(pane, Number(node.dataset.seed));
  });
  pane.strip.append(node);
  return node;
}

function drawThumb(node, answer, chosen) {
  const state = ANSWER_TEXT[answer.state] ?? "";
  show(node.firstChild, ownUrl(answer.thumb || answer.src));
  node.lastChild.textContent = answer.seed;
  Object.assign(node.dataset, { seed: answer.seed, state: answer.state });
  const has = Boolean(ownUrl(answer.src));
  setAttributes(node, { "aria-checked": chosen, "aria-disabled": !has, tabindex: chosen ? "0" : "-1", "aria-label": "Seed " + answer.seed + (state ? ", " + state : ""), title: "Seed " + answer.seed + (state ? ", " + state : "") });
}

function chooseAnswer(pane, seed) {
  wishes.set(pane.id, seed);
  draw(value);
}

function stripKeys(event, pane) {
  const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!move) return;
  event.preventDefault();
  event.stopPropagation();
  const nodes = [...pane.strip.children].filter((node) => !isOff(node));
  const next = nodes[(nodes.indexOf(event.target) + move + nodes.length) % nodes.length];
  next.focus();
  chooseAnswer(pane, Number(next.dataset.seed));
}

function referenceUrl() {
  const pane = value.panes.find((p) => p.id === value.ref);
  return ownUrl(pane ? pane.src : value.ref);
}

function originalUrl() {
  const pane = value.panes.find((p) => p.id === "original");
  return referenceUrl() || ownUrl(pane && pane.src);
}

function isDone(data) {
  return data.state === "done" || data.state === "stale" || !data.state;
}

const STATE_TEXT = { empty: "", queued: "Queued", running: "Running", stopped: "Stopped", error: "Failed", unavailable: "Not available here" };

function coverText(data) {
  const wait = data.eta === null || data.eta === undefined ? "" : "about " + seconds(data.eta);
  const ahead = Number(data.place) > 0 ? data.place + " ahead" : "";
  if (data.state === "queued") return [STATE_TEXT.queued, [ahead, wait].filter(Boolean).join(", ")];
  if (data.state === "error" || data.state === "unavailable") return [STATE_TEXT[data.state], data.err || data.note];
  if (data.state === "stopped" && !data.src) return [STATE_TEXT.stopped, data.err || data.note];
  if (data.state === "empty") return ["", data.note || "Not run yet"];
  return null;
}

function tagText(data, text) {
  if (data.stale || data.state === "stale") return STALE;
  return data.state === "stopped" && !text ? "Stopped here" : "";
}

function drawCover(pane, data) {
  const text = coverText(data);
  const tag = tagText(data, text);
  const key = JSON.stringify([data.state, text, tag]);
  if (pane.coverKey === key) return;
  pane.coverKey = key;
  pane.cover.replaceChildren();
  pane.cover.hidden = !text && !tag;
  pane.cover.classList.toggle("tag", !text && Boolean(tag));
  if (text) pane.cover.append(el("strong", { text: text[0], hidden: !text[0] }), el("span", { text: text[1] }));
  else if (tag) pane.cover.append(el("span", { text: tag }));
  if (data.state === "error" || (data.state === "stopped" && text))
    pane.cover.append(el("button", { type: "button", text: "Retry", "aria-label": "Retry " + data.title, on: { click: () => trigger("retry", { id: data.id }) } }));
}

function drawRunning(pane, data) {
  pane.running.hidden = data.run !== "running";
  pane.running.classList.toggle("slim", isDone(data)); // an answer that is there is not covered
  if (data.run !== "running") return;
  const known = data.progress !== null && data.progress !== undefined;
  const done = Math.round(Math.min(Math.max(Number(data.progress) || 0, 0), 1) * 100);
  setAttributes(pane.bar, { "aria-label": data.title + " progress", "aria-valuenow": known ? done : null });
  pane.bar.classList.toggle("unknown", !known);
  pane.bar.firstChild.style.width = (known ? done : 100) + "%";
  pane.step.textContent = data.runNote || (known ? done + " %" : "Running");
  pane.left.textContent = data.eta === null || data.eta === undefined ? "" : "about " + seconds(data.eta);
}

function drawChips(pane, data) {
  const chips = Array.isArray(data.chips) ? data.chips : [];
  const note = isDone(data) || data.state === "stopped" ? data.note : "";
  const key = JSON.stringify([chips, note]);
  if (pane.chipsKey === key) return;
  pane.chipsKey = key;
  pane.chips.replaceChildren();
  for (const chip of chips) {
    const missing = chip.value === null || chip.value === undefined || chip.value === "";
    const parts = [el("span", { class: "name", text: chip.label }), el("span", { class: "number", text: missing ? "–" : chip.value })];
    const attributes = chip.why ? { type: "button", "data-tip": chip.why, "aria-label": chip.label + (missing ? ", no value: " : " " + chip.value + ": ") + chip.why } : {};
    pane.chips.append(el(chip.why ? "button" : "span", { class: "chip", ...attributes }, ...parts));
  }
  if (note) pane.chips.append(el("span", { class: "note", text: note, title: note }));
}

function describe(data) {
  const chips = (Array.isArray(data.chips) ? data.chips : []).map((c) => c.label + " " + (c.value ?? "no value"));
  return [data.title, familyName(data.family), isDone(data) ? "" : STATE_TEXT[data.state], seconds(data.seconds), ...chips].filter(Boolean).join(", ");
}

function drawPane(pane, raw) {
  const data = shownOf(raw);
  const stale = Boolean(data.stale) || data.state === "stale";
  pane.data = data;
  pane.node.dataset.state = data.state || "done";
  pane.node.classList.toggle("stale", stale);
  pane.glyph.replaceChildren(familyGlyph(data.family));
  pane.glyph.title = familyName(data.family);
  pane.title.textContent = data.title;
  pane.title.title = data.title;
  pane.time.textContent = isDone(data) ? seconds(data.seconds) : "";
  pane.stage.setAttribute("aria-label", describe(data));
  show(pane.image, data.state === "error" || data.state === "unavailable" ? "" : ownUrl(data.src));
  drawCover(pane, data);
  drawRunning(pane, data);
  drawStrip(pane, raw);
  drawChips(pane, data);
  setAttributes(pane.more, { "aria-label": "More for " + data.title, disabled: menuItems(data).length === 0 });
  if (menuItems(data).length === 0) closeMenu(pane);
  const now = JSON.stringify([data.run, data.state, data.seed]);
  if (pane.state && pane.state !== now && ["done", "error", "stopped"].includes(data.run))
    say.textContent = data.title + ": " + (data.state === "done" ? "done in " + seconds(data.seconds) : STATE_TEXT[data.run] + ". " + (data.err || ""));
  pane.state = now;
}

/* ---- the menu of a pane ---- */

function menuItems(data) {
  const active = data.run === "running" || data.run === "queued";
  const ended = data.run === "stopped" || data.run === "error";
  const full = ownUrl(data.src) && (isDone(data) || data.state === "stopped");
  return [
    full && ["Download PNG", () => download(data)],
    full && isDone(data) && isFamily(data.family) && ["Use as input", () => trigger("use", { id: data.id, name: data.name ?? data.id })],
    ended && [data.answers ? "Draw the rest" : "Retry", () => trigger("retry", { id: data.id })],
    active && ["Stop", () => trigger("stop", { id: data.id })],
  ].filter(Boolean);
}

function download(data) {
  const link = el("a", { href: ownUrl(data.src), download: (data.file || data.id) + ".png" });
  root.append(link);
  link.click();
  link.remove();
}

function closeMenu(pane, focus) {
  if (pane.menu.hidden) return;
  pane.menu.hidden = true;
  pane.more.setAttribute("aria-expanded", "false");
  if (focus) pane.more.focus();
}

function toggleMenu(pane) {
  const open = pane.menu.hidden;
  for (const other of shown.values()) closeMenu(other);
  if (!open) return;
  pane.menu.replaceChildren();
  for (const [text, run] of menuItems(pane.data)) {
    const click = () => {
      closeMenu(pane, true);
      run();
    };
    pane.menu.append(el("button", { type: "button", role: "menuitem", tabindex: "-1", text, on: { click } }));
  }
  pane.menu.hidden = false;
  pane.more.setAttribute("aria-expanded", "true");
  pane.menu.firstChild.focus();
}

function menuKeys(event, pane) {
  const items = [...pane.menu.children];
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (move) items[(items.indexOf(document.activeElement) + move + items.length) % items.length].focus();
  else if (event.key === "Escape") closeMenu(pane, true);
  else if (event.key === "Tab") closeMenu(pane);
  else if (event.key !== "Enter" && event.key !== " ") return;
  else return event.stopPropagation();
  if (event.key !== "Tab") event.preventDefault();
  event.stopPropagation();
}

document.addEventListener("pointerdown", (event) => {
  for (const pane of shown.values()) if (!pane.menu.hidden && !pane.node.contains(event.target)) closeMenu(pane);
});

/* ---- two pictures in one stage: slider and flip ---- */

function makeDuo() {
  const duo = { images: [picture(), picture()], names: [el("span", { class: "label left" }), el("span", { class: "label right" })] };
  duo.originals = [picture(), picture()];
  for (const image of duo.originals) image.classList.add("original");
  duo.over = el("div", { class: "over" }, layer(duo.images[1], duo.originals[1]));
  duo.handle = el("div", { class: "handle", role: "slider", tabindex: "0", "aria-label": "Divide", "aria-valuemin": "0", "aria-valuemax": "100" }, el("span", { class: "grip", text: "⇔", "aria-hidden": "true" }));
  duo.stage = el("div", { class: "stage", tabindex: "0", role: "img" }, layer(duo.images[0], duo.originals[0]), duo.over);
  duo.frame = el("div", { class: "frame" }, duo.stage, ...duo.names, duo.handle);
  duo.selects = ["Left picture", "Right picture"].map((name, i) => el("select", { "aria-label": name, on: { change: (event) => choosePair(i, event.target.value) } }));
  duo.swap = el("button", { type: "button", text: "⇄", "aria-label": "Swap the two", title: "Swap the two", on: { click: swapPair } });
  duo.hold = el("button", { type: "button", class: "hold", text: "Hold to flip (F)" });
  duo.hold.addEventListener("pointerdown", () => setFlip(true));
  for (const type of ["pointerup", "pointerleave", "pointercancel"]) duo.hold.addEventListener(type, () => setFlip(false));
  duo.hold.addEventListener("keydown", (event) => (event.key === " " || event.key === "Enter") && (event.preventDefault(), setFlip(true)));
  duo.hold.addEventListener("keyup", (event) => (event.key === " " || event.key === "Enter") && setFlip(false));
  duo.node = el("div", { class: "duo", hidden: true }, el("div", { class: "choice" }, duo.selects[0], duo.swap, duo.selects[1], duo.hold), duo.frame);
  duo.handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    duo.handle.focus();
    duo.handle.setPointerCapture(event.pointerId);
  });
  duo.handle.addEventListener("pointermove", (event) => duo.handle.hasPointerCapture(event.pointerId) && setCut((100 * place(duo.stage, event)[0]) / duo.stage.clientWidth));
  duo.handle.addEventListener("keydown", cutKeys);
  gestures(duo.stage, () => pair[mode === "flip" && flipped ? 1 : 0]);
  return duo;
}

function setCut(next) {
  cut = Math.min(Math.max(next, 0), 100);
  duo.frame.style.setProperty("--cut", cut + "%");
  const names = pair.map((id) => shown.get(id)?.data.title ?? "");
  setAttributes(duo.handle, { "aria-valuenow": Math.round(cut), "aria-valuetext": Math.round(cut) + " % " + names[0] + ", the rest " + names[1] });
}

function cutKeys(event) {
  const step = event.shiftKey ? 10 : 2;
  const next = { ArrowLeft: cut - step, ArrowDown: cut - step, ArrowRight: cut + step, ArrowUp: cut + step, Home: 0, End: 100 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  setCut(next);
}

function withPicture() {
  return value.panes.map(shownOf).filter((p) => ownUrl(p.src) && p.state !== "error" && p.state !== "unavailable");
}

function settlePair() {
  const all = withPicture().map((p) => p.id);
  const methods = withPicture().filter((p) => isFamily(p.family)).map((p) => p.id);
  const wish = methods.length > 1 ? methods : [...all.filter((id) => id === "original"), ...methods, ...all];
  if (!ownPair) pair = [null, null];
  for (const i of [0, 1]) if (!all.includes(pair[i])) pair[i] = wish.find((id) => id !== pair[1 - i]) ?? all.find((id) => id !== pair[1 - i]) ?? null;
}

function choosePair(i, id) {
  if (pair[1 - i] === id) pair[1 - i] = pair[i];
  pair[i] = id;
  ownPair = true;
  drawDuo();
  trigger("pair", { a: pair[0], b: pair[1] });
}

function swapPair() {
  pair.reverse();
  ownPair = true;
  drawDuo();
  trigger("pair", { a: pair[0], b: pair[1] });
}

function drawDuo() {
  settlePair();
  const choices = withPicture();
  const key = JSON.stringify(choices.map((p) => [p.id, p.title]));
  duo.selects.forEach((select, i) => {
    if (select.dataset.key !== key) select.replaceChildren(...choices.map((p) => el("option", { value: p.id, text: (isFamily(p.family) ? FAMILIES[p.family][0] : "○") + " " + p.title })));
    select.dataset.key = key;
    select.value = pair[i] ?? "";
    const data = choices.find((p) => p.id === pair[i]);
    show(duo.images[i], ownUrl(data && data.src));
    duo.names[i].replaceChildren(...(data ? [familyGlyph(data.family), el("span", { text: data.title })] : []));
  });
  duo.stage.setAttribute("aria-label", choices.filter((p) => pair.includes(p.id)).map(describe).join("; "));
  setCut(cut);
}

function setFlip(on) {
  flipped = on;
  root.classList.toggle("flipped", on);
}

/* ---- error maps ---- */

function magma(index) {
  return "#" + MAGMA.slice(6 * index, 6 * index + 6);
}

const magmaBytes = Uint8Array.from({ length: 768 }, (_, i) => parseInt(MAGMA.slice(2 * i, 2 * i + 2), 16));

async function pixels(address, size) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const [w, h] = size || [image.naturalWidth, image.naturalHeight];
  const context = el("canvas", { width: w, height: h }).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, w, h);
  return context.getImageData(0, 0, w, h);
}

function colourError(picture, reference) {
  const [a, b] = [picture.data, reference.data];
  for (let i = 0; i < a.length; i += 4) {
    const d = (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2])) / 3;
    const k = 3 * Math.round((255 * Math.min(d, ERROR_FULL)) / ERROR_FULL);
    a[i] = magmaBytes[k];
    a[i + 1] = magmaBytes[k + 1];
    a[i + 2] = magmaBytes[k + 2];
    a[i + 3] = 255;
  }
  return picture;
}

let mapping = Promise.resolve();

function drawErrorMaps() {
  const reference = referenceUrl();
  for (const pane of shown.values()) {
    const src = ownUrl(pane.data.src);
    const wanted = mode === "error" && reference && src && src !== reference && isFamily(pane.data.family) && isDone(pane.data) ? src + " " + reference : "";
    if (wanted === pane.mapKey || mode !== "error") continue;
    pane.mapKey = wanted;
    pane.map?.remove();
    pane.map = null;
    if (wanted) mapping = mapping.then(() => mapPane(pane, wanted, src, reference)).catch(() => mapFailed(pane));
  }
}

async function mapPane(pane, key, src, reference) {
  const target = await pixels(reference);
  const map = colourError(await pixels(src, [target.width, target.height]), target);
  if (pane.mapKey !== key) return;
  pane.map = el("canvas", { class: "map picture", width: map.width, height: map.height });
  pane.map.getContext("2d").putImageData(map, 0, 0);
  pane.layer.append(pane.map);
}

function mapFailed(pane) {
  pane.mapKey = null;
  say.textContent = "The error map of " + pane.data.title + " could not be computed.";
}

/* ---- modes, keys, drawing ---- */

function modeReason(id) {
  if (id === "error" && !referenceUrl()) return NO_ORIGINAL;
  return id === "grid" || withPicture().length > 1 ? "" : TWO_NEEDED;
}

function setMode(id) {
  if (modeReason(id)) return;
  mode = id;
  root.dataset.mode = id;
  drawModes();
  drawDuo();
  drawErrorMaps();
  applyView();
}

function drawModes() {
  for (const [id, node] of Object.entries(modes)) {
    enable(node, modeReason(id));
    setAttributes(node, { "aria-checked": id === mode, tabindex: id === mode ? "0" : "-1" });
  }
  const two = mode === "slider" || mode === "flip";
  grid.hidden = two || value.panes.length === 0;
  duo.node.hidden = !two;
  duo.hold.hidden = mode !== "flip";
  duo.handle.hidden = mode !== "slider";
  legend.hidden = mode !== "error";
  empty.hidden = value.panes.length > 0;
}

function stepMode(event) {
  const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!move) return;
  event.preventDefault();
  event.stopPropagation();
  const ids = Object.keys(modes);
  const next = ids[(ids.indexOf(event.target === modes[mode] ? mode : ids.find((id) => modes[id] === event.target)) + move + ids.length) % ids.length];
  modes[next].focus();
  setMode(next);
}

function pick(id) {
  picked = id;
  for (const pane of shown.values()) pane.node.classList.toggle("picked", pane.id === id);
  trigger("pick", { id });
}

function toggleMode(id) {
  setMode(mode === id ? "grid" : id);
}

const KEYS = {
  "+": () => zoomStep(1),
  "=": () => zoomStep(1),
  "-": () => zoomStep(-1),
  "−": () => zoomStep(-1),
  0: fit,
  z: () => zoomTo(1),
  s: () => toggleMode("slider"),
  d: () => toggleMode("error"),
  ArrowLeft: () => panBy(40, 0),
  ArrowRight: () => panBy(-40, 0),
  ArrowUp: () => panBy(0, 40),
  ArrowDown: () => panBy(0, -40),
};

function showOriginal(on) {
  const address = originalUrl();
  if (on) for (const image of [...[...shown.values()].map((p) => p.original), ...duo.originals]) show(image, address);
  root.classList.toggle("with-original", on && Boolean(address));
}

function keyDown(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("select, input, textarea, [role=menu]")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const onButton = event.target.closest("button");
  if (key === " " && !onButton) {
    event.preventDefault();
    return showOriginal(true);
  }
  if (key === "Enter" && event.target.classList.contains("stage")) {
    const pane = [...shown.values()].find((p) => p.stage === event.target);
    return pick(pane ? pane.id : pair[0]);
  }
  if (key === "f" && !event.repeat) {
    if (mode !== "flip") setMode("flip");
    if (mode === "flip") duo.stage.focus({ preventScroll: true });
    return setFlip(mode === "flip");
  }
  if (/^[1-9]$/.test(key)) {
    const pane = shown.get(value.panes[key - 1]?.id);
    if (!pane) return;
    if (!grid.hidden) pane.stage.focus();
    return pick(pane.id);
  }
  if (!Object.hasOwn(KEYS, key) || (onButton && key.startsWith("Arrow"))) return;
  event.preventDefault();
  KEYS[key]();
}

root.addEventListener("keydown", keyDown);
root.addEventListener("keyup", (event) => {
  if (event.key === " ") showOriginal(false);
  if (event.key.toLowerCase() === "f") setFlip(false);
});
root.addEventListener("focusout", (event) => {
  if (root.contains(event.relatedTarget)) return;
  showOriginal(false);
  setFlip(false);
});

function draw(next) {
  const before = [value.w, value.h];
  value = { ...next, w: Number(next?.w) || 0, h: Number(next?.h) || 0, panes: Array.isArray(next?.panes) ? next.panes : [] };
  if (before[0] !== value.w || before[1] !== value.h) scale = null;
  const shape = Math.min(Math.max(value.w / value.h || 4 / 3, 0.8), 2.2);
  root.style.setProperty("--shape", shape);
  root.style.setProperty("--w", value.w + "px");
  root.style.setProperty("--h", value.h + "px");
  const panes = new Map();
  for (const data of value.panes) {
    const pane = shown.get(data.id) ?? makePane(data.id);
    panes.set(data.id, pane);
    drawPane(pane, data);
    pane.node.classList.toggle("picked", data.id === picked);
  }
  const nodes = [...panes.values()].map((p) => p.node);
  if (nodes.length !== grid.children.length || nodes.some((node, i) => grid.children[i] !== node)) grid.replaceChildren(...nodes);
  shown = panes;
  if (next?.mode !== asked) {
    asked = next?.mode;
    if (Object.hasOwn(modes, asked)) mode = asked;
  }
  if (modeReason(mode)) mode = "grid";
  setMode(mode);
}

grid.addEventListener("scroll", hideTip, { passive: true });
new ResizeObserver(applyView).observe(root);
onValue(draw);
