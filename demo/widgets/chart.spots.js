/* The points of a chart as buttons: a pointer takes the nearest, the keyboard goes from one to the next. */

import { mark } from "./chart.marks.js";
import { clamp, svg } from "./common.js";

const REACH = 24;

/* A point's button at [x, y]; `send` is called when it is pressed. */
export function spotNode(series, name, [x, y], send) {
  const press = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    send();
  };
  const attributes = {
    class: "spot",
    "data-series": series.id,
    role: "button",
    tabindex: "-1",
    "aria-label": name,
    "data-tip": name,
    transform: `translate(${x} ${y})`,
    on: { click: send, keydown: press },
  };
  return svg("g", attributes, svg("circle", { class: "hit", r: 11 }), mark(series, 5));
}

/* `host`: showTip and hideTip; `raise` is called with the series of the spot that is pointed at, or null. The
   rows of spots, one per series, are set by `show`. */
export function makeSpots(plot, host, raise) {
  let rows = [];
  let focused = [0, 0];

  /* Marks may overlap, so the pointer takes the nearest one, not the topmost. */
  function nearest(event) {
    const box = plot.getBoundingClientRect();
    const far = ({ at }) => Math.hypot(at[0] - event.clientX + box.left, at[1] - event.clientY + box.top);
    const near = rows.flat().filter((spot) => far(spot) < REACH);
    return near.sort((a, b) => far(a) - far(b))[0]?.node;
  }

  function markNear(node) {
    for (const other of plot.querySelectorAll(".near")) other.classList.remove("near");
    plot.classList.toggle("pointing", Boolean(node));
    raise(node?.dataset.series ?? null);
    if (!node) return host.hideTip();
    node.classList.add("near");
    host.showTip(node);
  }

  function focusAt(line, place, move) {
    if (!rows.length) return;
    const row = clamp(line, 0, rows.length - 1);
    const col = clamp(place, 0, rows[row].length - 1);
    for (const { node } of rows.flat()) node.setAttribute("tabindex", "-1");
    focused = [row, col];
    const { node } = rows[row][col];
    node.setAttribute("tabindex", "0");
    if (move) node.focus();
  }

  plot.addEventListener("pointermove", (event) => event.pointerType !== "touch" && markNear(nearest(event)));
  plot.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && markNear(null));
  plot.addEventListener("click", (event) => {
    if (rows.flat().some(({ node }) => node.contains(event.target))) return;
    event.stopPropagation();
    const node = nearest(event);
    markNear(node);
    if (node) node.dispatchEvent(new Event("click"));
  });
  plot.addEventListener("focusin", (event) => {
    rows.forEach((row, i) => {
      const place = row.findIndex(({ node }) => node === event.target);
      if (place >= 0) focusAt(i, place, false);
    });
    raise(event.target.dataset.series ?? null);
  });
  plot.addEventListener("focusout", () => raise(null));
  plot.addEventListener("keydown", (event) => {
    const [line, place] = focused;
    const to = {
      ArrowLeft: [line, place - 1],
      ArrowRight: [line, place + 1],
      ArrowUp: [line - 1, place],
      ArrowDown: [line + 1, place],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    focusAt(...to, true);
  });

  /* `next`: a row of {node, at} for each series, drawn in that order. */
  function show(next) {
    rows = next;
    plot.append(...rows.flat().map(({ node }) => node));
    focusAt(...focused, false);
  }
  return { show };
}
