/* How far each picture is from the original, in matplotlib's colours "magma", over the panes. */

import { isFamily } from "./common.families.js";
import { el, ownUrl } from "./common.js";
import { isDone } from "./panes.data.js";

export const ERROR_FULL = 128;
const MAGMA =
  "00000401000501010601010802010902020b02020d03030f03031204041405041606051806051a07061c08071e090720" +
  "0a08220b09240c09260d0a290e0b2b100b2d110c2f120d31130d34140e36150e38160f3b180f3d19103f1a10421c1044" +
  "1d11471e114920114b21114e22115024125325125527125829115a2a115c2c115f2d11612f1163311165331067341069" +
  "36106b38106c390f6e3b0f703d0f713f0f72400f74420f75440f764510774710784910784a10794c117a4e117b4f127b" +
  "51127c52137c54137d56147d57157e59157e5a167e5c167f5d177f5f187f601880621980641a80651a80671b80681c81" +
  "6a1c816b1d816d1d816e1e81701f81721f817320817521817621817822817922827b23827c23827e2482802582812581" +
  "8326818426818627818827818928818b29818c29818e2a81902a81912b81932b80942c80962c80982d80992d809b2e7f" +
  "9c2e7f9e2f7fa02f7fa1307ea3307ea5317ea6317da8327daa337dab337cad347cae347bb0357bb2357bb3367ab5367a" +
  "b73779b83779ba3878bc3978bd3977bf3a77c03a76c23b75c43c75c53c74c73d73c83e73ca3e72cc3f71cd4071cf4070" +
  "d0416fd2426fd3436ed5446dd6456cd8456cd9466bdb476adc4869de4968df4a68e04c67e24d66e34e65e44f64e55064" +
  "e75263e85362e95462ea5661eb5760ec5860ed5a5fee5b5eef5d5ef05f5ef1605df2625df2645cf3655cf4675cf4695c" +
  "f56b5cf66c5cf66e5cf7705cf7725cf8745cf8765cf9785df9795df97b5dfa7d5efa7f5efa815ffb835ffb8560fb8761" +
  "fc8961fc8a62fc8c63fc8e64fc9065fd9266fd9467fd9668fd9869fd9a6afd9b6bfe9d6cfe9f6dfea16efea36ffea571" +
  "fea772fea973feaa74feac76feae77feb078feb27afeb47bfeb67cfeb77efeb97ffebb81febd82febf84fec185fec287" +
  "fec488fec68afec88cfeca8dfecc8ffecd90fecf92fed194fed395fed597fed799fed89afdda9cfddc9efddea0fde0a1" +
  "fde2a3fde3a5fde5a7fde7a9fde9aafdebacfcecaefceeb0fcf0b2fcf2b4fcf4b6fcf6b8fcf7b9fcf9bbfcfbbdfcfdbf";
const MAGMA_BYTES = Uint8Array.from({ length: 768 }, (_, i) =>
  Number.parseInt(MAGMA.slice(2 * i, 2 * i + 2), 16),
);

/* The colours of a legend, as a CSS gradient. */
export function ramp() {
  const stops = [0, 32, 64, 96, 128, 160, 192, 224, 255].map((i) => `#${MAGMA.slice(6 * i, 6 * i + 6)}`);
  return `linear-gradient(to right,${stops})`;
}

async function pixels(address, size) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const [width, height] = size || [image.naturalWidth, image.naturalHeight];
  const context = el("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

/* Writes the colours of the mean absolute difference over the three channels into `picture`. */
function colourError(picture, reference) {
  const [a, b] = [picture.data, reference.data];
  for (let i = 0; i < a.length; i += 4) {
    const d = (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2])) / 3;
    const k = 3 * Math.round((255 * Math.min(d, ERROR_FULL)) / ERROR_FULL);
    a[i] = MAGMA_BYTES[k];
    a[i + 1] = MAGMA_BYTES[k + 1];
    a[i + 2] = MAGMA_BYTES[k + 2];
    a[i + 3] = 255;
  }
  return picture;
}

/* Draws the map of one pane, unless another one is wanted by then. */
async function mapPane(pane, key, src, reference) {
  const target = await pixels(reference);
  const map = colourError(await pixels(src, [target.width, target.height]), target);
  if (pane.mapKey !== key) return;
  pane.map = el("canvas", { class: "map picture", width: map.width, height: map.height });
  pane.map.getContext("2d").putImageData(map, 0, 0);
  pane.layer.append(pane.map);
}

/* The function that draws the maps in the mode "error", one after the other.
   `panes`: mode, shown, say and referenceUrl(). */
export function makeErrorMaps(panes) {
  let last = Promise.resolve();

  function failed(pane) {
    pane.mapKey = null;
    panes.say.textContent = `The error map of ${pane.data.title} could not be computed.`;
  }

  function drawMap(pane, reference) {
    const src = ownUrl(pane.data.src);
    const has = reference && src && src !== reference && isFamily(pane.data.family) && isDone(pane.data);
    const wanted = has ? `${src} ${reference}` : "";
    if (wanted === pane.mapKey) return;
    pane.mapKey = wanted;
    pane.map?.remove();
    pane.map = null;
    if (wanted) last = last.then(() => mapPane(pane, wanted, src, reference)).catch(() => failed(pane));
  }

  return () => {
    if (panes.mode !== "error") return;
    for (const pane of panes.shown.values()) drawMap(pane, panes.referenceUrl());
  };
}
