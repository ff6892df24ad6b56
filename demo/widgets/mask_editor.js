/* Paints a mask of the picture's own size. The picture stays on the server; what leaves here is one PNG, made when Run asks for it. */

function icon(path) {
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, svg("path", { d: path }));
}

const ICONS = {
  upload: 'M10 13V3.5M6 7.5l4-4 4 4M3.5 13v3.5h13V13',
  brush: 'M12.5 3.5l4 4-6.5 6.5-4-4zM6 10c-2.5.5-1.5 4-3.5 6 3 1 6.5 0 7.5-2',
  eraser: 'M8 16.5h8.5M3.5 12l7.5-8 5.5 5-6.5 7H7z',
  box: 'M3.5 4.5h13v11h-13z',
  lasso: 'M10 4c4 0 6.5 1.800 6.5 4.200S14 12.5 10 12.5 3.5 10.600 3.5 8.200 6 4 10 4zM6.5 12c-1 .8-1 2 0 2.5s1 1.5 0 2.5',
  undo: 'M7 4L3.5 7.5 7 11M4 7.5h7.5a4.5 4.5 0 010 9H7',
  redo: 'M13 4l3.5 3.5L13 11M16 7.5H8.5a4.5 4.5 0 000 9H13',
  invert: 'M10 3a7 7 0 100 14zM10 3a7 7 0 010 14',
  grow: 'M10 3v4M10 13v4M3 10h4M13 10h4M8.5 4.5L10 3l1.5 1.5M8.5 15.5L10 17l1.5-1.5M4.5 8.5L3 10l1.5 1.5M15.5 8.5L17 10l-1.5 1.5',
  shrink: 'M10 3v4.5M10 12.5V17M3 10h4.5M12.5 10H17M8.5 6L10 7.5 11.5 6M8.5 14l1.5-1.5 1.5 1.5M6 8.5L7.5 10 6 11.5M14 8.5L12.5 10l1.5 1.5',
  clear: 'M5 5l10 10M15 5L5 15',
  sketch: 'M3.5 16.5c3-7 4-9 6-9s1 6 3 6 2.500-4 4-10',
};

function button(name, label, keys, onclick, extra = {}) {
  const node = el('button', { type: 'button', class: 'ed-tool', 'aria-label': label, 'data-tip': keys ? label + ' (' + keys + ')' : label, on: { click: onclick }, ...extra });
  node.append(icon(ICONS[name]));
  return node;
}

const fileInput = el('input', { type: 'file', class: 'ed-file', 'aria-label': 'Upload a photograph', accept: 'image/*,.tif,.tiff,.bmp,.webp' });
const maskInput = el('input', { type: 'file', class: 'ed-file', 'aria-label': 'Upload a mask', accept: 'image/*,.tif,.tiff,.bmp,.webp' });
const uploadLabel = el('label', { class: 'ed-button ed-primary' }, icon(ICONS.upload), 'Upload', fileInput);
const pasteButton = el('button', { type: 'button', class: 'ed-button', on: { click: pasteClick } }, 'Paste');
const samples = el('div', { class: 'ed-samples', role: 'group', 'aria-label': 'Examples' });
const source = el('div', { class: 'ed-source', id: 'compare-photo' }, uploadLabel, pasteButton, samples);

