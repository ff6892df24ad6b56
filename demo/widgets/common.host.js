/* One component on the page: what Gradio hands to its script, its root node, and its tooltip. */

import { el, isOff } from "./common.js";

/* `given`: element, props, trigger, upload and watch, as Gradio calls the script of each component. */
export function makeHost({ element, props, trigger, upload, watch }) {
  const root = element.querySelector(".widget");
  const id = element.id;
  return {
    root,
    id,
    props,
    trigger,
    upload,
    ...makeTip(root, id),
    onValue: (draw) => onValue(props, watch, draw),
  };
}

/* Ctrl+Enter runs and Ctrl+. stops while `root` is in view. `button`: from run or stop to what is pressed. */
export function listenToRun(root, button) {
  document.addEventListener("keydown", (event) => {
    if (!root.offsetParent || !(event.ctrlKey || event.metaKey)) return;
    const name = { Enter: "run", ".": "stop" }[event.key];
    const target = name && button(name);
    if (!target || target.disabled || isOff(target)) return;
    event.preventDefault();
    target.click();
  });
}

/* Opens `data-tip` of what is hovered, focused or tapped. */
function makeTip(root, id) {
  const tip = el("div", { class: "tip", role: "tooltip", id: `${id}-tip`, hidden: true });
  let owner = null;

  function hideTip() {
    if (owner) owner.removeAttribute("aria-describedby");
    owner = null;
    tip.hidden = true;
  }

  function showTip(wanted) {
    if (owner === wanted && !tip.hidden) return;
    hideTip();
    owner = wanted;
    tip.textContent = owner.dataset.tip;
    tip.hidden = false;
    owner.setAttribute("aria-describedby", tip.id);
    placeTip(tip, owner.getBoundingClientRect(), root.getBoundingClientRect());
  }

  function showAt(event) {
    const wanted = event.target.closest("[data-tip]");
    if (wanted) showTip(wanted);
    else hideTip();
  }

  root.addEventListener("pointerover", (event) => event.pointerType !== "touch" && showAt(event));
  root.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hideTip());
  root.addEventListener("focusin", (event) => {
    const wanted = event.target.closest("[data-tip]");
    if (wanted && event.target.matches(":focus-visible")) showTip(wanted);
  });
  root.addEventListener("focusout", hideTip);
  root.addEventListener("click", showAt);
  root.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());
  return { tip, showTip, hideTip };
}

/* Above its owner where there is room, within the frame. */
function placeTip(tip, box, frame) {
  const size = tip.getBoundingClientRect();
  const middle = box.left + box.width / 2 - frame.left - size.width / 2;
  const above = box.top - size.height - 6;
  tip.style.left = `${Math.max(0, Math.min(middle, frame.width - size.width))}px`;
  tip.style.top = `${(above > 4 ? above : box.bottom + 6) - frame.top}px`;
}

/* Calls `draw` with each value that is not older than the one before; a value without rev is always drawn. */
function onValue(props, watch, draw) {
  let last = -Infinity;
  const receive = () => {
    const value = JSON.parse(JSON.stringify(props.value ?? null));
    const rev = value === null || value.rev === undefined || value.rev === null ? NaN : Number(value.rev);
    if (rev < last) return;
    if (!Number.isNaN(rev)) last = rev;
    draw(value);
  };
  watch("value", receive);
  receive();
}
