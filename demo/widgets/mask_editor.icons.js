/* The buttons of the mask editor and their drawings. */

import { el, svg } from "./common.js";

const ICONS = {
  upload: "M10 13V3.5M6 7.5l4-4 4 4M3.5 13v3.5h13V13",
  brush: "M12.5 3.5l4 4-6.5 6.5-4-4zM6 10c-2.5.5-1.5 4-3.5 6 3 1 6.5 0 7.5-2",
  eraser: "M8 16.5h8.5M3.5 12l7.5-8 5.5 5-6.5 7H7z",
  box: "M3.5 4.5h13v11h-13z",
  lasso:
    "M10 4c4 0 6.5 1.800 6.5 4.200S14 12.5 10 12.5 3.5 10.600 3.5 8.200 6 4 10 4z" +
    "M6.5 12c-1 .8-1 2 0 2.5s1 1.5 0 2.5",
  object:
    "M3 6V3h3M14 3h3v3M17 14v3h-3M6 17H3v-3M10 6.500a3.500 3.500 0 013.500 3.500c0 1.500-.8 2-.8 4h-5.400" +
    "c0-2-.8-2.500-.8-4A3.500 3.500 0 0110 6.500z",
  extend: "M6 6h8v8H6zM10 4V1.500M10 18.500V16M4 10H1.500M18.500 10H16",
  undo: "M7 4L3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 010 9H7",
  redo: "M13 4l3.5 3.5L13 11M16 7.5H8.5a4.5 4.5 0 000 9H13",
  invert: "M10 3a7 7 0 100 14zM10 3a7 7 0 010 14",
  minus: "M4.5 10h11",
  plus: "M4.5 10h11M10 4.5v11",
  fit: "M3.5 7V3.5H7M13 3.5h3.5V7M16.5 13v3.5H13M7 16.5H3.5V13",
  wide: "M7 6l-4 4 4 4M13 6l4 4-4 4M3 10h14",
  clear: "M5 5l10 10M15 5L5 15",
  sketch: "M3.5 16.5c3-7 4-9 6-9s1 6 3 6 2.500-4 4-10",
};

export function icon(name) {
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

/* A button that shows an icon and says its label and keys; `more`: further attributes. */
export function iconButton(name, label, keys, click, more) {
  const tip = keys ? `${label} (${keys})` : label;
  const attributes = {
    type: "button",
    class: "ed-tool",
    "aria-label": label,
    "data-tip": tip,
    on: { click },
  };
  return el("button", { ...attributes, ...more }, icon(name));
}

export function textButton(text, click, more) {
  return el("button", { type: "button", class: "ed-button", on: { click }, ...more }, text);
}
