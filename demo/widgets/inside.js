/* Frames of what happens inside a method: a scrubber, two linked pictures, a curve, and where attention copied from. */

let value = { methods: [], sources: [], presets: [], frames: [], state: "ready" };
let all = [];         // every frame; value.frames holds those the scrubber stops at
let at = 0;
let own = false;      // true once the visitor has moved the scrubber of this run
let beside = "auto";
let timer = 0;
let cursor = null;    // the point that is asked, as fractions of row and column
let run = "";         // which run the frames belong to

const STATES = { queued: "Queued", running: "Running", stopped: "Stopped", error: "Failed" };
const BESIDES = [["auto", "Auto"], ["input", "Input"], ["result", "Result"], ["original", "What was there"]];

const methods = el("div", { class: "methods", role: "radiogroup", "aria-label": "Method" });
const sources = el("div", { class: "sources", role: "radiogroup", "aria-label": "Picture with a hole" });
const presets = el("div", { class: "presets", role: "radiogroup", "aria-label": "Preset" });
const presetBox = el("section", { hidden: true }, el("h2", { text: "Network calls and time" }), presets);
const sourceName = el("p", { class: "small" });
const runButton = el("button", { type: "button", class: "primary", id: "inside-run", text: "Run", on: { click: start } });
const stopButton = el("button", { type: "button", id: "inside-stop", text: "Stop", on: { click: stop } });
const note = el("p", { class: "note", role: "status", hidden: true });
const side = el(
  "div",
  { class: "side" },
  el("section", {}, el("h2", { text: "Method" }), methods),
  el("section", {}, el("h2", { text: "Picture with a hole" }), sources, sourceName),
  el("div", { class: "runbox" }, presetBox, el("div", { class: "runbar" }, runButton, stopButton)),
  note,
);

const lesson = el("p", { class: "lesson" });
const track = el("div", { class: "track", role: "progressbar", "aria-label": "Progress", "aria-valuemin": "0", "aria-valuemax": "100" }, el("div", { class: "fill" }));
const status = el("div", { class: "status", hidden: true }, el("span"), track);
const back = step("‹", "Frame before (,)", -1);
const forth = step("›", "Frame after (.)", 1);
const play = el("button", { type: "button", class: "play", text: "Play", title: "Play (P)", on: { click: toggle } });
const range = el("input", { type: "range", min: "0", max: "0", value: "0", step: "1", "aria-label": "Frame", on: { input: () => go(Number(range.value)) } });
const count = el("span", { class: "count" });
const kinds = el("div", { class: "kinds", role: "group", "aria-label": "Parts" });
const scrub = el("div", { class: "scrub", hidden: true }, el("div", { class: "reel" }, back, range, forth, play, count), kinds);
const extra = pane("extra");
const left = pane("left");
const right = pane("right");
const compare = el("div", { class: "beside", role: "radiogroup", "aria-label": "Beside it" });
for (const [id, title] of BESIDES) compare.append(el("button", { type: "button", role: "radio", "data-id": id, text: title, on: { click: () => choose(id) } }));
const flip = el("button", { type: "button", class: "flip", text: "Hold to flip", title: "Shows the right picture in the left one's place (hold F)" });
const tools = el("div", { class: "tools", hidden: true }, el("span", { class: "small", text: "Beside it" }), compare, flip);
const pair = el("div", { class: "pair" }, left.node, right.node);
const curves = el("div", { class: "curves" });
const say = el("div", { class: "sr", "aria-live": "polite" });
root.append(el("div", { class: "layout" }, side, el("div", { class: "view" }, lesson, status, scrub, pair, tools, curves)), say, tip);

function step(text, name, by) {
  return el("button", { type: "button", class: "step", text, "aria-label": name, title: name, on: { click: () => go(at + by) } });
}

