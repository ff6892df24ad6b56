const LABELS_FROM = 560;
const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const MARKS = {
  baseline: (r) => "M" + -r + " 0a" + r + " " + r + " 0 1 0 " + 2 * r + " 0a" + r + " " + r + " 0 1 0 " + -2 * r + " 0Z",
  smoothing: (r) => polygon([[-1, -1], [1, -1], [1, 1], [-1, 1]], r * 0.9),
  patch: (r) => polygon([[0, -1.2], [1.15, 0.8], [-1.15, 0.8]], r),
  convolutional: (r) => polygon([[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]], r),
  diffusion: (r) => polygon(Array.from({ length: 10 }, (_, i) => [i, i % 2 ? 0.6 : 1.4]).map(([i, k]) => [k * Math.sin((Math.PI * i) / 5), -k * Math.cos((Math.PI * i) / 5)]), r),
  latent: (r) => polygon([[-0.4, -1.2], [0.4, -1.2], [0.4, -0.4], [1.2, -0.4], [1.2, 0.4], [0.4, 0.4], [0.4, 1.2], [-0.4, 1.2], [-0.4, 0.4], [-1.2, 0.4], [-1.2, -0.4], [-0.4, -0.4]], r),
  own_prior: (r) => polygon([[0, 1.2], [1.15, -0.8], [-1.15, -0.8]], r),
};

let value = { series: [] };
const hidden = new Set();
let spots = [];
let focused = [0, 0];
const places = new WeakMap();

const caption = el("div", { class: "caption" });
const legend = el("div", { class: "legend", role: "group", "aria-label": "Show or hide" });
const plot = svg("svg", { class: "plot", role: "group" });
const empty = el("p", { class: "nothing" });
root.append(caption, plot, empty, legend, tip);

function polygon(points, r) {
  return "M" + points.map(([x, y]) => (x * r).toFixed(2) + " " + (y * r).toFixed(2)).join("L") + "Z";
}

function markPath(family, r) {
  return (Object.hasOwn(MARKS, String(family)) ? MARKS[family] : MARKS.baseline)(r);
}

function isNumber(v) {
  return v !== null && v !== undefined && v !== "" && Number.isFinite(Number(v));
}

function axis(given, fallback) {
  return typeof given === "object" && given !== null ? given : { label: given ?? fallback };
}

function titleOf(series) {
  return series.title ?? series.id;
}

function text(v, of) {
  if (isNumber(of.digits)) return Number(v).toFixed(of.digits).replace("-", "−");
  return String(Number(Number(v).toPrecision(3))).replace("-", "−");
}

/* ---- scales ---- */

function niceStep(span, count) {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((k) => k * power >= raw * 0.999);
}

function linear(low, high, from, to, count) {
  if (low === high) [low, high] = [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)];
  const step = niceStep(high - low, count);
  const [a, b] = [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
  const ticks = Array.from({ length: Math.round((b - a) / step) + 1 }, (_, i) => a + i * step);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { at: (v) => from + ((v - a) / (b - a)) * (to - from), ticks: ticks.map((t) => [t, t.toFixed(places).replace("-", "−")]) };
}

function logarithmic(low, high, from, to) {
  const [a, b] = [Math.log10(low) - 0.08, Math.log10(high) + 0.08];
  const pad = Math.max(0, 0.5 - (b - a) / 2);
  const [l, h] = [a - pad, b + pad];
  const steps = h - l < 2.2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let p = Math.floor(l); p <= h; p++) for (const k of steps) if (Math.log10(k) + p >= l && Math.log10(k) + p <= h) ticks.push(k * 10 ** p);
  return { at: (v) => from + ((Math.log10(v) - l) / (h - l)) * (to - from), ticks: ticks.map((t) => [t, t >= 1e4 ? t.toExponential(0).replace("+", "") : String(Number(t.toPrecision(2)))]) };
}

function category(names, from, to) {
  const step = (to - from) / Math.max(names.length, 1);
  return { at: (v) => from + (names.indexOf(String(v)) + 0.5) * step, ticks: names.map((name) => [name, name]), step };
}

