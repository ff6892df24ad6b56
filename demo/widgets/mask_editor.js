/* Paints a mask of the picture's own size. The picture stays on the server; what leaves here is one PNG, made
   when Run asks for it. */

import { listenToRun, makeHost } from "./common.host.js";
import { el } from "./common.js";
import { makeActions } from "./mask_editor.actions.js";
import { makeAddress } from "./mask_editor.address.js";
import { makeBrush } from "./mask_editor.brush.js";
import { makeCanvas } from "./mask_editor.canvas.js";
import { makeCorners } from "./mask_editor.corners.js";
import { makeEdge } from "./mask_editor.edge.js";
import { makeExtend } from "./mask_editor.extend.js";
import { makeFeather } from "./mask_editor.feather.js";
import { makeFiles, TAKES } from "./mask_editor.files.js";
import { makeFind } from "./mask_editor.find.js";
import { makeGenerator } from "./mask_editor.generate.js";
import { makeHistory } from "./mask_editor.history.js";
import { iconButton, textButton } from "./mask_editor.icons.js";
import { makeKeys } from "./mask_editor.keys.js";
import { addMask, clearLines, LINE, MISSING, makeMask, readMask, summary } from "./mask_editor.mask.js";
import { makePointer } from "./mask_editor.pointer.js";
import { layout, makeStage, makeStatus } from "./mask_editor.stage.js";
import { makeStraighten } from "./mask_editor.straighten.js";
import { makeView } from "./mask_editor.view.js";
import { makeVisit } from "./mask_editor.visit.js";
import { makeZoom } from "./mask_editor.zoom.js";

const MOST_HOLD = 4000;
const MOST_LEFT = 4; // of the masks that are kept
const FIRST = "compare"; // the tab that the page opens with

/* What the parts of one component share. */
function makeEditor({ root, props, trigger, upload }) {
  const stage = makeStage(TAKES[props.takes]);
  const status = makeStatus();
  const editor = { root, props, trigger, upload, stage, status, say: status.say };
  const nothing = { mask: makeMask(0, 0), picture: null, keyPoint: null };
  Object.assign(editor, nothing, { own: false, finished: false, framed: false, history: makeHistory() });
  Object.assign(editor, makeActions(editor));
  editor.carry = ({ top, left, bottom, right }) => {
    const [w, h] = [editor.mask.w + left + right, editor.mask.h + top + bottom];
    editor.carried = editor.finished ? null : { mask: editor.mask, top, left, w, h };
  };
  editor.view = makeView(editor, stage.node);
  editor.feather = makeFeather(editor);
  editor.canvas = makeCanvas(editor, stage.node, stage.canvas);
  editor.extend = makeExtend(editor);
  editor.corners = makeCorners(editor);
  editor.brush = makeBrush(editor, props.follows || [], () => {
    stage.cursor.hidden = true;
    editor.extend.picked();
    editor.corners.picked();
  });
  editor.edge = makeEdge(editor);
  editor.straighten = makeStraighten(editor);
  editor.straighten.node.hidden = !props.finds?.length;
  editor.keys = makeKeys(editor, stage.node);
  editor.pointer = makePointer(editor, stage.node, stage.cursor);
  editor.zoom = makeZoom(editor, stage.node);
  editor.files = makeFiles(editor);
  editor.address = makeAddress(editor);
  editor.visit = makeVisit(editor);
  editor.bar = makeBar(editor);
  return editor;
}

