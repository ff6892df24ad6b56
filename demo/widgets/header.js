/* Name, theme and list of keys; also gives Gradio's tab bar the arrow keys it lacks. */

import { makeHost } from "./common.host.js";
import { el, neighbour, readable } from "./common.js";

const FIRST = "compare";
const CHOICE = "inpainting-theme"; // what the browser keeps it under

function isDark() {
  return document.body.classList.contains("dark");
}

/* What was chosen before; an address with a theme goes first. */
function chosenTheme() {
  if (new URLSearchParams(location.search).has("__theme")) return null;
  try {
    return localStorage.getItem(CHOICE);
  } catch {
    return null;
  }
}

function keepTheme(theme) {
  try {
    localStorage.setItem(CHOICE, theme);
  } catch {
    // the browser keeps nothing: the choice holds while the page is open
  }
}

/* Follows the system until one is chosen. */
function makeTheme() {
  let chosen = chosenTheme();
  const node = el("button", {
    type: "button",
    class: "plain",
    "aria-label": "Switch between light and dark",
  });
  const show = () => {
    if (chosen) document.body.classList.toggle("dark", chosen === "dark");
    document.documentElement.style.colorScheme = isDark() ? "dark" : "light";
    node.textContent = isDark() ? "Light" : "Dark";
  };
  node.addEventListener("click", () => {
    chosen = isDark() ? "light" : "dark";
    keepTheme(chosen);
    show();
  });
  new MutationObserver(show).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  show();
  return node;
}

function makeTourLink() {
  const begin = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    window.inpainting.tour(1);
  };
  return el("a", { class: "tour", href: "?tour=1", text: "Take the tour", on: { click: begin } });
}

function drawKeys(dialog, groups) {
  const close = el("button", {
    type: "button",
    class: "plain",
    text: "Close",
    on: { click: () => dialog.close() },
  });
  const columns = el("div", { class: "columns" });
  for (const [name, keys] of groups) {
    const list = el("dl", {});
    for (const [key, what] of keys) list.append(el("dt", { text: key }), el("dd", { text: what }));
    columns.append(el("section", {}, el("h3", { text: name }), list));
  }
  dialog.replaceChildren(el("div", { class: "top" }, el("h2", { text: "Keys" }), close), columns);
}

function tabOf(event) {
  return event.target.closest?.('#tabs [role="tab"]');
}

function stepTab(event) {
  const tab = tabOf(event);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const all = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
  const next = neighbour(
    all.filter((one) => one.offsetParent),
    tab,
    step,
  );
  next.focus();
  next.click();
  event.preventDefault();
}

/* The tab in view stands in the address. */
function nameTab(event) {
  const tab = tabOf(event);
  if (!tab?.id) return;
  const query = new URLSearchParams(location.search);
  const name = tab.id.replace("tab-", "").replace("-button", "");
  const moved = (query.get("t") ?? FIRST) !== name;
  query.set("t", name);
  const address = `${location.pathname}?${readable(query)}${location.hash}`;
  if (moved) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/* Back and forward lead from tab to tab. */
function followHistory() {
  const name = new URLSearchParams(location.search).get("t") ?? FIRST;
  document.getElementById(`tab-${name}-button`)?.click();
}

export function mount(given) {
  const { root, tip, onValue } = makeHost(given);
  const title = el("h1", {});
  const dialog = el("dialog", { class: "keys", "aria-label": "Keys" });
  const open = { click: () => dialog.showModal() };
  const help = el("button", { type: "button", class: "plain", "aria-label": "Keys", text: "?", on: open });
  root.append(title, el("div", { class: "right" }, makeTourLink(), makeTheme(), help), dialog, tip);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "?" && !typing && !dialog.open) dialog.showModal();
    stepTab(event);
  });
  document.addEventListener("click", nameTab);
  window.addEventListener("popstate", followHistory);
  document.documentElement.classList.add("ready");
  onValue((value) => {
    if (!value) return;
    title.textContent = value.title;
    drawKeys(dialog, value.keys);
  });
}
