/* The legend of a chart: which series stand out in colour. */

import { mark, setColour } from "./chart.marks.js";
import { titleOf } from "./chart.series.js";
import { el, svg } from "./common.js";

/* `act`: choose(id) and raise(id), null for none. */
export function legendItem(series, dash, act) {
  const sample = svg("svg", { width: 30, height: 14, viewBox: "0 0 30 14", "aria-hidden": "true" });
  setColour(sample, series);
  if (dash !== null)
    sample.append(svg("path", { class: "line", "stroke-dasharray": dash || null, d: "M1 7L29 7" }));
  const sign = mark(series, 4.5);
  sign.setAttribute("transform", "translate(15 7)");
  sample.append(sign);
  const on = {
    click: () => act.choose(series.id),
    pointerenter: () => act.raise(series.id),
    pointerleave: () => act.raise(null),
    focus: () => act.raise(series.id),
    blur: () => act.raise(null),
  };
  const attributes = { type: "button", class: "choice", "data-series": series.id, on };
  return el("button", attributes, sample, el("span", { text: titleOf(series) }));
}

/* Which series stand out: the leading ones and those that were chosen in their place, and the one that is
   pointed at, above all. */
export function makeLight(draw) {
  const turned = new Set();
  let raised = null;
  let leading = new Set();

  return {
    raised: () => raised,
    isChosen: (id) => leading.has(id) !== turned.has(id),
    isLit: (id) => id === raised || leading.has(id) !== turned.has(id),
    lead: (series) => {
      const leaders = series.filter((one) => one.lead);
      leading = new Set((leaders.length ? leaders : series).map((one) => one.id));
    },
    choose: (id) => {
      if (!turned.delete(id)) turned.add(id);
      draw();
    },
    raise: (id) => {
      if (id === raised) return;
      raised = id;
      draw();
    },
  };
}
