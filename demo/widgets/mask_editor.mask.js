/* The mask: exact pixels of the picture's own size, no antialiasing, and no DOM.

   A mask is {w, h, bits}, bits row by row. A box is [x0, y0, x1, y1] in pixels, its ends excluded; the shapes
   return the box they have touched, null where that is none. */

export const MISSING = 1;
export const LINE = 2; // of a sketch, inside the hole

export function makeMask(w, h) {
  return { w, h, bits: new Uint8Array(w * h) };
}

/* The box around two, either of which may be null. */
export function union(a, b) {
  if (!a || !b) return a || b;
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}

function boxWithin({ w, h }, x0, y0, x1, y1) {
  const box = [Math.max(0, x0), Math.max(0, y0), Math.min(w, x1), Math.min(h, y1)];
  return box[2] > box[0] && box[3] > box[1] ? box : null;
}

/* The function that sets pixel i: `value` 1 adds, 0 takes away; with `sketch` it draws lines in the hole. */
export function writer({ bits }, value, sketch) {
  const hole = (i) => {
    bits[i] = value ? bits[i] | MISSING : 0;
  };
  const line = (i) => {
    bits[i] = value && bits[i] & MISSING ? bits[i] | LINE : bits[i] & MISSING;
  };
  return sketch ? line : hole;
}

/* All pixels within `radius` of the line from a to b, and the pixel under b however thin the line is. */
export function capsule(mask, a, b, radius, write) {
  const { w, h } = mask;
  const [left, right] = [Math.min(a.x, b.x) - radius, Math.max(a.x, b.x) + radius];
  const [top, bottom] = [Math.min(a.y, b.y) - radius, Math.max(a.y, b.y) + radius];
  const box = boxWithin(mask, Math.floor(left), Math.floor(top), Math.ceil(right) + 1, Math.ceil(bottom) + 1);
  if (box) fillCapsule(w, box, a, b, radius, write);
  const [x, y] = [Math.floor(b.x), Math.floor(b.y)];
  if (x >= 0 && y >= 0 && x < w && y < h) write(y * w + x);
  return box;
}

function fillCapsule(w, [x0, y0, x1, y1], a, b, radius, write) {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length2 = dx * dx + dy * dy;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const px = x + 0.5 - a.x;
      const py = y + 0.5 - a.y;
      const t = length2 ? Math.max(0, Math.min(1, (px * dx + py * dy) / length2)) : 0;
      const ex = px - t * dx;
      const ey = py - t * dy;
      if (ex * ex + ey * ey <= radius * radius) write(y * w + x);
    }
  }
}

/* All pixels from the one under a to the one under b. */
export function rectangle(mask, a, b, write) {
  const [left, right] = [Math.floor(Math.min(a.x, b.x)), Math.floor(Math.max(a.x, b.x))];
  const [top, bottom] = [Math.floor(Math.min(a.y, b.y)), Math.floor(Math.max(a.y, b.y))];
  const box = boxWithin(mask, left, top, right + 1, bottom + 1);
  if (!box) return null;
  for (let y = box[1]; y < box[3]; y++) {
    for (let x = box[0]; x < box[2]; x++) write(y * mask.w + x);
  }
  return box;
}

/* All pixels whose middle is inside a closed line, by even and odd crossings. */
export function polygon(mask, points, write) {
  const [xs, ys] = [points.map((p) => p.x), points.map((p) => p.y)];
  const [left, right] = [Math.floor(Math.min(...xs)), Math.ceil(Math.max(...xs))];
  const box = boxWithin(mask, left, Math.floor(Math.min(...ys)), right, Math.ceil(Math.max(...ys)));
  if (!box) return null;
  for (let y = box[1]; y < box[3]; y++) {
    const cuts = crossings(points, y + 0.5);
    for (let i = 0; i + 1 < cuts.length; i += 2) {
      const from = Math.max(0, Math.ceil(cuts[i] - 0.5));
      const to = Math.min(mask.w, Math.ceil(cuts[i + 1] - 0.5));
      for (let x = from; x < to; x++) write(y * mask.w + x);
    }
  }
  return box;
}

/* Where a closed line crosses the height y, from left to right. */
function crossings(points, y) {
  const found = [];
  for (let i = 0; i < points.length; i++) {
    const [a, b] = [points[i], points[(i + 1) % points.length]];
    if (a.y <= y !== b.y <= y) found.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  }
  return found.sort((a, b) => a - b);
}

export function invert({ bits }) {
  for (let i = 0; i < bits.length; i++) bits[i] ^= MISSING;
}