function xScale(points, x, from, to) {
  if (x.scale === "log" || x.scale === "linear") {
    const all = points.map((p) => Number(p.x)).filter((v) => Number.isFinite(v) && (x.scale !== "log" || v > 0));
    if (!all.length) return null;
    const [low, high] = [Math.min(...all), Math.max(...all)];
    return x.scale === "log" ? logarithmic(low, high, from, to) : linear(low, high, from, to, Math.max(3, Math.floor((to - from) / 80)));
  }
  const names = (x.values ?? [...new Set(points.map((p) => p.x))]).map(String);
  return category(names, from, to);
}

/* ---- drawing ---- */

function usable(series, x) {
  return (series.pts ?? []).filter((p) => isNumber(p.y) && (x.scale !== "log" || Number(p.x) > 0));
}

function segments(series, x) {
  const runs = [[]];
  for (const p of series.pts ?? []) {
    if (isNumber(p.y) && (x.scale !== "log" || Number(p.x) > 0)) runs.at(-1).push(p);
    else runs.push([]);
  }
  return runs.filter((run) => run.length);
}

function path(points) {
  return "M" + points.map(([px, py]) => px.toFixed(1) + " " + py.toFixed(1)).join("L");
}

function describe(series, p, x, y) {
  const interval = isNumber(p.lo) && isNumber(p.hi) ? " (95 % interval " + text(p.lo, y) + " to " + text(p.hi, y) + ")" : "";
  const where = x.scale === "log" || x.scale === "linear" ? text(p.x, x) + (x.unit ? " " + x.unit : "") : String(p.x) + (x.unit ? " " + x.unit : "");
  return titleOf(series) + ", " + where + ": " + text(p.y, y) + (y.unit ? " " + y.unit : "") + interval + (isNumber(p.n) ? ", n = " + p.n : "");
}

function mark(series, r) {
  const node = svg("path", { class: "mark", d: markPath(series.family, r) });
  node.style.fill = familyColour(series.family);
  return node;
}

function spot(series, p, scales, x, y) {
  const send = () => p.cell !== undefined && trigger("point", { cell: p.cell });
  const name = describe(series, p, x, y);
  const at = [scales.x.at(p.x), scales.y.at(Number(p.y))];
  const node = svg(
    "g",
    { class: "spot", role: "button", tabindex: "-1", "aria-label": name, "data-tip": name, transform: "translate(" + at[0] + " " + at[1] + ")", on: { click: send, keydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), send()) } },
    svg("circle", { class: "hit", r: 11 }),
    mark(series, 5),
  );
  places.set(node, at);
  return node;
}

/* Marks may overlap, so the pointer takes the nearest one, not the topmost. */
function nearest(event) {
  const box = plot.getBoundingClientRect();
  const far = (node) => Math.hypot(places.get(node)[0] - event.clientX + box.left, places.get(node)[1] - event.clientY + box.top);
  return spots.flat().filter((node) => far(node) < 24).sort((a, b) => far(a) - far(b))[0];
}

function markNear(node) {
  for (const other of plot.querySelectorAll(".near")) other.classList.remove("near");
  plot.classList.toggle("pointing", Boolean(node));
  if (!node) return hideTip();
  node.classList.add("near");
  showTip(node);
}

plot.addEventListener("pointermove", (event) => event.pointerType !== "touch" && markNear(nearest(event)));
plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && markNear(null));
plot.addEventListener("click", (event) => {
  if (spots.flat().some((node) => node.contains(event.target))) return;
  event.stopPropagation();
  const node = nearest(event);
  markNear(node);
  if (node) node.dispatchEvent(new Event("click"));
});

function lineOf(series, scales, x, dash) {
  const group = svg("g", { class: "series" });
  group.style.setProperty("--family", familyColour(series.family));
  for (const run of segments(series, x)) {
    const banded = run.filter((p) => isNumber(p.lo) && isNumber(p.hi));
    const px = (p) => scales.x.at(p.x);
    if (banded.length > 1) group.append(svg("path", { class: "band", d: path([...banded.map((p) => [px(p), scales.y.at(p.hi)]), ...banded.toReversed().map((p) => [px(p), scales.y.at(p.lo)])]) + "Z" }));
    else if (banded.length) group.append(svg("path", { class: "bar", d: path([[px(banded[0]), scales.y.at(banded[0].lo)], [px(banded[0]), scales.y.at(banded[0].hi)]]) }));
    if (run.length > 1) group.append(svg("path", { class: "line", "stroke-dasharray": dash || null, d: path(run.map((p) => [px(p), scales.y.at(p.y)])) }));
  }
  return group;
}

