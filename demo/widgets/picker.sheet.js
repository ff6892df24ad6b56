/* The sheet of all methods above the purposes, and the button that opens it and names those chosen. */

import { el } from "./common.js";

export function makeSheet(root, id, list) {
  const names = el("span", { class: "names" });
  const count = el("span", { class: "count" });
  const expanded = { "aria-expanded": "false", "aria-controls": `${id}-sheet` };
  const button = el("button", { type: "button", class: "open", ...expanded }, count, " ", names);
  const node = el(
    "div",
    { class: "sheet", id: `${id}-sheet`, role: "group", "aria-label": "Methods", hidden: true },
    list,
  );

  function open(on) {
    node.hidden = !on;
    node.classList.toggle("below", root.getBoundingClientRect().top < window.innerHeight / 2);
    button.setAttribute("aria-expanded", String(on));
  }

  function inside(target) {
    return node.contains(target) || button.contains(target) || target.closest?.("[popover]");
  }

  button.addEventListener("click", () => open(node.hidden));
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || node.hidden || root.querySelector(":popover-open")) return;
    open(false);
    button.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!node.hidden && !inside(event.target) && !root.contains(event.target)) open(false);
  });

  function tell(titles, all) {
    count.textContent = `${titles.length} of ${all}`;
    names.textContent = titles.join(", ") || "no method";
    button.setAttribute("aria-label", `Methods: ${count.textContent} ${names.textContent}`);
  }
  return { button, node, tell };
}
