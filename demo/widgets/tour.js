/* The guided tour: a slim bar with the words of a stop, which brings the page into the state that the stop is
   about. */

import { makeHost } from "./common.host.js";
import { el, isOff, putAddress } from "./common.js";

const PATIENCE = 60000;
const TICK = 100;

function named() {
  return new URLSearchParams(location.search).get("tour");
}

/* The address with what the stop asks for that does not stand there. */
function completed(query) {
  const asked = new URLSearchParams(query);
  for (const [key, value] of new URLSearchParams(location.search)) asked.set(key, value);
  return `?${asked}`;
}

function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/* Waits until `found` gives something, while `still` holds. */
async function until(found, still) {
  for (let waited = 0; waited < PATIENCE && still(); waited += TICK) {
    const there = found();
    if (there) return there;
    await new Promise((go) => setTimeout(go, TICK));
  }
  return null;
}

/* Inside, once it stands as the stop asks for; null before. */
function insideAt({ img, m }) {
  const chosen = (kind, id) =>
    document.querySelector(`#inside .${kind}[data-id="${CSS.escape(id)}"][aria-checked=true]`);
  return chosen("source", img) && chosen("method", m) && document.querySelector("#inside .widget[data-rev]");
}

async function run(asked, still) {
  const inside = await until(() => insideAt(asked), still);
  if (inside?.dataset.state !== "ready" || !still()) return;
  document.getElementById("inside-run").click();
  await until(() => inside.dataset.state !== "ready", still);
}

/* Below the bar and in the upper half of the window. */
function inView(node) {
  const { top } = node.getBoundingClientRect();
  const bar = Number.parseFloat(document.documentElement.style.getPropertyValue("--tour")) || 0;
  return top >= bar && top < innerHeight / 2;
}

function clearFrame() {
  for (const node of document.querySelectorAll(".tour-look")) node.classList.remove("tour-look");
}

async function look(stop, still) {
  const node = await until(() => {
    const found = document.querySelector(stop.look);
    return found?.getClientRects().length ? found : null;
  }, still);
  if (!(node && still())) return;
  clearFrame();
  node.classList.add("tour-look");
  if (!inView(node)) node.scrollIntoView({ behavior: calm() ? "auto" : "smooth", block: "start" });
}

function makeBar(tour) {
  const button = (name, text, click) => {
    return el("button", { type: "button", class: name, text, on: { click } });
  };
  const count = el("span", { class: "count" });
  const back = button("back", "Back", () => isOff(back) || tour.go(tour.at - 1));
  const next = button("next", "Next", () =>
    tour.at < tour.stops.length ? tour.go(tour.at + 1) : tour.close(),
  );
  const close = button("close", "×", () => tour.close());
  close.setAttribute("aria-label", "Close the tour");
  const fold = button("fold", "", () => tour.fold());
  const words = el("div", { class: "words", id: "tour-words" });
  fold.setAttribute("aria-controls", words.id);
  const steps = el("div", { class: "steps" }, fold, count, back, next, close);
  const node = el("section", { class: "bar", "aria-label": "Guided tour", hidden: true }, words, steps);
  return { node, words, count, back, next, close, fold };
}

/* All stops lie in one place, so that the bar is as high at each of them. */
function drawWords({ bar, stops }) {
  const each = stops.map(({ title, text }) =>
    el("div", { class: "stop" }, el("h2", { text: title }), el("p", { text })),
  );
  bar.words.replaceChildren(...each);
}

function draw(tour) {
  const { bar, stops, at } = tour;
  bar.node.hidden = !at;
  document.documentElement.dataset.tour = at || "";
  if (!at) return;
  bar.words.childNodes.forEach((node, i) => {
    node.classList.toggle("here", i === at - 1);
  });
  bar.count.textContent = `${at} of ${stops.length}`;
  bar.back.setAttribute("aria-disabled", String(at === 1));
  bar.next.textContent = at === stops.length ? "Finish" : "Next";
  bar.node.classList.toggle("folded", tour.folded);
  bar.fold.textContent = tour.folded ? "More" : "Less";
  bar.fold.setAttribute("aria-expanded", String(!tour.folded));
}

/* Shows what the stop is about, once the server's answer has brought the page there. */
async function arrive(tour) {
  const stop = tour.stops[tour.at - 1];
  const visit = ++tour.visit;
  const still = () => visit === tour.visit && tour.at;
  const asked = Object.fromEntries(new URLSearchParams(location.search));
  if (stop.runs) await run(asked, still);
  look(stop, still);
}

function makeTour(trigger, root) {
  const tour = { stops: [], at: 0, visit: 0, folded: false };
  tour.bar = makeBar(tour);
  tour.say = el("div", { class: "sr", "aria-live": "polite" });

  tour.go = (number) => {
    const stop = tour.stops[number - 1];
    if (!stop) return;
    tour.at = number;
    draw(tour);
    tour.say.textContent = `${number} of ${tour.stops.length}. ${stop.title}. ${stop.text}`;
    putAddress(`?${stop.query}`);
    trigger("go", { stop: number });
    arrive(tour);
  };

  tour.close = () => {
    const focused = root.contains(document.activeElement);
    tour.at = 0;
    tour.visit += 1;
    clearFrame();
    draw(tour);
    putAddress(location.search);
    if (focused) document.querySelector("#header .tour")?.focus();
  };

  tour.fold = () => {
    tour.folded = !tour.folded;
    draw(tour);
  };
  return tour;
}

/* Escape closes the bar from within it, or where nothing has the focus. */
function listenToEscape(tour, root) {
  document.addEventListener("keydown", (event) => {
    const mine = root.contains(event.target) || event.target === document.body;
    if (event.key === "Escape" && tour.at && mine && !event.defaultPrevented) tour.close();
  });
}

/* What sticks to the top, and what is scrolled to, keeps clear of the bar. */
function reserveHeight(bar) {
  const tell = () => {
    const high = bar.hidden ? 0 : Math.ceil(bar.getBoundingClientRect().height);
    document.documentElement.style.setProperty("--tour", `${high}px`);
  };
  new ResizeObserver(tell).observe(bar);
}

export function mount(given) {
  const { root, trigger, tip, onValue } = makeHost(given);
  const tour = makeTour(trigger, root);
  root.append(tour.bar.node, tour.say, tip);
  reserveHeight(tour.bar.node);
  listenToEscape(tour, root);
  window.inpainting = { ...window.inpainting, tour: (number) => tour.go(number) };

  function read() {
    const asked = named();
    tour.at = tour.stops.findIndex((_, i) => String(i + 1) === asked) + 1;
    draw(tour);
  }
  addEventListener("popstate", read);
  onValue((value) => {
    if (!value || tour.stops.length) return;
    tour.stops = value.stops;
    drawWords(tour);
    read();
    if (!tour.at) return;
    putAddress(completed(tour.stops[tour.at - 1].query));
    arrive(tour);
  });
}
