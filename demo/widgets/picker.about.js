/* What a method is, its paper, its weights and their limits, in a popover that a button in its row opens. */

import { el } from "./common.js";

const GAP = 12;

/* `texts`: by method; `root`: the component. */
export function makeAbout(texts, root) {
  const node = el("div", { class: "about", popover: "auto", role: "dialog" });
  let owner = null;

  node.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    owner?.setAttribute("aria-expanded", String(open));
    if (open) place(node, owner, root);
  });

  function show(method, button) {
    if (node.matches(":popover-open")) node.hidePopover();
    owner = button;
    node.setAttribute("aria-label", `About ${method.title ?? method.id}`);
    node.replaceChildren(...words(texts[method.id]), closer(node, button));
    node.showPopover();
    node.querySelector("a, button").focus({ preventScroll: true });
  }

  function button(method) {
    if (!texts[method.id]) return null;
    const label = `About ${method.title ?? method.id}`;
    const attributes = { type: "button", class: "info", "aria-label": label, "aria-expanded": "false" };
    const one = el("button", { ...attributes, "aria-haspopup": "dialog", text: "i" });
    one.addEventListener("click", () => show(method, one));
    return one;
  }
  return { node, button };
}

function closer(node, button) {
  const click = () => {
    node.hidePopover();
    button.focus();
  };
  return el("button", { type: "button", class: "close", text: "Close", on: { click } });
}

function words(text) {
  const year = text.year ? ` (${text.year})` : "";
  const paper = text.link
    ? el("a", { href: text.link, target: "_blank", rel: "noreferrer", text: text.paper })
    : el("span", { text: text.paper });
  return [
    el("h3", { text: text.title }),
    el("p", { class: "family-name", text: text.family }),
    el("p", { text: text.summary }),
    el("h4", { text: `Paper${year}` }),
    el("p", {}, paper),
    el("p", { class: "terms", text: `Licence: ${text.licence}` }),
    ...text.weights.flatMap(weights),
  ];
}

function weights(one) {
  const size = one.parameters ? `${one.parameters.toLocaleString("en")} parameters. ` : "";
  const trained = one.trained_on
    ? `Trained on ${one.trained_on}.`
    : "What they were trained on is not published.";
  const limits = one.limits.map((limit) => el("li", { text: limit }));
  return [
    el("h4", { text: `Weights: ${one.title}` }),
    el("p", { text: size + trained }),
    el("p", { text: `Licence: ${one.licence || "not known"}. Commercial use: ${one.commercial}.` }),
    limits.length ? el("h4", { text: "What they cannot do" }) : null,
    limits.length ? el("ul", {}, ...limits) : null,
  ].filter(Boolean);
}

/* Beside the component where there is room, else in the middle. */
function place(node, owner, root) {
  const frame = root.getBoundingClientRect();
  const size = node.getBoundingClientRect();
  const beside = frame.right + GAP + size.width < window.innerWidth;
  const left = beside ? frame.right + GAP : (window.innerWidth - size.width) / 2;
  const wanted = beside ? owner.getBoundingClientRect().top - 40 : (window.innerHeight - size.height) / 2;
  node.style.left = `${Math.max(8, left)}px`;
  node.style.top = `${Math.max(8, Math.min(wanted, window.innerHeight - size.height - 8))}px`;
}