function pane(name) {
  const image = el("img", { alt: "", draggable: "false", decoding: "async" });
  const over = svg("svg", { class: "over", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" });
  const hint = el("p", { class: "hint", hidden: true });
  const stage = el("div", { class: "stage" }, image, over, hint);
  const title = el("strong");
  const number = el("span", { class: "number" });
  return { image, over, hint, stage, title, number, node: el("figure", { class: "pane " + name }, el("figcaption", {}, title, number), stage) };
}

/* ---- what is in view ---- */

function frame() {
  return value.frames[at];
}

function named(name) {
  return value.frames.find((one) => one.name === name);
}

/* Frames of two kinds that share what stands after the slash are shown together: the later one beside the first. */
function companion(one) {
  const part = one.name.split("/")[1];
  return part && all.find((other) => other !== one && other.name.split("/")[1] === part);
}

function isCompanion(one) {
  if (isRivalsFill(one)) return true;
  const other = companion(one);
  return Boolean(other) && all.indexOf(other) < all.indexOf(one);
}

/* The fill of the method that ran beside this one. */
function isRivalsFill(one) {
  return one.name !== "result" && one.name.endsWith("/result");
}

function isState(one) {
  return kindOf(one) === "noisy";
}

/* While it runs, a moment is shown once all its pictures are there: the noisy state, and an estimate for each line of the schedule. */
function isWhole(one) {
  return !isState(one) || value.state !== "running" || all.length - all.indexOf(one) > (value.schedule?.lines.length ?? 1);
}

function kindOf(one) {
  return one.name.split("/")[0];
}

function asks(one) {
  return Boolean(one && one.origin);
}

function showsHeat(one) {
  return Boolean(value.heat && one && value.heat.frame === one.name);
}

function original() {
  return value.original && { ...value.original, name: "original", title: "What was there before it was masked" };
}

function input() {
  return named("input") ?? { hint: "It is not there yet." };
}

/* A noisy state, the clean estimate, and what the estimate is compared with: that of the other method, if one runs beside it. */
function stateViews(now, fixed) {
  const part = now.name.split("/")[1];
  const group = all.filter((one) => one !== now && one.name.split("/")[1] === part);
  const clean = group.find((one) => kindOf(one) === "clean") ?? { hint: "It did not come any more." };
  return [clean, fixed ?? group.find((one) => one !== clean) ?? named("result") ?? input(), now];
}

/* The two pictures: the frame, and what tells most beside it; a third comes before them. */
function views() {
  const now = frame();
  const result = named("result");
  const fixed = { input: named("input"), result, original: original() }[beside];
  if (isState(now)) return stateViews(now, fixed);
  if (beside !== "auto") return [now, fixed ?? { hint: "It is not there yet." }];
  if (showsHeat(now)) return [now, { ...value.heat, title: "Where that point was copied from", heat: value.heat }];
  if (companion(now)) return [now, companion(now)];
  if (asks(now)) return [now, { ...named("input"), title: "Where a point was copied from", hint: "Choose a point inside the hole on the picture to the left: click it, or use the arrows and Enter." }];
  if ((now.name === "coarse" || now.name === "refined") && named("coarse") && named("refined")) return [named("coarse"), named("refined")];
  const rival = now.name === "result" && all.find(isRivalsFill);
  if (rival) return [{ ...now, title: methodTitle() + "'s fill" }, rival, original() ?? input()];
  if (now.name === "result") return [now, original() ?? named("input")];
  return [now, result ?? (now.name === "input" ? original() : named("input")) ?? { hint: "The result is not there yet." }];
}

function methodTitle() {
  return value.methods.find((one) => one.id === value.method)?.title ?? "";
}

function percent(v) {
  return v >= 0 && v <= 1 ? (100 * v).toFixed(v > 0 && v < 0.0995 ? 1 : 0) + " %" : String(Number(Number(v).toPrecision(3)));
}

function fill(one, shown, current) {
  one.title.textContent = shown.title ?? "";
  one.number.textContent = typeof shown.value === "number" && value.curves && value.curves[kindOf(shown)] && !isState(shown) ? percent(shown.value) : "";
  one.node.classList.toggle("current", current);
  const address = ownUrl(shown.src);
  if (one.image.dataset.src !== address) {
    one.image.dataset.src = address;
    address ? (one.image.src = address) : one.image.removeAttribute("src");
  }
  one.image.alt = shown.title ?? "";
  one.image.hidden = !address;
  one.hint.textContent = shown.hint ?? "";
  one.hint.hidden = !shown.hint;
  one.node.classList.toggle("hinted", Boolean(shown.hint));
  shape(one.stage, shown);
  one.stage.classList.toggle("pixelated", Boolean(shown.w) && one.stage.clientWidth >= 2 * shown.w);
}

/* All maps take the picture's shape, so that nothing jumps by a pixel; sheets of maps keep their own. */
function shape(stage, shown) {
  const first = all[0] ?? value.picture;
  const whole = first && first.w ? first.w / first.h : 1;
  const its = shown.w ? shown.w / shown.h : whole;
  stage.style.setProperty("--ratio", String(Math.abs(Math.log(its / whole)) < 0.15 ? whole : its));
}

function drawViews() {
  const any = value.frames.length > 0;
  scrub.hidden = tools.hidden = !any;
  pair.classList.toggle("single", !any);
  right.node.hidden = !any;
  extra.node.remove();
  pair.classList.remove("trio");
  if (!any) {
    fill(left, value.picture ? { ...value.picture, title: "The picture with its hole" } : { title: "", hint: "Choose a picture." }, false);
    overlays();
    return;
  }
  const [a, b, third] = views();
  pair.classList.toggle("trio", Boolean(third));
  if (!third) extra.node.remove();
  else if (!extra.node.parentNode) pair.prepend(extra.node);
  if (third) fill(extra, third, false);
  fill(left, a, a === frame());
  fill(right, b, b === frame());
  const asking = asks(a);
  setAttributes(left.stage, asking ? { tabindex: "0", role: "application", "aria-label": a.title + ". Arrows move the point, Enter asks where it was copied from." } : { tabindex: null, role: null, "aria-label": null });
  left.stage.classList.toggle("asking", asking);
  if (asking && !cursor) cursor = value.hole ?? [0.5, 0.5];
  overlays();
}

/* ---- the point and the line to where it came from ---- */

function cross(place, kind) {
  const [y, x] = place;
  const node = el("span", { class: "point " + kind });
  node.style.left = 100 * x + "%";
  node.style.top = 100 * y + "%";
  return node;
}

function overlays() {
  for (const one of [left, right]) {
    one.over.replaceChildren();
    for (const old of one.stage.querySelectorAll(".point")) old.remove();
  }
  const now = frame();
  if (asks(now) && cursor) left.stage.append(cross(cursor, "to"));
  if (!showsHeat(now) || beside !== "auto") return;
  const { at: to, from } = value.heat;
  for (const kind of ["under", "upper"]) right.over.append(svg("line", { class: kind, x1: to[1], y1: to[0], x2: from[1], y2: from[0], "vector-effect": "non-scaling-stroke" }));
  right.stage.append(cross(to, "to"), cross(from, "from"));
}

function ask() {
  const now = frame();
  const [row, column] = [Math.floor(cursor[0] * now.h), Math.floor(cursor[1] * now.w)];
  trigger("point", { frame: now.name, row, column });
}

left.stage.addEventListener("click", (event) => {
  if (!asks(frame())) return;
  const box = left.stage.getBoundingClientRect();
  cursor = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width].map((v) => Math.max(0, Math.min(0.9999, v)));
  left.stage.focus({ preventScroll: true });
  overlays();
  ask();
});

left.stage.addEventListener("keydown", (event) => {
  const now = frame();
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!asks(now) || (!move && event.key !== "Enter")) return;
  event.preventDefault();
  if (!move) return ask();
  const by = event.shiftKey ? 8 : Math.max(1, Math.round(Math.max(now.w, now.h) / 64));
  cursor = [cursor[0] + (move[0] * by) / now.h, cursor[1] + (move[1] * by) / now.w].map((v) => Math.max(0, Math.min(0.9999, v)));
  overlays();
});

