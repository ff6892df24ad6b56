/* The tool in hand and its size. */

import { el } from "./common.js";
import { TAKES } from "./mask_editor.files.js";
import { iconButton } from "./mask_editor.icons.js";

const TOOLS = {
  brush: ["Brush", "B"],
  eraser: ["Eraser", "E"],
  box: ["Box", "M"],
  lasso: ["Lasso", "L"],
  object: ["Select a thing: a box around it, or a click on it", "O"],
  extend: ["Extend the picture", "X"],
};
const STROKES = ["brush", "eraser", "sketch"];
const START = 24;

function toolButtons(follows, extends_, pick) {
  const nodes = {};
  for (const [name, [label, key]] of Object.entries(TOOLS)) {
    const pressed = { "aria-pressed": name === "brush" ? "true" : "false" };
    nodes[name] = iconButton(name, label, key, () => pick(name), pressed);
  }
  const tip = `Sketch lines to follow inside the hole: ${follows.join(", ")} (S; hold Alt to erase)`;
  const sketch = { "aria-pressed": "false", "data-tip": tip, hidden: !follows.length };
  nodes.sketch = iconButton("sketch", "Sketch", "S", () => pick("sketch"), sketch);
  nodes.extend.hidden = !extends_;
  return nodes;
}

function sizeInput() {
  return el("input", {
    type: "range",
    class: "ed-size",
    min: "0",
    max: "100",
    value: "50",
    "aria-label": "Brush size",
    title: "Brush size ([ ] or wheel)",
  });
}

/* `editor`: mask, whose size is the picture's; `follows`: titles of the methods that follow a sketch;
   `picked` is called after another tool is taken. */
export function makeBrush(editor, follows, picked) {
  const buttons = toolButtons(follows, TAKES[editor.props.takes].extends, pick);
  const range = sizeInput();
  const out = el("output", { class: "ed-sizeout" });
  const state = { tool: "brush", size: START, other: 3 }; // other: the pen's size while a brush is in hand

  function largest() {
    return Math.max(8, Math.max(editor.mask.w, editor.mask.h) / 2 || 256);
  }

  /* A change by less than a pixel is one pixel. */
  function setSize(wanted) {
    const little = Math.abs(wanted - state.size) < 1 && wanted !== state.size;
    const next = little ? state.size + Math.sign(wanted - state.size) : wanted;
    state.size = Math.round(Math.max(1, Math.min(largest(), next)));
    range.value = String((100 * Math.log(state.size)) / Math.log(largest()));
    out.textContent = `⌀ ${state.size} px`;
  }

  function swapSizes() {
    const before = state.size;
    setSize(state.other);
    state.other = before;
  }

  function pick(name) {
    if ((name === "sketch") !== (state.tool === "sketch")) swapSizes();
    state.tool = name;
    for (const [key, node] of Object.entries(buttons)) {
      node.setAttribute("aria-pressed", String(key === name));
    }
    picked();
  }

  /* Sizes that suit a new picture. */
  function suit() {
    const longer = Math.max(editor.mask.w, editor.mask.h);
    setSize(Math.max(4, longer / 20));
    state.other = Math.max(2, Math.round(longer / 200));
    if (state.tool === "sketch") swapSizes();
  }

  range.addEventListener("input", () => setSize(Math.exp((Number(range.value) / 100) * Math.log(largest()))));
  setSize(START);
  return {
    buttons: el("div", { class: "ed-group" }, ...Object.values(buttons)),
    sizeBox: el("label", { class: "ed-sizebox" }, el("span", {}, "Size"), range, out),
    pick,
    suit,
    setSize,
    size: () => state.size,
    tool: () => state.tool,
    strokes: () => STROKES.includes(state.tool),
    canSketch: () => !buttons.sketch.hidden,
    canExtend: () => !buttons.extend.hidden,
    value: (event) => ((state.tool === "eraser") !== event.altKey ? 0 : 1),
  };
}