const canvas = el('canvas', { class: 'ed-canvas' });
const cursor = el('div', { class: 'ed-cursor', hidden: true });
const emptyText = el('p', { class: 'ed-empty' }, el('strong', {}, 'Drop a photograph, paste one, or pick one.'), el('span', {}, 'PNG, JPEG, WebP, TIFF or BMP, up to 4096×4096 and 25 MB.'));
const stage = el('div', { class: 'ed-stage ed-blank', tabindex: '0', role: 'application', 'aria-label': 'Mask editor. Arrows move, Enter paints, B brush, E eraser, M box, L lasso.' }, canvas, cursor, emptyText);
const ratioText = el('span', { class: 'ed-ratio', 'aria-live': 'polite' });
const sizeText = el('span', { class: 'ed-dims' });
const note = el('p', { class: 'ed-note', role: 'status', hidden: true });
const tools = {};
for (const [name, label, key] of [['brush', 'Brush', 'B'], ['eraser', 'Eraser', 'E'], ['box', 'Box', 'M'], ['lasso', 'Lasso', 'L']]) {
  tools[name] = button(name, label, key, () => pickTool(name), { 'aria-pressed': name === 'brush' ? 'true' : 'false' });
}
const sketchTip = 'Sketch lines to follow inside the hole: ' + (props.follows || []).join(', ');
tools.sketch = button('sketch', 'Sketch', 'S', () => pickTool('sketch'), { 'aria-pressed': 'false', 'data-tip': sketchTip + ' (S; hold Alt to erase)', hidden: !(props.follows || []).length });
const unsketchButton = el('button', { type: 'button', class: 'ed-button', hidden: true, on: { click: () => change(() => { for (let i = 0; i < mask.length; i++) mask[i] &= MISSING; }) } }, 'Clear sketch');
const undoButton = button('undo', 'Undo', 'Ctrl+Z', () => step(undone, redone));
const redoButton = button('redo', 'Redo', 'Ctrl+Shift+Z', () => step(redone, undone));
const sizeInput = el('input', { type: 'range', class: 'ed-size', min: '0', max: '100', value: '50', 'aria-label': 'Brush size', title: 'Brush size ([ ] or wheel)', on: { input: () => setSize(fromSlider(Number(sizeInput.value))) } });
const sizeOut = el('output', { class: 'ed-sizeout' });
const maskLabel = el('label', { class: 'ed-button' }, 'Mask file', maskInput);
const transparentButton = el('button', { type: 'button', class: 'ed-button', hidden: true, on: { click: () => trigger('tool', { kind: 'transparent' }) } }, 'Use transparent pixels');
const bar = el('div', { class: 'ed-bar', role: 'toolbar', 'aria-label': 'Mask tools' },
  el('div', { class: 'ed-group' }, ...Object.values(tools)),
  el('label', { class: 'ed-sizebox' }, el('span', {}, 'Size'), sizeInput, sizeOut),
  el('div', { class: 'ed-group' },
    undoButton, redoButton,
    button('invert', 'Invert', 'I', () => change(invert)),
    button('grow', 'Grow', 'Shift+↑', () => change(() => spread(true))),
    button('shrink', 'Shrink', 'Shift+↓', () => change(() => spread(false))),
    button('clear', 'Clear', '', () => change(() => mask.fill(0)))),
  maskLabel, unsketchButton, transparentButton);

const kindSelect = el('select', { class: 'ed-field', 'aria-label': 'Shape of a drawn mask', on: { change: kindChanged } });
const ratioInput = el('input', { type: 'range', class: 'ed-genratio', min: '1', max: '60', value: '20', 'aria-label': 'Part of the picture to mask', on: { input: () => { ratioOut.textContent = ratioInput.value + ' %'; } } });
const ratioOut = el('output', { class: 'ed-genout' }, '20 %');
const seedInput = el('input', { type: 'number', class: 'ed-field ed-seed', min: '0', max: '999999', step: '1', value: '0', 'aria-label': 'Seed of a drawn mask' });
const drawButton = el('button', { type: 'button', class: 'ed-button', on: { click: drawMask } }, 'Draw');
const generate = el('div', { class: 'ed-generate' },
  el('div', { class: 'ed-genrow' },
    el('label', { class: 'ed-stack' }, el('span', {}, 'Draw a mask'), kindSelect),
    el('label', { class: 'ed-stack ed-grow' }, el('span', {}, 'Covers ', ratioOut), ratioInput),
    el('label', { class: 'ed-stack' }, el('span', {}, 'Seed'), seedInput),
    drawButton));

const editor = el('div', { class: 'ed-mask', id: 'compare-mask' }, stage, el('div', { class: 'ed-status' }, ratioText, sizeText), note, bar, generate);
root.append(source, editor, tip);

for (const one of props.samples || []) {
  samples.append(el('button', { type: 'button', class: 'ed-sample', 'data-tip': one.title, 'aria-label': 'Example: ' + one.title, 'data-sample': one.id, on: { click: () => chooseSample(one.id) } }, el('img', { src: one.src, alt: '', width: '36', height: '36' })));
}
for (const one of props.generators || []) kindSelect.append(el('option', { value: one.id, text: one.title }));
if (!kindSelect.options.length) generate.firstChild.hidden = true;

// ---- state ---------------------------------------------------------------------------------------------------------

let W = 0, H = 0;
const MISSING = 1, LINE = 2;
let mask = new Uint8Array(0);          // bits MISSING and LINE (of a sketch), row by row, of the picture's own size
let tint = null;                       // canvas of that size: the mask as it is shown
let picture = null;                    // ImageBitmap or image to draw on
let shown = null;                      // its URL
let rev = -1;
let tool = 'brush', size = 24;
let other = 3;                         // the pen's size while a brush is in hand, and the brush's while the pen is
let undone = [], redone = [];
let view = { scale: 1, x: 0, y: 0 };   // picture -> CSS pixels of the stage
let gesture = null;                    // what the pointer is doing
let keyPoint = null;                   // the keyboard's cursor, in picture pixels
let spaceDown = false;
const pointers = new Map();
const context = canvas.getContext('2d', { willReadFrequently: true });
const MAX_UNDO = 96 * 1024 * 1024;

function fits() {
  const box = stage.getBoundingClientRect();
  const scale = Math.min(box.width / W, box.height / H);
  return { scale, x: (box.width - W * scale) / 2, y: (box.height - H * scale) / 2 };
}