/* ---- scrubber ---- */

function go(to) {
  if (!value.frames.length) return;
  at = Math.max(0, Math.min(value.frames.length - 1, to));
  own = true;
  drawFrame();
}

function drawFrame() {
  const n = value.frames.length;
  setAttributes(range, { max: String(Math.max(0, n - 1)) });
  range.value = String(at);
  const now = frame();
  range.setAttribute("aria-valuetext", now ? now.title : "");
  count.textContent = n ? at + 1 + " of " + n : "";
  enable(back, at === 0 ? "This is the first frame." : "");
  enable(forth, at >= n - 1 ? "This is the last frame." : "");
  for (const button of kinds.children) button.setAttribute("aria-pressed", String(Boolean(now) && button.dataset.kind === kindOf(now)));
  drawViews();
  for (const place of curves.querySelectorAll(".head")) placeHead(place);
  placePlayhead();
}

const NAMES = { gate: "Gates", mask: "Masks", noisy: "The run" };

function drawKinds() {
  const found = [...new Set(value.frames.map(kindOf))];
  if (kinds.dataset.key === found.join()) return;
  kinds.dataset.key = found.join();
  kinds.replaceChildren(...found.map((kind) => el("button", { type: "button", "data-kind": kind, text: NAMES[kind] ?? kind[0].toUpperCase() + kind.slice(1).replaceAll("_", " "), on: { click: () => go(value.frames.findIndex((one) => kindOf(one) === kind)) } })));
}

