/* The groups of missing pixels that methods fill one by one, and no DOM. */

import { MISSING, makeMask } from "./mask_editor.mask.js";

const TILE = 16;
const MOST = 64;
const CELLS = 250_000;

/* Groups that are near each other, on the grid that methods use: [top, left, bottom, right, count, depth]
   each; none where there are more than methods take one by one. */
export function holes(mask) {
  const wide = Math.ceil(mask.w / TILE);
  const tiles = tileBoxes(mask, wide);
  const found = [];
  for (let start = 0; start < tiles.length; start++) if (tiles[start]) found.push(gather(tiles, wide, start));
  return found.length > MOST ? [] : found.map((box) => [...box, depth(mask, box)]);
}

/* Pixels from the deepest missing one of a box to the nearest known one, rounded; of a large box in steps of
   the cells that stand for its pixels. What lies outside the picture is not known. */
function depth(mask, box) {
  const found = deepestIn(mask, box, 1);
  return touches(mask, box) ? deepestIn(mask, box, found + 1) : found;
}

/* Whether a missing pixel lies right beside a box: then the nearest known one may lie beyond. */
function touches({ w, h, bits }, [top, left, bottom, right]) {
  for (let y = Math.max(0, top - 1); y < Math.min(h, bottom + 1); y++) {
    const step = y < top || y >= bottom ? 1 : right - left + 1;
    for (let x = left - 1; x <= right; x += step)
      if (x >= 0 && x < w && bits[y * w + x] & MISSING) return true;
  }
  return false;
}

/* The depth of a box, by what is known in it and in a margin around it. */
function deepestIn(mask, [top, left, bottom, right], margin) {
  const [y0, x0] = [Math.max(0, top - margin), Math.max(0, left - margin)];
  const [h, w] = [Math.min(mask.h, bottom + margin) - y0, Math.min(mask.w, right + margin) - x0];
  const far = Math.max(mask.h, mask.w);
  const side = Math.max(1, Math.round(Math.sqrt((h * w) / CELLS)));
  const box = [top - y0, left - x0, bottom - y0, right - x0];
  const part = { x0, y0, w, h, far, box };
  if (side === 1) return Math.min(far, deepest(mask, part));
  const cells = pooled(mask, part, side);
  const inside = box.map((at, k) => (k < 2 ? Math.floor : Math.ceil)(at / side));
  return Math.min(far, side * deepest(cells, { x0: 0, y0: 0, w: cells.w, h: cells.h, far, box: inside }));
}

/* A smaller mask of a part: a cell is missing where all of its pixels are. */
function pooled({ w: wide, bits }, { x0, y0, w, h }, side) {
  const small = makeMask(Math.ceil(w / side), Math.ceil(h / side));
  small.bits.fill(MISSING);
  for (let y = 0; y < h; y++) {
    const row = Math.floor(y / side) * small.w;
    const from = (y0 + y) * wide + x0;
    for (let x = 0; x < w; x++) if (!(bits[from + x] & MISSING)) small.bits[row + Math.floor(x / side)] = 0;
  }
  return small;
}

function deepest(mask, part) {
  const up = upward(mask, part);
  let most = 0;
  const [top, left, bottom, right] = part.box;
  for (let y = top; y < bottom; y++) {
    const row = up.subarray(y * part.w, (y + 1) * part.w);
    for (let x = left; x < right; x++) {
      if (row[x] * row[x] > most) most = Math.max(most, nearest(row, x, most));
    }
  }
  return Math.round(Math.sqrt(most));
}

/* For each pixel of a part the distance to the nearest known one of its column, at most `far`. */
function upward({ w: wide, bits }, { x0, y0, w, h, far }) {
  const found = new Int32Array(w * h);
  for (let y = 0, i = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) {
      const above = y ? found[i - w] + 1 : far;
      found[i] = bits[(y0 + y) * wide + x0 + x] & MISSING ? Math.min(far, above) : 0;
    }
  }
  for (let i = found.length - w - 1; i >= 0; i--) {
    if (found[i] > found[i + w] + 1) found[i] = found[i + w] + 1;
  }
  return found;
}

/* Squared distance from a pixel of a row to the nearest known one, from the columns' distances; less does
   not matter once it is not more than `enough`. */
function nearest(row, x, enough) {
  let least = row[x] * row[x];
  for (let step = 1; step * step < least && least > enough; step++) {
    const [left, right] = [x - step, x + step];
    if (left >= 0) least = Math.min(least, step * step + row[left] * row[left]);
    if (right < row.length) least = Math.min(least, step * step + row[right] * row[right]);
  }
  return least;
}

/* For each tile the box of its missing pixels with their count, null where it has none. */
function tileBoxes({ w, h, bits }, wide) {
  const tiles = new Array(wide * Math.ceil(h / TILE)).fill(null);
  for (let y = 0, i = 0; y < h; y++) {
    const row = Math.floor(y / TILE) * wide;
    for (let x = 0; x < w; x++, i++) {
      if (!(bits[i] & MISSING)) continue;
      const tile = row + Math.floor(x / TILE);
      tiles[tile] ??= [y, x, y + 1, x + 1, 0];
      const box = tiles[tile];
      if (x < box[1]) box[1] = x;
      if (x >= box[3]) box[3] = x + 1;
      box[2] = y + 1;
      box[4]++;
    }
  }
  return tiles;
}

/* Takes a tile and all that hang together with it, corners included, out of `tiles`. */
function gather(tiles, wide, start) {
  const box = tiles[start];
  const queue = [start];
  tiles[start] = null;
  while (queue.length) {
    for (const next of neighbours(queue.pop(), wide)) {
      if (!tiles[next]) continue;
      join(box, tiles[next]);
      tiles[next] = null;
      queue.push(next);
    }
  }
  return box;
}

function neighbours(tile, wide) {
  const x = tile % wide;
  const steps = [-1, 0, 1].filter((dx) => x + dx >= 0 && x + dx < wide);
  return [-wide, 0, wide].flatMap((dy) => steps.map((dx) => tile + dy + dx));
}

function join(box, other) {
  for (const k of [0, 1]) box[k] = Math.min(box[k], other[k]);
  for (const k of [2, 3]) box[k] = Math.max(box[k], other[k]);
  box[4] += other[4];
}