function makeBar(editor) {
  const undo = iconButton("undo", "Undo", "Ctrl+Z", () => editor.undo());
  const redo = iconButton("redo", "Redo", "Ctrl+Shift+Z", () => editor.redo());
  const changes = el(
    "div",
    { class: "ed-group" },
    undo,
    redo,
    iconButton("invert", "Invert", "I", () => editor.invert()),
    iconButton("clear", "Clear", "", () => editor.change((mask) => void mask.bits.fill(0))),
  );
  const unsketch = textButton("Clear sketch", () => editor.change(clearLines), { hidden: true });
  const opaque = () => editor.trigger("tool", { kind: "transparent" });
  const transparent = textButton("Use transparent pixels", opaque, { hidden: true });
  const { buttons, sizeBox } = editor.brush;
  const sliders = [sizeBox, editor.edge.node, editor.feather.node];
  const parts = [buttons, ...sliders, changes, editor.files.maskLabel, unsketch, transparent];
  const node = el("div", { class: "ed-bar", role: "toolbar", "aria-label": "Mask tools" }, ...parts);
  return { node, undo, redo, unsketch, transparent };
}

/* ---- from the server and to it ---- */

async function pixels(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(await answer.text());
  return createImageBitmap(await answer.blob(), { colorSpaceConversion: "none", premultiplyAlpha: "none" });
}

function context({ w, h }) {
  return el("canvas", { width: w, height: h }).getContext("2d", { willReadFrequently: true });
}

/* A new picture with an empty mask. */
function setPicture(editor, picture, { w, h, title }) {
  const alike = editor.mask.w === w && editor.mask.h === h;
  Object.assign(editor, { picture, mask: makeMask(w, h), keyPoint: null });
  editor.pointer.forget();
  editor.extend.forget();
  editor.corners.forget();
  editor.straighten.forget();
  editor.canvas.renew();
  editor.history.clear();
  editor.stage.node.classList.remove("ed-blank");
  editor.status.size.textContent = `${w}×${h}`;
  editor.status.title.textContent = title;
  if (!alike) {
    editor.brush.suit();
    editor.edge.suit();
  }
  layout(editor);
}

/* A mask of the server's takes the place of the painted one; one that the visitor has asked for joins it, or
   what was painted before the picture was extended joins that. */
function setMask(editor, picture, how, ground) {
  const { w, h } = editor.mask;
  const flat = context(editor.mask);
  flat.drawImage(picture, 0, 0);
  const rgba = flat.getImageData(0, 0, w, h).data;
  const carried = editor.carried?.w === w && editor.carried.h === h ? editor.carried : null;
  editor.carried = null;
  editor.change(
    (mask) => {
      if (how === "add" && editor.finished) mask.bits.fill(0);
      readMask(mask, rgba, how);
      if (carried) addMask(mask, carried.mask, carried.left, carried.top);
    },
    how || carried ? "visitor" : "server",
  );
  if (ground) begin(editor);
}

/* From here on changes are undone. */
function begin(editor) {
  editor.history.clear();
  editor.changed(false);
}

/* Keeps what is painted on the picture that is left for another frame of it, of the last few. */
function leave(state, mask) {
  state.left.set(state.preview, mask);
  if (state.left.size > MOST_LEFT) state.left.delete(state.left.keys().next().value);
}

/* Applies the server's values; one that is overtaken by the next stops where it stands. */
function makeReceiver(editor) {
  const state = { rev: -1, preview: null, left: new Map() }; // left: what was painted on pictures before

  const isLast = (value) => value.rev === state.rev;

  async function loadPicture(value, painted) {
    const picture = await pixels(value.preview);
    if (!isLast(value)) return false;
    const mine = editor.returning && state.left.get(value.preview);
    if (value.framed && !editor.returning) leave(state, editor.mask);
    state.preview = value.preview;
    setPicture(editor, picture, value);
    if (painted) editor.change(painted, "server");
    else if (mine) {
      editor.change((mask) => void mask.bits.set(mine.bits));
      begin(editor);
    } else if (!value.mask) editor.changed(true, "server");
    return Boolean(mine);
  }

  async function load(value, painted) {
    const fresh = value.preview && value.preview !== state.preview;
    const mine = fresh && (await loadPicture(value, painted));
    if (fresh || value.error) editor.returning = false;
    if (value.mask && !painted && !mine && isLast(value)) {
      const mask = await pixels(value.mask);
      if (isLast(value)) setMask(editor, mask, value.how, fresh && value.framed);
    }
    return isLast(value);
  }

  return async (value) => {
    if (!value || value.rev <= state.rev) return;
    state.rev = value.rev;
    const offer = ({ id, text }) => textButton(text, () => editor.trigger("tool", { kind: "offer", id }));
    if (value.error) editor.carried = null;
    editor.say(value.note, value.error, (value.offers ?? []).map(offer));
    editor.bar.transparent.hidden = !value.transparent;
    Object.assign(editor, { own: value.own, finished: value.finished, framed: value.framed });
    editor.feather.take(value.feather);
    try {
      if (!(await load(value, editor.visit.begin(value.visit)))) return;
    } catch (error) {
      editor.say(String(error.message || error), true);
    }
    editor.address.take(value.query);
    for (const one of editor.files.samples.children) {
      one.setAttribute("aria-pressed", String(one.dataset.sample === value.sample));
    }
    editor.root.dataset.rev = state.rev;
  };
}

