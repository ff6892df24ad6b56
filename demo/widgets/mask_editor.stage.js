/* The stage that a mask is painted on, and the lines below it. */

import { el } from "./common.js";

const STAGE_LABEL =
  "Mask editor. Arrows move, Enter paints, B brush, E eraser, M box, L lasso, O selects a thing, X extends.";

export function makeStage({ invitation: text, formats }) {
  const canvas = el("canvas", { class: "ed-canvas" });
  const cursor = el("div", { class: "ed-cursor", hidden: true });
  const invitation = el("strong", {}, text);
  const empty = el("p", { class: "ed-empty" }, invitation, el("span", {}, formats));
  const attributes = {
    class: "ed-stage ed-blank",
    tabindex: "0",
    role: "application",
    "aria-label": STAGE_LABEL,
  };
  return { node: el("div", attributes, canvas, cursor, empty), canvas, cursor };
}

/* The lines below the stage: how much is missing, the picture's size, and what there is to say. */
export function makeStatus() {
  const ratio = el("span", { class: "ed-ratio", "aria-live": "polite" });
  const size = el("span", { class: "ed-dims" });
  const title = el("span", { class: "ed-title" });
  const note = el("p", { class: "ed-note", role: "status", hidden: true });
  const say = (text, error = false, offers = []) => {
    note.hidden = !text;
    note.replaceChildren(text || "", ...offers);
    note.classList.toggle("ed-error", error);
    note.setAttribute("role", error ? "alert" : "status");
  };
  const node = el("div", { class: "ed-status" }, ratio, el("span", { class: "ed-what" }, title, size));
  return { node, ratio, size, title, note, say };
}

/* The stage takes the picture's shape, within limits. */
export function layout(editor) {
  const { node } = editor.stage;
  const { w, h } = editor.mask;
  if (!w) {
    node.style.height = "";
    return;
  }
  const most = largest(editor);
  if (node.clientWidth) {
    node.style.height = `${Math.round(Math.max(160, Math.min((node.clientWidth * h) / w, most)))}px`;
  }
  editor.view.fit();
}

function largest({ root }) {
  if (root.classList.contains("ed-wide")) return Math.max(260, window.innerHeight - 190);
  return window.innerWidth > 900 ? Math.max(220, window.innerHeight - 546) : window.innerHeight * 0.5;
}
