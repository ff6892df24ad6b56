/* Lines with their intervals, or points of quality against cost, as SVG. */

import { axisTitles, better, gridLines } from "./chart.axes.js";
import { dashOf, mark } from "./chart.marks.js";
import { linear, xScale } from "./chart.scales.js";
import { barsOf, describe, endLabels, lineOf, pointLabels, titleOf, usable } from "./chart.series.js";
import { makeSpots, spotNode } from "./chart.spots.js";
import { familyColour } from "./common.families.js";
import { makeHost } from "./common.host.js";
import { el, isNumber, setAttributes, svg } from "./common.js";

const LABELS_FROM = 560;

function axis(given) {
  return typeof given === "object" && given !== null ? given : { label: given ?? "" };
}

/* The sizes of a chart in a column of a width: its frame leaves room for ticks and, in a wide one, names. */
function layout(columnWidth, scatter) {
  const width = Math.max(Math.floor(columnWidth), 240);
  const height = Math.round(Math.min(Math.max(width * 0.56, 250), 400));
  const labelled = width >= LABELS_FROM;
  return { width, height, labelled, frame: [48, width - (labelled && !scatter ? 150 : 12), 30, height - 46] };
}

/* Both scales: x over all series, hidden or not, so that it stays; y over what is shown. */
function makeScales(drawable, visible, x, [left, right, top, bottom]) {
  const points = visible.flatMap((series) => usable(series, x));
  const all = points.flatMap((p) => [p.y, p.lo, p.hi].filter(isNumber).map(Number));
  const every = drawable.flatMap((series) => usable(series, x));
  return { x: xScale(every, x, left, right), y: linear(Math.min(...all), Math.max(...all), bottom, top, 5) };
}

function legendItem(series, dash, click) {
  const sample = svg("svg", { width: 30, height: 14, viewBox: "0 0 30 14", "aria-hidden": "true" });
  sample.style.setProperty("--family", familyColour(series.family));
  if (dash !== null)
    sample.append(svg("path", { class: "line", "stroke-dasharray": dash || null, d: "M1 7L29 7" }));
  const sign = mark(series.family, 4.5);
  sign.setAttribute("transform", "translate(15 7)");
  sample.append(sign);
  const attributes = { type: "button", class: "toggle", on: { click } };
  return el("button", attributes, sample, el("span", { text: titleOf(series) }));
}

function makeNodes(root, tip) {
  const caption = el("div", { class: "caption" });
  const legend = el("div", { class: "legend", role: "group", "aria-label": "Show or hide" });
  const plot = svg("svg", { class: "plot", role: "group" });
  const empty = el("p", { class: "nothing" });
  root.append(caption, plot, empty, legend, tip);
  return { caption, legend, plot, empty };
}

export function mount(given) {
  const host = makeHost(given);
  const { root } = host;
  const nodes = makeNodes(root, host.tip);
  const spots = makeSpots(nodes.plot, host);
  const hidden = new Set();
  let value = { series: [] };
  let width = 0;

  function drawHead(x, y, size) {
    const { caption, plot } = nodes;
    caption.textContent = value.title ?? value.caption ?? "";
    caption.hidden = !caption.textContent;
    const label = [caption.textContent, `${y.label + better(y)} against ${x.label}`]
      .filter(Boolean)
      .join(". ");
    const viewBox = `0 0 ${size.width} ${size.height}`;
    setAttributes(plot, { width: size.width, height: size.height, viewBox, "aria-label": label });
    plot.replaceChildren();
    host.hideTip();
  }

  function drawEmpty(isEmpty, drawable) {
    nodes.empty.hidden = !isEmpty;
    nodes.empty.textContent = drawable.length
      ? "All lines are hidden."
      : (value.note ?? "No numbers for this choice yet.");
    nodes.plot.toggleAttribute("hidden", isEmpty);
  }

  function drawLegend(drawable) {
    const dashes = drawable.map((series) => (value.kind === "scatter" ? null : dashOf(series, value.series)));
    const key = JSON.stringify(
      drawable.map((series, i) => [series.id, series.title, series.family, dashes[i]]),
    );
    if (nodes.legend.dataset.key !== key) {
      const items = drawable.map((series, i) => legendItem(series, dashes[i], () => toggle(series.id)));
      nodes.legend.replaceChildren(...items);
    }
    nodes.legend.dataset.key = key;
    drawable.forEach((series, i) => {
      nodes.legend.children[i].setAttribute("aria-pressed", String(!hidden.has(series.id)));
    });
  }

  function toggle(id) {
    if (!hidden.delete(id)) hidden.add(id);
    draw();
  }

  function drawLines(visible, scales, x, size) {
    const scatter = value.kind === "scatter";
    for (const series of visible) {
      const dash = dashOf(series, value.series);
      nodes.plot.append(scatter ? barsOf(series, scales, x) : lineOf(series, scales, x, dash));
    }
    const [left, right, top, bottom] = size.frame;
    if (scatter) nodes.plot.append(pointLabels(visible, scales, x, size.frame));
    else if (size.labelled) nodes.plot.append(endLabels(visible, scales, x, [left, right, top + 4, bottom]));
  }

  function spotsOf(series, scales, x, y) {
    return usable(series, x).map((p) => {
      const at = [scales.x.at(p.x), scales.y.at(Number(p.y))];
      const send = () => p.cell !== undefined && host.trigger("point", { cell: p.cell });
      return { at, node: spotNode(series, describe(series, p, x, y), at, send) };
    });
  }

  function draw() {
    const [x, y] = [axis(value.x), axis(value.y)];
    const scatter = value.kind === "scatter";
    const drawable = value.series.filter((series) => usable(series, x).length);
    const visible = drawable.filter((series) => !hidden.has(series.id));
    const size = layout(root.clientWidth, scatter);
    drawHead(x, y, size);
    drawEmpty(!visible.length, drawable);
    drawLegend(drawable);
    if (!visible.length) return spots.show([]);
    const scales = makeScales(drawable, visible, x, size.frame);
    const titles = axisTitles(x, y, size.frame, size.height);
    nodes.plot.append(...titles, gridLines(scales, size.frame, scatter));
    drawLines(visible, scales, x, size);
    spots.show(visible.map((series) => spotsOf(series, scales, x, y)));
  }

  new ResizeObserver(() => {
    if (!root.clientWidth || root.clientWidth === width) return;
    width = root.clientWidth;
    draw();
  }).observe(root);
  host.onValue((next) => {
    value = { ...next, series: next?.series ?? [] };
    draw();
  });
}
