/* The scales of a chart: from a value to a place in pixels, and the ticks, as [value, label]. */

import { isNumber } from "./common.js";

function minus(text) {
  return text.replace("-", "−");
}

/* A number as text, to the decimals of its axis, else to three digits. */
export function text(v, axis) {
  return minus(
    isNumber(axis.digits) ? Number(v).toFixed(axis.digits) : String(Number(Number(v).toPrecision(3))),
  );
}

function niceStep(span, count) {
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  return power * [1, 2, 5, 10].find((k) => k * power >= raw * 0.999);
}

function widened(v) {
  const by = Math.abs(v) * 0.1 || 1;
  return [v - by, v + by];
}

export function linear(least, most, from, to, count) {
  const [low, high] = least === most ? widened(least) : [least, most];
  const step = niceStep(high - low, count);
  const first = Math.floor(low / step + 1e-9) * step;
  const last = Math.ceil(high / step - 1e-9) * step;
  const ticks = Array.from({ length: Math.round((last - first) / step) + 1 }, (_, i) => first + i * step);
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return {
    at: (v) => from + ((v - first) / (last - first)) * (to - from),
    ticks: ticks.map((tick) => [tick, minus(tick.toFixed(places))]),
  };
}

function logarithmic(least, most, from, to) {
  const [a, b] = [Math.log10(least) - 0.08, Math.log10(most) + 0.08];
  const pad = Math.max(0, 0.5 - (b - a) / 2);
  const [low, high] = [a - pad, b + pad];
  return {
    at: (v) => from + ((Math.log10(v) - low) / (high - low)) * (to - from),
    ticks: logTicks(low, high).map((tick) => [tick, logLabel(tick)]),
  };
}

function logTicks(low, high) {
  const steps = high - low < 2.2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power++) {
    for (const k of steps) {
      const place = Math.log10(k) + power;
      if (place >= low && place <= high) ticks.push(k * 10 ** power);
    }
  }
  return ticks;
}

function logLabel(tick) {
  return tick >= 1e4 ? tick.toExponential(0).replace("+", "") : String(Number(tick.toPrecision(2)));
}

function category(names, from, to) {
  const step = (to - from) / Math.max(names.length, 1);
  const at = (v) => from + (names.indexOf(String(v)) + 0.5) * step;
  return { at, ticks: names.map((name) => [name, name]), step };
}

/* The scale of the x axis for points; null where none can stand on it. */
export function xScale(points, x, from, to) {
  if (x.scale !== "log" && x.scale !== "linear") {
    return category((x.values ?? [...new Set(points.map((p) => p.x))]).map(String), from, to);
  }
  const all = points
    .map((p) => Number(p.x))
    .filter((v) => Number.isFinite(v) && (x.scale !== "log" || v > 0));
  if (!all.length) return null;
  const [low, high] = [Math.min(...all), Math.max(...all)];
  if (x.scale === "log") return logarithmic(low, high, from, to);
  return linear(low, high, from, to, Math.max(3, Math.floor((to - from) / 80)));
}
