/* What changes the mask of an editor, and what tells of it. */

import { holes } from "./mask_editor.holes.js";
import {
  capsule,
  invert,
  polygon,
  rectangle,
  spread,
  spreadStep,
  summary,
  writer,
} from "./mask_editor.mask.js";

function measured(mask) {
  const found = summary(mask);
  const percent = (100 * found.count) / Math.max(1, mask.w * mask.h);
  const corner = found.top === 0 || found.left === 0;
  const border = found.count > 0 && (corner || found.bottom === mask.h || found.right === mask.w);
  return { ...found, percent, border };
}

function ratioText(mask, { count, percent, border, depth }) {
  if (!count) return mask.w ? "Paint over what should disappear." : "";
  const digits = percent > 0 && percent < 0.1 ? percent.toFixed(3) : percent.toFixed(1);
  const deep = depth ? `, ${depth} px deep` : "";
  return `${digits} % of the picture${deep}${border ? ", touches the border" : ""}`;
}

function show(editor, found) {
  const { root, status, bar, history } = editor;
  status.ratio.textContent = ratioText(editor.mask, found);
  bar.undo.disabled = !(history.canUndo() || editor.framed);
  bar.redo.disabled = !history.canRedo();
  bar.unsketch.hidden = !found.lines;
  root.dataset.count = found.count;
  root.dataset.lines = found.lines;
  editor.canvas.setEmpty(!found.count);
  editor.canvas.draw();
}

/* `by`: visitor, setting where only the feather is another, or server. */
function payload({ count, top, left, bottom, right, groups }, by) {
  return { count, bbox: [top, left, bottom, right], holes: groups, by };
}

/* `editor`: root, status, bar, brush, feather, canvas, history and trigger. */
export function makeActions(editor) {
  const write = (value) => writer(editor.mask, value, editor.brush.tool() === "sketch");

  function touched(box) {
    if (box) editor.canvas.touch(box);
    return box;
  }

  /* Paints from a to b; returns the box it has touched. */
  function stroke(a, b, value) {
    const radius = Math.max(0.5, editor.brush.size() / 2);
    return touched(capsule(editor.mask, a, b, radius, write(value)));
  }

  /* Fills the box or lasso through points. */
  function shape(points, value) {
    if (editor.brush.tool() === "box") {
      return touched(rectangle(editor.mask, points[0], points.at(-1), write(value)));
    }
    return points.length > 2 ? touched(polygon(editor.mask, points, write(value))) : null;
  }

  /* Asks the server for the thing in the box through points, which joins the mask or leaves it. */
  function select(points, value) {
    const [a, b] = [points[0], points.at(-1)];
    editor.say("Looking for the thing there …");
    editor.trigger("tool", {
      kind: "object",
      left: a.x,
      top: a.y,
      right: b.x,
      bottom: b.y,
      add: value === 1,
    });
  }

  /* The bits as they are before a stroke. The first one over the finished example begins a mask anew. */
  function begin(value) {
    const before = editor.mask.bits.slice();
    if (editor.finished && value && !["sketch", "object"].includes(editor.brush.tool())) {
      editor.mask.bits.fill(0);
      touched(whole());
    }
    return before;
  }

  function whole() {
    return [0, 0, editor.mask.w, editor.mask.h];
  }

  function keep(before, box) {
    editor.history.keep(editor.mask, before, editor.finished ? whole() : box);
  }

  /* `action` may return the box that it has touched. */
  function change(action, by) {
    const { mask } = editor;
    if (!mask.w) return;
    const before = mask.bits.slice();
    const box = action(mask) ?? whole();
    keep(before, box);
    editor.canvas.retint(box);
    changed(true, by);
  }

  function step(box) {
    if (!box) return;
    editor.canvas.retint(box);
    changed();
  }

  /* Before the first change of a picture in another frame comes that frame. */
  function undo() {
    if (editor.history.canUndo()) step(editor.history.undo(editor.mask));
    else if (editor.framed) {
      editor.returning = true;
      editor.trigger("tool", { kind: "back" });
    }
  }

  /* Says how much is missing, here and to the server. */
  function changed(tell = true, by = "visitor") {
    const found = measured(editor.mask);
    if (tell) {
      const [own, wide] = [holes(editor.mask), editor.feather.widened(editor.mask)];
      found.depth = Math.max(0, ...own.map((group) => group[5]));
      found.groups = wide === editor.mask ? own : holes(wide);
    }
    show(editor, found);
    if (by === "visitor") editor.finished = false;
    if (tell) {
      const feather = editor.feather.size();
      const digest = editor.feather.digest(found.digest);
      editor.trigger("mask", { ...payload(found, by), feather, digest });
      editor.address.changed(by === "visitor");
    }
    return found;
  }

  return {
    stroke,
    shape,
    select,
    begin,
    keep,
    change,
    changed,
    draw: () => editor.canvas.draw(),
    undo,
    redo: () => step(editor.history.redo(editor.mask)),
    invert: () => change(invert),
    spread: (grow) => change((mask) => spread(mask, (grow ? 1 : -1) * spreadStep(mask))),
  };
}
