/* The keys of the mask editor, while its stage has the focus. */

const TYPED = "input:not([type=range], [type=checkbox], [type=radio]), textarea, [contenteditable]";

/* `editor`: mask, view, brush, keyPoint, and invert, spread, undo, redo, stroke, keep, changed and draw. */
export function makeKeys(editor, stage) {
  let spaceDown = false;
  const plain = plainKeys(editor, stage, hold);

  function hold(down) {
    spaceDown = down;
    stage.classList.toggle("ed-panning", down);
  }

  function withControl(key, shift) {
    if (key === "z") return shift ? editor.redo : editor.undo;
    return key === "y" ? editor.redo : null;
  }

  function withoutControl(key) {
    if (key === "Enter") return (event) => stamp(editor, event);
    return Object.hasOwn(plain, key) ? plain[key] : null;
  }

  stage.addEventListener("keydown", (event) => {
    if (!editor.mask.w) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const control = event.ctrlKey || event.metaKey;
    if (!control && (editor.extend.key(key, event.shiftKey) || editor.corners.key(key))) {
      event.preventDefault();
      event.stopPropagation();
      return;
    }
    const act = control ? withControl(key, event.shiftKey) : withoutControl(key);
    if (!act) return;
    act(event);
    event.preventDefault();
    event.stopPropagation();
  });
  stage.addEventListener("keyup", (event) => event.key === " " && hold(false));
  /* Undo and redo work wherever the focus is, but where text is typed. */
  document.addEventListener("keydown", (event) => {
    const away = !editor.mask.w || !stage.offsetParent || !(event.ctrlKey || event.metaKey);
    if (away || event.target.closest?.(TYPED)) return;
    const act = withControl(event.key.toLowerCase(), event.shiftKey);
    if (!act) return;
    act();
    event.preventDefault();
  });
  return { spaceDown: () => spaceDown };
}

function plainKeys(editor, stage, hold) {
  const { brush, view } = editor;
  const zoom = (factor) => () => view.zoom(factor, stage.clientWidth / 2, stage.clientHeight / 2);
  const upDown = (grow, dy) => (event) => (event.shiftKey ? editor.spread(grow) : move(editor, 0, dy));
  return {
    b: () => brush.pick("brush"),
    e: () => brush.pick("eraser"),
    m: () => brush.pick("box"),
    l: () => brush.pick("lasso"),
    o: () => brush.pick("object"),
    x: () => brush.canExtend() && brush.pick("extend"),
    p: () => brush.canExtend() && brush.pick("corners"),
    s: () => brush.canSketch() && brush.pick("sketch"),
    i: () => editor.invert(),
    "[": () => brush.setSize(brush.size() / 1.15),
    "]": () => brush.setSize(brush.size() * 1.15),
    "+": zoom(1.25),
    "=": zoom(1.25),
    "-": zoom(0.8),
    0: () => view.fit(),
    ArrowUp: upDown(true, -1),
    ArrowDown: upDown(false, 1),
    ArrowLeft: () => move(editor, -1, 0),
    ArrowRight: () => move(editor, 1, 0),
    " ": () => hold(true),
  };
}

function middle({ mask }) {
  return { x: mask.w / 2, y: mask.h / 2 };
}

/* Moves the keyboard's cursor by half the brush's size. */
function move(editor, dx, dy) {
  const by = Math.max(1, editor.brush.size() / 2);
  const from = editor.keyPoint ?? middle(editor);
  const within = (v, length) => Math.max(0, Math.min(length - 0.01, v));
  editor.keyPoint = {
    x: within(from.x + dx * by, editor.mask.w),
    y: within(from.y + dy * by, editor.mask.h),
  };
  editor.draw();
}

/* One touch of the brush at the keyboard's cursor. */
function stamp(editor, event) {
  editor.keyPoint ??= middle(editor);
  const value = editor.brush.value(event);
  const before = editor.begin(value);
  const box = editor.stroke(editor.keyPoint, editor.keyPoint, value);
  if (box) editor.keep(before, box);
  editor.changed();
}
