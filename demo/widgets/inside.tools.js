/* What stands beside the frame. */

import { el } from "./common.js";

const BESIDES = [
  ["auto", "Auto"],
  ["input", "Input"],
  ["result", "Result"],
  ["original", "What was there"],
];

/* What is shown beside the frame, and the button that flips the two. */
export function makeTools(inside) {
  const choice = el("div", { class: "beside", role: "radiogroup", "aria-label": "Beside it" });
  for (const [id, title] of BESIDES) {
    const click = () => choose(id);
    choice.append(el("button", { type: "button", role: "radio", "data-id": id, text: title, on: { click } }));
  }
  const flip = flipButton(inside.pictures.flip);
  const label = el("span", { class: "small", text: "Beside it" });
  const node = el("div", { class: "tools", hidden: true }, label, choice, flip);

  function choose(id) {
    inside.beside = id;
    for (const button of choice.children)
      button.setAttribute("aria-checked", String(button.dataset.id === id));
    draw();
    inside.pictures.draw();
  }

  function draw() {
    node.hidden = inside.value.frames.length === 0;
  }
  return { node, choice, choose, draw };
}

function flipButton(flip) {
  const title = "Shows the right picture in the left one's place (hold F)";
  const node = el("button", { type: "button", class: "flip", text: "Hold to flip", title });
  node.addEventListener("pointerdown", () => flip(true));
  for (const type of ["pointerup", "pointerleave", "pointercancel"])
    node.addEventListener(type, () => flip(false));
  node.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    flip(true);
  });
  node.addEventListener("keyup", () => flip(false));
  return node;
}