// ---- mask: exact pixels, no antialiasing ---------------------------------------------------------------------------

let dirty = null;

function touch(x0, y0, x1, y1) {
  dirty = dirty ? [Math.min(dirty[0], x0), Math.min(dirty[1], y0), Math.max(dirty[2], x1), Math.max(dirty[3], y1)] : [x0, y0, x1, y1];
}

function write(i, value) {
  if (tool === 'sketch') mask[i] = value && mask[i] & MISSING ? mask[i] | LINE : mask[i] & MISSING;
  else mask[i] = value ? mask[i] | MISSING : 0;
}

function writeRow(from, to, value) {
  for (let i = from; i < to; i++) write(i, value);
}

function capsule(ax, ay, bx, by, radius, value) {
  const x0 = Math.max(0, Math.floor(Math.min(ax, bx) - radius)), x1 = Math.min(W, Math.ceil(Math.max(ax, bx) + radius) + 1);
  const y0 = Math.max(0, Math.floor(Math.min(ay, by) - radius)), y1 = Math.min(H, Math.ceil(Math.max(ay, by) + radius) + 1);
  const dx = bx - ax, dy = by - ay, length2 = dx * dx + dy * dy, r2 = radius * radius;
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const px = x + 0.5 - ax, py = y + 0.5 - ay;
      const t = length2 ? Math.max(0, Math.min(1, (px * dx + py * dy) / length2)) : 0;
      const ex = px - t * dx, ey = py - t * dy;
      if (ex * ex + ey * ey <= r2) write(y * W + x, value);
    }
  }
  const cx = Math.floor(bx), cy = Math.floor(by);
  if (cx >= 0 && cy >= 0 && cx < W && cy < H) write(cy * W + cx, value);
  if (x1 > x0 && y1 > y0) touch(x0, y0, x1, y1);
}

function rectangle(a, b, value) {
  const x0 = Math.max(0, Math.floor(Math.min(a.x, b.x))), x1 = Math.min(W, Math.floor(Math.max(a.x, b.x)) + 1);
  const y0 = Math.max(0, Math.floor(Math.min(a.y, b.y))), y1 = Math.min(H, Math.floor(Math.max(a.y, b.y)) + 1);
  for (let y = y0; y < y1; y++) writeRow(y * W + x0, y * W + x1, value);
  if (x1 > x0 && y1 > y0) touch(x0, y0, x1, y1);
}

function polygon(points, value) {
  const ys = points.map((p) => p.y), xs = points.map((p) => p.x);
  const y0 = Math.max(0, Math.floor(Math.min(...ys))), y1 = Math.min(H, Math.ceil(Math.max(...ys)));
  for (let y = y0; y < y1; y++) {
    const cuts = [];
    for (let i = 0; i < points.length; i++) {
      const a = points[i], b = points[(i + 1) % points.length], c = y + 0.5;
      if ((a.y <= c) !== (b.y <= c)) cuts.push(a.x + (c - a.y) / (b.y - a.y) * (b.x - a.x));
    }
    cuts.sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i += 2) {
      const from = Math.max(0, Math.ceil(cuts[i] - 0.5)), to = Math.min(W, Math.ceil(cuts[i + 1] - 0.5));
      if (to > from) writeRow(y * W + from, y * W + to, value);
    }
  }
  if (y1 > y0) touch(Math.max(0, Math.floor(Math.min(...xs))), y0, Math.min(W, Math.ceil(Math.max(...xs))), y1);
}

function invert() {
  for (let i = 0; i < mask.length; i++) mask[i] ^= MISSING;
}

function spread(grow) {
  // A disc's union, as one run per row: distance along the row first, then rows within the radius.
  const radius = Math.max(1, Math.round(Math.max(W, H) / 256)), target = grow ? 1 : 0;
  const lines = mask, out = mask.map((bits) => bits & MISSING);
  mask = out.slice();
  for (let y = 0; y < H; y++) {
    for (let d = -radius; d <= radius; d++) {
      const from = y + d;
      if (from < 0 || from >= H) continue;
      const reach = Math.floor(Math.sqrt(radius * radius - d * d));
      let until = -1;
      for (let x = 0; x < W; x++) {
        const row = from * W;
        if (mask[row + x] !== target) continue;
        const start = Math.max(until, x - reach, 0), end = Math.min(W, x + reach + 1);
        if (end > start) out.fill(target, y * W + start, y * W + end);
        until = end;
      }
    }
  }
  mask = out.map((bit, i) => bit | (lines[i] & LINE));
}

