/* Wheel, drag, tap and pinch on a stage. */

import { place } from "./panes.view.js";

export const STILL = 4;

/* `panes`: root and view; `tap` is called where nothing was dragged. */
export function listenTo(stage, panes, tap) {
  const hand = { drag: null, pinch: null };
  wheel(stage, panes.view);
  drag(stage, panes, hand, tap);
  pinch(stage, panes.view, hand);
}

/* The wheel zooms a stage that has the focus, so that the page scrolls past the others. */
function wheel(stage, view) {
  const zoom = (event) => {
    if (!event.ctrlKey && document.activeElement !== stage) return;
    event.preventDefault();
    const fine = event.ctrlKey && Math.abs(event.deltaY) < 40;
    view.zoomTo(view.current() * Math.exp(-event.deltaY * (fine ? 0.01 : 0.002)), place(stage, event));
  };
  stage.addEventListener("wheel", zoom, { passive: false });
}

function drag(stage, { root, view }, hand, tap) {
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button")) return;
    hand.drag = { x: event.clientX, y: event.clientY, far: 0 };
  });
  stage.addEventListener("pointermove", (event) => {
    if (!hand.drag || hand.pinch) return;
    const [dx, dy] = [event.clientX - hand.drag.x, event.clientY - hand.drag.y];
    hand.drag.far += Math.hypot(dx, dy);
    if (hand.drag.far < STILL) return;
    const held = stage.hasPointerCapture(event.pointerId);
    if (!held && root.classList.contains("zoomed")) stage.setPointerCapture(event.pointerId);
    Object.assign(hand.drag, { x: event.clientX, y: event.clientY });
    view.panBy(dx, dy);
  });
  stage.addEventListener("pointerup", () => {
    if (hand.drag && hand.drag.far < STILL && !hand.pinch) tap();
    hand.drag = null;
  });
  stage.addEventListener("pointercancel", () => {
    hand.drag = null;
  });
}

/* Two fingers: how far apart, and the place between them. */
function spread([a, b]) {
  return {
    d: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
    clientX: (a.clientX + b.clientX) / 2,
    clientY: (a.clientY + b.clientY) / 2,
  };
}

function pinch(stage, view, hand) {
  const begin = (event) => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    hand.drag = null;
    hand.pinch = spread(event.touches);
  };
  const move = (event) => {
    if (!hand.pinch || event.touches.length !== 2) return;
    event.preventDefault();
    const now = spread(event.touches);
    view.panBy(now.clientX - hand.pinch.clientX, now.clientY - hand.pinch.clientY);
    view.zoomTo((view.current() * now.d) / hand.pinch.d, place(stage, now));
    hand.pinch = now;
  };
  const end = (event) => {
    if (!event.touches.length) hand.pinch = null;
  };
  stage.addEventListener("touchstart", begin, { passive: false });
  stage.addEventListener("touchmove", move, { passive: false });
  for (const type of ["touchend", "touchcancel"]) stage.addEventListener(type, end);
}
