/* Four handles on the corners of something flat that is seen askew: the server warps the picture so that they
   become an upright rectangle, and what that leaves empty becomes the hole. */

import { el } from "./common.js";
import { textButton } from "./mask_editor.icons.js";

const NAMES = ["Top left", "Top right", "Bottom right", "Bottom left"];
const MOVES = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
const INSET = 0.2;
const FAR = 1 / 32; // of the longer side, by an arrow with Shift
const LINES = 4; // parts of the net
const HINT =
  "Move the four handles to the corners of what should be an upright rectangle, by dragging or by arrows.";

/* `editor`: mask, view, brush, straighten, stage, say, trigger and draw. Corners are pixels of the picture,
   from the top left clockwise. */
export function makeCorners(editor) {
  const state = { points: [], on: false };
  const chosen = () => editor.brush.tool() === "corners";
  const handles = NAMES.map((name, i) =>
    makeHandle(editor, name, { get: () => state.points[i], set, key, i }),
  );
  const button = textButton("Four corners", toggle, {
    "aria-pressed": "false",
    "data-tip": "Make a facade, a page or a painting upright that is seen askew (P)",
  });
  editor.stage.node.append(...handles.map((one) => one.node));

  function toggle() {
    if (!editor.mask.w) return editor.say("Choose a picture first: upload, paste or pick one.", true);
    editor.brush.pick(chosen() ? "brush" : "corners");
  }

  function forget() {
    const { w, h } = editor.mask;
    const [left, right, top, bottom] = [INSET * w, (1 - INSET) * w, INSET * h, (1 - INSET) * h];
    state.points = [
      { x: left, y: top },
      { x: right, y: top },
      { x: right, y: bottom },
      { x: left, y: bottom },
    ];
  }

  function set(i, { x, y }) {
    const { w, h } = editor.mask;
    state.points[i] = { x: Math.max(0, Math.min(w, x)), y: Math.max(0, Math.min(h, y)) };
    editor.draw();
  }

  /* After another tool is taken, or this one. */
  function picked() {
    if (chosen() === state.on) return;
    state.on = chosen();
    const within = handles.some(({ node }) => node === document.activeElement);
    button.setAttribute("aria-pressed", String(state.on));
    for (const { node } of handles) node.hidden = !state.on;
    if (state.on) begin();
    else if (!editor.extend.chosen()) editor.say("");
    if (within) editor.stage.node.focus({ preventScroll: true });
    editor.view.fit();
  }

  function begin() {
    editor.straighten.forget();
    forget();
    editor.say(HINT, false, [textButton("Make it upright", apply), textButton("Leave it", leave)]);
    handles[0].node.focus({ preventScroll: true });
    editor.stage.node.scrollIntoView({ block: "nearest" }); // the button is further down
  }

  function leave() {
    if (!chosen()) return;
    editor.brush.pick("brush");
    editor.stage.node.focus({ preventScroll: true });
  }

  /* A corner is a place between pixels, as is the picture's edge; the server counts from their middles. */
  function apply() {
    const corners = state.points.map(({ x, y }) => [x - 0.5, y - 0.5]);
    leave();
    editor.say("Making it upright …");
    editor.trigger("tool", { kind: "corners", corners });
  }

  /* Enter and Escape end it; an arrow is for a handle alone. True where it takes the key. */
  function key(name) {
    if (!chosen()) return false;
    if (name === "Enter") apply();
    else if (name === "Escape") leave();
    return name === "Enter" || name === "Escape" || name in MOVES;
  }

  /* Puts the handles where the view has their corners. */
  function place() {
    if (state.on) for (const one of handles) one.place();
  }
  return { button, chosen, picked, key, place, forget, points: () => state.points };
}

/* `corner`: get() and set(i, point) of its place, key(name) for what ends it all. */
function makeHandle(editor, name, corner) {
  const node = el("button", {
    type: "button",
    class: "ed-corner",
    hidden: true,
    title: "Drag it, or press the arrows; Enter makes it upright, Escape leaves it",
  });
  let held = null;

  function place() {
    const { x, y } = corner.get();
    const [left, top] = editor.view.toStage({ x, y });
    node.style.transform = `translate(${left}px,${top}px)`;
    node.setAttribute("aria-label", `${name} corner at ${Math.round(x)}, ${Math.round(y)}`);
  }

  function begin(event) {
    event.stopPropagation();
    if (event.button !== 0) return;
    event.preventDefault();
    node.focus({ preventScroll: true });
    node.setPointerCapture(event.pointerId);
    held = { from: editor.view.at(event), point: corner.get() };
  }

  function move(event) {
    event.stopPropagation();
    if (!held) return;
    const { x, y } = editor.view.at(event);
    corner.set(corner.i, { x: held.point.x + x - held.from.x, y: held.point.y + y - held.from.y });
  }

  function end(event) {
    event.stopPropagation();
    held = null;
  }

  function press(event) {
    if (event.ctrlKey || event.metaKey) return;
    const by = MOVES[event.key];
    if (by) {
      const step = event.shiftKey ? Math.max(8, FAR * Math.max(editor.mask.w, editor.mask.h)) : 1;
      const { x, y } = corner.get();
      corner.set(corner.i, { x: x + step * by[0], y: y + step * by[1] });
    } else if (!corner.key(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  for (const [kind, act] of Object.entries({
    pointerdown: begin,
    pointermove: move,
    pointerup: end,
    pointercancel: end,
    keydown: press,
  })) {
    node.addEventListener(kind, act);
  }
  return { node, place };
}

/* The map from the unit square to four corners (Heckbert 1989, section 2.2.3); null where they are no such
   figure. */
export function netOf([a, b, c, d]) {
  const [x1, y1, x2, y2] = [b.x - c.x, b.y - c.y, d.x - c.x, d.y - c.y];
  const [x3, y3] = [a.x - b.x + c.x - d.x, a.y - b.y + c.y - d.y];
  const area = x1 * y2 - x2 * y1; // below 0 where they go round clockwise
  const [g, h] = [(x3 * y2 - x2 * y3) / area, (x1 * y3 - x3 * y1) / area];
  if (!(area < 0 && Math.min(1 + g, 1 + h, 1 + g + h) > 0)) return null;
  return (u, v) => {
    const depth = g * u + h * v + 1;
    return {
      x: ((b.x - a.x + g * b.x) * u + (d.x - a.x + h * d.x) * v + a.x) / depth,
      y: ((b.y - a.y + g * b.y) * u + (d.y - a.y + h * d.y) * v + a.y) / depth,
    };
  };
}

/* The figure with a net that will be level; in CSS pixels of the stage. */
export function drawCorners(context, { view }, points) {
  const net = netOf(points);
  context.beginPath();
  for (let i = 1; net && i < LINES; i++) {
    for (const ends of [
      [net(i / LINES, 0), net(i / LINES, 1)],
      [net(0, i / LINES), net(1, i / LINES)],
    ]) {
      context.moveTo(...view.toStage(ends[0]));
      context.lineTo(...view.toStage(ends[1]));
    }
  }
  twice(context, 1, ["rgba(0, 0, 0, 0.45)", "rgba(255, 255, 255, 0.75)"]);
  context.beginPath();
  for (const p of points) context.lineTo(...view.toStage(p));
  context.closePath();
  twice(context, 1.5, ["#000", net ? "#fff" : "#ff9b8e"]);
}

function twice(context, width, [under, over]) {
  context.strokeStyle = under;
  context.lineWidth = width + 2;
  context.stroke();
  context.strokeStyle = over;
  context.lineWidth = width;
  context.stroke();
}