function pause() {
  clearInterval(timer);
  timer = 0;
  play.textContent = "Play";
}

function toggle() {
  if (timer) return pause();
  if (at >= value.frames.length - 1) go(0);
  play.textContent = "Pause";
  timer = setInterval(() => (at >= value.frames.length - 1 ? pause() : go(at + 1)), value.frames.length > 30 ? 250 : 600);
}

function choose(id) {
  beside = id;
  for (const button of compare.children) button.setAttribute("aria-checked", String(button.dataset.id === id));
  drawViews();
}

function flipped(on) {
  root.classList.toggle("flipped", on);
  if (on) left.stage.style.setProperty("--flip", "url(" + JSON.stringify(right.image.src || "") + ")");
}

flip.addEventListener("pointerdown", () => flipped(true));
for (const type of ["pointerup", "pointerleave", "pointercancel"]) flip.addEventListener(type, () => flipped(false));
flip.addEventListener("keydown", (event) => (event.key === " " || event.key === "Enter") && (event.preventDefault(), flipped(true)));
flip.addEventListener("keyup", () => flipped(false));
root.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const act = { ",": () => go(at - 1), ".": () => go(at + 1), p: toggle, f: () => flipped(true) }[event.key];
  if (!act) return;
  event.preventDefault();
  if (!event.repeat || event.key === "," || event.key === ".") act();
});
root.addEventListener("keyup", (event) => event.key === "f" && flipped(false));
root.addEventListener("focusout", () => flipped(false));

/* ---- curves: the number of each frame of a kind ---- */

function parts(kind) {
  const found = new Map();
  value.frames.forEach((one, place) => {
    if (kindOf(one) !== kind || typeof one.value !== "number") return;
    const part = one.name.includes("-") ? one.name.slice(0, one.name.lastIndexOf("-")) : kind;
    found.set(part, [...(found.get(part) ?? []), { place, v: one.value, title: one.title }]);
  });
  return [...found.entries()];
}

