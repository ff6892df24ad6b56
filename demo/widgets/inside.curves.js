/* The number of each frame of a kind, as a curve over the frames. */

import { el, path, setAttributes, svg } from "./common.js";
import { kindOf } from "./inside.frames.js";
import { percent } from "./inside.pictures.js";
import { makeSchedule } from "./inside.schedule.js";

const [TOP, BOTTOM, HEIGHT] = [12, 132, 160];

/* Lines of a kind, as [part, points]: `gate/coarse-1` and `gate/coarse-2` are of one part. */
function linesOf(frames, kind) {
  const found = new Map();
  frames.forEach((one, place) => {
    if (kindOf(one) !== kind || typeof one.value !== "number") return;
    const part = one.name.includes("-") ? one.name.slice(0, one.name.lastIndexOf("-")) : kind;
    found.set(part, [...(found.get(part) ?? []), { place, v: one.value, title: one.title }]);
  });
  return [...found.entries()];
}

/* From place and value to pixels; shares go from 0 to 1, other numbers from the least to the most. */
function makeScales(points, width) {
  const [x0, x1] = [44, width - 16];
  const values = points.map((p) => p.v);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [low, high] = least >= 0 && most <= 1 ? [0, 1] : [least, most];
  const [first, last] = [points[0].place, points.at(-1).place];
  return {
    ...{ x0, x1, low, high, first, last },
    x: (place) => x0 + ((place - first) / Math.max(1, last - first)) * (x1 - x0),
    y: (v) => BOTTOM - ((v - low) / (high - low || 1)) * (BOTTOM - TOP),
  };
}

function rules({ x0, x1, low, high, y }) {
  return [low, (low + high) / 2, high].flatMap((v) => [
    svg("line", { class: "rule", x1: x0, x2: x1, y1: y(v), y2: y(v) }),
    svg("text", { x: x0 - 8, y: y(v) + 4, "text-anchor": "end", text: percent(v) }),
  ]);
}

function dot(p, { x, y }) {
  const title = svg("title", { text: `${p.title}: ${percent(p.v)}` });
  return svg("circle", { class: "dot", cx: x(p.place), cy: y(p.v), r: 3.5 }, title);
}

function lineNodes(points, scales) {
  const d = path(points.map((p) => [scales.x(p.place), scales.y(p.v)]));
  const line = points.length > 1 ? [svg("path", { class: "line", d })] : [];
  return [...line, ...points.map((p) => dot(p, scales))];
}

/* Below: which part a line is of, else where it begins and ends. */
function names(lines, { x, x0, x1 }) {
  const y = HEIGHT - 10;
  if (lines.length > 1) {
    const text = (part) => part.split("/").at(-1);
    return lines.map(([part, [p]]) => svg("text", { class: "part", x: x(p.place), y, text: text(part) }));
  }
  const last = svg("text", { x: x1, y, "text-anchor": "end", text: "last" });
  return [svg("text", { x: x0, y, text: "first" }), last];
}

/* One curve; `go` is called with the place of the point nearest to a click. */
function makeCurve(label, lines, width, go) {
  const points = lines.flatMap(([, some]) => some);
  const scales = makeScales(points, width);
  const { x, first, last } = scales;
  const viewBox = `0 0 ${width} ${HEIGHT}`;
  const name = `${label}: ${points.map((p) => percent(p.v)).join(", ")}`;
  const size = { class: "plot", width, height: HEIGHT, viewBox };
  const plot = svg("svg", { ...size, role: "img", "aria-label": name });
  const head = svg("line", { class: "head", y1: TOP, y2: BOTTOM });
  const drawn = lines.flatMap(([, some]) => lineNodes(some, scales));
  plot.append(...rules(scales), head, ...drawn, ...names(lines, scales));
  plot.addEventListener("click", (event) => {
    const px = event.clientX - plot.getBoundingClientRect().left;
    const far = (p) => Math.abs(x(p.place) - px);
    go(points.toSorted((a, b) => far(a) - far(b))[0].place);
  });
  const hint = el("span", { class: "small", text: "Click to go there" });
  const caption = el("figcaption", {}, el("strong", { text: label }), hint);
  const placeHead = (at) => {
    const place = x(Math.max(first, Math.min(last, at)));
    head.classList.toggle("away", at < first || at > last);
    setAttributes(head, { x1: place, x2: place });
  };
  return { node: el("figure", { class: "curve" }, caption, plot), placeHead };
}

/* `inside`: value, at and go(place). */
export function makeCurves(inside) {
  const node = el("div", { class: "curves" });
  let figures = [];
  let drawn = "";

  function curves(width) {
    const { frames, schedule, curves: labels } = inside.value;
    return [...new Set(frames.map(kindOf))]
      .filter((kind) => !(schedule && kind === "noisy"))
      .map((kind) => [kind, linesOf(frames, kind)])
      .filter(([, lines]) => lines.flatMap(([, points]) => points).length > 1)
      .map(([kind, lines]) => makeCurve(labels?.[kind] ?? kind, lines, width, inside.go));
  }

  function draw() {
    const width = Math.floor(node.clientWidth);
    const { frames, schedule } = inside.value;
    const key = JSON.stringify([width, schedule, frames.map((one) => [one.name, one.value])]);
    if (!width || drawn === key) return;
    drawn = key;
    figures = [...(schedule ? [makeSchedule(inside, width)] : []), ...curves(width)];
    node.replaceChildren(...figures.map((figure) => figure.node));
    placeHeads();
  }

  /* The marks go to the frame in view. */
  function placeHeads() {
    for (const figure of figures) figure.placeHead(inside.at);
  }
  return { node, draw, placeHeads };
}
