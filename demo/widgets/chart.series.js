/* What a chart draws of a series: points, a line with its band, bars. */

import { setColour } from "./chart.marks.js";
import { text } from "./chart.scales.js";
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
  const group = svg("g", { class: "series", "data-series": series.id });
  setColour(group, series);
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
