/* The marks of families, and the dashes that tell series of one family apart. */

import { familyColour, familyMark } from "./common.families.js";
import { svg } from "./common.js";

export const DASHES = ["", "7 4", "2 3", "9 3 2 3", "12 3", "5 2 2 2 2 2"];

function circle(r) {
  return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

function polygon(points, r) {
  return `M${points.map(([x, y]) => `${(x * r).toFixed(2)} ${(y * r).toFixed(2)}`).join("L")}Z`;
}

/* A mark in the family's shape and the series' colour, about the origin. */
export function mark(series, r) {
  const corners = familyMark(series.family);
  const node = svg("path", { class: "mark", d: corners.length ? polygon(corners, r) : circle(r) });
  setColour(node, series);
  return node;
}

/* A leader's own colour, else its family's. */
export function setColour(node, series) {
  const own = series.lead ? `var(--lead-${series.lead})` : familyColour(series.family);
  node.style.setProperty("--family", own);
}

export function dashOf(series, all) {
  const same = all.filter((one) => one.family === series.family);
  return DASHES[same.indexOf(series) % DASHES.length];
}
