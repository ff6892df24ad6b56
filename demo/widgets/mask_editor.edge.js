/* Grows or shrinks the hole by a slider: seen while it moves, kept when it is let go. */

import { el } from "./common.js";
import { spread } from "./mask_editor.mask.js";

/* `editor`: mask, canvas, keep and changed. */
export function makeEdge(editor) {
  const range = el("input", {
    type: "range",
    class: "ed-edge",
    min: "-24",
    max: "24",
    value: "0",
    "aria-label": "Grow or shrink the mask, in pixels",
    title: "Grow or shrink the mask (Shift+↑ Shift+↓)",
  });
  const out = el("output", { class: "ed-sizeout" });
  const state = { before: null, mask: null, frame: 0 };

  function show() {
    state.frame = 0;
    if (!state.before) return;
    editor.mask.bits.set(state.before);
    spread(editor.mask, Number(range.value));
    editor.canvas.retint();
    editor.changed(false);
  }

  function move() {
    if (!editor.mask.w) return;
    if (state.mask !== editor.mask) forget();
    state.before ??= editor.mask.bits.slice();
    state.mask = editor.mask;
    name(Number(range.value));
    state.frame ||= requestAnimationFrame(show);
  }

  function keep() {
    if (state.before && state.mask === editor.mask) {
      cancelAnimationFrame(state.frame);
      show();
      editor.keep(state.before, [0, 0, editor.mask.w, editor.mask.h]);
      editor.changed();
    }
    forget();
    range.value = "0";
    name(0);
  }

  function forget() {
    Object.assign(state, { before: null, mask: null, frame: 0 });
  }

  function name(by) {
    const sign = by > 0 ? "+" : "−";
    out.textContent = `${by ? sign : "± "}${Math.abs(by)} px`;
  }

  /* Limits that suit a new picture. */
  function suit() {
    const most = Math.max(8, Math.round(Math.max(editor.mask.w, editor.mask.h) / 24));
    Object.assign(range, { min: String(-most), max: String(most), value: "0" });
    forget();
    name(0);
  }

  range.addEventListener("input", move);
  range.addEventListener("change", keep);
  name(0);
  return { node: el("label", { class: "ed-sizebox" }, el("span", {}, "Edge"), range, out), suit };
}
