/* The buttons over a corner of the stage: zoom, fit, and an editor as wide as the window. */

import { el } from "./common.js";
import { icon } from "./mask_editor.icons.js";

/* `editor`: root and view. */
export function makeZoom(editor, stage) {
  const by = (factor) => () => {
    editor.view.zoom(factor, stage.clientWidth / 2, stage.clientHeight / 2);
    editor.view.settle();
  };
  const wide = button("wide", "As wide as the window", () => {
    const on = editor.root.classList.toggle("ed-wide");
    wide.setAttribute("aria-pressed", String(on));
    window.dispatchEvent(new Event("resize"));
    if (on) editor.root.scrollIntoView({ block: "start" });
  });
  wide.setAttribute("aria-pressed", "false");
  const node = el(
    "div",
    { class: "ed-zoom", role: "group", "aria-label": "Zoom of the picture" },
    button("minus", "Zoom out", by(0.8)),
    button("plus", "Zoom in", by(1.25)),
    button("fit", "Fit the whole picture in the editor", () => editor.view.fit()),
    wide,
  );
  return { node };
}

function button(name, label, click) {
  const names = { "aria-label": label, title: label };
  return el("button", { type: "button", class: "ed-zoomer", ...names, on: { click } }, icon(name));
}
