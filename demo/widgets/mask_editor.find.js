/* What the server finds in the picture and adds to the mask: marks of age, text laid over it. */

import { el } from "./common.js";
import { textButton } from "./mask_editor.icons.js";

/* `editor`: mask, props, trigger and say. */
export function makeFind(editor) {
  const kinds = editor.props.finds || [];

  const find = (kind) => () => {
    if (!editor.mask.w) return editor.say("Choose a picture first: upload, paste or pick one.", true);
    editor.say(`Looking for ${kind} …`);
    editor.trigger("tool", { kind: "find", marks: kind });
  };

  const buttons = kinds.map((kind) => textButton(kind[0].toUpperCase() + kind.slice(1), find(kind)));
  const named = { class: "ed-find", role: "group", "aria-label": "Find in the picture" };
  return el("div", { ...named, hidden: !kinds.length }, el("span", {}, "Find"), ...buttons);
}