function retint(x0 = 0, y0 = 0, x1 = W, y1 = H) {
  if (!tint || x1 <= x0 || y1 <= y0) return;
  const part = new ImageData(x1 - x0, y1 - y0), words = new Uint32Array(part.data.buffer);
  for (let y = y0, i = 0; y < y1; y++) for (let x = x0; x < x1; x++, i++) if (mask[y * W + x] & MISSING) words[i] = mask[y * W + x] & LINE ? 0xff00e1ff : 0x8c7e00e6;
  tint.getContext('2d').putImageData(part, x0, y0);
}

function keep(before, box) {
  const [x0, y0, x1, y1] = box, w = x1 - x0, saved = new Uint8Array(w * (y1 - y0));
  for (let y = y0; y < y1; y++) saved.set(before.subarray(y * W + x0, y * W + x1), (y - y0) * w);
  undone.push({ box, saved });
  redone = [];
  let total = undone.reduce((sum, one) => sum + one.saved.length, 0);
  while (total > MAX_UNDO && undone.length > 1) total -= undone.shift().saved.length;
}

function step(from, to) {
  const last = from.pop();
  if (!last) return;
  const [x0, y0, x1, y1] = last.box, w = x1 - x0, now = new Uint8Array(last.saved.length);
  for (let y = y0; y < y1; y++) {
    now.set(mask.subarray(y * W + x0, y * W + x1), (y - y0) * w);
    mask.set(last.saved.subarray((y - y0) * w, (y - y0 + 1) * w), y * W + x0);
  }
  to.push({ box: last.box, saved: now });
  retint(x0, y0, x1, y1);
  changed();
}

function change(action, by) {
  if (!W) return;
  const before = mask.slice();
  action();
  keep(before, [0, 0, W, H]);
  retint();
  changed(true, by);
}

/* Groups of missing pixels that are near each other, on the grid that methods use: [top, left, bottom, right, count]. */
const TILE = 16;
function holes() {
  const tw = Math.ceil(W / TILE), th = Math.ceil(H / TILE), tiles = new Array(tw * th).fill(null);
  for (let y = 0, i = 0; y < H; y++) for (let x = 0; x < W; x++, i++) if (mask[i] & MISSING) {
    const t = (y / TILE | 0) * tw + (x / TILE | 0), box = tiles[t] ?? (tiles[t] = [y, x, y + 1, x + 1, 0]);
    if (x < box[1]) box[1] = x;
    if (x >= box[3]) box[3] = x + 1;
    box[2] = y + 1;
    box[4]++;
  }
  const found = [];
  for (let start = 0; start < tiles.length; start++) {
    if (!tiles[start]) continue;
    const box = tiles[start], queue = [start];
    tiles[start] = null;
    found.push(box);
    while (queue.length) {
      const t = queue.pop(), tx = t % tw;
      for (const dy of [-tw, 0, tw]) for (const dx of [-1, 0, 1]) {
        const next = t + dy + dx;
        if (tx + dx < 0 || tx + dx >= tw || !tiles[next]) continue;
        join(box, tiles[next]);
        tiles[next] = null;
        queue.push(next);
      }
    }
  }
  return found.length > 64 ? [] : found; // as many, methods take as one
}

function join(box, other) {
  for (const k of [0, 1]) box[k] = Math.min(box[k], other[k]);
  for (const k of [2, 3]) box[k] = Math.max(box[k], other[k]);
  box[4] += other[4];
}

function changed(tell = true, by = 'visitor') {
  let count = 0, lines = 0, top = H, left = W, bottom = 0, right = 0, digest = 0x811c9dc5;
  for (let y = 0; y < H; y++) {
    let first = -1, last = -1;
    for (let x = 0, i = y * W; x < W; x++, i++) if (mask[i] & MISSING) { count++; digest = Math.imul(digest ^ i, 0x01000193); if (mask[i] & LINE) { lines++; digest = Math.imul(digest ^ 0x9e37, 0x01000193); } if (first < 0) first = x; last = x; }
    if (first >= 0) { top = Math.min(top, y); bottom = y + 1; left = Math.min(left, first); right = Math.max(right, last + 1); }
  }
  const percent = 100 * count / Math.max(1, W * H);
  const border = count > 0 && (top === 0 || left === 0 || bottom === H || right === W);
  const digits = percent > 0 && percent < 0.1 ? percent.toFixed(3) : percent.toFixed(1);
  ratioText.textContent = count ? digits + ' % of the picture' + (border ? ', touches the border' : '') : W ? 'Paint over what should disappear.' : '';
  undoButton.disabled = !undone.length;
  redoButton.disabled = !redone.length;
  root.dataset.count = count;
  root.dataset.lines = lines;
  unsketchButton.hidden = !lines;
  draw();
  if (tell) trigger('mask', { count, top, left, bottom, right, ratio: percent / 100, bbox: [top, left, bottom, right], holes: holes(), border, by, digest: String(digest >>> 0) });
}

// ---- drawing -------------------------------------------------------------------------------------------------------

