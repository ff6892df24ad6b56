const FAMILIES = {
  baseline: ["●", "Baseline"],
  smoothing: ["■", "Smoothing"],
  patch: ["▲", "Patch"],
  convolutional: ["◆", "Convolutional"],
  diffusion: ["★", "Diffusion"],
  latent: ["✚", "Latent diffusion"],
  own_prior: ["▼", "Own prior"],
};
const root = element.querySelector(".widget");
const SVG = "http://www.w3.org/2000/svg";

function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "text") node.textContent = value ?? "";
    else if (name === "on") for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else if (value === null || value === undefined || (value === false && !name.startsWith("aria-"))) node.removeAttribute(name);
    else if (name.startsWith("aria-")) node.setAttribute(name, String(value));
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  return node;
}

function el(tag, attributes, ...children) {
  const node = setAttributes(document.createElement(tag), attributes);
  node.append(...children.filter(Boolean));
  return node;
}

function svg(tag, attributes, ...children) {
  const node = setAttributes(document.createElementNS(SVG, tag), attributes);
  node.append(...children.filter(Boolean));
  return node;
}

function isFamily(family) {
  return Object.hasOwn(FAMILIES, String(family));
}

function familyColour(family) {
  return isFamily(family) ? "var(--family-" + family + ")" : "var(--ink2)";
}

function familyGlyph(family) {
  const mark = el("span", { class: "glyph", "aria-hidden": "true", text: isFamily(family) ? FAMILIES[family][0] : "○" });
  mark.style.color = familyColour(family);
  return mark;
}

function familyName(family) {
  return isFamily(family) ? FAMILIES[family][1] : String(family ?? "");
}

/* Pictures come from this server only; anything else is not loaded. */
function ownUrl(address) {
  if (!address) return "";
  try {
    const url = new URL(String(address), document.baseURI);
    return url.origin === location.origin && /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

function seconds(value) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "";
  const s = Number(value);
  if (s < 0.0995) return Math.max(1, Math.round(s * 1000)) + " ms";
  if (s < 0.995) return s.toFixed(2) + " s";
  if (s < 9.95) return s.toFixed(1) + " s";
  if (s < 90) return Math.round(s) + " s";
  if (s < 5400) return Math.round(s / 60) + " min";
  return (s / 3600).toFixed(1) + " h";
}

function enable(button, reason) {
  button.setAttribute("aria-disabled", String(Boolean(reason)));
  if (reason) button.dataset.tip = reason;
  else delete button.dataset.tip;
}

function isOff(button) {
  return button.getAttribute("aria-disabled") === "true";
}

const tip = el("div", { class: "tip", role: "tooltip", id: element.id + "-tip", hidden: true });
let tipOwner = null;

function hideTip() {
  if (tipOwner) tipOwner.removeAttribute("aria-describedby");
  tipOwner = null;
  tip.hidden = true;
}

function showTip(owner) {
  if (tipOwner === owner && !tip.hidden) return;
  hideTip();
  tipOwner = owner;
  tip.textContent = owner.dataset.tip;
  tip.hidden = false;
  owner.setAttribute("aria-describedby", tip.id);
  const frame = root.getBoundingClientRect();
  const box = owner.getBoundingClientRect();
  const size = tip.getBoundingClientRect();
  const left = Math.max(0, Math.min(box.left + box.width / 2 - frame.left - size.width / 2, frame.width - size.width));
  const above = box.top - size.height - 6;
  tip.style.left = left + "px";
  tip.style.top = (above > 4 ? above : box.bottom + 6) - frame.top + "px";
}

root.addEventListener("pointerover", (event) => {
  const owner = event.target.closest("[data-tip]");
  if (event.pointerType !== "touch") owner ? showTip(owner) : hideTip();
});
root.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hideTip());
root.addEventListener("focusin", (event) => {
  const owner = event.target.closest("[data-tip]");
  if (owner && event.target.matches(":focus-visible")) showTip(owner);
});
root.addEventListener("focusout", hideTip);
root.addEventListener("click", (event) => {
  const owner = event.target.closest("[data-tip]");
  owner ? showTip(owner) : hideTip();
});
root.addEventListener("keydown", (event) => event.key === "Escape" && hideTip());

/* Calls draw with each value that is not older than the one before; a value without rev is always drawn. */
function onValue(draw) {
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
