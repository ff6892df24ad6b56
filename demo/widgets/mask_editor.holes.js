/* The groups of missing pixels that methods fill one by one, and no DOM. */

import { MISSING } from "./mask_editor.mask.js";

const TILE = 16;
const MOST = 64;

/* Groups that are near each other, on the grid that methods use: [top, left, bottom, right, count] each; none
   where there are more than methods take one by one. */
export function holes(mask) {
  const wide = Math.ceil(mask.w / TILE);
  const tiles = tileBoxes(mask, wide);
  const found = [];
  for (let start = 0; start < tiles.length; start++) if (tiles[start]) found.push(gather(tiles, wide, start));
  return found.length > MOST ? [] : found;
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