let frame = 0;
function draw() {
  if (!frame) frame = requestAnimationFrame(() => { frame = 0; paint(); });
}

function paint() {
  const box = stage.getBoundingClientRect(), dpr = window.devicePixelRatio || 1;
  if (!box.width) return;
  const width = Math.round(box.width * dpr), height = Math.round(box.height * dpr);
  if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  if (!picture) return;
  const s = view.scale * dpr, x = view.x * dpr, y = view.y * dpr;
  context.imageSmoothingEnabled = s < 3;
  context.imageSmoothingQuality = 'high';
  context.drawImage(picture, x, y, W * s, H * s);
  if (dirty) { retint(...dirty); dirty = null; }
  if (tint) context.drawImage(tint, x, y, W * s, H * s);
  edges(width, height, s, x, y);
  ghost(dpr);
}

function edges(width, height, s, ox, oy) {
  // Black and white dashes where missing meets known, one device pixel wide at every zoom.
  const x0 = Math.max(0, Math.ceil(ox)), x1 = Math.min(width, Math.floor(ox + W * s)), y0 = Math.max(0, Math.ceil(oy)), y1 = Math.min(height, Math.floor(oy + H * s));
  if (x1 - x0 < 2 || y1 - y0 < 2 || Number(root.dataset.count) === 0 && !gesture) return;
  const columns = new Int32Array(x1 - x0);
  for (let i = 0; i < columns.length; i++) columns[i] = Math.min(W - 1, Math.max(0, Math.floor((x0 + i + 0.5 - ox) / s)));
  const part = context.getImageData(x0, y0, x1 - x0, y1 - y0), words = new Uint32Array(part.data.buffer), wide = x1 - x0;
  for (let j = y0; j < y1 - 1; j++) {
    const row = Math.min(H - 1, Math.max(0, Math.floor((j + 0.5 - oy) / s))) * W, below = Math.min(H - 1, Math.max(0, Math.floor((j + 1.5 - oy) / s))) * W;
    for (let i = 0; i < wide - 1; i++) {
      const m = mask[row + columns[i]] & MISSING;
      if (m !== (mask[row + columns[i + 1]] & MISSING) || m !== (mask[below + columns[i]] & MISSING)) words[(j - y0) * wide + i] = ((i + j) >> 2) & 1 ? 0xffffffff : 0xff000000;
    }
  }
  context.putImageData(part, x0, y0);
}

function ghost(dpr) {
  const outline = gesture && gesture.points && (tool === 'box' || tool === 'lasso') ? gesture.points : null;
  context.setTransform(dpr, 0, 0, dpr, 0, 0);
  if (outline) {
    const at = (p) => [view.x + p.x * view.scale, view.y + p.y * view.scale];
    context.beginPath();
    if (tool === 'box') { const [ax, ay] = at(outline[0]), [bx, by] = at(outline[outline.length - 1]); context.rect(ax, ay, bx - ax, by - ay); }
    else outline.forEach((p, i) => context[i ? 'lineTo' : 'moveTo'](...at(p)));
    for (const [style, dash] of [['#000', []], ['#fff', [4, 4]]]) { context.strokeStyle = style; context.setLineDash(dash); context.lineWidth = 1.5; context.stroke(); }
    context.setLineDash([]);
  }
  if (keyPoint && document.activeElement === stage) {
    const cx = view.x + keyPoint.x * view.scale, cy = view.y + keyPoint.y * view.scale, r = Math.max(4, size / 2 * view.scale);
    for (const [style, width] of [['#000', 3], ['#fff', 1.5]]) { context.beginPath(); context.arc(cx, cy, r, 0, 7); context.strokeStyle = style; context.lineWidth = width; context.stroke(); }
  }
}

function layout() {
  if (!W) { stage.style.height = ''; return; }
  const width = stage.clientWidth;
  if (width) stage.style.height = Math.round(Math.max(160, Math.min(width * H / W, Math.max(260, window.innerHeight * 0.5)))) + 'px';
  view = fits();
  draw();
}

// ---- pointer -------------------------------------------------------------------------------------------------------

function at(event) {
  const box = stage.getBoundingClientRect();
  return { x: (event.clientX - box.left - view.x) / view.scale, y: (event.clientY - box.top - view.y) / view.scale };
}

function strokes() {
  return tool === 'brush' || tool === 'eraser' || tool === 'sketch';
}

function value(event) {
  return (tool === 'eraser') !== event.altKey ? 0 : 1;
}

function commit() {
  if (!gesture || gesture.pan) { gesture = null; return; }
  const { points, value: v, before } = gesture;
  gesture = null;
  if (tool === 'box') rectangle(points[0], points[points.length - 1], v);
  if (tool === 'lasso' && points.length > 2) polygon(points, v);
  if (spot) { keep(before, spot); spot = null; }
  else if (dirty) keep(before, dirty.slice());
  if (dirty) { retint(...dirty); dirty = null; }
  changed();
  if (tool === 'sketch' && v && root.dataset.lines === '0') say('A sketch lies inside the hole: paint the hole first, then draw in it.');
}

