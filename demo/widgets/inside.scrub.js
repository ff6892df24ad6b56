/* The scrubber over the frames, with its keys. */

import { el, enable } from "./common.js";
import { frame, kindOf } from "./inside.frames.js";

const NAMES = { enlarged: "Detail", gate: "Gates", mask: "Masks", noisy: "The run" };

function kindName(kind) {
  return NAMES[kind] ?? kind[0].toUpperCase() + kind.slice(1).replaceAll("_", " ");
}

function stepButton(text, name, click) {
  return el("button", {
    type: "button",
    class: "step",
    text,
    "aria-label": name,
    title: name,
    on: { click },
  });
}

function makeNodes(act) {
  const nodes = {
    back: stepButton("‹", "Frame before (,)", () => act.by(-1)),
    forth: stepButton("›", "Frame after (.)", () => act.by(1)),
    play: el("button", {
      type: "button",
      class: "play",
      text: "Play",
      title: "Play (P)",
      on: { click: act.toggle },
    }),
    range: el("input", { type: "range", min: "0", max: "0", value: "0", step: "1", "aria-label": "Frame" }),
    count: el("span", { class: "count" }),
    kinds: el("div", { class: "kinds", role: "group", "aria-label": "Parts" }),
  };
  const { back, forth, play, range, count, kinds } = nodes;
  range.addEventListener("input", () => act.go(Number(range.value)));
  const reel = el("div", { class: "reel" }, back, range, forth, play, count);
  nodes.node = el("div", { class: "scrub", hidden: true }, reel, kinds);
  return nodes;
}

/* `inside`: root, value, at, own (true once the visitor has moved the scrubber of this run), drawFrame() and
   pictures. */
export function makeScrub(inside) {
  const nodes = makeNodes({ by, toggle, go });
  let timer = 0;

  function last() {
    return inside.value.frames.length - 1;
  }

  function go(to) {
    if (last() < 0) return;
    inside.at = Math.max(0, Math.min(last(), to));
    inside.own = true;
    inside.drawFrame();
  }

  function by(step) {
    go(inside.at + step);
  }

  function pause() {
    clearInterval(timer);
    timer = 0;
    nodes.play.textContent = "Play";
  }

  function toggle() {
    if (timer) return pause();
    if (inside.at >= last()) go(0);
    nodes.play.textContent = "Pause";
    const next = () => (inside.at >= last() ? pause() : by(1));
    timer = setInterval(next, last() >= 30 ? 250 : 600);
  }

  function draw() {
    const now = frame(inside);
    nodes.node.hidden = last() < 0;
    nodes.range.max = String(Math.max(0, last()));
    nodes.range.value = String(inside.at);
    nodes.range.setAttribute("aria-valuetext", now ? now.title : "");
    nodes.count.textContent = now ? `${inside.at + 1} of ${last() + 1}` : "";
    enable(nodes.back, inside.at === 0 ? "This is the first frame." : "");
    enable(nodes.forth, inside.at >= last() ? "This is the last frame." : "");
    for (const button of nodes.kinds.children) {
      button.setAttribute("aria-pressed", String(Boolean(now) && button.dataset.kind === kindOf(now)));
    }
  }

  function kindButton(kind) {
    const click = () => go(inside.value.frames.findIndex((one) => kindOf(one) === kind));
    return el("button", { type: "button", "data-kind": kind, text: kindName(kind), on: { click } });
  }

  function drawKinds() {
    const found = [...new Set(inside.value.frames.map(kindOf))];
    if (nodes.kinds.dataset.key === found.join()) return;
    nodes.kinds.dataset.key = found.join();
    nodes.kinds.replaceChildren(...found.map(kindButton));
  }

  listenToKeys(inside, { by, toggle });
  return { node: nodes.node, draw, drawKinds, go, pause };
}

function listenToKeys({ root, pictures }, { by, toggle }) {
  const keys = { ",": () => by(-1), ".": () => by(1), p: toggle, f: () => pictures.flip(true) };
  root.addEventListener("keydown", (event) => {
    const act = Object.hasOwn(keys, event.key) && keys[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (!event.repeat || event.key === "," || event.key === ".") act();
  });
  root.addEventListener("keyup", (event) => event.key === "f" && pictures.flip(false));
  root.addEventListener("focusout", () => pictures.flip(false));
}
