/* What a family of methods is called and how it is marked; its colours are the tokens `--family-<id>`. */

import { el } from "./common.js";
import { FAMILIES } from "./families.js";

export function isFamily(family) {
  return Object.hasOwn(FAMILIES, String(family));
}

export function familyColour(family) {
  return isFamily(family) ? `var(--family-${family})` : "var(--ink2)";
}

export function familySign(family) {
  return isFamily(family) ? FAMILIES[family].sign : "○";
}

export function familyName(family) {
  return isFamily(family) ? FAMILIES[family].title : String(family ?? "");
}

/* Corners of its mark in charts; none for a disc. */
export function familyMark(family) {
  return isFamily(family) ? FAMILIES[family].mark : [];
}

export function familyGlyph(family) {
  const mark = el("span", { class: "glyph", "aria-hidden": "true", text: familySign(family) });
  mark.style.color = familyColour(family);
  return mark;
}