function drawCurves() {
  const width = Math.floor(curves.clientWidth);
  const key = JSON.stringify([width, value.schedule, value.frames.map((one) => [one.name, one.value])]);
  if (!width || curves.dataset.key === key) return;
  curves.dataset.key = key;
  const found = [...new Set(value.frames.map(kindOf))].map((kind) => [kind, parts(kind)]);
  const drawn = found.filter(([kind, lines]) => !(value.schedule && kind === "noisy") && lines.flatMap(([, points]) => points).length > 1);
  playhead = null;
  curves.replaceChildren(...(value.schedule ? [scheduleFigure(value.schedule, width)] : []), ...drawn.map(([kind, lines]) => curve(kind, lines, width)));
  placePlayhead();
}

/* ---- the schedule: the timestep over the steps of the whole run, which is known before it; the moments that are kept stand on it ---- */

let playhead = null;

function thousands(v) {
  return Number(v).toLocaleString("en");
}

function stepOf(one) {
  return Number(one.name.split("/")[1]);
}

/* The step at which a line first comes down to timestep t. */
function reaches(points, t) {
  const i = points.findIndex((point) => point[1] <= t);
  if (i < 1) return 0;
  const [[s0, t0], [s1, t1]] = [points[i - 1], points[i]];
  return s0 + ((t0 - t) / (t0 - t1 || 1)) * (s1 - s0);
}