function barsOf(series, scales, x) {
  const group = svg("g", { class: "series" });
  group.style.setProperty("--family", familyColour(series.family));
  for (const p of usable(series, x)) if (isNumber(p.lo) && isNumber(p.hi)) group.append(svg("path", { class: "bar", d: path([[scales.x.at(p.x), scales.y.at(p.lo)], [scales.x.at(p.x), scales.y.at(p.hi)]]) }));
  return group;
}

function endLabels(visible, scales, x, right, top, bottom) {
  const ends = visible.map((series) => ({ series, y: scales.y.at(usable(series, x).at(-1).y) })).sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + 17);
  let limit = bottom;
  for (const end of ends.toReversed()) limit = (end.y = Math.max(top, Math.min(end.y, limit))) - 17;
  return svg("g", { class: "labels", "aria-hidden": "true" }, ...ends.map(({ series, y }) => {
    const label = mark(series, 4.5);
    label.setAttribute("transform", "translate(" + (right + 14) + " " + y + ")");
    return svg("g", {}, label, svg("text", { x: right + 24, y: y + 4, text: short(titleOf(series), 17) }));
  }));
}

function short(title, most) {
  const all = [...String(title)];
  return all.length > most ? all.slice(0, most - 1).join("") + "…" : all.join("");
}

function pointLabels(visible, scales, x, frame) {
  const taken = visible.flatMap((series) => usable(series, x).map((p) => [scales.x.at(p.x) - 8, scales.y.at(p.y) - 8, 16, 16]));
  const apart = (a) => a[0] >= frame[0] && a[0] + a[2] <= frame[1] && a[1] >= frame[2] && taken.every((b) => a[0] + a[2] <= b[0] || b[0] + b[2] <= a[0] || a[1] + a[3] <= b[1] || b[1] + b[3] <= a[1]);
  const group = svg("g", { class: "labels", "aria-hidden": "true" });
  for (const series of visible) {
    const p = usable(series, x).at(-1);
    const title = short(titleOf(series), 22);
    const width = 6.8 * [...title].length + 4;
    const [cx, cy] = [scales.x.at(p.x), scales.y.at(p.y)];
    const box = [[cx + 9, cy - 8], [cx - 9 - width, cy - 8], [cx - width / 2, cy - 25], [cx - width / 2, cy + 9]].map(([a, b]) => [a, b, width, 16]).find(apart);
    if (!box) continue;
    taken.push(box);
    group.append(svg("text", { x: box[0] + 2, y: box[1] + 12, text: title }));
  }
  return group;
}

function better(of) {
  return of.better === "low" ? ", lower is better" : of.better === "high" ? ", higher is better" : "";
}

function gridLines(scales, left, right, top, bottom, scatter) {
  const group = svg("g", { class: "axes", "aria-hidden": "true" });
  for (const [tick, label] of scales.y.ticks) group.append(svg("path", { class: "rule", d: path([[left, scales.y.at(tick)], [right, scales.y.at(tick)]]) }), svg("text", { class: "tick", x: left - 8, y: scales.y.at(tick) + 4, "text-anchor": "end", text: label }));
  const crowded = scales.x.step && scales.x.step < 40;
  scales.x.ticks.forEach(([tick, label], i) => {
    if (crowded && i % 2) return;
    if (scatter) group.append(svg("path", { class: "rule", d: path([[scales.x.at(tick), top], [scales.x.at(tick), bottom]]) }));
    group.append(svg("text", { class: "tick", x: scales.x.at(tick), y: bottom + 18, "text-anchor": "middle", text: label }));
  });
  group.append(svg("path", { class: "base", d: path([[left, bottom], [right, bottom]]) }));
  return group;
}

