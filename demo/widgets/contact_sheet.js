/* Photographs in a sheet: each with its mask, then filled; and how far all of them are. */

import { makeHost } from "./common.host.js";
import { el, ownUrl, seconds } from "./common.js";

const EMPTY = "Photographs come here, each with its mask.";

function makeRun() {
  const fill = el("div", { class: "fill" });
  const range = {
    role: "progressbar",
    "aria-label": "Progress",
    "aria-valuemin": "0",
    "aria-valuemax": "100",
  };
  const track = el("div", { class: "track", ...range }, fill);
  const what = el("span", { class: "what" });
  const left = el("span", {});
  return {
    node: el("div", { class: "run" }, track, el("div", { class: "steps" }, what, left)),
    fill,
    track,
    what,
    left,
  };
}

function drawRun({ run, bad, root }, { state, place, eta, progress, what, err }) {
  const busy = state === "queued" || state === "running";
  const done = state === "running" ? Math.round(100 * (progress ?? 0)) : 0;
  run.node.hidden = !busy;
  run.fill.style.width = `${done}%`;
  run.track.setAttribute("aria-valuenow", String(done));
  run.what.textContent =
    state === "queued" ? (place ? `Waiting: ${place} before it` : "Waiting") : (what ?? "");
  run.left.textContent = eta ? `${seconds(eta)} left` : "";
  bad.hidden = !err;
  bad.textContent = err ?? "";
  bad.classList.toggle("failed", state === "error");
  root.dataset.state = state;
  root.setAttribute("aria-busy", String(busy));
}

function makeCard({ trigger }, id) {
  const before = el("img", { class: "shot before", alt: "" });
  const after = el("img", { class: "shot after", alt: "", hidden: true });
  const stage = el("a", { class: "stage" }, before, after);
  const name = el("span", { class: "name" });
  const remove = el("button", { type: "button", class: "remove", text: "×" });
  remove.addEventListener("click", () => trigger("remove", { id }));
  const said = el("p", { class: "said" });
  const peek = el("button", { type: "button", class: "peek", text: "Mask", "aria-pressed": "false" });
  const node = el("li", { class: "card" }, stage, el("div", { class: "head" }, name, peek, remove), said);
  peek.addEventListener("click", () => {
    const isBare = node.classList.toggle("bare");
    peek.setAttribute("aria-pressed", String(isBare));
  });
  return { node, before, after, stage, name, peek, remove, said };
}

function setPicture(image, address) {
  const src = ownUrl(address);
  image.hidden = !src;
  if (src && image.src !== src) image.src = src;
}

/* Before it is filled the card shows the mask; afterwards the result, and the mask while it is pointed at;
   where nothing can be pointed at, by a button. */
function drawCard(card, item, busy) {
  const { node, stage, name, peek, remove, said } = card;
  node.dataset.state = item.state;
  setPicture(card.before, item.before);
  setPicture(card.after, item.after);
  const full = ownUrl(item.full);
  if (full) {
    stage.href = `${full}?name=${encodeURIComponent(item.file)}`;
    stage.download = item.file;
    stage.setAttribute("aria-label", `Download ${item.file}`);
  } else {
    stage.removeAttribute("href");
    stage.removeAttribute("aria-label");
  }
  name.textContent = item.name;
  name.title = item.name;
  peek.hidden = card.after.hidden;
  peek.setAttribute("aria-label", `Mask of ${item.name}`);
  remove.hidden = busy;
  remove.setAttribute("aria-label", `Remove ${item.name}`);
  said.textContent = item.said;
}

/* The list holds these cards; those that stay are not touched, so that none of them flickers or loses the
   focus. That of a card that goes is handed to the next one, or to what stands in place of all. */
function place({ root, list, empty }, nodes) {
  const before = [...list.children];
  const isInside = root.contains(document.activeElement);
  const at = before.findIndex((node) => node.contains(document.activeElement));
  const stays = (node) => nodes.includes(node);
  for (const node of before) if (!stays(node)) node.remove();
  for (const [i, node] of nodes.entries())
    if (list.children[i] !== node) list.insertBefore(node, list.children[i] ?? null);
  empty.hidden = nodes.length > 0;
  if (isInside && !nodes.length) empty.focus();
  else if (at >= 0 && !stays(before[at])) {
    const next = before.slice(at).find(stays) ?? before.slice(0, at).findLast(stays) ?? nodes[0];
    next.querySelector(".remove").focus();
  }
}

/* Cards that are there already are kept. */
function draw(parts, next) {
  const value = { state: "ready", items: [], ...next };
  const busy = value.state === "queued" || value.state === "running";
  const kept = new Map(
    value.items.map((item) => [item.id, parts.cards.get(item.id) ?? makeCard(parts, item.id)]),
  );
  for (const item of value.items) drawCard(kept.get(item.id), item, busy);
  const nodes = [...kept.values()].map((card) => card.node);
  place(parts, nodes);
  parts.cards = kept;
  parts.clear.hidden = busy || nodes.length < 2;
  drawRun(parts, value);
}

export function mount(given) {
  const host = makeHost(given);
  const clear = el("button", { type: "button", class: "clear", text: "Remove all", hidden: true });
  clear.addEventListener("click", () => host.trigger("remove", { id: "all" }));
  const parts = { ...host, cards: new Map(), run: makeRun(), clear, list: el("ul", { class: "sheet" }) };
  parts.bad = el("p", { class: "bad", role: "status", hidden: true });
  parts.empty = el("p", { class: "nothing", tabindex: "-1", text: EMPTY });
  const top = el("div", { class: "top" }, parts.run.node, parts.bad, clear);
  host.root.append(top, parts.empty, parts.list, host.tip);
  host.onValue((value) => draw(parts, value ?? {}));
}