/* The pixels by which one press grows the hole. */
export function spreadStep({ w, h }) {
  return Math.max(1, Math.round(Math.max(w, h) / 256));
}

/* Grows the hole by a disc of `by` pixels, or shrinks it where that is below 0; lines stay. Returns the box
   that it has touched. */
export function spread(mask, by) {
  const { w, bits } = mask;
  const [radius, grow] = [Math.abs(by), by > 0];
  if (!radius) return null;
  const { count: any, top, left, bottom, right } = summary(mask);
  const box = any ? boxWithin(mask, left - radius, top - radius, right + radius, bottom + radius) : null;
  if (!box) return null;
  const value = grow ? MISSING : 0;
  const far = columnDistances(mask, box, value, radius + 1);
  const reach = Int32Array.from({ length: radius + 2 }, (_, d) =>
    d > radius ? -1 : Math.floor(Math.sqrt(radius * radius - d * d)),
  );
  const wide = box[2] - box[0];
  for (let y = box[1]; y < box[3]; y++) {
    const row = far.subarray((y - box[1]) * wide, (y - box[1] + 1) * wide);
    spreadRow(bits, y * w + box[0], row, reach, value);
  }
  return box;
}

/* For each pixel of a box how far the nearest one with the value is in its column, at most `most`. */
export function columnDistances({ w, bits }, [x0, y0, x1, y1], value, most) {
  const wide = x1 - x0;
  const found = new Uint16Array(wide * (y1 - y0));
  for (let y = y0, i = 0; y < y1; y++) {
    for (let x = x0; x < x1; x++, i++) {
      const above = y > y0 ? found[i - wide] + 1 : most;
      found[i] = (bits[y * w + x] & MISSING) === value ? 0 : Math.min(most, above);
    }
  }
  for (let i = found.length - wide - 1; i >= 0; i--) {
    if (found[i] > found[i + wide] + 1) found[i] = found[i + wide] + 1;
  }
  return found;
}

/* Gives the value to all pixels of a row, from bit `start` on, that one of its columns reaches. */
function spreadRow(bits, start, row, reach, value) {
  const steps = new Int32Array(row.length + 1);
  for (let x = 0; x < row.length; x++) {
    const far = reach[row[x]];
    if (far < 0) continue;
    steps[Math.max(0, x - far)]++;
    steps[Math.min(row.length, x + far + 1)]--;
  }
  for (let x = 0, covers = 0; x < row.length; x++) {
    covers += steps[x];
    if (covers) bits[start + x] = (bits[start + x] & LINE) | value;
  }
}

/* Takes bits from (4 values a pixel) a picture of a mask: light is missing. Lines stay. `how`: "add" and
   "remove" leave what is dark there alone. */
export function readMask({ bits }, rgba, how) {
  const [light, dark] = { add: [MISSING, null], remove: [0, null] }[how] ?? [MISSING, 0];
  for (let i = 0; i < bits.length; i++) {
    const value = rgba[4 * i] >= 128 ? light : dark;
    if (value !== null) bits[i] = (bits[i] & LINE) | value;
  }
}

/* Adds the hole of another mask, whose upper left corner lies at (left, top). */
export function addMask({ w, h, bits }, other, left, top) {
  const [rows, columns] = [Math.min(other.h, h - top), Math.min(other.w, w - left)];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) bits[(y + top) * w + x + left] |= other.bits[y * other.w + x];
  }
}

export function clearLines({ bits }) {
  for (let i = 0; i < bits.length; i++) bits[i] &= MISSING;
}

/* Pixels that are missing, those with a line, the box around them, and a digest that tells masks apart. */
export function summary({ w, h, bits }) {
  const found = { count: 0, lines: 0, top: h, left: w, bottom: 0, right: 0, digest: 0x811c9dc5 };
  for (let i = 0, y = 0; y < h; y++) {
    for (let x = 0; x < w; x++, i++) if (bits[i] & MISSING) count(found, bits[i], i, x, y);
  }
  return { ...found, digest: String(found.digest >>> 0) };
}

function count(found, bit, i, x, y) {
  found.count++;
  found.digest = Math.imul(found.digest ^ i, 0x01000193);
  if (x < found.left) found.left = x;
  if (x >= found.right) found.right = x + 1;
  if (y < found.top) found.top = y;
  found.bottom = y + 1;
  if (!(bit & LINE)) return;
  found.lines++;
  found.digest = Math.imul(found.digest ^ 0x9e37, 0x01000193);
}
