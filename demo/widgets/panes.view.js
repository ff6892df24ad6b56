/* The crop and zoom that all pictures of a component share. */

import { clamp } from "./common.js";

const ZOOMS = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32];

function clampAxis(c, length, room) {
  return length <= room ? length / 2 : clamp(c, room / 2, length - room / 2);
}

function percentText(s) {
  return `${s < 0.1 ? (s * 100).toFixed(1) : Math.round(s * 100)} %`;
}

/* Where an event is in a stage, in pixels from its corner. */
export function place(stage, event) {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left - stage.clientLeft, event.clientY - box.top - stage.clientTop];
}

/* `panes`: root, value (w and h of the picture) and stage(), which tells the stage in view; `percent`: where
   the zoom is written. A scale of null fits the whole picture. */
export function makeView(panes, percent) {
  const view = { scale: null, centre: [0, 0] };

  function stageSize() {
    const stage = panes.stage();
    const box = stage?.getBoundingClientRect();
    return box?.width ? [stage.clientWidth, stage.clientHeight] : null;
  }

  function fitScale([width, height]) {
    return Math.min(width / panes.value.w, height / panes.value.h);
  }

  function current() {
    const size = stageSize();
    return view.scale ?? (size ? fitScale(size) : 1);
  }

  function apply() {
    const size = stageSize();
    const { w, h } = panes.value;
    if (!size || !w || !h) return;
    const s = view.scale ?? fitScale(size);
    const dpr = window.devicePixelRatio || 1;
    const kept = view.scale === null ? [w / 2, h / 2] : view.centre;
    view.centre = [clampAxis(kept[0], w, size[0] / s), clampAxis(kept[1], h, size[1] / s)];
    const [x, y] = size.map((length, i) => Math.round((length / 2 - view.centre[i] * s) * dpr) / dpr);
    panes.root.style.setProperty("--view", `translate(${x}px, ${y}px) scale(${s})`);
    panes.root.classList.toggle("pixelated", view.scale !== null && s >= 2);
    panes.root.classList.toggle("zoomed", s > fitScale(size) * 1.001);
    percent.textContent = percentText(s);
  }

  /* Zooms so that what is at `at` stays there; without it, the middle. */
  function zoomTo(wanted, at) {
    const size = stageSize();
    if (!size || !panes.value.w) return;
    const s = current();
    const least = Math.min(fitScale(size), 1);
    const next = clamp(wanted, least, Math.max(32, least));
    const point = at || [size[0] / 2, size[1] / 2];
    view.centre = view.centre.map((c, i) => c + (point[i] - size[i] / 2) * (1 / s - 1 / next));
    view.scale = next;
    apply();
  }

  function zoomStep(direction) {
    const s = current();
    const next = direction > 0 ? ZOOMS.find((z) => z > s * 1.01) : ZOOMS.findLast((z) => z < s * 0.99);
    if (next) zoomTo(next);
  }

  function fit() {
    view.scale = null;
    apply();
  }

  function panBy(dx, dy) {
    if (view.scale === null) return;
    const s = current();
    view.centre = [view.centre[0] - dx / s, view.centre[1] - dy / s];
    apply();
  }

  /* A picture of another size is shown whole. */
  function reset() {
    view.scale = null;
  }
  return { apply, current, zoomTo, zoomStep, fit, panBy, reset };
}
