/* The names in a chart: at the ends of lines, or beside points; none is cut, none is left out. */

import { mark } from "./chart.marks.js";
import { titleOf, usable } from "./chart.series.js";
import { clamp, path, svg } from "./common.js";

const LINE = 17;
const RINGS = 14;

/* The width of a name in pixels. */
export function measurer(root) {
  const pen = document.createElement("canvas").getContext("2d");
  const { fontFamily } = getComputedStyle(root);
  return (series) => {
    pen.font = `12px ${fontFamily}`;
    return Math.ceil(pen.measureText(titleOf(series)).width) + 4;
  };
}

/* Names at the right ends of lines, moved apart. `frame`: left, right, top, bottom in pixels. */
export function endLabels(shown, scales, x, [, right, top, bottom]) {
  const ends = shown.map((series) => ({ series, y: scales.y.at(usable(series, x).at(-1).y) }));
  ends.sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + LINE);
  let limit = bottom;
  for (const end of ends.toReversed()) {
    end.y = Math.max(top, Math.min(end.y, limit));
    limit = end.y - LINE;
  }
  return ends.map(({ series, y }) => {
    const sign = mark(series, 4.5);
    sign.setAttribute("transform", `translate(${right + 14} ${y})`);
    const text = svg("text", { x: right + 24, y: y + 4, text: titleOf(series) });
    return svg("g", { "data-series": series.id }, sign, text);
  });
}

function overlap(a, b) {
  return a[0] + a[2] > b[0] && b[0] + b[2] > a[0] && a[1] + a[3] > b[1] && b[1] + b[3] > a[1];
}

/* Places for a box of that width about a point: right, left, above, below, then ever farther away. */
function places([cx, cy], width) {
  const beside = [
    [cx + 9, cy - 8],
    [cx - 9 - width, cy - 8],
    [cx - width / 2, cy - 25],
    [cx - width / 2, cy + 9],
  ];
  const far = Array.from({ length: RINGS }, (_, i) => LINE * (i + 1)).flatMap((by) => [
    [cx + 12, cy - 8 - by],
    [cx + 12, cy - 8 + by],
    [cx - 12 - width, cy - 8 - by],
    [cx - 12 - width, cy - 8 + by],
  ]);
  return [...beside, ...far].map(([left, top]) => [left, top, width, 16]);
}

/* Names beside the points of a scatter chart, a thin line leading to those that stand away from theirs.
   `all`: the series whose marks are not to be covered where that can be. */
export function pointLabels(shown, all, scales, x, [left, right, top, bottom], measure) {
  const at = (series) => {
    const p = usable(series, x).at(-1);
    return [scales.x.at(p.x), scales.y.at(p.y)];
  };
  const marks = all.map(at).map(([cx, cy]) => [cx - 7, cy - 7, 14, 14]);
  const taken = [];
  return shown.map((series) => {
    const [point, width] = [at(series), measure(series)];
    const inside = ([a, b]) => a >= left && a + width <= right && b >= top && b + 16 <= bottom;
    const free = (box, others) => !others.some((other) => overlap(box, other));
    const boxes = places(point, width).filter(inside);
    const edge = [clamp(point[0] - width / 2, 0, Math.max(0, right - width)), top, width, 16];
    const box =
      boxes.find((one) => free(one, [...taken, ...marks])) ?? boxes.find((one) => free(one, taken)) ?? edge;
    taken.push(box);
    return svg("g", { "data-series": series.id }, leader(point, box), name(series, box));
  });
}

function name(series, box) {
  return svg("text", { x: box[0] + 2, y: box[1] + 12, text: titleOf(series) });
}

function leader([cx, cy], [left, top, width, height]) {
  const near = [clamp(cx, left, left + width), clamp(cy, top + 3, top + height - 3)];
  if (Math.hypot(near[0] - cx, near[1] - cy) < 14) return null;
  return svg("path", { class: "leader", d: path([[cx, cy], near]) });
}
