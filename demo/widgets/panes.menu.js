/* The menu of a pane: what can be done with its picture and its run. */

import { isFamily } from "./common.families.js";
import { el, neighbour, ownUrl } from "./common.js";
import { isDone } from "./panes.data.js";

/* [text, act] of each item; `panes`: root and trigger. */
export function menuItems(data, { root, trigger }) {
  const active = data.run === "running" || data.run === "queued";
  const ended = data.run === "stopped" || data.run === "error";
  const full = ownUrl(data.src) && (isDone(data) || data.state === "stopped");
  const usable = full && isDone(data) && isFamily(data.family);
  return [
    full && ["Download PNG", () => download(data, root)],
    usable && ["Use as input", () => trigger("use", { id: data.id, name: data.name ?? data.id })],
    ended && [data.answers ? "Draw the rest" : "Retry", () => trigger("retry", { id: data.id })],
    active && ["Stop", () => trigger("stop", { id: data.id })],
  ].filter(Boolean);
}

function download(data, root) {
  const link = el("a", { href: ownUrl(data.src), download: `${data.file || data.id}.png` });
  root.append(link);
  link.click();
  link.remove();
}

export function closeMenu(pane, focus) {
  if (pane.menu.hidden) return;
  pane.menu.hidden = true;
  pane.more.setAttribute("aria-expanded", "false");
  if (focus) pane.more.focus();
}

/* Opens the pane's menu, or closes it, and closes those of the others. */
export function toggleMenu(pane, panes) {
  const open = pane.menu.hidden;
  for (const other of panes.shown.values()) closeMenu(other);
  if (!open) return;
  pane.menu.replaceChildren();
  for (const [text, act] of menuItems(pane.data, panes)) {
    const click = () => {
      closeMenu(pane, true);
      act();
    };
    pane.menu.append(el("button", { type: "button", role: "menuitem", tabindex: "-1", text, on: { click } }));
  }
  pane.menu.hidden = false;
  pane.more.setAttribute("aria-expanded", "true");
  pane.menu.firstChild.focus();
}

export function menuKeys(event, pane) {
  const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const pressed = event.key === "Enter" || event.key === " ";
  if (move) neighbour([...pane.menu.children], document.activeElement, move).focus();
  else if (event.key === "Escape") closeMenu(pane, true);
  else if (event.key === "Tab") closeMenu(pane);
  else if (!pressed) return;
  if (event.key !== "Tab" && !pressed) event.preventDefault();
  event.stopPropagation();
}