let spot = null;  // everything this stroke has touched (dirty is emptied by each frame)
function stroke(a, b, v) {
  const hold = dirty;
  dirty = null;
  capsule(a.x, a.y, b.x, b.y, Math.max(0.5, size / 2), v);
  if (dirty) spot = spot ? [Math.min(spot[0], dirty[0]), Math.min(spot[1], dirty[1]), Math.max(spot[2], dirty[2]), Math.max(spot[3], dirty[3])] : dirty.slice();
  if (hold) touch(...hold);
}

stage.addEventListener('pointerdown', (event) => {
  if (!W || (event.button !== 0 && event.button !== 1)) return;
  stage.focus({ preventScroll: true });
  keyPoint = null;
  stage.setPointerCapture(event.pointerId);
  pointers.set(event.pointerId, event);
  if (pointers.size === 2) {
    if (gesture && gesture.before) { mask = gesture.before; spot = null; dirty = null; retint(); }
    gesture = { pan: true, pinch: pinch(), from: { ...view } };
  } else if (event.button === 1 || spaceDown) {
    gesture = { pan: true, at: [event.clientX, event.clientY], from: { ...view } };
  } else {
    gesture = { points: [at(event)], value: value(event), before: mask.slice() };
    if (strokes()) stroke(gesture.points[0], gesture.points[0], gesture.value);
  }
  event.preventDefault();
  draw();
});

function pinch() {
  const [a, b] = [...pointers.values()], box = stage.getBoundingClientRect();
  return { x: (a.clientX + b.clientX) / 2 - box.left, y: (a.clientY + b.clientY) / 2 - box.top, d: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) };
}

stage.addEventListener('pointermove', (event) => {
  follow(event);
  if (pointers.has(event.pointerId)) pointers.set(event.pointerId, event);
  if (!gesture) return;
  if (gesture.pinch && pointers.size === 2) {
    const now = pinch(), start = gesture.pinch, from = gesture.from, scale = limit(from.scale * now.d / Math.max(1, start.d));
    view = { scale, x: now.x - (start.x - from.x) / from.scale * scale, y: now.y - (start.y - from.y) / from.scale * scale };
  } else if (gesture.at) {
    view = { ...gesture.from, x: gesture.from.x + event.clientX - gesture.at[0], y: gesture.from.y + event.clientY - gesture.at[1] };
  } else if (gesture.points) {
    const moves = event.getCoalescedEvents && event.getCoalescedEvents().length ? event.getCoalescedEvents() : [event];
    for (const move of moves) {
      const p = at(move);
      if (strokes()) stroke(gesture.points[gesture.points.length - 1], p, gesture.value);
      gesture.points.push(p);
    }
  }
  draw();
});

for (const name of ['pointerup', 'pointercancel']) {
  stage.addEventListener(name, (event) => {
    pointers.delete(event.pointerId);
    if (gesture && gesture.pinch && pointers.size) return;
    commit();
    draw();
  });
}
stage.addEventListener('pointerleave', () => { cursor.hidden = true; });
stage.addEventListener('blur', () => draw());

function follow(event) {
  const brush = W && event.pointerType !== 'touch' && (strokes()) && !spaceDown;
  cursor.hidden = !brush;
  if (!brush) return;
  const box = stage.getBoundingClientRect(), d = Math.max(4, size * view.scale);
  cursor.style.width = cursor.style.height = d + 'px';
  cursor.style.transform = 'translate(' + (event.clientX - box.left - d / 2) + 'px,' + (event.clientY - box.top - d / 2) + 'px)';
}

