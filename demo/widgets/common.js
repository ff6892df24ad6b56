/* What all scripts share and that holds no state: nodes, addresses, numbers in words, arrow keys. */

const SVG = "http://www.w3.org/2000/svg";

/* Next or previous of a row of things, by arrow key. */
export const ARROWS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/* What a chooser of pictures offers, and the bytes of a file that the server takes, at most. */
export const PICTURE_FILES = "image/*,.tif,.tiff,.bmp,.webp";
export const MOST_UPLOAD = 72e6;

export function setAttributes(node, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) setOne(node, name, value);
  return node;
}

function setOne(node, name, value) {
  const aria = name.startsWith("aria-");
  if (name === "text") node.textContent = value ?? "";
  else if (name === "on") for (const [type, act] of Object.entries(value)) node.addEventListener(type, act);
  else if (value === null || value === undefined || (value === false && !aria)) node.removeAttribute(name);
  else node.setAttribute(name, value === true && !aria ? "" : String(value));
}

export function el(tag, attributes, ...children) {
  const node = setAttributes(document.createElement(tag), attributes);
  node.append(...children.filter(Boolean));
  return node;
}

export function svg(tag, attributes, ...children) {
  const node = setAttributes(document.createElementNS(SVG, tag), attributes);
  node.append(...children.filter(Boolean));
  return node;
}

/* A line through points in pixels, as the `d` of an SVG path. */
export function path(points) {
  return `M${points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`;
}

/* A query as the address shows it: commas and colons stay as they are. */
export function readable(query) {
  return query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

/* Puts a query into the address, with the stop of the tour that the page is at. */
export function putAddress(query) {
  const { tour } = document.documentElement.dataset;
  const asked = new URLSearchParams(query);
  asked.delete("tour");
  if (tour) asked.set("tour", tour);
  const text = readable(asked);
  history.replaceState(null, "", location.pathname + (text && `?${text}`) + location.hash);
}

/* Pictures come from this server only; anything else is not loaded. */
export function ownUrl(address) {
  if (!address) return "";
  try {
    const url = new URL(String(address), document.baseURI);
    return url.origin === location.origin && /^https?:$/.test(url.protocol) ? url.href : "";
  } catch {
    return "";
  }
}

export function isNumber(v) {
  return v !== null && v !== undefined && v !== "" && Number.isFinite(Number(v));
}

export function clamp(v, low, high) {
  return Math.min(Math.max(v, low), high);
}

export function seconds(value) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "";
  const s = Number(value);
  if (s < 0.0995) return `${Math.max(1, Math.round(s * 1000))} ms`;
  if (s < 0.995) return `${s.toFixed(2)} s`;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return `${(s / 3600).toFixed(1)} h`;
}

export function enable(button, reason) {
  button.setAttribute("aria-disabled", String(Boolean(reason)));
  if (reason) button.dataset.tip = reason;
  else delete button.dataset.tip;
}

export function isOff(button) {
  return button.getAttribute("aria-disabled") === "true";
}

/* Of things of one kind that are under way at once, the one that began last counts: the function begins one,
   and gives a function that says whether it is the last still. */
export function makeLatest() {
  const last = {};
  return (kind) => {
    const mine = {};
    last[kind] = mine;
    return () => last[kind] === mine;
  };
}

/* The item `by` places on, around the end. */
export function neighbour(items, item, by) {
  return items[(items.indexOf(item) + by + items.length) % items.length];
}
