/* The strip of a pane's answers, one thumbnail per seed. */

import { ARROWS, el, isOff, neighbour, ownUrl, setAttributes } from "./common.js";
import { picture, show } from "./panes.picture.js";

const ANSWER_TEXT = { running: "being drawn", queued: "to come", stopped: "stopped", error: "failed" };

/* `choose(seed)` is called when the visitor takes an answer. */
export function makeStrip(choose) {
  const strip = el("div", { class: "strip", role: "radiogroup", hidden: true });
  strip.addEventListener("keydown", (event) => stripKeys(event, strip, choose));
  return strip;
}

/* `data`: the pane's value; `seed`: of the answer that is shown. */
export function drawStrip(strip, data, seed, choose) {
  const answers = Array.isArray(data.answers) ? data.answers : [];
  strip.hidden = answers.length < 2;
  strip.setAttribute("aria-label", `Answers of ${data.title}`);
  while (strip.children.length > answers.length) strip.lastChild.remove();
  answers.forEach((answer, i) => {
    drawThumb(strip.children[i] ?? makeThumb(strip, choose), answer, seed === answer.seed);
  });
}

function makeThumb(strip, choose) {
  const number = el("span", { class: "number" });
  const node = el("button", { type: "button", class: "thumb", role: "radio" }, picture(), number);
  node.addEventListener("click", () => {
    if (!isOff(node)) choose(Number(node.dataset.seed));
  });
  strip.append(node);
  return node;
}

function drawThumb(node, answer, chosen) {
  const state = ANSWER_TEXT[answer.state] ?? "";
  const name = `Seed ${answer.seed}${state ? `, ${state}` : ""}`;
  show(node.firstChild, ownUrl(answer.thumb || answer.src));
  node.lastChild.textContent = answer.seed;
  Object.assign(node.dataset, { seed: answer.seed, state: answer.state });
  setAttributes(node, {
    "aria-checked": chosen,
    "aria-disabled": !ownUrl(answer.src),
    tabindex: chosen ? "0" : "-1",
    "aria-label": name,
    title: name,
  });
}

function stripKeys(event, strip, choose) {
  const move = ARROWS[event.key];
  if (!move) return;
  event.preventDefault();
  event.stopPropagation();
  const free = [...strip.children].filter((node) => !isOff(node));
  const next = neighbour(free, event.target, move);
  next.focus();
  choose(Number(next.dataset.seed));
}
