/* The soft edge around the hole: a ring of known pixels in which the picture goes over into the fill. The
   hole itself stays as it is painted. `inpainters/uses/feather.py` makes it in the results. */

import { el } from "./common.js";
import { columnDistances, MISSING, spread } from "./mask_editor.mask.js";

const MOST = 32;

/* For each pixel of a box how much of it is the fill, 0 to 255: all of it in the hole, nothing from
   `feather` + 1 pixels away on. */
export function softness(mask, [x0, y0, x1, y1], feather) {
  const { w, h } = mask;
  const around = [Math.max(0, x0 - feather), Math.max(0, y0 - feather)];
  around.push(Math.min(w, x1 + feather), Math.min(h, y1 + feather));
  const far = columnDistances(mask, around, MISSING, feather + 1);
  const wide = around[2] - around[0];
  const found = new Uint8ClampedArray((x1 - x0) * (y1 - y0));
  for (let y = y0, i = 0; y < y1; y++) {
    const start = (y - around[1]) * wide;
    const row = far.subarray(start, start + wide);
    const there = reached(row, feather);
    for (let x = x0 - around[0]; x < x1 - around[0]; x++, i++) {
      const near = there[Math.min(wide, x + feather + 1)] > there[Math.max(0, x - feather)];
      if (near) found[i] = share(nearest(row, x, feather + 1), feather);
    }
  }
  return found;
}

/* How many pixels of a row, before each, have a missing one near in their column. */
function reached(row, feather) {
  const found = new Int32Array(row.length + 1);
  for (let x = 0; x < row.length; x++) found[x + 1] = found[x] + (row[x] <= feather ? 1 : 0);
  return found;
}

/* Squared distance from a pixel of a row to the nearest missing one, at most that of `most`. */
function nearest(row, x, most) {
  let least = Math.min(most, row[x]) ** 2;
  for (let step = 1; step * step < least; step++) {
    const [left, right] = [x - step, x + step];
    if (left >= 0) least = Math.min(least, step * step + row[left] * row[left]);
    if (right < row.length) least = Math.min(least, step * step + row[right] * row[right]);
  }
  return least;
}

function share(squared, feather) {
  const t = Math.max(0, 1 - Math.sqrt(squared) / (feather + 1));
  return 255 * t * t * (3 - 2 * t);
}

/* `editor`: props, mask, canvas and changed. Seen while the slider moves, told when it is let go. */
export function makeFeather(editor) {
  const range = el("input", {
    type: "range",
    class: "ed-feather",
    min: "0",
    max: String(MOST),
    value: "0",
    "aria-label": "Feather: how softly the picture goes over into the fill, in pixels",
    title: "Feather: a soft edge around the mask, mixed from picture and fill",
  });
  const out = el("output", { class: "ed-sizeout" });
  const size = () => Number(range.value);

  function show() {
    out.textContent = `${size()} px`;
    const { w, h } = editor.mask;
    if (w) editor.canvas.touch([0, 0, w, h]);
    editor.canvas.draw();
  }

  /* The server says how wide it is; null where it does not. */
  function take(pixels) {
    if (pixels === null || pixels === undefined || pixels === size()) return;
    range.value = String(pixels);
    show();
  }

  /* What a method fills: the hole with its ring. */
  function widened(mask) {
    if (!size()) return mask;
    const wide = { ...mask, bits: mask.bits.slice() };
    spread(wide, size());
    return wide;
  }

  /* A mask with another soft edge has another digest. */
  function digest(own) {
    return size() ? own + String(size()).padStart(2, "0") : own;
  }

  /* A box with the pixels around it that its edge makes soft. */
  function around([x0, y0, x1, y1]) {
    const [by, { w, h }] = [size(), editor.mask];
    return [Math.max(0, x0 - by), Math.max(0, y0 - by), Math.min(w, x1 + by), Math.min(h, y1 + by)];
  }

  range.addEventListener("input", show);
  range.addEventListener("change", () => editor.changed(true, "setting"));
  out.textContent = "0 px";
  const label = { class: "ed-sizebox ed-named", hidden: !editor.props.feathers };
  const node = el("label", label, el("span", {}, "Feather"), range, out);
  return { node, size, take, widened, digest, around };
}
