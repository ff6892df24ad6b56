/* Turns the picture by a slider, seen under lines that are level; its empty corners become the hole. */

import { el } from "./common.js";
import { textButton } from "./mask_editor.icons.js";

const LINES = 8;
const WIDER = 1.02;

/* `editor`: mask, brush, corners, trigger, say and draw. */
export function makeStraighten(editor) {
  const range = el("input", {
    type: "range",
    min: "-15",
    max: "15",
    step: "0.1",
    value: "0",
    "aria-label": "Turn the picture, in degrees",
  });
  const out = el("output", { class: "ed-sizeout" }, "0.0°");
  const turn = textButton("Turn", apply, { disabled: true });

  function degrees() {
    return Number(range.value);
  }

  function move() {
    const on = Boolean(editor.mask.w && degrees());
    if (on && editor.corners.chosen()) editor.brush.pick("brush");
    turn.disabled = !on;
    out.textContent = `${degrees().toFixed(1).replace("-", "−")}°`;
    editor.draw();
  }

  function apply() {
    editor.say("Turning the picture …");
    editor.trigger("tool", { kind: "straighten", degrees: degrees() });
  }

  function forget() {
    range.value = "0";
    move();
  }

  range.addEventListener("input", move);
  const label = el("label", { class: "ed-sizebox" }, el("span", {}, "Straighten"), range, out);
  const parts = [label, turn, editor.corners.button];
  const node = el("div", { class: "ed-find", role: "group", "aria-label": "Frame" }, ...parts);
  return { node, degrees, forget };
}

/* The picture turned about its middle, as it would be, under a net of level lines; in device pixels. */
export function drawTurned(context, { picture, mask }, { s, x, y }, degrees) {
  const [w, h] = [mask.w * s, mask.h * s];
  context.save();
  context.translate(x + w / 2, y + h / 2);
  context.rotate((-degrees * Math.PI) / 180);
  context.drawImage(picture, -w / 2, -h / 2, w, h);
  context.restore();
  const reach = (Math.max(w, h) / 2) * WIDER;
  for (const [style, width] of [
    ["rgba(0, 0, 0, 0.5)", 2],
    ["rgba(255, 255, 255, 0.8)", 1],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    for (let i = 0; i <= LINES; i++) {
      const at = (2 * i) / LINES - 1;
      context.moveTo(x + w / 2 - reach, y + h / 2 + at * reach);
      context.lineTo(x + w / 2 + reach, y + h / 2 + at * reach);
      context.moveTo(x + w / 2 + at * reach, y + h / 2 - reach);
      context.lineTo(x + w / 2 + at * reach, y + h / 2 + reach);
    }
    context.stroke();
  }
}
