/* All pictures as a row below the two that are compared: one that is chosen stands on the right. */

import { familyGlyph } from "./common.families.js";
import { el, ownUrl, setAttributes } from "./common.js";
import { picture, show } from "./panes.picture.js";

export function makeFilm() {
  return el("div", { class: "film", role: "group", "aria-label": "Compare with" });
}

/* `choices`: panes with a picture; `pair`: ids of the two in view; `choose(id)`. */
export function drawFilm(film, choices, pair, choose) {
  const key = JSON.stringify(choices.map((p) => [p.id, p.title, p.family]));
  if (film.dataset.key !== key) film.replaceChildren(...choices.map((p) => still(p, choose)));
  film.dataset.key = key;
  choices.forEach((p, i) => {
    const node = film.children[i];
    show(node.firstChild, ownUrl(p.src));
    setAttributes(node, { "aria-pressed": pair[1] === p.id, "aria-current": pair.includes(p.id) });
  });
}

function still(data, choose) {
  const title = el("span", {}, familyGlyph(data.family), el("span", { text: data.title }));
  const on = { click: () => choose(data.id) };
  return el("button", { type: "button", class: "still", "data-id": data.id, on }, picture(), title);
}
