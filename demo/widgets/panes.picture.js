/* An image in a stage, at the view all pictures share. */

import { el } from "./common.js";

export function picture(kind) {
  const name = kind ? `picture ${kind}` : "picture";
  return el("img", { class: name, alt: "", draggable: "false", decoding: "async", hidden: true });
}

export function layer(...children) {
  return el("div", { class: "layer" }, ...children);
}

/* Shows an address; an image that has it already is left alone. */
export function show(image, address) {
  if (image.dataset.src === address) return;
  image.dataset.src = address;
  image.hidden = !address;
  if (address) image.src = address;
  else image.removeAttribute("src");
}