function scheduleFigure({ top: most, steps, lines }, width) {
  const [x0, x1, top, bottom, height] = [44, width - 12, 12, 152, 180];
  const x = (s) => x0 + (s / Math.max(1, steps)) * (x1 - x0);
  const y = (t) => bottom - (t / most) * (bottom - top);
  const says = lines.map((line) => line.title + ": " + thousands(line.points.at(-1)[0]) + " steps, " + thousands(line.calls) + " network calls").join("; ");
  const plot = svg("svg", { class: "plot", width, height, viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": "Timestep over steps. " + says });
  for (const t of [0, most / 2, most]) plot.append(svg("line", { class: "rule", x1: x0, x2: x1, y1: y(t), y2: y(t) }), svg("text", { x: x0 - 8, y: y(t) + 4, "text-anchor": "end", text: thousands(t) }));
  for (const [place, anchor] of [[0, "start"], [0.5, "middle"], [1, "end"]]) plot.append(svg("text", { x: x(place * steps), y: height - 10, "text-anchor": anchor, text: (place ? "" : "Step ") + thousands(Math.round(place * steps)) }));
  lines.forEach(({ points }, i) => plot.prepend(svg("path", { class: "line" + (i ? " other" : points.length > 100 ? " dense" : ""), d: "M" + points.map(([s, t]) => x(s).toFixed(1) + " " + y(t).toFixed(1)).join("L") })));
  const moments = value.frames.map((one, place) => ({ one, place })).filter(({ one }) => isState(one));
  for (const { one } of moments) plot.append(svg("circle", { class: "dot", cx: x(stepOf(one)), cy: y(one.value), r: 3 }, svg("title", { text: one.title })));
  const line = svg("line", { class: "playhead", y1: top, y2: bottom });
  const rings = lines.map((_, i) => svg("circle", { class: i ? "ring other" : "ring", r: 5.5 }));
  const moving = svg("g", {}, line, ...rings);
  plot.append(moving);
  const says2 = el("span", { class: "number" });
  playhead = { moving, line, rings, lines, steps, most, x, y, says: says2 };
  plot.addEventListener("click", (event) => {
    const px = event.clientX - plot.getBoundingClientRect().left;
    if (moments.length) go(moments.toSorted((a, b) => Math.abs(x(stepOf(a.one)) - px) - Math.abs(x(stepOf(b.one)) - px))[0].place);
  });
  const keys = lines.map((one, i) => el("span", { class: i ? "key other" : "key", text: one.title + ", " + thousands(one.calls) + " network calls" }));
  return el("figure", { class: "curve schedule" }, el("figcaption", {}, el("strong", { text: (value.curves && value.curves.noisy) || "Schedule" }), says2), plot, el("p", { class: "keys small" }, ...keys));
}

/* To the frame in view: before the run at its start, after it at its end. */
function placePlayhead() {
  if (!playhead) return;
  const { moving, line, rings, lines, steps, most, x, y, says } = playhead;
  const now = frame();
  const state = now && isState(now) ? now : null;
  const step = state ? stepOf(state) : now && now.name === "result" ? steps : 0;
  const t = state ? state.value : step ? 0 : lines[0].points[0][1];
  moving.classList.toggle("away", !now);
  setAttributes(line, { x1: x(step), x2: x(step) });
  rings.forEach((ring, i) => setAttributes(ring, { cx: x(i ? reaches(lines[i].points, t) : step), cy: y(t) }));
  says.textContent = now ? "step " + thousands(step) + " of " + thousands(steps) + ", timestep " + thousands(t) : thousands(steps) + " steps";
}

function curve(kind, lines, width) {
  const points = lines.flatMap(([, some]) => some);
  const label = (value.curves && value.curves[kind]) ?? kind;
  const [x0, x1, top, bottom, height] = [44, width - 16, 12, 132, 160];
  const values = points.map((p) => p.v);
  const share = Math.min(...values) >= 0 && Math.max(...values) <= 1;
  const [low, high] = share ? [0, 1] : [Math.min(...values), Math.max(...values)];
  const [first, last] = [points[0].place, points.at(-1).place];
  const x = (place) => x0 + ((place - first) / Math.max(1, last - first)) * (x1 - x0);
  const y = (v) => bottom - ((v - low) / (high - low || 1)) * (bottom - top);
  const plot = svg("svg", { class: "plot", width, height, viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": label + ": " + points.map((p) => percent(p.v)).join(", ") });
  for (const v of [low, (low + high) / 2, high]) plot.append(svg("line", { class: "rule", x1: x0, x2: x1, y1: y(v), y2: y(v) }), svg("text", { x: x0 - 8, y: y(v) + 4, "text-anchor": "end", text: percent(v) }));
  const head = svg("line", { class: "head", y1: top, y2: bottom });
  Object.assign(head, { place: { x, first, last } });
  placeHead(head);
  plot.append(head);
  lines.forEach(([part, some]) => {
    const d = "M" + some.map((p) => x(p.place).toFixed(1) + " " + y(p.v).toFixed(1)).join("L");
    if (some.length > 1) plot.append(svg("path", { class: "line", d }));
    for (const p of some) plot.append(svg("circle", { class: "dot", cx: x(p.place), cy: y(p.v), r: 3.5 }, svg("title", { text: p.title + ": " + percent(p.v) })));
    if (lines.length > 1) plot.append(svg("text", { class: "part", x: x(some[0].place), y: height - 10, text: part.split("/").at(-1) }));
  });
  if (lines.length < 2) plot.append(svg("text", { x: x0, y: height - 10, text: "first" }), svg("text", { x: x1, y: height - 10, "text-anchor": "end", text: "last" }));
  plot.addEventListener("click", (event) => {
    const px = event.clientX - plot.getBoundingClientRect().left;
    go(points.toSorted((a, b) => Math.abs(x(a.place) - px) - Math.abs(x(b.place) - px))[0].place);
  });
  return el("figure", { class: "curve" }, el("figcaption", {}, el("strong", { text: label }), el("span", { class: "small", text: "Click to go there" })), plot);
}

function placeHead(head) {
  const { x, first, last } = head.place;
  const seen = at >= first && at <= last;
  head.classList.toggle("away", !seen);
  setAttributes(head, { x1: x(Math.max(first, Math.min(last, at))), x2: x(Math.max(first, Math.min(last, at))) });
}

/* ---- choosing and running ---- */

async function hole() {
  const made = window.inpainting && window.inpainting.mask;
  return made ? await made() : "";
}

async function start() {
  if (isOff(runButton)) return;
  pause();
  trigger("run", { mask: value.source === "compare" ? await hole() : "" });
  if (root.clientWidth < 760) scrub.parentElement.scrollIntoView({ block: "start" });
}

function stop() {
  if (!isOff(stopButton)) trigger("stop", {});
}

async function pick(what) {
  pause();
  trigger("pick", { ...what, mask: what.source === "compare" ? await hole() : "" });
}

function radios(box, items, chosen) {
  const free = items.filter((one) => !isOff(one));
  const stop = free.includes(chosen) ? chosen : free[0];
  for (const one of items) one.tabIndex = one === stop ? 0 : -1;
}

function arrows(event) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!by) return;
  const all = [...event.currentTarget.querySelectorAll("[role=radio]")];
  const next = all[(all.indexOf(document.activeElement) + by + all.length) % all.length];
  event.preventDefault();
  next.tabIndex = 0;
  next.focus();
}
for (const box of [methods, sources, presets, compare]) box.addEventListener("keydown", arrows);

function methodNode(one) {
  const node = el(
    "button",
    { type: "button", role: "radio", class: "method", "data-id": one.id, "aria-checked": String(one.id === value.method), "aria-disabled": String(Boolean(one.why)), on: { click: () => one.why || pick({ method: one.id }) } },
    familyGlyph(one.family),
    el("span", { class: "name" }, el("span", { text: one.title }), one.why ? el("span", { class: "why", text: one.why }) : null),
  );
  node.style.setProperty("--family", familyColour(one.family));
  return node;
}

function sourceNode(one) {
  const name = one.title + (one.why ? ". " + one.why : "");
  return el(
    "button",
    { type: "button", role: "radio", class: "source", "data-id": one.id, "aria-label": name, "data-tip": name, "aria-checked": String(one.id === value.source), "aria-disabled": String(Boolean(one.why)), on: { click: () => one.why || pick({ source: one.id }) } },
    el("img", { src: ownUrl(one.src), alt: "" }),
    one.id === "compare" ? el("span", { class: "badge", text: "Compare" }) : null,
  );
}

function presetNode(one) {
  return el(
    "button",
    { type: "button", role: "radio", class: "preset", "data-id": one.id, "aria-checked": String(one.id === value.preset), on: { click: () => pick({ preset: one.id }) } },
    el("span", { class: "name", text: one.title }),
    ...one.costs.map((text) => el("span", { class: "cost", text })),
  );
}

function drawChoice() {
  const offered = JSON.stringify([value.presets, value.preset]);
  if (presets.dataset.key !== offered) {
    presets.dataset.key = offered;
    const focused = presets.contains(document.activeElement) && document.activeElement.dataset.id;
    presets.replaceChildren(...value.presets.map(presetNode));
    if (focused) presets.querySelector('[data-id="' + focused + '"]')?.focus();
  }
  presetBox.hidden = !value.presets.length;
  const key = JSON.stringify([value.methods, value.method]);
  if (methods.dataset.key !== key) {
    methods.dataset.key = key;
    methods.replaceChildren(...value.methods.map(methodNode));
    if (!value.methods.length) methods.append(el("p", { class: "small", text: "No method here can show its inside." }));
  }
  const pictures = JSON.stringify([value.sources, value.source]);
  if (sources.dataset.key !== pictures) {
    sources.dataset.key = pictures;
    sources.replaceChildren(...value.sources.map(sourceNode));
  }
  for (const box of [methods, sources, presets, compare]) radios(box, [...box.querySelectorAll("[role=radio]")], box.querySelector("[aria-checked=true]"));
  const chosen = value.sources.find((one) => one.id === value.source);
  sourceName.textContent = (chosen ? chosen.title + ". " : "") + (chosen && chosen.id === "compare" ? "" : "For a picture and a hole of your own, open and paint it in Compare.");
  lesson.textContent = value.lesson ?? "";
  note.hidden = !value.note;
  note.textContent = value.note ?? "";
  note.classList.toggle("error", Boolean(value.error));
  setAttributes(note, { role: value.error ? "alert" : "status" });
}

function drawState() {
  const busy = value.state === "queued" || value.state === "running";
  runButton.textContent = busy ? "Running …" : value.run ?? "Run";
  enable(runButton, busy ? "It is running." : value.ready ? "" : value.why ?? "Choose a method and a picture.");
  enable(stopButton, busy ? "" : "Nothing is running.");
  status.hidden = value.state === "ready" || value.state === "done";
  const left = value.eta ? "about " + seconds(value.eta) : "";
  const ahead = value.place ? value.place + " ahead" : "";
  status.firstChild.textContent = [STATES[value.state] ?? "", ahead, left].filter(Boolean).join(", ") + (value.err ? ": " + value.err : "");
  status.classList.toggle("failed", value.state === "error");
  track.hidden = value.state !== "running";
  track.firstChild.style.width = 100 * (value.progress ?? 0) + "%";
  track.setAttribute("aria-valuenow", String(Math.round(100 * (value.progress ?? 0))));
  root.setAttribute("aria-busy", String(busy));
  root.dataset.state = value.state;
  root.classList.toggle("scheduled", Boolean(value.schedule));
}

function follow() {
  const now = value.frames.length ? value.frames[0].src : "";
  if (now !== run) {
    run = now;
    own = false;
    cursor = null;
    at = 0;
    pause();
  }
  at = Math.min(at, Math.max(0, value.frames.length - 1));
  if (!own && value.state === "running") at = Math.max(0, value.frames.length - 1);
  if (!own && value.state === "done" && value.frames.length) {
    own = true;
    const telling = [(one) => one.name === "result" && value.frames.some(isState), (one) => one.origin, (one) => typeof one.value === "number", (one) => one.name === "coarse"];
    at = Math.max(0, telling.map((tells) => value.frames.findIndex(tells)).find((place) => place >= 0) ?? 0);
  }
  for (const one of all) if (!ready.has(one.src)) ready.set(one.src, Object.assign(new Image(), { src: ownUrl(one.src) }));
  for (const src of ready.keys()) if (!all.some((one) => one.src === src)) ready.delete(src);
}
const ready = new Map();

/* ---- in and out of view ---- */

let loaded = false;   // before the first value has come, the server does not know this visitor
let seen = false;

async function look() {
  const visible = root.clientWidth > 0;
  if (visible && loaded && !seen) {
    seen = true;
    address();
    trigger("open", { mask: await hole() });
  }
  if (!visible) seen = false;
}

new ResizeObserver(() => {
  look();
  if (root.clientWidth) drawCurves();
}).observe(root);

function address() {
  const tab = new URLSearchParams(location.search).get("t");
  if (value.query && root.clientWidth && tab === "inside") history.replaceState(null, "", location.pathname + value.query + location.hash);
}

document.addEventListener("keydown", (event) => {
  if (!root.offsetParent || !(event.ctrlKey || event.metaKey)) return;
  const target = { Enter: runButton, ".": stopButton }[event.key];
  if (target && !isOff(target)) {
    event.preventDefault();
    target.click();
  }
});

choose("auto");
onValue((next) => {
  if (!next) return;
  value = { methods: [], sources: [], presets: [], frames: [], ...next };
  all = value.frames;
  value.frames = all.filter((one) => !isCompanion(one) && isWhole(one));
  follow();
  drawChoice();
  drawState();
  drawKinds();
  drawFrame();
  drawCurves();
  address();
  root.dataset.rev = value.rev;
  loaded = true;
  look();
});