stage.addEventListener('wheel', (event) => {
  if (!W) return;
  event.preventDefault();
  if (event.ctrlKey || event.metaKey) {
    const box = stage.getBoundingClientRect();
    zoom(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  } else {
    setSize(size * Math.exp(-Math.sign(event.deltaY) * 0.12));
    follow(event);
  }
}, { passive: false });

function limit(scale) {
  return Math.max(fits().scale * 0.5, Math.min(32, scale));
}

function zoom(factor, x, y) {
  const scale = limit(view.scale * factor);
  view = { scale, x: x - (x - view.x) / view.scale * scale, y: y - (y - view.y) / view.scale * scale };
  draw();
}

// ---- tools and keys ------------------------------------------------------------------------------------------------

function pickTool(name) {
  if ((name === 'sketch') !== (tool === 'sketch')) {
    const before = size;
    setSize(other);
    other = before;
  }
  tool = name;
  for (const [key, node] of Object.entries(tools)) node.setAttribute('aria-pressed', String(key === name));
  cursor.hidden = true;
}

function largest() {
  return Math.max(8, Math.max(W, H) / 2 || 256);
}
function fromSlider(position) {
  return Math.exp(position / 100 * Math.log(largest()));
}
function setSize(wanted) {
  size = Math.max(1, Math.min(largest(), Math.abs(wanted - size) < 1 && wanted !== size ? size + Math.sign(wanted - size) : wanted));
  size = Math.round(size);
  sizeInput.value = String(100 * Math.log(size) / Math.log(largest()));
  sizeOut.textContent = size + ' px';
}

function move(dx, dy) {
  const by = Math.max(1, size / 2);
  keyPoint = keyPoint || { x: W / 2, y: H / 2 };
  keyPoint = { x: Math.max(0, Math.min(W - 0.01, keyPoint.x + dx * by)), y: Math.max(0, Math.min(H - 0.01, keyPoint.y + dy * by)) };
  draw();
}

function stamp(event) {
  keyPoint = keyPoint || { x: W / 2, y: H / 2 };
  gesture = { points: [keyPoint], before: mask.slice() };
  stroke(keyPoint, keyPoint, value(event));
  const { before } = gesture;
  gesture = null;
  if (spot) keep(before, spot);
  spot = null;
  changed();
}

stage.addEventListener('keydown', (event) => {
  if (!W) return;
  const ctrl = event.ctrlKey || event.metaKey, key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const plain = { b: () => pickTool('brush'), e: () => pickTool('eraser'), m: () => pickTool('box'), l: () => pickTool('lasso'), s: () => tools.sketch.hidden || pickTool('sketch'), i: () => change(invert),
    '[': () => setSize(size / 1.15), ']': () => setSize(size * 1.15), '+': () => zoom(1.25, stage.clientWidth / 2, stage.clientHeight / 2), '=': () => zoom(1.25, stage.clientWidth / 2, stage.clientHeight / 2),
    '-': () => zoom(0.8, stage.clientWidth / 2, stage.clientHeight / 2), 0: () => { view = fits(); draw(); },
    ArrowUp: () => event.shiftKey ? change(() => spread(true)) : move(0, -1), ArrowDown: () => event.shiftKey ? change(() => spread(false)) : move(0, 1),
    ArrowLeft: () => move(-1, 0), ArrowRight: () => move(1, 0), ' ': () => { spaceDown = true; stage.classList.add('ed-panning'); } };
  if (ctrl && key === 'z') event.shiftKey ? step(redone, undone) : step(undone, redone);
  else if (ctrl && key === 'y') step(redone, undone);
  else if (!ctrl && key === 'Enter') stamp(event);
  else if (!ctrl && plain[key]) plain[key]();
  else return;
  event.preventDefault();
  event.stopPropagation();
});
stage.addEventListener('keyup', (event) => { if (event.key === ' ') { spaceDown = false; stage.classList.remove('ed-panning'); } });

// ---- files ---------------------------------------------------------------------------------------------------------

function say(text, error = false) {
  note.hidden = !text;
  note.textContent = text || '';
  note.classList.toggle('ed-error', error);
  note.setAttribute('role', error ? 'alert' : 'status');
}

async function send(file, event) {
  if (!file) return;
  if (file.size > 25e6) return say('“' + file.name + '” has ' + Math.round(file.size / 1e6) + ' MB; the limit is 25 MB. Save it smaller.', true);
  say('Uploading ' + (file.name || 'the picture') + ' …');
  root.setAttribute('aria-busy', 'true');
  try {
    const done = await upload(file);
    props.value = { ...(props.value || {}), picture: { path: done.path, orig_name: file.name || 'pasted.png', meta: { _type: 'gradio.FileData' } }, name: file.name || 'pasted.png' };
    if (event === 'picture') trigger('picture', {}); else trigger('maskfile', {});
  } catch (error) {
    say('The upload of “' + (file.name || 'the picture') + '” failed; check the connection and try again.', true);
  } finally {
    root.removeAttribute('aria-busy');
  }
}

function chooseSample(id) {
  say('');
  trigger('tool', { kind: 'sample', id });
}

for (const [input, event] of [[fileInput, 'picture'], [maskInput, 'maskfile']]) {
  input.addEventListener('change', () => { send(input.files[0], event); input.value = ''; });
}

async function pasteClick() {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith('image/'));
      if (type) return send(new File([await item.getType(type)], 'pasted.' + type.split('/')[1], { type }), 'picture');
    }
    say('There is no picture on the clipboard; copy one first.', true);
  } catch (error) {
    say('The browser did not allow it: press Ctrl+V instead.', true);
  }
}

