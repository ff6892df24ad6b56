/* What happens inside a method: a scrubber over frames, linked pictures, curves, and where attention copied
   from. */

import { listenToRun, makeHost } from "./common.host.js";
import { el, isOff, ownUrl, putAddress } from "./common.js";
import { asGroup, makeChoice, makeStatus } from "./inside.choice.js";
import { makeCurves } from "./inside.curves.js";
import { mostTelling, stops } from "./inside.frames.js";
import { makePictures } from "./inside.pictures.js";
import { makeScrub } from "./inside.scrub.js";
import { makeTools } from "./inside.tools.js";

const NARROW = 760;
const NOTHING = { methods: [], sources: [], presets: [], frames: [] };

/* The hole painted in Compare, as a data URL. */
async function comparesHole() {
  return (await window.inpainting?.mask?.()) ?? "";
}

/* What the parts of one component share. */
function makeInside({ root, trigger }) {
  const inside = {
    root,
    trigger,
    value: { ...NOTHING, state: "ready" },
    all: [],
    at: 0,
    own: false,
    beside: "auto",
    cursor: null,
    run: "",
    ready: new Map(),
  };
  inside.go = (place) => inside.scrub.go(place);
  inside.drawFrame = () => drawFrame(inside);
  inside.pictures = makePictures(inside);
  inside.tools = makeTools(inside);
  inside.scrub = makeScrub(inside);
  inside.curves = makeCurves(inside);
  const act = acting(inside);
  inside.choice = makeChoice(inside, act);
  window.inpainting = {
    ...window.inpainting,
    inside: (method) => act.pick({ method, source: "compare" }),
  };
  inside.status = makeStatus();
  inside.lesson = el("p", { class: "lesson" });
  inside.setToolStop = asGroup(inside.tools.choice);
  return inside;
}

function acting(inside) {
  const holeFor = async (source) => (source === "compare" ? await comparesHole() : "");

  async function start() {
    if (isOff(inside.choice.run)) return;
    inside.scrub.pause();
    inside.trigger("run", { mask: await holeFor(inside.value.source) });
    if (inside.root.clientWidth < NARROW) inside.view.scrollIntoView({ block: "start" });
  }

  function stop() {
    if (!isOff(inside.choice.stop)) inside.trigger("stop", {});
  }

  async function pick(what) {
    inside.scrub.pause();
    inside.trigger("pick", { ...what, mask: await holeFor(what.source) });
  }
  return { start, stop, pick };
}

function drawFrame(inside) {
  inside.scrub.draw();
  inside.tools.draw();
  inside.pictures.draw();
  inside.curves.placeHeads();
}

function drawState({ root, value, choice, status }) {
  const busy = value.state === "queued" || value.state === "running";
  choice.drawRun(busy);
  status.draw(value);
  root.setAttribute("aria-busy", String(busy));
  root.dataset.state = value.state;
  root.classList.toggle("scheduled", Boolean(value.schedule));
}

/* The scrubber follows a run until the visitor moves it, and goes to what tells most after the run. */
function follow(inside) {
  const { frames, state } = inside.value;
  const run = frames[0]?.src ?? "";
  if (run !== inside.run) {
    Object.assign(inside, { run, own: false, cursor: null, at: 0 });
    inside.scrub.pause();
  }
  const last = Math.max(0, frames.length - 1);
  inside.at = Math.min(inside.at, last);
  if (!inside.own && state === "running") inside.at = last;
  if (inside.own || state !== "done" || !frames.length) return;
  inside.own = true;
  inside.at = mostTelling(inside);
}

/* Loads all pictures ahead, so that scrubbing does not wait for them. */
function loadAhead({ all, ready }) {
  for (const { src } of all) {
    if (!ready.has(src)) ready.set(src, Object.assign(new Image(), { src: ownUrl(src) }));
  }
  for (const src of ready.keys()) if (!all.some((one) => one.src === src)) ready.delete(src);
}

/* The link to what is open stands in the address while Inside is in view. */
function setAddress({ root, value }) {
  const tab = new URLSearchParams(location.search).get("t");
  if (!value.query || !root.clientWidth || tab !== "inside") return;
  putAddress(value.query);
}

/* Tells the server when the tab comes into view; before the first value has come, it does not know this
   visitor. */
function makeLook(inside) {
  let loaded = false;
  let seen = false;

  async function look() {
    const visible = inside.root.clientWidth > 0;
    if (visible && loaded && !seen) {
      seen = true;
      setAddress(inside);
      inside.trigger("open", { mask: await comparesHole() });
    }
    if (!visible) seen = false;
  }

  function setLoaded() {
    loaded = true;
    look();
  }
  return { look, setLoaded };
}

function draw(inside, next) {
  inside.value = { ...NOTHING, ...next };
  inside.all = inside.value.frames;
  inside.value.frames = stops(inside);
  follow(inside);
  loadAhead(inside);
  inside.choice.draw();
  inside.setToolStop();
  inside.lesson.textContent = inside.value.lesson ?? "";
  drawState(inside);
  inside.scrub.drawKinds();
  drawFrame(inside);
  inside.curves.draw();
  setAddress(inside);
  inside.root.dataset.rev = inside.value.rev;
}

export function mount(given) {
  const host = makeHost(given);
  const inside = makeInside(host);
  const { choice, lesson, status, scrub, pictures, tools, curves } = inside;
  const parts = [lesson, status.node, scrub.node, pictures.node, tools.node, curves.node];
  inside.view = el("div", { class: "view" }, ...parts);
  const say = el("div", { class: "sr", "aria-live": "polite" });
  host.root.append(el("div", { class: "layout" }, choice.node, inside.view), say, host.tip);
  const { look, setLoaded } = makeLook(inside);
  new ResizeObserver(() => {
    look();
    if (host.root.clientWidth) curves.draw();
  }).observe(host.root);
  listenToRun(inside.root, (name) => choice[name]);
  tools.choose("auto");
  host.onValue((next) => {
    if (!next) return;
    draw(inside, next);
    setLoaded();
  });
}
