/* Painted masks as text. For links: run lengths, deflated, base64url; `demo/server/linked.py` says how and
   reads them. For a reload of the tab: the same runs, not deflated, as pages that close do not wait. */

import { LINE, MISSING } from "./mask_editor.mask.js";

export const MOST_QUERY = 8192;
const MARK = "runs:";
const MOST_CODE = 2 ** 18;

/* Lengths of runs without and with a bit in turn, row by row, beginning with those without. */
function runs({ bits }, one = MISSING) {
  const found = [];
  let [start, last] = [0, 0];
  for (let i = 0; i < bits.length; i++) {
    const bit = bits[i] & one;
    if (bit === last) continue;
    found.push(i - start);
    [start, last] = [i, bit];
  }
  found.push(bits.length - start);
  return found;
}

function bytesOf(numbers) {
  const bytes = [];
  for (let number of numbers) {
    for (; number > 127; number >>>= 7) bytes.push((number & 127) | 128);
    bytes.push(number);
  }
  return new Uint8Array(bytes);
}

function numbersOf(bytes) {
  const numbers = [];
  let [number, shift] = [0, 0];
  for (const byte of bytes) {
    number += (byte & 127) * 2 ** shift;
    shift += 7;
    if (byte & 128) continue;
    numbers.push(number);
    [number, shift] = [0, 0];
  }
  return numbers;
}

function textOf(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/* Mask and sketch as plain values. */
export function savedMask(mask) {
  const [hole, lines] = [MISSING, LINE].map((bit) => textOf(bytesOf(runs(mask, bit))));
  return { w: mask.w, h: mask.h, hole, lines };
}

/* Sets a mask of the same size to what was saved. */
export function readSaved({ bits }, { hole, lines }) {
  bits.fill(0);
  for (const [text, bit] of [
    [hole, MISSING],
    [lines, LINE],
  ]) {
    let at = 0;
    numbersOf(Uint8Array.from(atob(text), (char) => char.charCodeAt(0))).forEach((length, i) => {
      if (i % 2) for (let k = at; k < at + length; k++) bits[k] |= bit;
      at += length;
    });
  }
}

/* The mask for a link: empty text where nothing is painted, null where it is too long. */
export async function maskCode(mask) {
  const found = runs(mask);
  if (found.length < 2) return "";
  const bytes = bytesOf([mask.w, mask.h, ...found]);
  if (bytes.length > MOST_CODE) return null;
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  if (packed.length > MOST_QUERY) return null;
  return MARK + textOf(packed).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