function draw() {
  const x = axis(value.x, "");
  const y = axis(value.y, "");
  const scatter = value.kind === "scatter";
  const drawable = value.series.filter((series) => usable(series, x).length);
  const visible = drawable.filter((series) => !hidden.has(series.id));
  const width = Math.max(Math.floor(root.clientWidth), 240);
  const height = Math.round(Math.min(Math.max(width * 0.56, 250), 400));
  const labelled = width >= LABELS_FROM;
  const [left, right, top, bottom] = [48, width - (labelled && !scatter ? 150 : 12), 30, height - 46];
  caption.textContent = value.title ?? value.caption ?? "";
  caption.hidden = !caption.textContent;
  setAttributes(plot, { width, height, viewBox: "0 0 " + width + " " + height, "aria-label": [caption.textContent, y.label + better(y) + " against " + x.label].filter(Boolean).join(". ") });
  plot.replaceChildren();
  hideTip();
  const points = visible.flatMap((series) => usable(series, x));
  const shownPoints = drawable.flatMap((series) => usable(series, x));
  empty.hidden = points.length > 0;
  empty.textContent = drawable.length ? "All lines are hidden." : value.note ?? "No numbers for this choice yet.";
  plot.toggleAttribute("hidden", points.length === 0);
  drawLegend(drawable);
  spots = [];
  if (!points.length) return;
  const all = points.flatMap((p) => [p.y, p.lo, p.hi].filter(isNumber).map(Number));
  const scales = { x: xScale(shownPoints, x, left, right), y: linear(Math.min(...all), Math.max(...all), bottom, top, 5) };
  plot.append(
    svg("text", { class: "axis", x: 0, y: 14, text: y.label + better(y) }),
    svg("text", { class: "axis", x: (left + right) / 2, y: height - 6, "text-anchor": "middle", text: x.label }),
    gridLines(scales, left, right, top, bottom, scatter),
  );
  for (const series of visible) plot.append(scatter ? barsOf(series, scales, x) : lineOf(series, scales, x, DASHES[dashOf(series)]));
  if (labelled || scatter) plot.append(scatter ? pointLabels(visible, scales, x, [left, right, top]) : endLabels(visible, scales, x, right, top + 4, bottom));
  for (const series of visible) {
    const row = usable(series, x).map((p) => spot(series, p, scales, x, y));
    spots.push(row);
    plot.append(...row);
  }
  focusAt(...focused, false);
}

function dashOf(series) {
  const same = value.series.filter((s) => s.family === series.family);
  return same.indexOf(series) % DASHES.length;
}

function drawLegend(drawable) {
  const key = JSON.stringify([value.kind, drawable.map((s) => [s.id, s.title, s.family, dashOf(s)])]);
  if (legend.dataset.key !== key) legend.replaceChildren(...drawable.map(legendItem));
  legend.dataset.key = key;
  drawable.forEach((series, i) => legend.children[i].setAttribute("aria-pressed", String(!hidden.has(series.id))));
}

function legendItem(series) {
  const sample = svg("svg", { width: 30, height: 14, viewBox: "0 0 30 14", "aria-hidden": "true" });
  sample.style.setProperty("--family", familyColour(series.family));
  if (value.kind !== "scatter") sample.append(svg("path", { class: "line", "stroke-dasharray": DASHES[dashOf(series)] || null, d: "M1 7L29 7" }));
  const sign = mark(series, 4.5);
  sign.setAttribute("transform", "translate(15 7)");
  sample.append(sign);
  const click = () => {
    hidden.has(series.id) ? hidden.delete(series.id) : hidden.add(series.id);
    draw();
  };
  return el("button", { type: "button", class: "toggle", on: { click } }, sample, el("span", { text: titleOf(series) }));
}

/* ---- keys: one stop for the chart, arrows inside it ---- */

function focusAt(line, place, move) {
  if (!spots.length) return;
  const row = Math.min(Math.max(line, 0), spots.length - 1);
  const col = Math.min(Math.max(place, 0), spots[row].length - 1);
  for (const node of spots.flat()) node.setAttribute("tabindex", "-1");
  focused = [row, col];
  spots[row][col].setAttribute("tabindex", "0");
  if (move) spots[row][col].focus();
}

plot.addEventListener("focusin", (event) => spots.forEach((row, i) => row.includes(event.target) && focusAt(i, row.indexOf(event.target), false)));

plot.addEventListener("keydown", (event) => {
  const [line, place] = focused;
  const to = { ArrowLeft: [line, place - 1], ArrowRight: [line, place + 1], ArrowUp: [line - 1, place], ArrowDown: [line + 1, place] }[event.key];
  if (!to) return;
  event.preventDefault();
  focusAt(...to, true);
});

let width = 0;
new ResizeObserver(() => {
  if (root.clientWidth && root.clientWidth !== width) {
    width = root.clientWidth;
    draw();
  }
}).observe(root);

onValue((next) => {
  value = { ...next, series: next?.series ?? [] };
  draw();
});
