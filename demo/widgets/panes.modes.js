/* The bar above the pictures: how they are compared, and how large they are. */

import { ARROWS, el, enable, neighbour, setAttributes } from "./common.js";
import { ERROR_FULL, ramp } from "./panes.error.js";

const NO_ORIGINAL = "No original inside this hole, so no scores.";
const TWO_NEEDED = "Needs two pictures.";
const TITLES = { grid: "Grid", slider: "Slider", flip: "Flip", error: "Error" };

/* `panes`: mode, referenceUrl(), withPicture() and setMode(id). */
export function makeModes(panes) {
  const bar = el("div", { class: "modes", role: "radiogroup", "aria-label": "View" });
  const ids = Object.keys(TITLES);
  const buttons = ids.map((id) => {
    const on = { click: () => panes.setMode(id), keydown: step };
    return el("button", { type: "button", role: "radio", text: TITLES[id], on });
  });
  bar.append(...buttons);

  function step(event) {
    const move = ARROWS[event.key];
    if (!move) return;
    event.preventDefault();
    event.stopPropagation();
    const next = neighbour(buttons, event.target, move);
    next.focus();
    panes.setMode(ids[buttons.indexOf(next)]);
  }

  /* Why a mode cannot be had; empty where it can. */
  function reason(id) {
    if (id === "error" && !panes.referenceUrl()) return panes.value.noref || NO_ORIGINAL;
    return id === "grid" || panes.withPicture().length > 1 ? "" : TWO_NEEDED;
  }

  function draw() {
    buttons.forEach((node, i) => {
      const chosen = ids[i] === panes.mode;
      enable(node, reason(ids[i]));
      setAttributes(node, { "aria-checked": chosen, tabindex: chosen ? "0" : "-1" });
    });
  }
  return { bar, draw, reason, has: (id) => Object.hasOwn(TITLES, id) };
}

/* `percent`: where the view writes the zoom. */
export function zoomBar(view, percent) {
  const button = (text, name, click) =>
    el("button", { type: "button", text, "aria-label": name, title: name, on: { click } });
  return el(
    "div",
    { class: "zooms", role: "group", "aria-label": "Zoom" },
    button("−", "Zoom out", () => view.zoomStep(-1)),
    percent,
    button("+", "Zoom in", () => view.zoomStep(1)),
    button("100 %", "100 %, actual pixels", () => view.zoomTo(1)),
    button("Fit", "Fit the whole picture", () => view.fit()),
  );
}

export function errorLegend() {
  const colours = el("span", { class: "ramp", "aria-hidden": "true" });
  colours.style.backgroundImage = ramp();
  const most = el("span", { text: `${ERROR_FULL} or more of 255` });
  return el(
    "div",
    { class: "legend", hidden: true },
    el("span", { text: "Error, mean of |difference| over the three channels" }),
    el("span", { class: "scale" }, el("span", { text: "0" }), colours, most),
  );
}