document.addEventListener('paste', (event) => {
  if (!root.offsetParent || !event.clipboardData) return;
  const file = [...event.clipboardData.files].find((one) => one.type.startsWith('image/'));
  if (file) { event.preventDefault(); send(file, 'picture'); }
});
// The whole page takes a picture: one that misses the stage would otherwise open in place of the page, and all would be lost.
const holdsFiles = (event) => root.offsetParent && event.dataTransfer && [...event.dataTransfer.types].some((type) => type === 'Files' || type === 'text/uri-list');
document.addEventListener('dragover', (event) => { if (holdsFiles(event)) { event.preventDefault(); root.classList.add('ed-over'); } });
document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) root.classList.remove('ed-over'); });
document.addEventListener('drop', (event) => {
  root.classList.remove('ed-over');
  if (!holdsFiles(event)) return;
  event.preventDefault();
  const file = event.dataTransfer.files[0];
  if (file) send(file, 'picture');
  else say('That is a link, not a file: copy the picture there and paste it here.', true);
});

function kindChanged() {
  const one = (props.generators || []).find((other) => other.id === kindSelect.value);
  ratioInput.disabled = !!(one && one.fixed);
  ratioOut.textContent = ratioInput.disabled ? one.fixed : ratioInput.value + ' %';
}

function drawMask() {
  if (!W) return say('Choose a picture first: upload, paste or pick one.', true);
  trigger('tool', { kind: 'generate', name: kindSelect.value, ratio: Number(ratioInput.value) / 100, seed: Math.max(0, Math.round(Number(seedInput.value) || 0)) });
}

// ---- server to page ------------------------------------------------------------------------------------------------

async function pixels(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(await answer.text());
  return createImageBitmap(await answer.blob(), { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
}

async function apply(v) {
  if (!v || v.rev <= rev) return;
  rev = v.rev;
  const mine = rev;
  say(v.note, v.error);
  const tab = new URLSearchParams(location.search).get('t') || 'compare';
  if (v.query !== null && v.query !== undefined && tab === 'compare') history.replaceState(null, '', location.pathname + v.query + location.hash);
  transparentButton.hidden = !v.transparent;
  try {
    if (v.preview && v.preview !== shown) {
      const loaded = await pixels(v.preview);
      if (mine !== rev) return;
      picture = loaded; shown = v.preview; W = v.w; H = v.h;
      mask = new Uint8Array(W * H);
      tint = el('canvas', { width: W, height: H });
      undone = []; redone = []; keyPoint = null; dirty = null; spot = null;
      stage.classList.remove('ed-blank');
      sizeText.textContent = W + '×' + H;
      setSize(Math.max(4, Math.max(W, H) / 20));
      other = Math.max(2, Math.round(Math.max(W, H) / 200));
      if (tool === 'sketch') { const brush = size; setSize(other); other = brush; }
      layout();
      if (!v.mask) changed(true, 'server');
    }
    if (v.mask) {
      const loaded = await pixels(v.mask);
      if (mine !== rev) return;
      const flat = el('canvas', { width: W, height: H }).getContext('2d', { willReadFrequently: true });
      flat.drawImage(loaded, 0, 0);
      const words = flat.getImageData(0, 0, W, H).data;
      change(() => { for (let i = 0; i < mask.length; i++) mask[i] = (mask[i] & LINE) | (words[4 * i] >= 128 ? MISSING : 0); }, 'server');
    }
  } catch (error) {
    say(String(error.message || error), true);
  }
  for (const one of samples.children) one.setAttribute('aria-pressed', String(one.dataset.sample === v.sample));
  root.dataset.rev = rev;
}

window.inpainting = window.inpainting || {};
window.inpainting.mask = async () => {
  // The mask once, as PNG of the picture's own size: alpha 255 = missing, red 255 = a line of the sketch. Empty text where nothing is painted.
  if (!W || !mask.some((bits) => bits & MISSING)) return '';
  const flat = el('canvas', { width: W, height: H }), part = new ImageData(W, H), words = new Uint32Array(part.data.buffer);
  for (let i = 0; i < mask.length; i++) if (mask[i] & MISSING) words[i] = mask[i] & LINE ? 0xff0000ff : 0xff000000;
  flat.getContext('2d').putImageData(part, 0, 0);
  return flat.toDataURL('image/png');
};
window.inpainting.note = say;
window.inpainting.sketched = () => Number(root.dataset.lines) > 0;

new ResizeObserver(() => layout()).observe(stage.parentElement);
document.addEventListener('keydown', (event) => {
  if (!root.offsetParent || !(event.ctrlKey || event.metaKey)) return;
  const id = event.key === 'Enter' ? 'compare-run' : event.key === '.' ? 'compare-stop' : null;
  const target = id && document.getElementById(id);
  if (target && !target.disabled) { event.preventDefault(); target.click(); }
});
kindChanged();
setSize(24);
changed(false);
onValue(apply);
