/* The column beside the pictures: method, picture with a hole, preset, Run and Stop. */

import { familyColour, familyGlyph } from "./common.families.js";
import { ARROWS, el, enable, isOff, neighbour, ownUrl, seconds, setAttributes } from "./common.js";

const STATES = { queued: "Queued", running: "Running", stopped: "Stopped", error: "Failed" };
const OWN = "For a picture and a hole of your own, open and paint it in Compare.";

/* `kind`: its class; `chosen`: whether it is the one; `pick`: what a click does unless it has a `why`. */
function radio(kind, one, chosen, pick, more, ...children) {
  const attributes = {
    type: "button",
    role: "radio",
    class: kind,
    "data-id": one.id,
    "aria-checked": String(chosen),
    on: { click: () => one.why || pick(one.id) },
  };
  return el("button", { ...attributes, ...more }, ...children);
}

function methodNode(one, chosen, pick) {
  const why = one.why ? el("span", { class: "why", text: one.why }) : null;
  const name = el("span", { class: "name" }, el("span", { text: one.title }), why);
  const off = { "aria-disabled": String(Boolean(one.why)) };
  const node = radio("method", one, chosen, pick, off, familyGlyph(one.family), name);
  node.style.setProperty("--family", familyColour(one.family));
  return node;
}

function sourceNode(one, chosen, pick) {
  const name = one.title + (one.why ? `. ${one.why}` : "");
  const badge = one.id === "compare" ? el("span", { class: "badge", text: "Compare" }) : null;
  const more = { "aria-label": name, "data-tip": name, "aria-disabled": String(Boolean(one.why)) };
  return radio("source", one, chosen, pick, more, el("img", { src: ownUrl(one.src), alt: "" }), badge);
}

function presetNode(one, chosen, pick) {
  const costs = one.costs.map((text) => el("span", { class: "cost", text }));
  return radio("preset", one, chosen, pick, {}, el("span", { class: "name", text: one.title }), ...costs);
}

/* Draws the radios of a group anew where something has changed; one that has the focus keeps it. */
function drawRadios(box, items, chosen, makeNode, pick) {
  const key = JSON.stringify([items, chosen]);
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  const focused = box.contains(document.activeElement) && document.activeElement.dataset.id;
  box.replaceChildren(...items.map((one) => makeNode(one, one.id === chosen, pick)));
  if (focused) box.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

/* One tab stop for a group: the chosen one, else the first that can be. */
function setTabStop(box) {
  const items = [...box.querySelectorAll("[role=radio]")];
  const free = items.filter((one) => !isOff(one));
  const chosen = box.querySelector("[aria-checked=true]");
  const stop = free.includes(chosen) ? chosen : free[0];
  for (const one of items) one.tabIndex = one === stop ? 0 : -1;
}

function arrows(event) {
  const by = ARROWS[event.key];
  if (!by) return;
  const next = neighbour(
    [...event.currentTarget.querySelectorAll("[role=radio]")],
    document.activeElement,
    by,
  );
  event.preventDefault();
  next.tabIndex = 0;
  next.focus();
}

function group(kind, label) {
  return el("div", { class: kind, role: "radiogroup", "aria-label": label });
}

function makeNodes(acts) {
  const run = el("button", {
    type: "button",
    class: "primary",
    id: "inside-run",
    text: "Run",
    on: { click: acts.start },
  });
  const stop = el("button", { type: "button", id: "inside-stop", text: "Stop", on: { click: acts.stop } });
  return {
    methods: group("methods", "Method"),
    sources: group("sources", "Picture with a hole"),
    presets: group("presets", "Preset"),
    sourceName: el("p", { class: "small" }),
    note: el("p", { class: "note", role: "status", hidden: true }),
    run,
    stop,
  };
}

function section(title, attributes, ...children) {
  return el("section", attributes, el("h2", { text: title }), ...children);
}

/* `inside`: value; `acts`: start(), stop() and pick({method} or {source} or {preset}). */
export function makeChoice(inside, acts) {
  const nodes = makeNodes(acts);
  const { methods, sources, presets, sourceName, note } = nodes;
  const presetBox = section("Network calls and time", { hidden: true }, presets);
  const runBar = el("div", { class: "runbar" }, nodes.run, nodes.stop);
  const node = el(
    "div",
    { class: "side" },
    section("Method", {}, methods),
    section("Picture with a hole", {}, sources, sourceName),
    el("div", { class: "runbox" }, presetBox, runBar),
    note,
  );
  for (const box of [methods, sources, presets]) box.addEventListener("keydown", arrows);

  function drawNote({ note: text, error }) {
    note.hidden = !text;
    note.textContent = text ?? "";
    note.classList.toggle("error", Boolean(error));
    setAttributes(note, { role: error ? "alert" : "status" });
  }

  function draw() {
    const { value } = inside;
    drawRadios(presets, value.presets, value.preset, presetNode, (preset) => acts.pick({ preset }));
    presetBox.hidden = !value.presets.length;
    drawRadios(methods, value.methods, value.method, methodNode, (method) => acts.pick({ method }));
    drawRadios(sources, value.sources, value.source, sourceNode, (source) => acts.pick({ source }));
    if (!methods.firstChild)
      methods.append(el("p", { class: "small", text: "No method here can show its inside." }));
    for (const box of [methods, sources, presets]) setTabStop(box);
    const chosen = value.sources.find((one) => one.id === value.source);
    const own = chosen?.id === "compare" ? "" : OWN;
    sourceName.textContent = (chosen ? `${chosen.title}. ` : "") + own;
    drawNote(value);
  }

  function drawRun(busy) {
    const { value } = inside;
    nodes.run.textContent = busy ? "Running …" : (value.run ?? "Run");
    const missing = value.ready ? "" : (value.why ?? "Choose a method and a picture.");
    enable(nodes.run, busy ? "It is running." : missing);
    enable(nodes.stop, busy ? "" : "Nothing is running.");
  }
  return { node, run: nodes.run, stop: nodes.stop, draw, drawRun };
}

/* The arrow keys of a group of radios that another part has made. */
export function asGroup(box) {
  box.addEventListener("keydown", arrows);
  return () => setTabStop(box);
}

/* How the run stands: in words and as a bar. */
export function makeStatus() {
  const range = { "aria-valuemin": "0", "aria-valuemax": "100" };
  const fill = el("div", { class: "fill" });
  const track = el("div", { class: "track", role: "progressbar", "aria-label": "Progress", ...range }, fill);
  const text = el("span");
  const node = el("div", { class: "status", hidden: true }, text, track);
  const draw = (value) => {
    node.hidden = value.state === "ready" || value.state === "done";
    const left = value.eta ? `about ${seconds(value.eta)}` : "";
    const ahead = value.place ? `${value.place} ahead` : "";
    const says = [STATES[value.state] ?? "", ahead, left].filter(Boolean).join(", ");
    text.textContent = says + (value.err ? `: ${value.err}` : "");
    node.classList.toggle("failed", value.state === "error");
    track.hidden = value.state !== "running";
    fill.style.width = `${100 * (value.progress ?? 0)}%`;
    track.setAttribute("aria-valuenow", String(Math.round(100 * (value.progress ?? 0))));
  };
  return { node, draw };
}
