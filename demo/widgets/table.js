let value = { cols: [], rows: [] };
let order = { col: null, worst: false };
let shape = "";
let focused = [0, 0];

const table = el("table", { role: "grid" });
const scroller = el("div", { class: "scroller", tabindex: "-1" }, table);
const note = el("p", { class: "foot" });
const say = el("div", { class: "sr", "aria-live": "polite" });
root.append(scroller, note, say, tip);

function isNumber(v) {
  return v !== null && v !== undefined && v !== "" && Number.isFinite(Number(v));
}

function digits(col) {
  return isNumber(col.digits) ? Number(col.digits) : 2;
}

function places(v, col) {
  if (col.kind !== "seconds") return digits(col);
  return v < 9.95 ? 2 : v < 99.5 ? 1 : 0;
}

function plain(v, col) {
  return Number(v).toFixed(places(Number(v), col)).replace("-", "−");
}

/* Scores with three decimals drop the nought, as printed tables do. */
function number(v, col) {
  return digits(col) > 2 ? plain(v, col).replace(/^(−?)0[.]/, "$1.") : plain(v, col);
}

function fewOf(col) {
  return Number(col.few ?? value.few ?? 0);
}

function isFew(cell, col) {
  return isNumber(cell.n) && Number(cell.n) < fewOf(col);
}

function detail(cell, col) {
  const parts = [];
  if (isNumber(cell.lo) && isNumber(cell.hi)) parts.push("95 % interval " + plain(cell.lo, col) + " to " + plain(cell.hi, col));
  if (isNumber(cell.n)) parts.push("n = " + Number(cell.n).toLocaleString("en") + (isFew(cell, col) ? ", fewer than " + fewOf(col).toLocaleString("en") + ": biased" : ""));
  if (cell.best) parts.push("best, significantly");
  if (cell.tied) parts.push("tied with the best");
  if (cell.why) parts.push(cell.why);
  return parts.join(". ");
}

function spread(cell, col) {
  return isNumber(cell.lo) && isNumber(cell.hi) ? "±" + number((Number(cell.hi) - Number(cell.lo)) / 2, col) : "";
}

function cellNode(row, col) {
  const cell = (row.cells && row.cells[col.id]) || {};
  const given = isNumber(cell.v);
  const why = given ? detail(cell, col) : cell.why || "Not measured.";
  const name = [row.title ?? row.id, col.title, given ? plain(cell.v, col) : "no value", why].join(", ");
  const click = () => given && trigger("cell", { row: row.id, col: col.id });
  const kind = ["cell", given ? "" : "dash", cell.best ? "best" : "", isFew(cell, col) ? "few" : ""].filter(Boolean).join(" ");
  const node = el(
    "button",
    { type: "button", class: kind, tabindex: "-1", "aria-label": name, "data-tip": why || null, on: { click } },
    el("span", { class: "tie", text: cell.tied ? "=" : "" }),
    el("span", { class: "number", text: given ? number(cell.v, col) : "–" }),
    el("span", { class: "spread", text: given ? spread(cell, col) : "" }),
  );
  return el("td", { role: "gridcell" }, node);
}

function headNode(col) {
  const active = order.col === col.id;
  const arrow = col.better === "low" ? "↓" : col.better === "high" ? "↑" : "";
  const name = col.title + (arrow ? (col.better === "low" ? ", lower is better" : ", higher is better") : "") + ", sort";
  const button = el(
    "button",
    { type: "button", class: "sort", tabindex: "-1", "aria-label": name, "data-tip": col.note || null, on: { click: () => sortBy(col) } },
    el("span", { class: "title", text: col.title }),
    el("span", { class: "arrow", text: arrow, "aria-hidden": "true" }),
    el("span", { class: "order", text: active ? (order.worst ? "▾" : "▴") : "", "aria-hidden": "true" }),
  );
  const rising = (col.better === "high") === order.worst;
  return el("th", { scope: "col", role: "columnheader", "aria-sort": active ? (rising ? "ascending" : "descending") : "none" }, button);
}

