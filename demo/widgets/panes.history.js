/* The runs of this visit, the oldest first: each leads back to its picture, hole and results. */

import { el, ownUrl } from "./common.js";

const LEAST = 2;

/* `panes`: trigger. Drawn anew only where something has changed: the focus stays. */
export function makeHistory(panes) {
  const list = el("div", { class: "runs", role: "group", "aria-label": "Runs of this visit" });
  const node = el("div", { class: "history", hidden: true }, el("h3", { text: "This visit" }), list);
  let last = "";

  function entry({ id, title, at, src, now }) {
    const time = new Date(Number(at) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const attributes = { type: "button", class: "past", "data-run": id, "aria-pressed": Boolean(now) };
    const button = el(
      "button",
      { ...attributes, on: { click: () => panes.trigger("past", { id }) } },
      el("img", { src: ownUrl(src), alt: "", width: "44", height: "44" }),
      el("span", { text: `${time} ${title}` }),
    );
    return button;
  }

  function draw(value) {
    const runs = Array.isArray(value?.history) ? value.history : [];
    node.hidden = runs.length < LEAST;
    const now = JSON.stringify(runs);
    if (now === last) return;
    last = now;
    list.replaceChildren(...runs.map(entry));
  }
  return { node, draw };
}
