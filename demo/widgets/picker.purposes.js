/* Buttons that tick the methods for a purpose. */

import { el, setAttributes } from "./common.js";

function same(a, b) {
  return a.length === b.length && a.every((id) => b.includes(id));
}

/* `take(purpose)` is called when the visitor presses one. */
export function makePurposes(take) {
  const node = el("div", { class: "purposes", role: "group", "aria-label": "Choose methods by purpose" });
  let now = [];

  function button(i) {
    const click = () => take(now[i]);
    return el("button", { type: "button", "data-purpose": now[i].id, text: now[i].title, on: { click } });
  }

  /* Pressed is the one whose methods are ticked, no more and no fewer. */
  function tick(purposes, chosen) {
    now = purposes;
    node.hidden = !now.length;
    while (node.children.length < now.length) node.append(button(node.children.length));
    now.forEach((one, i) => {
      const pressed = one.ids.length > 0 && same(one.ids, chosen);
      setAttributes(node.children[i], { "aria-pressed": pressed, "data-tip": one.help });
    });
  }
  return { node, tick };
}
