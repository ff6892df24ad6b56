/* A wider frame for the picture: its edges are dragged outwards, and what is new becomes the hole. */

import { textButton } from "./mask_editor.icons.js";

const SIDES = ["top", "left", "bottom", "right"];
const STEP = 1 / 16;
const NEAR = 0.18; // of the picture's side: from there on a drag holds the edge
const HINT = "Drag an edge or a corner outwards, or press the arrows; then Enter.";

/* `editor`: mask, view, brush, say, trigger and draw. The frame is {top, left, bottom, right}: pixels to
   add. */
export function makeExtend(editor) {
  const state = { frame: nothing(), held: [], from: null, on: false };

  const chosen = () => editor.brush.tool() === "extend";
  const added = () => SIDES.some((side) => state.frame[side]);
  const most = (side) => (side === "top" || side === "bottom" ? editor.mask.h : editor.mask.w);

  function set(side, pixels) {
    state.frame[side] = Math.max(0, Math.min(most(side), Math.round(pixels)));
  }

  /* The edges that a drag from p holds: the near ones, or the nearest. */
  function begin(p) {
    const { w, h } = editor.mask;
    const { top, left, bottom, right } = state.frame;
    const far = {
      top: (p.y + top) / h,
      left: (p.x + left) / w,
      bottom: (h + bottom - p.y) / h,
      right: (w + right - p.x) / w,
    };
    const near = SIDES.filter((side) => far[side] < NEAR);
    const nearest = [...SIDES].sort((a, b) => far[a] - far[b])[0];
    Object.assign(state, { held: near.length ? near : [nearest], from: { p, frame: { ...state.frame } } });
  }

  function drag(p) {
    const [dx, dy] = [p.x - state.from.p.x, p.y - state.from.p.y];
    const out = { top: -dy, left: -dx, bottom: dy, right: dx };
    for (const side of state.held) set(side, state.from.frame[side] + out[side]);
  }

  function end() {
    state.held = [];
    ask();
  }

  function ask() {
    if (!added()) return editor.say(HINT);
    const { w, h } = editor.mask;
    const { top, left, bottom, right } = state.frame;
    const words = `Extend to ${w + left + right}×${h + top + bottom}`;
    editor.say("The new part becomes the hole.", false, [
      textButton(words, apply),
      textButton("Leave it", () => reset(true)),
    ]);
  }

  function apply() {
    if (!added()) return;
    const frame = { ...state.frame };
    editor.carry(frame);
    reset(true);
    editor.say("Extending the picture …");
    editor.trigger("tool", { kind: "extend", ...frame });
  }

  function reset(done) {
    state.frame = nothing();
    if (done) {
      editor.say("");
      editor.brush.pick("brush");
    }
    editor.view.fit();
  }

  /* After another tool is taken, or this one. */
  function picked() {
    if (chosen() === state.on) return;
    state.on = chosen();
    editor.say(state.on && editor.mask.w ? HINT : "");
    reset(false);
  }

  /* An arrow moves its edge outwards, with Shift back; Enter and Escape end it.
     True where it takes the key. */
  function key(name, shift) {
    if (!chosen()) return false;
    const side = { ArrowUp: "top", ArrowLeft: "left", ArrowDown: "bottom", ArrowRight: "right" }[name];
    if (side) {
      set(side, state.frame[side] + (shift ? -1 : 1) * Math.max(8, STEP * most(side)));
      ask();
      editor.draw();
    } else if (name === "Enter") apply();
    else if (name === "Escape") reset(true);
    return Boolean(side) || name === "Enter" || name === "Escape";
  }
  return { chosen, begin, drag, end, key, picked, frame: () => state.frame, forget: () => reset(false) };
}

function nothing() {
  return { top: 0, left: 0, bottom: 0, right: 0 };
}

/* The frame with what is new in it tinted, and a grip at each edge; in CSS pixels of the stage. */
export function drawFrame(context, { mask, view }, { top, left, bottom, right }) {
  const [x0, y0] = view.toStage({ x: -left, y: -top });
  const [x1, y1] = view.toStage({ x: mask.w + right, y: mask.h + bottom });
  const [a, b] = view.toStage({ x: 0, y: 0 });
  const [c, d] = view.toStage({ x: mask.w, y: mask.h });
  context.beginPath();
  context.rect(x0, y0, x1 - x0, y1 - y0);
  context.rect(a, b, c - a, d - b);
  context.fillStyle = "rgba(230, 0, 126, 0.55)";
  context.fill("evenodd");
  for (const [style, pattern] of [
    ["#000", []],
    ["#fff", [4, 4]],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = 1.5;
    context.setLineDash(pattern);
    context.strokeRect(x0, y0, x1 - x0, y1 - y0);
  }
  context.setLineDash([]);
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  for (const [gx, gy] of [
    [x, y0],
    [x, y1],
    [x0, y],
    [x1, y],
    [x0, y0],
    [x1, y0],
    [x0, y1],
    [x1, y1],
  ]) {
    context.fillStyle = "#fff";
    context.fillRect(gx - 5, gy - 5, 10, 10);
    context.strokeStyle = "#000";
    context.strokeRect(gx - 5, gy - 5, 10, 10);
  }
}
