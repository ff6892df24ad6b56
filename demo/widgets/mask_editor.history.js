/* Undo and redo: the bits of the box that each change has touched. No DOM. */

const MOST_BYTES = 96 * 1024 * 1024;

function cut(bits, w, [x0, y0, x1, y1]) {
  const width = x1 - x0;
  const saved = new Uint8Array(width * (y1 - y0));
  for (let y = y0; y < y1; y++) saved.set(bits.subarray(y * w + x0, y * w + x1), (y - y0) * width);
  return saved;
}

function paste(bits, w, [x0, y0, x1, y1], saved) {
  const width = x1 - x0;
  for (let y = y0; y < y1; y++) {
    bits.set(saved.subarray((y - y0) * width, (y - y0 + 1) * width), y * w + x0);
  }
}

function trim(list) {
  let total = list.reduce((sum, one) => sum + one.saved.length, 0);
  while (total > MOST_BYTES && list.length > 1) total -= list.shift().saved.length;
}

export function makeHistory() {
  let undone = [];
  let redone = [];

  /* Takes the last change from one list back, and puts what it replaces on the other; returns its box. */
  function step(mask, from, to) {
    const last = from.pop();
    if (!last) return null;
    to.push({ box: last.box, saved: cut(mask.bits, mask.w, last.box) });
    paste(mask.bits, mask.w, last.box, last.saved);
    return last.box;
  }

  /* `before`: all bits as they were; `box`: what has changed since. */
  function keep(mask, before, box) {
    undone.push({ box, saved: cut(before, mask.w, box) });
    redone = [];
    trim(undone);
  }

  function clear() {
    undone = [];
    redone = [];
  }
  return {
    keep,
    clear,
    undo: (mask) => step(mask, undone, redone),
    redo: (mask) => step(mask, redone, undone),
    canUndo: () => undone.length > 0,
    canRedo: () => redone.length > 0,
  };
}
