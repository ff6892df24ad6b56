/* Lines with their intervals, or points of quality against cost, as SVG. */

import { axisTitles, better, gridLines } from "./chart.axes.js";
import { endLabels, measurer, pointLabels } from "./chart.labels.js";
import { legendItem, makeLight } from "./chart.legend.js";
import { dashOf } from "./chart.marks.js";
import { linear, xScale } from "./chart.scales.js";
import { barsOf, describe, lineOf, usable } from "./chart.series.js";
import { makeSpots, spotNode } from "./chart.spots.js";
import { makeHost } from "./common.host.js";
import { el, isNumber, setAttributes, svg } from "./common.js";

const LABELS_FROM = 560;
const MOST_NAME = 0.4;

function axis(given) {
  return typeof given === "object" && given !== null ? given : { label: given ?? "" };
}

/* The sizes of a chart in a column of a width: its frame leaves room for ticks and for names of `longest`
   pixels; where these would take too much of it, the legend alone has them. */
function layout(columnWidth, longest) {
  const width = Math.max(Math.floor(columnWidth), 240);
  const height = Math.round(Math.min(Math.max(width * 0.56, 250), 400));
  const labelled = longest > 0 && longest < MOST_NAME * width && width >= LABELS_FROM;
  return { width, height, labelled, frame: [48, width - (labelled ? longest + 28 : 12), 30, height - 46] };
}

/* Both scales, over all series. */
function makeScales(drawable, x, [left, right, top, bottom]) {
  const points = drawable.flatMap((series) => usable(series, x));
  const all = points.flatMap((p) => [p.y, p.lo, p.hi].filter(isNumber).map(Number));
  return { x: xScale(points, x, left, right), y: linear(Math.min(...all), Math.max(...all), bottom, top, 5) };
}

function makeNodes(root, tip) {
  const caption = el("div", { class: "caption" });
  const legend = el("div", { class: "legend", role: "group", "aria-label": "Show in colour" });
  const plot = svg("svg", { class: "plot", role: "group" });
  const empty = el("p", { class: "nothing" });
  root.append(caption, plot, empty, legend, tip);
  return { caption, legend, plot, empty };
}

export function mount(given) {
  const host = makeHost(given);
  const { root } = host;
  const nodes = makeNodes(root, host.tip);
  const light = makeLight(() => drawLight());
  const spots = makeSpots(nodes.plot, host, light.raise);
  const measure = measurer(root);
  let value = { series: [] };
  let width = 0;
  let names = null;

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

  function drawEmpty(isEmpty) {
    nodes.empty.hidden = !isEmpty;
    nodes.empty.textContent = value.note ?? "No numbers for this choice yet.";
    nodes.plot.toggleAttribute("hidden", isEmpty);
  }

  function drawLegend(all) {
    const drawable = all.toSorted((a, b) => (a.lead || all.length + 1) - (b.lead || all.length + 1));
    const dashes = drawable.map((series) => (value.kind === "scatter" ? null : dashOf(series, value.series)));
    const key = JSON.stringify(
      drawable.map((series, i) => [series.id, series.title, series.family, dashes[i]]),
    );
    if (nodes.legend.dataset.key !== key) {
      nodes.legend.replaceChildren(...drawable.map((series, i) => legendItem(series, dashes[i], light)));
    }
    nodes.legend.dataset.key = key;
  }

  /* The lines; those in colour lie above the grey ones, the best one on top. */
  function lines(drawable, scales, x) {
    const scatter = value.kind === "scatter";
    return drawable.toReversed().map((series) => {
      const dash = dashOf(series, value.series);
      return scatter ? barsOf(series, scales, x) : lineOf(series, scales, x, dash);
    });
  }

  function spotsOf(series, scales, x, y) {
    return usable(series, x).map((p) => {
      const at = [scales.x.at(p.x), scales.y.at(Number(p.y))];
      const send = () => p.cell !== undefined && host.trigger("point", { cell: p.cell });
      return { at, node: spotNode(series, describe(series, p, x, y), at, send) };
    });
  }

  function labels(drawable, scales, x, size) {
    const shown = drawable.filter((series) => light.isLit(series.id));
    if (value.kind === "scatter") return pointLabels(shown, drawable, scales, x, size.frame, measure);
    const [left, right, top, bottom] = size.frame;
    return size.labelled ? endLabels(shown, scales, x, [left, right, top + 4, bottom]) : [];
  }

  /* Colour and names only: nothing that has the focus is moved. */
  function drawLight() {
    const { plot, legend } = nodes;
    for (const node of [...plot.querySelectorAll("[data-series]"), ...legend.children]) {
      const { series } = node.dataset;
      node.classList.toggle("lit", light.isLit(series));
      node.classList.toggle("raised", light.raised() === series);
    }
    for (const item of legend.children)
      item.setAttribute("aria-pressed", String(light.isChosen(item.dataset.series)));
    const groups = [...plot.querySelectorAll(".series")];
    for (const kind of [".lit", ".raised"]) {
      const last = groups.filter((group) => group.matches(kind));
      if (last.length) plot.querySelector(".lines").append(...last);
    }
    names?.();
  }

  function draw() {
    const [x, y] = [axis(value.x), axis(value.y)];
    const drawable = value.series.filter((series) => usable(series, x).length);
    const longest = value.kind === "scatter" ? 0 : Math.max(0, ...drawable.map(measure));
    const size = layout(root.clientWidth, longest);
    drawHead(x, y, size);
    drawEmpty(!drawable.length);
    drawLegend(drawable);
    light.lead(drawable);
    names = null;
    if (!drawable.length) return spots.show([]);
    const scales = makeScales(drawable, x, size.frame);
    const { plot } = nodes;
    plot.append(
      ...axisTitles(x, y, size.frame, size.height),
      gridLines(scales, size.frame, value.kind === "scatter"),
      svg("g", { class: "lines" }, ...lines(drawable, scales, x)),
    );
    const named = svg("g", { class: "labels", "aria-hidden": "true" });
    spots.show(drawable.map((series) => spotsOf(series, scales, x, y)));
    plot.append(named);
    names = () => {
      named.replaceChildren(...labels(drawable, scales, x, size));
      for (const node of named.children)
        node.classList.toggle("raised", node.dataset.series === light.raised());
    };
    drawLight();
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
