/* Where panes stand in one row: arrows and dots below it, and a fill in view as soon as there is one. */

import { isFamily } from "./common.families.js";
import { el, setAttributes } from "./common.js";
import { isDone } from "./panes.data.js";

function arrow(text, label, click) {
  return el("button", { type: "button", class: "turn", text, "aria-label": label, on: { click } });
}

/* `panes`: grid, value and shown. */
export function makeCarousel(panes) {
  const { grid } = panes;
  const dots = el("div", { class: "dots" });
  const back = arrow("‹", "Picture before", () => turn(-1));
  const on = arrow("›", "Next picture", () => turn(1));
  const node = el("div", { class: "turns", role: "group", "aria-label": "Turn pictures" }, back, dots, on);
  const state = { own: false, landed: "", wanted: "" };

  function isRow() {
    return grid.scrollWidth > grid.clientWidth + 1;
  }

  /* The pane nearest to the middle of the row. */
  function index() {
    const middle = grid.scrollLeft + grid.clientWidth / 2;
    const far = [...grid.children].map((one) => Math.abs(one.offsetLeft + one.offsetWidth / 2 - middle));
    return Math.max(0, far.indexOf(Math.min(...far)));
  }

  function goTo(i, smooth = true) {
    const one = grid.children[i];
    if (!one) return;
    const left = one.offsetLeft - (grid.clientWidth - one.offsetWidth) / 2;
    grid.scrollTo({ left, behavior: smooth ? "smooth" : "instant" });
  }

  function turn(by) {
    state.own = true;
    goTo(Math.max(0, Math.min(grid.children.length - 1, index() + by)));
  }

  function mark() {
    const now = index();
    [...dots.children].forEach((dot, i) => {
      setAttributes(dot, { "aria-current": i === now });
    });
    back.disabled = now === 0;
    on.disabled = now === grid.children.length - 1;
  }

  function drawDots(list) {
    while (dots.children.length > list.length) dots.lastChild.remove();
    list.forEach((data, i) => {
      if (!dots.children[i]) dots.append(dot(i));
      dots.children[i].setAttribute("aria-label", `Go to ${data.title}`);
    });
  }

  function dot(i) {
    const click = () => {
      state.own = true;
      goTo(i);
    };
    return el("button", { type: "button", class: "dot", on: { click } });
  }

  /* The value may name a pane, each time anew. */
  function heed(asked) {
    if (asked && asked !== state.wanted) Object.assign(state, { own: false, landed: "" });
    state.wanted = asked;
  }

  /* The pane that the value names, else the first fill that is done, else the first that will be; until the
     visitor turns on his own. */
  function land(list) {
    const fills = list.filter((data) => isFamily(data.family));
    const done = fills.find((data) => data.id === state.wanted) ?? fills.find((data) => isDone(data));
    const target = done ?? fills[0];
    const key = target ? `${target.id} ${Boolean(done)}` : "";
    if (!done) state.own = state.own && Boolean(state.landed);
    if (key === state.landed) return;
    const first = !state.landed.endsWith("true");
    state.landed = key;
    if (target && first && !state.own && isRow()) goTo(list.indexOf(target), false);
  }

  function draw() {
    const list = panes.value.panes;
    drawDots(list);
    heed(panes.value.land ?? "");
    land(list);
    node.hidden = grid.hidden || list.length < 2;
    mark();
  }

  grid.addEventListener("scroll", mark, { passive: true });
  grid.addEventListener("pointerdown", () => {
    state.own = true;
  });
  return { node, draw };
}
