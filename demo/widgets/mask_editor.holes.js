/* The groups of missing pixels that methods fill one by one, and no DOM. */

import { MISSING } from "./mask_editor.mask.js";

const TILE = 16;
const MOST = 64;

/* Groups that are near each other, on the grid that methods use: [top, left, bottom, right, count, depth]
   each; none where there are more than methods take one by one. */
export function holes(mask) {
  const wide = Math.ceil(mask.w / TILE);
  const tiles = tileBoxes(mask, wide);
  const found = [];
  for (let start = 0; start < tiles.length; start++) if (tiles[start]) found.push(gather(tiles, wide, start));
  return found.length > MOST ? [] : found.map((box) => [...box, depth(mask, box)]);
}

/* Pixels from the deepest missing one of a box to the nearest known one, rounded. What lies outside the
   picture is not known. */
function depth(mask, [top, left, bottom, right]) {
  const [y0, x0] = [Math.max(0, top - 1), Math.max(0, left - 1)];
  const [h, w] = [Math.min(mask.h, bottom + 1) - y0, Math.min(mask.w, right + 1) - x0];
  const far = Math.max(mask.h, mask.w);
  const up = upward(mask, { x0, y0, w, h, far });
  let deepest = 0;
  for (let y = 0; y < h; y++) {
    const row = up.subarray(y * w, (y + 1) * w);
    for (let x = 0; x < w; x++) if (row[x]) deepest = Math.max(deepest, nearest(row, x));
  }
  return Math.min(far, Math.round(Math.sqrt(deepest)));
}

/* For each pixel of a part the distance to the nearest known one of its column, at most `far`. */
function upward({ w: wide, bits }, { x0, y0, w, h, far }) {
  const found = new Int32Array(w * h);
  for (let x = 0; x < w; x++) {
    for (let y = 0, run = far; y < h; y++) {
      run = bits[(y0 + y) * wide + x0 + x] & MISSING ? Math.min(far, run + 1) : 0;
      found[y * w + x] = run;
    }
    for (let y = h - 1, run = far; y >= 0; y--) {
      run = found[y * w + x] ? Math.min(far, run + 1) : 0;
      if (run < found[y * w + x]) found[y * w + x] = run;
    }
  }
  return found;
}

/* Squared distance from a pixel of a row to the nearest known one, from the columns' distances. */
function nearest(row, x) {
  let least = row[x] * row[x];
  for (let step = 1; step * step < least; step++) {
    for (const other of [x - step, x + step]) {
      if (other < 0 || other >= row.length) continue;
      least = Math.min(least, step * step + row[other] * row[other]);
    }
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
