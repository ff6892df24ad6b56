/* The pictures of the frame in view; on them the point that is asked, with a line to where it came from. */

import { el, ownUrl, setAttributes, svg } from "./common.js";
import { asks, frame, isState, kindOf, showsHeat, views } from "./inside.frames.js";

const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const OVER = { class: "over", viewBox: "0 0 1 1", preserveAspectRatio: "none", "aria-hidden": "true" };

export function percent(v) {
  if (v < 0 || v > 1) return String(Number(Number(v).toPrecision(3)));
  return `${(100 * v).toFixed(v > 0 && v < 0.0995 ? 1 : 0)} %`;
}

function makePane(name) {
  const image = el("img", { alt: "", draggable: "false", decoding: "async" });
  const over = svg("svg", OVER);
  const hint = el("p", { class: "hint", hidden: true });
  const stage = el("div", { class: "stage" }, image, over, hint);
  const title = el("strong");
  const number = el("span", { class: "number" });
  const node = el("figure", { class: `pane ${name}` }, el("figcaption", {}, title, number), stage);
  return { image, over, hint, stage, title, number, node };
}

function numberOf({ value }, shown) {
  const has = typeof shown.value === "number" && value.curves?.[kindOf(shown)] && !isState(shown);
  return has ? percent(shown.value) : "";
}

function fill(inside, one, shown, current) {
  one.title.textContent = shown.title ?? "";
  one.number.textContent = numberOf(inside, shown);
  one.node.classList.toggle("current", current);
  const address = ownUrl(shown.src);
  if (one.image.dataset.src !== address) {
    one.image.dataset.src = address;
    if (address) one.image.src = address;
    else one.image.removeAttribute("src");
  }
  one.image.alt = shown.title ?? "";
  one.image.hidden = !address;
  one.hint.textContent = shown.hint ?? "";
  one.hint.hidden = !shown.hint;
  one.node.classList.toggle("hinted", Boolean(shown.hint));
  setShape(one.stage, shown, inside.all[0] ?? inside.value.picture);
  one.stage.classList.toggle("pixelated", Boolean(shown.w) && one.stage.clientWidth >= 2 * shown.w);
}

/* All maps take the picture's shape, so that nothing jumps by a pixel; sheets of maps keep their own. */
function setShape(stage, shown, first) {
  const whole = first?.w ? first.w / first.h : 1;
  const its = shown.w ? shown.w / shown.h : whole;
  stage.style.setProperty("--ratio", String(Math.abs(Math.log(its / whole)) < 0.15 ? whole : its));
}

function cross([y, x], kind) {
  const node = el("span", { class: `point ${kind}` });
  node.style.left = `${100 * x}%`;
  node.style.top = `${100 * y}%`;
  return node;
}

function line(kind, to, from) {
  const ends = { x1: to[1], y1: to[0], x2: from[1], y2: from[0] };
  return svg("line", { class: kind, ...ends, "vector-effect": "non-scaling-stroke" });
}

/* `inside`: value, all, at, beside, cursor (the point that is asked, as fractions of row and column) and
   trigger. */
export function makePictures(inside) {
  const [extra, left, right] = ["extra", "left", "right"].map(makePane);
  const pair = el("div", { class: "pair" }, left.node, right.node);

  function draw() {
    const any = inside.value.frames.length > 0;
    pair.classList.toggle("single", !any);
    right.node.hidden = !any;
    extra.node.remove();
    pair.classList.remove("trio");
    if (any) drawFrame();
    else drawPicture(inside.value.picture);
    drawPoints();
  }

  function drawPicture(picture) {
    const shown = picture
      ? { ...picture, title: "The picture with its hole" }
      : { hint: "Choose a picture." };
    fill(inside, left, shown, false);
  }

  function drawFrame() {
    const [first, second, third] = views(inside);
    pair.classList.toggle("trio", Boolean(third));
    const asking = asks(frame(inside));
    if (third) pair[asking ? "append" : "prepend"](extra.node);
    if (third) fill(inside, extra, third, third === frame(inside) && asking);
    fill(inside, left, first, first === frame(inside));
    fill(inside, right, second, second === frame(inside));
    setAsking(asking, first);
  }

  function setAsking(asking, shown) {
    const label = `${shown.title}. Arrows move the point, Enter asks where it was copied from.`;
    const off = { tabindex: null, role: null, "aria-label": null };
    setAttributes(left.stage, asking ? { tabindex: "0", role: "application", "aria-label": label } : off);
    left.stage.classList.toggle("asking", asking);
    if (asking) inside.cursor ??= inside.value.hole ?? [0.5, 0.5];
  }

  function drawPoints() {
    for (const one of [left, right]) {
      one.over.replaceChildren();
      for (const old of one.stage.querySelectorAll(".point")) old.remove();
    }
    const now = frame(inside);
    if (asks(now) && inside.cursor) left.stage.append(cross(inside.cursor, "to"));
    if (!showsHeat(inside, now) || inside.beside !== "auto") return;
    const { at: to, from } = inside.value.heat;
    right.over.append(...["under", "upper"].map((kind) => line(kind, to, from)));
    right.stage.append(cross(to, "to"), cross(from, "from"));
  }

  function setCursor(place) {
    inside.cursor = place.map((v) => Math.max(0, Math.min(0.9999, v)));
  }

  function ask() {
    const now = frame(inside);
    const [row, column] = [Math.floor(inside.cursor[0] * now.h), Math.floor(inside.cursor[1] * now.w)];
    inside.trigger("point", { frame: now.name, row, column });
  }

  left.stage.addEventListener("click", (event) => {
    if (!asks(frame(inside))) return;
    const box = left.stage.getBoundingClientRect();
    setCursor([(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width]);
    left.stage.focus({ preventScroll: true });
    drawPoints();
    ask();
  });
  left.stage.addEventListener("keydown", (event) => {
    const now = frame(inside);
    const move = MOVES[event.key];
    if (!asks(now) || (!move && event.key !== "Enter")) return;
    event.preventDefault();
    if (!move) return ask();
    const by = event.shiftKey ? 8 : Math.max(1, Math.round(Math.max(now.w, now.h) / 64));
    const [row, column] = inside.cursor;
    setCursor([row + (move[0] * by) / now.h, column + (move[1] * by) / now.w]);
    drawPoints();
  });

  /* The right picture in the left one's place. */
  function flip(on) {
    inside.root.classList.toggle("flipped", on);
    const url = `url(${JSON.stringify(right.image.src || "")})`;
    if (on) left.stage.style.setProperty("--flip", url);
  }
  return { node: pair, draw, flip };
}
