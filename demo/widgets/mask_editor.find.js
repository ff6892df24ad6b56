/* What the server finds in the picture and adds to the mask: marks of age, text over it, black borders. */

import { el } from "./common.js";
import { textButton } from "./mask_editor.icons.js";

/* `editor`: mask, props, trigger and say. */
export function makeFind(editor) {
  const kinds = editor.props.finds || [];

  const find = (what, asked) => () => {
    if (!editor.mask.w) return editor.say("Choose a picture first: upload, paste or pick one.", true);
    editor.say(`Looking for ${what} …`);
    editor.trigger("tool", asked);
  };

  const buttons = kinds.map((kind) =>
    textButton(kind[0].toUpperCase() + kind.slice(1), find(kind, { kind: "find", marks: kind })),
  );
  const tip = { "data-tip": "What is black at the picture's edge, as round a panorama" };
  buttons.push(textButton("Borders", find("black borders", { kind: "borders" }), tip));
  const named = { class: "ed-find", role: "group", "aria-label": "Find in the picture" };
  return el("div", { ...named, hidden: !kinds.length }, el("span", {}, "Find"), ...buttons);
}
