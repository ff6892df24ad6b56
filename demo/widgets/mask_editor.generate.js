/* Masks that the server draws: shape, part of the picture, seed. */

import { el } from "./common.js";
import { textButton } from "./mask_editor.icons.js";

function ratioInput() {
  return el("input", {
    type: "range",
    class: "ed-genratio",
    min: "1",
    max: "60",
    value: "20",
    "aria-label": "Part of the picture to mask",
  });
}

function seedInput() {
  return el("input", {
    type: "number",
    class: "ed-field ed-seed",
    min: "0",
    max: "999999",
    step: "1",
    value: "0",
    "aria-label": "Seed of a drawn mask",
  });
}

/* `editor`: mask, props, trigger and say. */
export function makeGenerator(editor) {
  const generators = editor.props.generators || [];
  const options = generators.map((one) => el("option", { value: one.id, text: one.title }));
  const kind = el("select", { class: "ed-field", "aria-label": "Shape of a drawn mask" }, ...options);
  const ratio = ratioInput();
  const out = el("output", { class: "ed-genout" });
  const seed = seedInput();

  /* Some shapes cover a part that cannot be chosen. */
  function nameRatio() {
    const one = generators.find((other) => other.id === kind.value);
    ratio.disabled = Boolean(one?.fixed);
    out.textContent = one?.fixed || `${ratio.value} %`;
  }

  function draw() {
    if (!editor.mask.w) return editor.say("Choose a picture first: upload, paste or pick one.", true);
    editor.trigger("tool", {
      kind: "generate",
      name: kind.value,
      ratio: Number(ratio.value) / 100,
      seed: Math.max(0, Math.round(Number(seed.value) || 0)),
    });
  }

  kind.addEventListener("change", nameRatio);
  ratio.addEventListener("input", nameRatio);
  nameRatio();
  const row = el(
    "div",
    { class: "ed-genrow" },
    el("label", { class: "ed-stack" }, el("span", {}, "Draw a mask"), kind),
    el("label", { class: "ed-stack ed-grow" }, el("span", {}, "Covers ", out), ratio),
    el("label", { class: "ed-stack" }, el("span", {}, "Seed"), seed),
    textButton("Draw", draw),
  );
  return el("div", { class: "ed-generate", hidden: !options.length }, row);
}
