/* The marks of families, and the dashes that tell series of one family apart. */

import { familyColour } from "./common.families.js";
import { svg } from "./common.js";

export const DASHES = ["", "7 4", "2 3", "9 3 2 3"];
const SQUARE = [
  [-1, -1],
  [1, -1],
  [1, 1],
  [-1, 1],
];
const TRIANGLE = [
  [0, -1.2],
  [1.15, 0.8],
  [-1.15, 0.8],
];
const DIAMOND = [
  [0, -1.3],
  [1.3, 0],
  [0, 1.3],
  [-1.3, 0],
];
const UPSIDE_DOWN = [
  [0, 1.2],
  [1.15, -0.8],
  [-1.15, -0.8],
];
const STAR = Array.from({ length: 10 }, (_, i) => {
  const reach = i % 2 ? 0.6 : 1.4;
  return [reach * Math.sin((Math.PI * i) / 5), -reach * Math.cos((Math.PI * i) / 5)];
});
const CROSS = [
  [-0.4, -1.2],
  [0.4, -1.2],
  [0.4, -0.4],
  [1.2, -0.4],
  [1.2, 0.4],
  [0.4, 0.4],
  [0.4, 1.2],
  [-0.4, 1.2],
  [-0.4, 0.4],
  [-1.2, 0.4],
  [-1.2, -0.4],
  [-0.4, -0.4],
];
const MARKS = {
  baseline: circle,
  smoothing: (r) => polygon(SQUARE, r * 0.9),
  patch: (r) => polygon(TRIANGLE, r),
  convolutional: (r) => polygon(DIAMOND, r),
  diffusion: (r) => polygon(STAR, r),
  latent: (r) => polygon(CROSS, r),
  own_prior: (r) => polygon(UPSIDE_DOWN, r),
};

function circle(r) {
  return `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

function polygon(points, r) {
  return `M${points.map(([x, y]) => `${(x * r).toFixed(2)} ${(y * r).toFixed(2)}`).join("L")}Z`;
}

/* A mark in the family's shape and colour, about the origin. */
export function mark(family, r) {
  const shape = Object.hasOwn(MARKS, String(family)) ? MARKS[family] : circle;
  const node = svg("path", { class: "mark", d: shape(r) });
  node.style.fill = familyColour(family);
  return node;
}

export function dashOf(series, all) {
  const same = all.filter((one) => one.family === series.family);
  return DASHES[same.indexOf(series) % DASHES.length];
}
