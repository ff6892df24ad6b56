/* What the mask editor shows: the picture, the mask's tint and edge, the outline of what is being drawn. */

import { el } from "./common.js";
import { drawCorners } from "./mask_editor.corners.js";
import { drawFrame } from "./mask_editor.extend.js";
import { softness } from "./mask_editor.feather.js";
import { LINE, MISSING, union } from "./mask_editor.mask.js";
import { drawTurned } from "./mask_editor.straighten.js";

const HOLE_TINT = 0x8c7e00e6; // words of a canvas: alpha, blue, green, red
const LINE_TINT = 0xff00e1ff;
const BLACK = 0xff000000;
const WHITE = 0xffffffff;

/* `editor`: mask, picture, view, brush, feather, pointer and keyPoint; `stage` holds `canvas`. */
export function makeCanvas(editor, stage, canvas) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const state = { tint: null, dirty: null, frame: 0, empty: true };

  /* A canvas for the tint of a new picture. */
  function renew() {
    const { w, h } = editor.mask;
    state.tint = el("canvas", { width: w, height: h }).getContext("2d");
    state.dirty = null;
  }

  function retint(changed = [0, 0, editor.mask.w, editor.mask.h]) {
    if (!state.tint) return;
    const box = editor.feather.around(changed);
    state.tint.putImageData(tinted(editor.mask, box, editor.feather.size()), box[0], box[1]);
  }

  /* A box of the mask that is to be shown anew with the next frame. */
  function touch(box) {
    state.dirty = union(state.dirty, box);
  }

  function settle() {
    if (state.dirty) retint(state.dirty);
    state.dirty = null;
  }

  function forget() {
    state.dirty = null;
  }

  function draw() {
    if (state.frame) return;
    state.frame = requestAnimationFrame(() => {
      state.frame = 0;
      paint();
    });
  }

  function paint() {
    const box = stage.getBoundingClientRect();
    const dpr = window.devicePixelRatio || 1;
    if (!box.width) return;
    resize(canvas, Math.round(box.width * dpr), Math.round(box.height * dpr));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!editor.picture) return;
    editor.corners.place();
    const view = editor.view.current();
    const place = { s: view.scale * dpr, x: view.x * dpr, y: view.y * dpr };
    const turned = editor.straighten.degrees();
    if (turned) return drawTurned(context, editor, place, turned);
    drawMasked(place);
    drawTools(dpr);
  }

  function drawMasked(place) {
    drawPicture(context, editor, place);
    settle();
    if (state.tint) drawScaled(context, state.tint.canvas, editor.mask, place);
    if (!state.empty || editor.pointer.gesture()) drawEdges(context, editor.mask, place);
  }

  function drawTools(dpr) {
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    drawOutline(context, editor);
    if (editor.corners.chosen()) drawCorners(context, editor, editor.corners.points());
    if (editor.extend.chosen()) drawFrame(context, editor, editor.extend.frame());
    if (editor.keyPoint && document.activeElement === stage) drawKeyPoint(context, editor);
  }

  /* Where nothing is missing there is no edge to look for. */
  function setEmpty(empty) {
    state.empty = empty;
  }
  return { renew, retint, touch, settle, forget, draw, setEmpty };
}

function resize(canvas, width, height) {
  if (canvas.width === width && canvas.height === height) return;
  canvas.width = width;
  canvas.height = height;
}

function tinted(mask, box, feather) {
  const { w, bits } = mask;
  const [x0, y0, x1, y1] = box;
  const part = new ImageData(x1 - x0, y1 - y0);
  const words = new Uint32Array(part.data.buffer);
  if (feather)
    softness(mask, box, feather).forEach((share, i) => {
      words[i] = soft(share);
    });
  for (let y = y0, i = 0; y < y1; y++) {
    for (let x = x0; x < x1; x++, i++) {
      const bit = bits[y * w + x];
      if (bit & MISSING) words[i] = bit & LINE ? LINE_TINT : HOLE_TINT;
    }
  }
  return part;
}

/* The hole's tint, as strong as a pixel's share of the fill is. */
function soft(share) {
  return ((Math.round(((HOLE_TINT >>> 24) * share) / 255) << 24) | (HOLE_TINT & 0xffffff)) >>> 0;
}

function drawScaled(context, image, { w, h }, { s, x, y }) {
  context.drawImage(image, x, y, w * s, h * s);
}

function drawPicture(context, { picture, mask }, place) {
  context.imageSmoothingEnabled = place.s < 3;
  context.imageSmoothingQuality = "high";
  drawScaled(context, picture, mask, place);
}

/* The picture's pixel under each device pixel of a row or column. */
function sampled(from, to, origin, scale, length) {
  return Int32Array.from({ length: to - from }, (_, i) => {
    return Math.min(length - 1, Math.max(0, Math.floor((from + i + 0.5 - origin) / scale)));
  });
}

/* Black and white dashes where missing meets known, one device pixel wide at every zoom. */
function drawEdges(context, mask, { s, x, y }) {
  const { width, height } = context.canvas;
  const [x0, x1] = [Math.max(0, Math.ceil(x)), Math.min(width, Math.floor(x + mask.w * s))];
  const [y0, y1] = [Math.max(0, Math.ceil(y)), Math.min(height, Math.floor(y + mask.h * s))];
  if (x1 - x0 < 2 || y1 - y0 < 2) return;
  const part = context.getImageData(x0, y0, x1 - x0, y1 - y0);
  const columns = sampled(x0, x1, x, s, mask.w);
  const rows = sampled(y0, y1, y, s, mask.h);
  dash(new Uint32Array(part.data.buffer), mask, columns, rows, y0);
  context.putImageData(part, x0, y0);
}

function dash(words, { w, bits }, columns, rows, y0) {
  for (let j = 0; j < rows.length - 1; j++) {
    const [row, below] = [rows[j] * w, rows[j + 1] * w];
    for (let i = 0; i < columns.length - 1; i++) {
      const bit = bits[row + columns[i]] & MISSING;
      const right = bits[row + columns[i + 1]] & MISSING;
      const under = bits[below + columns[i]] & MISSING;
      if (bit === right && bit === under) continue;
      words[j * columns.length + i] = ((i + j + y0) >> 2) & 1 ? WHITE : BLACK;
    }
  }
}

/* The box or lasso that is being drawn. */
function drawOutline(context, { pointer, brush, view }) {
  const points = pointer.gesture()?.points?.map(view.toStage);
  if (!points || brush.strokes()) return;
  context.beginPath();
  const [first, last] = [points[0], points.at(-1)];
  if (brush.tool() !== "lasso") context.rect(...first, last[0] - first[0], last[1] - first[1]);
  else for (const p of points) context.lineTo(...p);
  context.lineWidth = 1.5;
  for (const [style, pattern] of [
    ["#000", []],
    ["#fff", [4, 4]],
  ]) {
    context.strokeStyle = style;
    context.setLineDash(pattern);
    context.stroke();
  }
  context.setLineDash([]);
}

/* The keyboard's cursor. */
function drawKeyPoint(context, { keyPoint, brush, view }) {
  const [x, y] = view.toStage(keyPoint);
  const radius = Math.max(4, (brush.size() / 2) * view.current().scale);
  for (const [style, width] of [
    ["#000", 3],
    ["#fff", 1.5],
  ]) {
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke();
  }
}
