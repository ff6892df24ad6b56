/* A row of links, one for each use. The one in view stands in the address while the tab is in view. */

import { makeHost } from "./common.host.js";
import { el, readable } from "./common.js";

const TAB = "uses";

function asked() {
  return new URLSearchParams(location.search);
}

function inView() {
  return asked().get("t") === TAB;
}

function addressOf(id) {
  const query = asked();
  query.set("t", TAB);
  query.set("use", id);
  return `${location.pathname}?${readable(query)}`;
}

function isPlain(event) {
  return !(event.ctrlKey || event.metaKey || event.shiftKey || event.button);
}

/* `nav`: root and ids. */
function show(nav, id) {
  nav.id = nav.ids.includes(id) ? id : nav.ids[0];
  document.getElementById("uses-all").dataset.use = nav.id;
  for (const link of nav.links) {
    if (link.dataset.use === nav.id) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

function makeLink(nav, { id, title }) {
  const click = (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    if (id !== nav.id) history.pushState(null, "", addressOf(id));
    show(nav, id);
  };
  return el("a", { href: `?t=${TAB}&use=${id}`, "data-use": id, text: title, on: { click } });
}

function draw(nav, uses) {
  nav.ids = uses.map((one) => one.id);
  nav.links = uses.map((one) => makeLink(nav, one));
  nav.list.replaceChildren(...nav.links.map((link) => el("li", {}, link)));
  show(nav, inView() ? asked().get("use") : null);
}

export function mount(given) {
  const { root, tip, onValue } = makeHost(given);
  const nav = { ids: [], links: [], id: null, list: el("ul", {}) };
  root.append(el("nav", { "aria-label": "Uses" }, nav.list), tip);
  window.addEventListener("popstate", () => inView() && show(nav, asked().get("use")));
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.(`#tab-${TAB}-button`)) return;
    setTimeout(() => inView() && history.replaceState(null, "", addressOf(nav.id)));
  });
  onValue((value) => value && draw(nav, value.uses));
}
