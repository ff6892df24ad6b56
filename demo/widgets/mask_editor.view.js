/* Zoom and pan of the mask editor: from the picture's pixels to CSS pixels of the stage. */

const MOST = 32;
const ROOM = { extend: 0.62, corners: 0.88 }; // of the stage that the picture takes with these tools

/* `editor`: mask, whose size is the picture's, and draw(). */
export function makeView(editor, stage) {
  let now = { scale: 1, x: 0, y: 0 };

  function fits() {
    const box = stage.getBoundingClientRect();
    const { w, h } = editor.mask;
    const room = ROOM[editor.brush?.tool()] ?? 1;
    const scale = room * Math.min(box.width / w, box.height / h);
    return { scale, x: (box.width - w * scale) / 2, y: (box.height - h * scale) / 2 };
  }

  function limit(scale) {
    return Math.max(fits().scale * 0.5, Math.min(MOST, scale));
  }

  function fit() {
    now = fits();
    editor.draw();
  }

  /* From the view `from`, so that what was at (x, y) of the stage is at (toX, toY). */
  function scaleFrom(from, wanted, x, y, toX, toY) {
    const scale = limit(wanted);
    now = {
      scale,
      x: toX - ((x - from.x) / from.scale) * scale,
      y: toY - ((y - from.y) / from.scale) * scale,
    };
  }

  function zoom(factor, x, y) {
    scaleFrom(now, now.scale * factor, x, y, x, y);
    editor.draw();
  }

  /* After a gesture: no smaller than the whole picture, and no gap beside a larger one. */
  function settle() {
    const whole = fits();
    if (now.scale <= whole.scale * 1.001) return fit();
    const box = stage.getBoundingClientRect();
    now = {
      scale: now.scale,
      x: within(now.x, editor.mask.w * now.scale, box.width),
      y: within(now.y, editor.mask.h * now.scale, box.height),
    };
    editor.draw();
  }

  function within(start, length, room) {
    return length <= room ? (room - length) / 2 : Math.max(room - length, Math.min(0, start));
  }

  function panFrom(from, dx, dy) {
    now = { ...from, x: from.x + dx, y: from.y + dy };
  }

  /* Where an event is, in pixels of the picture. */
  function at(event) {
    const box = stage.getBoundingClientRect();
    return {
      x: (event.clientX - box.left - now.x) / now.scale,
      y: (event.clientY - box.top - now.y) / now.scale,
    };
  }

  function toStage(p) {
    return [now.x + p.x * now.scale, now.y + p.y * now.scale];
  }
  return { current: () => ({ ...now }), fit, settle, zoom, scaleFrom, panFrom, at, toStage };
}
