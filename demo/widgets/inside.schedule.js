/* The timestep over the steps of the whole run, which is known before it; the moments that are kept stand on
   it. */

import { el, path, setAttributes, svg } from "./common.js";
import { frame, isState, stepOf } from "./inside.frames.js";

const [TOP, BOTTOM, HEIGHT] = [12, 152, 180];

function thousands(v) {
  return Number(v).toLocaleString("en");
}

/* The step at which a line first comes down to timestep t. */
function reaches(points, t) {
  const i = points.findIndex((point) => point[1] <= t);
  if (i < 1) return 0;
  const [[s0, t0], [s1, t1]] = [points[i - 1], points[i]];
  return s0 + ((t0 - t) / (t0 - t1 || 1)) * (s1 - s0);
}

function makeScales({ top, steps }, width) {
  const [x0, x1] = [44, width - 12];
  return {
    ...{ x0, x1 },
    x: (s) => x0 + (s / Math.max(1, steps)) * (x1 - x0),
    y: (t) => BOTTOM - (t / top) * (BOTTOM - TOP),
  };
}

function axes({ top, steps }, { x0, x1, x, y }) {
  const rules = [0, top / 2, top].flatMap((t) => [
    svg("line", { class: "rule", x1: x0, x2: x1, y1: y(t), y2: y(t) }),
    svg("text", { x: x0 - 8, y: y(t) + 4, "text-anchor": "end", text: thousands(t) }),
  ]);
  const ticks = Object.entries({ start: 0, middle: 0.5, end: 1 }).map(([anchor, place]) => {
    const text = (place ? "" : "Step ") + thousands(Math.round(place * steps));
    return svg("text", { x: x(place * steps), y: HEIGHT - 10, "text-anchor": anchor, text });
  });
  return [...rules, ...ticks];
}

/* The method's own line lies over the others. */
function lineNode({ points }, i, { x, y }) {
  const kind = i ? " other" : points.length > 100 ? " dense" : "";
  return svg("path", { class: `line${kind}`, d: path(points.map(([s, t]) => [x(s), y(t)])) });
}

function dot(one, { x, y }) {
  const title = svg("title", { text: one.title });
  return svg("circle", { class: "dot", cx: x(stepOf(one)), cy: y(one.value), r: 3 }, title);
}

function calls(line) {
  return `${thousands(line.calls)} network calls`;
}

function makePlot(schedule, width, scales, states) {
  const says = schedule.lines.map((line) => {
    return `${line.title}: ${thousands(line.points.at(-1)[0])} steps, ${calls(line)}`;
  });
  const label = `Timestep over steps. ${says.join("; ")}`;
  const viewBox = `0 0 ${width} ${HEIGHT}`;
  const size = { class: "plot", width, height: HEIGHT, viewBox };
  const plot = svg("svg", { ...size, role: "img", "aria-label": label });
  const lines = schedule.lines.map((line, i) => lineNode(line, i, scales)).toReversed();
  plot.append(...lines, ...axes(schedule, scales), ...states.map((one) => dot(one, scales)));
  return plot;
}

/* The line at the step in view, and on each line of the schedule a ring. */
function makePlayhead(lines, { x, y }) {
  const line = svg("line", { class: "playhead", y1: TOP, y2: BOTTOM });
  const rings = lines.map((_, i) => svg("circle", { class: i ? "ring other" : "ring", r: 5.5 }));
  const node = svg("g", {}, line, ...rings);
  const place = (step, t, away) => {
    node.classList.toggle("away", away);
    setAttributes(line, { x1: x(step), x2: x(step) });
    rings.forEach((ring, i) => {
      setAttributes(ring, { cx: x(i ? reaches(lines[i].points, t) : step), cy: y(t) });
    });
  };
  return { node, place };
}

/* The step and timestep of a frame: before the run its start, after it its end. */
function placeOf(now, { lines, steps }) {
  if (now && isState(now)) return [stepOf(now), now.value];
  return now?.name === "result" && steps ? [steps, 0] : [0, lines[0].points[0][1]];
}

/* `inside`: value, at and go(place). */
export function makeSchedule(inside, width) {
  const { schedule, frames, curves } = inside.value;
  const { lines, steps } = schedule;
  const scales = makeScales(schedule, width);
  const states = frames.filter(isState);
  const plot = makePlot(schedule, width, scales, states);
  const playhead = makePlayhead(lines, scales);
  plot.append(playhead.node);
  plot.addEventListener("click", (event) => {
    const px = event.clientX - plot.getBoundingClientRect().left;
    const far = (one) => Math.abs(scales.x(stepOf(one)) - px);
    if (states.length) inside.go(frames.indexOf(states.toSorted((a, b) => far(a) - far(b))[0]));
  });
  const says = el("span", { class: "number" });

  function placeHead() {
    const now = frame(inside);
    const [step, t] = placeOf(now, schedule);
    playhead.place(step, t, !now);
    const where = `step ${thousands(step)} of ${thousands(steps)}, timestep ${thousands(t)}`;
    says.textContent = now ? where : `${thousands(steps)} steps`;
  }

  const keys = lines.map((line, i) => {
    return el("span", { class: i ? "key other" : "key", text: `${line.title}, ${calls(line)}` });
  });
  const caption = el("figcaption", {}, el("strong", { text: curves?.noisy || "Schedule" }), says);
  const node = el(
    "figure",
    { class: "curve schedule" },
    caption,
    plot,
    el("p", { class: "keys small" }, ...keys),
  );
  return { node, placeHead };
}