function rowNode(row) {
  const head = el("th", { scope: "row", role: "rowheader" }, el("span", { class: "method" }, familyGlyph(row.family), el("span", { class: "title", text: row.title ?? row.id })));
  head.firstChild.title = [row.title ?? row.id, familyName(row.family)].filter(Boolean).join(", ");
  return el("tr", { role: "row" }, head, ...value.cols.map((col) => cellNode(row, col)));
}

function sorted() {
  const col = value.cols.find((c) => c.id === order.col);
  if (!col) return value.rows;
  const sign = (col.better === "high" ? -1 : 1) * (order.worst ? -1 : 1);
  const at = (row) => (row.cells && row.cells[col.id] ? row.cells[col.id].v : null);
  const known = value.rows.filter((row) => isNumber(at(row)));
  const missing = value.rows.filter((row) => !isNumber(at(row)));
  return [...known.sort((a, b) => sign * (Number(at(a)) - Number(at(b)))), ...missing];
}

function sortBy(col) {
  order = { col: col.id, worst: order.col === col.id && !order.worst };
  draw();
  lines()[0]?.[focused[1]]?.focus();
  say.textContent = "Sorted by " + col.title + ", " + (order.worst ? "worst" : "best") + " first";
}

function lines() {
  return [...table.rows].map((line) => [...line.querySelectorAll("button")]).filter((line) => line.length);
}

function focusAt(line, place, move) {
  const all = lines();
  if (!all.length) return;
  const row = Math.min(Math.max(line, 0), all.length - 1);
  const col = Math.min(Math.max(place, 0), all[row].length - 1);
  for (const button of table.querySelectorAll("button")) button.tabIndex = -1;
  focused = [row, col];
  all[row][col].tabIndex = 0;
  if (move) all[row][col].focus();
}

table.addEventListener("focusin", (event) => {
  lines().forEach((line, i) => line.includes(event.target) && focusAt(i, line.indexOf(event.target), false));
});

table.addEventListener("keydown", (event) => {
  const [line, place] = focused;
  const width = value.cols.length - 1;
  const to = { ArrowUp: [line - 1, place], ArrowDown: [line + 1, place], ArrowLeft: [line, place - 1], ArrowRight: [line, place + 1], Home: [line, 0], End: [line, width] }[event.key];
  if (!to) return;
  event.preventDefault();
  focusAt(...to, true);
});

scroller.addEventListener("scroll", hideTip, { passive: true });

function draw() {
  table.replaceChildren(
    el("caption", { hidden: !value.caption }, el("span", { text: value.caption })),
    el("thead", {}, el("tr", { role: "row" }, el("th", { scope: "col", role: "columnheader", class: "corner", text: value.corner ?? "Method" }), ...value.cols.map(headNode))),
    el("tbody", {}, ...sorted().map(rowNode)),
  );
  const few = value.cols.map(fewOf).find((n) => n > 0);
  const parts = [value.rows.length ? "" : "No numbers for this choice yet.", "Bold: wins significantly. “=”: tied with the best. “–”: no value; the reason opens on it."];
  if (few && value.rows.some((row) => value.cols.some((col) => isFew((row.cells && row.cells[col.id]) || {}, col)))) parts.push("Grey: n < " + few.toLocaleString("en") + ".");
  note.textContent = parts.filter(Boolean).join(" ");
  hideTip();
  focusAt(...focused, false);
}

onValue((next) => {
  const cols = (next?.cols ?? []).map((col) => (typeof col === "string" ? { id: col, title: col } : { ...col, title: col.title ?? col.id }));
  value = { ...next, cols, rows: next?.rows ?? [] };
  const now = JSON.stringify(cols.map((col) => col.id));
  if (now !== shape) order = { col: null, worst: false };
  shape = now;
  draw();
});