/* The mask once, as PNG of the picture's own size: alpha 255 = missing, red 255 = a line of the sketch. Its
   media type has the mask's digest and its feather. Empty text where nothing is painted. A mask that is still
   loading is waited for, and one that overtakes it. */
async function maskUrl(editor) {
  for (let seen = null; seen !== editor.arriving; await seen) seen = editor.arriving;
  const { mask, feather } = editor;
  const { w, h, bits } = mask;
  if (!w || !bits.some((bit) => bit & MISSING)) return "";
  const part = new ImageData(w, h);
  const words = new Uint32Array(part.data.buffer);
  for (let i = 0; i < bits.length; i++) {
    if (bits[i] & MISSING) words[i] = bits[i] & LINE ? 0xff0000ff : 0xff000000;
  }
  const flat = context(mask);
  flat.putImageData(part, 0, 0);
  const told = `;digest=${feather.digest(summary(mask).digest)};feather=${feather.size()};`;
  return flat.canvas.toDataURL("image/png").replace(";", told);
}

/* Nothing can be pressed before the server has said what is open: its answer would take the place of what
   was chosen meanwhile. Returns what lets go. */
function hold(tab) {
  if (!tab) return () => {};
  tab.inert = true;
  const release = () => {
    tab.inert = false;
  };
  setTimeout(release, MOST_HOLD);
  return release;
}

/* What other parts of the page ask of Compare's editor. */
function forPage(editor) {
  return {
    mask: () => maskUrl(editor),
    note: editor.say,
    take: (tool = { kind: "handed" }) => editor.trigger("tool", tool),
    link: editor.address.write,
    sketched: () => Number(editor.root.dataset.lines) > 0,
  };
}

export function mount(given) {
  const host = makeHost(given);
  const editor = makeEditor(host);
  const { root, stage, status } = editor;
  const { owner } = host.props;
  const parts = [
    stage.node,
    status.node,
    status.note,
    editor.bar.node,
    makeFind(editor),
    editor.straighten.node,
    makeGenerator(editor),
  ];
  root.append(editor.files.source, el("div", { class: "ed-mask", id: `${owner}-mask` }, ...parts), host.tip);
  stage.node.after(editor.zoom.node);
  const masks = { ...window.inpainting?.masks, [owner]: () => maskUrl(editor) };
  window.inpainting = { ...window.inpainting, ...(owner === FIRST ? forPage(editor) : {}), masks };
  new ResizeObserver(() => layout(editor)).observe(stage.node.parentElement);
  listenToRun(root, (name) => document.getElementById(`${owner}-${name}`));
  editor.changed(false);
  const receive = makeReceiver(editor);
  const release = hold(owner === FIRST && document.getElementById(owner));
  host.onValue((value) => {
    if (value?.rev > 0) release();
    const arrived = receive(value);
    editor.arriving = Promise.allSettled([editor.arriving, arrived]).then(() => {});
    return arrived.finally(() => {}); // what fails is still reported
  });
}
