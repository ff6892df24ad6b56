/* The rules, ticks and titles around a chart. A frame is left, right, top, bottom in pixels. */

import { path, svg } from "./common.js";

export function better(axis) {
  return { low: ", lower is better", high: ", higher is better" }[axis.better] ?? "";
}

function tickY(scales, [left, right], [tick, label]) {
  const y = scales.y.at(tick);
  return [
    svg("path", {
      class: "rule",
      d: path([
        [left, y],
        [right, y],
      ]),
    }),
    svg("text", { class: "tick", x: left - 8, y: y + 4, "text-anchor": "end", text: label }),
  ];
}

function tickX(scales, [, , top, bottom], [tick, label], ruled) {
  const x = scales.x.at(tick);
  const name = svg("text", { class: "tick", x, y: bottom + 18, "text-anchor": "middle", text: label });
  return ruled
    ? [
        svg("path", {
          class: "rule",
          d: path([
            [x, top],
            [x, bottom],
          ]),
        }),
        name,
      ]
    : [name];
}

export function gridLines(scales, frame, scatter) {
  const [left, right, , bottom] = frame;
  const crowded = scales.x.step && scales.x.step < 40;
  const shown = scales.x.ticks.filter((_, i) => !(crowded && i % 2));
  return svg(
    "g",
    { class: "axes", "aria-hidden": "true" },
    ...scales.y.ticks.flatMap((tick) => tickY(scales, frame, tick)),
    ...shown.flatMap((tick) => tickX(scales, frame, tick, scatter)),
    svg("path", {
      class: "base",
      d: path([
        [left, bottom],
        [right, bottom],
      ]),
    }),
  );
}

export function axisTitles(x, y, [left, right], height) {
  const middle = { x: (left + right) / 2, y: height - 6, "text-anchor": "middle" };
  return [
    svg("text", { class: "axis", x: 0, y: 14, text: y.label + better(y) }),
    svg("text", { class: "axis", ...middle, text: x.label }),
  ];
}
