/* Painting, panning and pinching on the stage of the mask editor. */

import { union } from "./mask_editor.mask.js";

const HINT = "A sketch lies inside the hole: paint the hole first, then draw in it.";

/* `editor`: mask, view, brush, canvas, keys, keyPoint, and stroke, shape, keep, changed, draw and say. A
   gesture pans {from, at}, pinches {from, pinch}, extends {frame} or paints {points, value, before, spot}. */
export function makePointer(editor, stage, cursor) {
  const pointers = new Map();
  let gesture = null;
  let ready = false; // for the wheel

  function begin(event) {
    if (!editor.mask.w || (event.button !== 0 && event.button !== 1)) return;
    stage.focus({ preventScroll: true });
    editor.keyPoint = null;
    stage.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, event);
    gesture = beginning(event);
    event.preventDefault();
    editor.draw();
  }

  function beginning(event) {
    if (pointers.size > 2) return gesture; // a palm, or a third finger
    const from = editor.view.current();
    if (pointers.size === 2) {
      if (gesture?.before) takeBack(gesture);
      return { pinch: fingers(), from };
    }
    if (event.button === 1 || editor.keys.spaceDown() || editor.corners.chosen())
      return { at: [event.clientX, event.clientY], from };
    const start = editor.view.at(event);
    if (editor.extend.chosen()) {
      editor.extend.begin(start);
      return { frame: true };
    }
    const value = editor.brush.value(event);
    const painting = { points: [start], value, before: editor.begin(value), spot: null };
    if (editor.brush.strokes()) painting.spot = editor.stroke(start, start, painting.value);
    return painting;
  }

  /* The first finger of a pinch has painted already. */
  function takeBack({ before }) {
    editor.mask.bits = before;
    editor.canvas.forget();
    editor.canvas.retint();
  }

  function fingers() {
    const [a, b] = [...pointers.values()];
    const box = stage.getBoundingClientRect();
    return {
      x: (a.clientX + b.clientX) / 2 - box.left,
      y: (a.clientY + b.clientY) / 2 - box.top,
      d: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    };
  }

  function move(event) {
    if (event.movementX || event.movementY) ready = true;
    follow(event);
    if (pointers.has(event.pointerId)) pointers.set(event.pointerId, event);
    if (!gesture) return;
    if (gesture.pinch) pinch(gesture);
    else if (gesture.at) pan(gesture, event);
    else if (gesture.frame) editor.extend.drag(editor.view.at(event));
    else if (gesture.points) paint(gesture, event);
    editor.draw();
  }

  function pinch({ from, pinch: start }) {
    if (pointers.size < 2) return;
    const now = fingers();
    editor.view.scaleFrom(from, (from.scale * now.d) / Math.max(1, start.d), start.x, start.y, now.x, now.y);
  }

  function pan({ from, at }, event) {
    editor.view.panFrom(from, event.clientX - at[0], event.clientY - at[1]);
  }

  /* A browser gathers the moves between two frames. */
  function paint(painting, event) {
    const gathered = event.getCoalescedEvents?.() ?? [];
    for (const one of gathered.length ? gathered : [event]) {
      const p = editor.view.at(one);
      const last = painting.points.at(-1);
      if (editor.brush.strokes())
        painting.spot = union(painting.spot, editor.stroke(last, p, painting.value));
      painting.points.push(p);
    }
  }

  function end(event) {
    pointers.delete(event.pointerId);
    if (gesture?.pinch && pointers.size) {
      if (pointers.size > 1) gesture = { pinch: fingers(), from: editor.view.current() };
      return;
    }
    const done = gesture;
    gesture = null;
    if (done?.points) commit(done);
    if (done?.frame) editor.extend.end();
    if (done?.pinch || done?.at) editor.view.settle();
    editor.draw();
  }

  function commit({ points, value, before, spot }) {
    if (editor.brush.tool() === "object") return editor.select(points, value);
    const box = union(spot, editor.brush.strokes() ? null : editor.shape(points, value));
    if (box) editor.keep(before, box);
    editor.canvas.settle();
    const { lines } = editor.changed();
    if (editor.brush.tool() === "sketch" && value && !lines) editor.say(HINT);
  }

  /* The circle under a mouse, of the brush's size. */
  function follow(event) {
    const shown =
      editor.mask.w && event.pointerType !== "touch" && editor.brush.strokes() && !editor.keys.spaceDown();
    cursor.hidden = !shown;
    if (!shown) return;
    const box = stage.getBoundingClientRect();
    const d = Math.max(4, editor.brush.size() * editor.view.current().scale);
    const [x, y] = [event.clientX - box.left - d / 2, event.clientY - box.top - d / 2];
    cursor.style.width = `${d}px`;
    cursor.style.height = `${d}px`;
    cursor.style.transform = `translate(${x}px,${y}px)`;
  }

  /* The wheel is the brush's where the mouse was moved over the picture since the page last scrolled;
     everywhere else the page scrolls. */
  function wheel(event) {
    if (!editor.mask.w) return;
    const zooms = event.ctrlKey || event.metaKey;
    if (!zooms && !(ready && editor.brush.strokes() && overPicture(event))) return;
    event.preventDefault();
    if (zooms) {
      const box = stage.getBoundingClientRect();
      editor.view.zoom(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    } else {
      editor.brush.setSize(editor.brush.size() * Math.exp(-Math.sign(event.deltaY) * 0.12));
      follow(event);
    }
  }

  function overPicture(event) {
    const { x, y } = editor.view.at(event);
    return x >= 0 && y >= 0 && x < editor.mask.w && y < editor.mask.h;
  }

  document.addEventListener(
    "scroll",
    () => {
      ready = false;
    },
    { capture: true, passive: true },
  );
  stage.addEventListener("pointerdown", begin);
  stage.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, end);
  stage.addEventListener("pointerleave", () => {
    cursor.hidden = true;
  });
  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("blur", editor.draw);

  /* Another picture ends what was being done on the one before. */
  function forget() {
    gesture = null;
  }
  return { gesture: () => gesture, forget };
}
