/* Two pictures in one stage: divided by a slider, or one in place of the other. */

import { familyGlyph, familySign, isFamily } from "./common.families.js";
import { clamp, el, ownUrl, setAttributes } from "./common.js";
import { describe } from "./panes.data.js";
import { drawFilm, makeFilm } from "./panes.film.js";
import { listenTo, STILL } from "./panes.gestures.js";
import { layer, picture, show } from "./panes.picture.js";
import { place } from "./panes.view.js";

function makeNodes() {
  const nodes = { images: [picture(), picture()], originals: [picture("original"), picture("original")] };
  nodes.names = ["left", "right"].map((side) => el("span", { class: `label ${side}` }));
  const over = el("div", { class: "over" }, layer(nodes.images[1], nodes.originals[1]));
  const range = { "aria-label": "Divide", "aria-valuemin": "0", "aria-valuemax": "100" };
  const grip = el("span", { class: "grip", text: "⇔", "aria-hidden": "true" });
  nodes.handle = el("div", { class: "handle", role: "slider", tabindex: "0", ...range }, grip);
  const under = layer(nodes.images[0], nodes.originals[0]);
  nodes.stage = el("div", { class: "stage", tabindex: "0", role: "img" }, under, over);
  nodes.frame = el("div", { class: "frame" }, nodes.stage, ...nodes.names, nodes.handle);
  nodes.selects = ["Left picture", "Right picture"].map((name) => el("select", { "aria-label": name }));
  nodes.swap = el("button", {
    type: "button",
    text: "⇄",
    "aria-label": "Swap the two",
    title: "Swap the two",
  });
  nodes.hold = el("button", { type: "button", class: "hold", text: "Hold to flip (F)" });
  const choice = el("div", { class: "choice" }, nodes.selects[0], nodes.swap, nodes.selects[1], nodes.hold);
  nodes.film = makeFilm();
  nodes.node = el("div", { class: "duo", hidden: true }, choice, nodes.frame, nodes.film);
  return nodes;
}

/* While `button` is pressed, by pointer or key, `flip(true)`. */
function listenToHold(button, flip) {
  const isPress = (event) => event.key === " " || event.key === "Enter";
  button.addEventListener("pointerdown", () => flip(true));
  for (const type of ["pointerup", "pointerleave", "pointercancel"])
    button.addEventListener(type, () => flip(false));
  button.addEventListener("keydown", (event) => {
    if (!isPress(event)) return;
    event.preventDefault();
    flip(true);
  });
  button.addEventListener("keyup", (event) => isPress(event) && flip(false));
}

function listenToHandle({ handle, stage }, cutNow, setCut) {
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    handle.focus();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (!handle.hasPointerCapture(event.pointerId)) return;
    setCut((100 * place(stage, event)[0]) / stage.clientWidth);
  });
  handle.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 10 : 2;
    const [less, more] = [cutNow() - step, cutNow() + step];
    const keys = { ArrowLeft: less, ArrowDown: less, ArrowRight: more, ArrowUp: more, Home: 0, End: 100 };
    const next = keys[event.key];
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setCut(next);
  });
}

/* While nothing is zoomed, a drag anywhere on the picture moves the divider. */
function listenToPicture({ stage }, panes, setCut) {
  let from = null;
  stage.addEventListener("pointerdown", (event) => {
    const fits = panes.mode === "slider" && !panes.root.classList.contains("zoomed");
    from = fits && event.button === 0 ? event.clientX : null;
  });
  stage.addEventListener("pointermove", (event) => {
    if (from === null || Math.abs(event.clientX - from) < STILL) return;
    if (!stage.hasPointerCapture(event.pointerId)) stage.setPointerCapture(event.pointerId);
    setCut((100 * place(stage, event)[0]) / stage.clientWidth);
  });
  for (const type of ["pointerup", "pointercancel"]) {
    stage.addEventListener(type, () => {
      from = null;
    });
  }
}

/* A pair of ids, keeping what can be kept: what the value proposes, else the original and the first fill. */
function settled(kept, choices, proposed) {
  const pair = [...kept];
  const all = choices.map((p) => p.id);
  const methods = choices.filter((p) => isFamily(p.family)).map((p) => p.id);
  const wish = [...proposed, "original", ...methods, ...all].filter((id) => all.includes(id));
  for (const i of [0, 1]) {
    const free = (id) => id !== pair[1 - i];
    if (!all.includes(pair[i])) pair[i] = wish.find(free) ?? all.find(free) ?? null;
  }
  return pair;
}

/* `panes`: root, mode, shown, view, pick(id) and withPicture(). */
export function makeDuo(panes) {
  const nodes = makeNodes();
  const state = { pair: [null, null], own: false, cut: 50, flipped: false };

  function setCut(next) {
    state.cut = clamp(next, 0, 100);
    nodes.frame.style.setProperty("--cut", `${state.cut}%`);
    const [left, right] = state.pair.map((id) => panes.shown.get(id)?.data.title ?? "");
    const percent = Math.round(state.cut);
    const text = `${percent} % ${left}, the rest ${right}`;
    setAttributes(nodes.handle, { "aria-valuenow": percent, "aria-valuetext": text });
  }

  function setFlip(on) {
    state.flipped = on;
    panes.root.classList.toggle("flipped", on);
  }

  function setPair(pair) {
    state.pair = pair;
    state.own = true;
    draw();
  }

  /* What the other side shows already changes places. */
  function choose(i, id) {
    const pair = [...state.pair];
    if (pair[1 - i] === id) pair[1 - i] = pair[i];
    pair[i] = id;
    setPair(pair);
  }

  function drawSide(i, choices) {
    const select = nodes.selects[i];
    const key = JSON.stringify(choices.map((p) => [p.id, p.title]));
    const option = (p) => el("option", { value: p.id, text: `${familySign(p.family)} ${p.title}` });
    if (select.dataset.key !== key) select.replaceChildren(...choices.map(option));
    select.dataset.key = key;
    select.value = state.pair[i] ?? "";
    const data = choices.find((p) => p.id === state.pair[i]);
    show(nodes.images[i], ownUrl(data?.src));
    const name = data ? [familyGlyph(data.family), el("span", { text: data.title })] : [];
    nodes.names[i].replaceChildren(...name);
  }

  function draw() {
    const choices = panes.withPicture();
    state.pair = settled(state.own ? state.pair : [null, null], choices, panes.value.pair ?? []);
    for (const i of [0, 1]) drawSide(i, choices);
    drawFilm(nodes.film, choices, state.pair, (id) => choose(1, id));
    const inView = choices.filter((p) => state.pair.includes(p.id));
    nodes.stage.setAttribute("aria-label", inView.map(describe).join("; "));
    setCut(state.cut);
  }

  nodes.selects.forEach((select, i) => {
    select.addEventListener("change", () => choose(i, select.value));
  });
  nodes.swap.addEventListener("click", () => setPair(state.pair.toReversed()));
  listenToHold(nodes.hold, setFlip);
  listenToHandle(nodes, () => state.cut, setCut);
  listenToPicture(nodes, panes, setCut);
  const seen = () => state.pair[panes.mode === "flip" && state.flipped ? 1 : 0];
  listenTo(nodes.stage, panes, () => panes.pick(seen()));
  return { ...nodes, draw, setFlip, first: () => state.pair[0] };
}
