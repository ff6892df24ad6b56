/* What a family of methods is called and how it is marked; its colours are the tokens `--family-<id>`. */

import { el } from "./common.js";

const FAMILIES = {
  baseline: ["●", "Baseline"],
  smoothing: ["■", "Smoothing"],
  patch: ["▲", "Patch"],
  convolutional: ["◆", "Convolutional"],
  diffusion: ["★", "Diffusion"],
  latent: ["✚", "Latent diffusion"],
  own_prior: ["▼", "Own prior"],
};

export function isFamily(family) {
  return Object.hasOwn(FAMILIES, String(family));
}

export function familyColour(family) {
  return isFamily(family) ? `var(--family-${family})` : "var(--ink2)";
}

export function familySign(family) {
  return isFamily(family) ? FAMILIES[family][0] : "○";
}

export function familyName(family) {
  return isFamily(family) ? FAMILIES[family][1] : String(family ?? "");
}

export function familyGlyph(family) {
  const mark = el("span", { class: "glyph", "aria-hidden": "true", text: familySign(family) });
  mark.style.color = familyColour(family);
  return mark;
}
