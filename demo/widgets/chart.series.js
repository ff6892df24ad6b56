/* What a chart draws of a series: points, a line with its band, bars, a name. */

import { mark } from "./chart.marks.js";
import { text } from "./chart.scales.js";
import { familyColour } from "./common.families.js";
import { isNumber, path, svg } from "./common.js";

export function titleOf(series) {
  return series.title ?? series.id;
}

function isUsable(p, x) {
  return isNumber(p.y) && (x.scale !== "log" || Number(p.x) > 0);
}

export function usable(series, x) {
  return (series.pts ?? []).filter((p) => isUsable(p, x));
}

/* The runs of points between those that are missing. */
function segments(series, x) {
  const runs = [[]];
  for (const p of series.pts ?? []) {
    if (isUsable(p, x)) runs.at(-1).push(p);
    else runs.push([]);
  }
  return runs.filter((run) => run.length);
}

function hasInterval(p) {
  return isNumber(p.lo) && isNumber(p.hi);
}

/* A point in words: method, place, value, interval, number of pictures. */
export function describe(series, p, x, y) {
  const interval = hasInterval(p) ? ` (95 % interval ${text(p.lo, y)} to ${text(p.hi, y)})` : "";
  const numeric = x.scale === "log" || x.scale === "linear";
  const place = (numeric ? text(p.x, x) : String(p.x)) + (x.unit ? ` ${x.unit}` : "");
  const value = text(p.y, y) + (y.unit ? ` ${y.unit}` : "");
  return `${titleOf(series)}, ${place}: ${value}${interval}${isNumber(p.n) ? `, n = ${p.n}` : ""}`;
}

function seriesGroup(series) {
  const group = svg("g", { class: "series" });
  group.style.setProperty("--family", familyColour(series.family));
  return group;
}

function bar(p, scales) {
  const at = scales.x.at(p.x);
  return svg("path", {
    class: "bar",
    d: path([
      [at, scales.y.at(p.lo)],
      [at, scales.y.at(p.hi)],
    ]),
  });
}

function band(points, scales) {
  const edge = (end) => points.map((p) => [scales.x.at(p.x), scales.y.at(p[end])]);
  return svg("path", { class: "band", d: `${path([...edge("hi"), ...edge("lo").toReversed()])}Z` });
}

/* Lines with their intervals, broken where a point is missing. */
export function lineOf(series, scales, x, dash) {
  const group = seriesGroup(series);
  for (const run of segments(series, x)) {
    const banded = run.filter(hasInterval);
    if (banded.length > 1) group.append(band(banded, scales));
    else if (banded.length) group.append(bar(banded[0], scales));
    const line = run.map((p) => [scales.x.at(p.x), scales.y.at(p.y)]);
    if (run.length > 1)
      group.append(svg("path", { class: "line", "stroke-dasharray": dash || null, d: path(line) }));
  }
  return group;
}

export function barsOf(series, scales, x) {
  const group = seriesGroup(series);
  group.append(
    ...usable(series, x)
      .filter(hasInterval)
      .map((p) => bar(p, scales)),
  );
  return group;
}

function short(title, most) {
  const all = [...String(title)];
  return all.length > most ? `${all.slice(0, most - 1).join("")}…` : all.join("");
}

/* The names at the right ends of lines, moved apart. `frame`: left, right, top, bottom in pixels. */
export function endLabels(visible, scales, x, [, right, top, bottom]) {
  const ends = visible.map((series) => ({ series, y: scales.y.at(usable(series, x).at(-1).y) }));
  ends.sort((a, b) => a.y - b.y);
  for (let i = 1; i < ends.length; i++) ends[i].y = Math.max(ends[i].y, ends[i - 1].y + 17);
  let limit = bottom;
  for (const end of ends.toReversed()) {
    end.y = Math.max(top, Math.min(end.y, limit));
    limit = end.y - 17;
  }
  const labels = ends.map(({ series, y }) => {
    const sign = mark(series.family, 4.5);
    sign.setAttribute("transform", `translate(${right + 14} ${y})`);
    return svg("g", {}, sign, svg("text", { x: right + 24, y: y + 4, text: short(titleOf(series), 17) }));
  });
  return svg("g", { class: "labels", "aria-hidden": "true" }, ...labels);
}

function overlap(a, b) {
  return a[0] + a[2] > b[0] && b[0] + b[2] > a[0] && a[1] + a[3] > b[1] && b[1] + b[3] > a[1];
}

/* The names beside the points of a scatter chart, where there is room: right, left, above or below. */
export function pointLabels(visible, scales, x, [left, right, top]) {
  const taken = visible.flatMap((series) =>
    usable(series, x).map((p) => [scales.x.at(p.x) - 8, scales.y.at(p.y) - 8, 16, 16]),
  );
  const fits = (box) =>
    box[0] >= left &&
    box[0] + box[2] <= right &&
    box[1] >= top &&
    !taken.some((other) => overlap(box, other));
  const group = svg("g", { class: "labels", "aria-hidden": "true" });
  for (const series of visible) {
    const p = usable(series, x).at(-1);
    const title = short(titleOf(series), 22);
    const width = 6.8 * [...title].length + 4;
    const [cx, cy] = [scales.x.at(p.x), scales.y.at(p.y)];
    const corners = [
      [cx + 9, cy - 8],
      [cx - 9 - width, cy - 8],
      [cx - width / 2, cy - 25],
      [cx - width / 2, cy + 9],
    ];
    const box = corners.map(([a, b]) => [a, b, width, 16]).find(fits);
    if (!box) continue;
    taken.push(box);
    group.append(svg("text", { x: box[0] + 2, y: box[1] + 12, text: title }));
  }
  return group;
}
