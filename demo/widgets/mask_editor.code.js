/* Painted masks as text for links: run lengths, deflated, base64url. `demo/server/linked.py` says how and
   reads them. */

import { MISSING } from "./mask_editor.mask.js";

export const MOST_QUERY = 8192;
const MARK = "runs:";
const MOST_CODE = 2 ** 18;

/* Lengths of known and missing runs in turn, row by row, beginning with known. */
function runs({ bits }) {
  const found = [];
  let [start, last] = [0, 0];
  for (let i = 0; i < bits.length; i++) {
    const bit = bits[i] & MISSING;
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

/* The mask for a link: empty text where nothing is painted, null where it is too long. */
export async function maskCode(mask) {
  const found = runs(mask);
  if (found.length < 2) return "";
  const bytes = bytesOf([mask.w, mask.h, ...found]);
  if (bytes.length > MOST_CODE) return null;
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  const packed = new Uint8Array(await new Response(stream).arrayBuffer());
  if (packed.length > MOST_QUERY) return null;
  const text = btoa(String.fromCharCode(...packed));
  return MARK + text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
