/* A sortable table whose every number is a button. */

import { familyGlyph, familyName } from "./common.families.js";
import { makeHost } from "./common.host.js";
import { clamp, el, isNumber } from "./common.js";
import { aligned, detail, isFew, plain, ranks, sorted, spread, spreadRoom } from "./table.numbers.js";

const LEGEND =
  "Bold: beats all others of its column. “=”: not told apart from the best. “–”: no value, for the " +
  "reason that opens on it.";
const APART = "Slanted: on other pictures than its column's, so without a rank.";

function cellNode(row, col, few, send) {
  const cell = row.cells?.[col.id] || {};
  const given = isNumber(cell.v);
  const why = given ? detail(cell, col, few) : cell.why || "Not measured.";
  const name = [row.title ?? row.id, col.title, given ? plain(cell.v, col) : "no value", why].join(", ");
  const click = () => given && send({ row: row.id, col: col.id });
  const grey = given && (cell.apart || isFew(cell, few)) ? "few" : "";
  const kinds = ["cell", given ? "" : "dash", cell.best ? "best" : "", grey];
  const kind = kinds.filter(Boolean).join(" ");
  const node = el(
    "button",
    {
      type: "button",
      class: kind,
      tabindex: "-1",
      "aria-label": name,
      "data-tip": why || null,
      on: { click },
    },
    el("span", { class: "tie", text: cell.tied ? "=" : "" }),
    el("span", { class: "number", text: given ? aligned(cell.v, col) : "–" }),
    el("span", { class: "spread", text: given ? spread(cell, col) : "" }),
  );
  return el("td", { role: "gridcell" }, node);
}

function headNode(col, order, click) {
  const active = order.col === col.id;
  const arrow = { low: "↓", high: "↑" }[col.better] ?? "";
  const better = { low: ", lower is better", high: ", higher is better" }[col.better] ?? "";
  const button = el(
    "button",
    {
      type: "button",
      class: "sort",
      tabindex: "-1",
      "aria-label": `${col.title + better}, sort`,
      "data-tip": col.note || null,
      on: { click },
    },
    el("span", { class: "title", text: col.title }),
    el("span", { class: "arrow", text: arrow, "aria-hidden": "true" }),
    el("span", { class: "order", text: active ? (order.worst ? "▾" : "▴") : "", "aria-hidden": "true" }),
  );
  const rising = (col.better === "high") === order.worst;
  const sort = active ? (rising ? "ascending" : "descending") : "none";
  return el("th", { scope: "col", role: "columnheader", "aria-sort": sort }, button);
}

function rankNode(rank, name) {
  const said = rank ? `${rank}` : "";
  return el("td", {
    role: "gridcell",
    class: "rank",
    "aria-label": said ? `rank ${said} in ${name}` : null,
    text: said,
  });
}

function rowHead(row) {
  const title = el("span", { class: "title", text: row.title ?? row.id });
  const method = el("span", { class: "method" }, familyGlyph(row.family), title);
  method.title = [row.title ?? row.id, familyName(row.family)].filter(Boolean).join(", ");
  return el("th", { scope: "row", role: "rowheader" }, method);
}

/* One tab stop for all buttons of the table; arrows, Home and End move between them. */
function makeFocus(table) {
  let focused = [0, 0];

  function lines() {
    return [...table.rows].map((line) => [...line.querySelectorAll("button")]).filter((line) => line.length);
  }

  function focusAt(line, place, move) {
    const all = lines();
    if (!all.length) return;
    const row = clamp(line, 0, all.length - 1);
    const col = clamp(place, 0, all[row].length - 1);
    for (const button of table.querySelectorAll("button")) button.tabIndex = -1;
    focused = [row, col];
    all[row][col].tabIndex = 0;
    if (move) all[row][col].focus();
  }

  table.addEventListener("focusin", (event) => {
    lines().forEach((line, i) => {
      if (line.includes(event.target)) focusAt(i, line.indexOf(event.target), false);
    });
  });
  table.addEventListener("keydown", (event) => {
    const [line, place] = focused;
    const to = {
      ArrowUp: [line - 1, place],
      ArrowDown: [line + 1, place],
      ArrowLeft: [line, place - 1],
      ArrowRight: [line, place + 1],
      Home: [line, 0],
      End: [line, Infinity],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    focusAt(...to, true);
  });
  return { again: () => focusAt(...focused, false), onHead: () => lines()[0]?.[focused[1]]?.focus() };
}

function fewOf(value, col) {
  return Number(col.few ?? value.few ?? 0);
}

function footText(value) {
  if (!value.cols.length) return "";
  const few = value.cols.map((col) => fewOf(value, col)).find((n) => n > 0);
  const anyFew = value.rows.some((row) =>
    value.cols.some((col) => isFew(row.cells?.[col.id] || {}, fewOf(value, col))),
  );
  const empty = value.rows.length || value.lacking ? "" : "No numbers for this choice yet.";
  const grey = few && anyFew ? `Grey: n < ${few.toLocaleString("en")}.` : "";
  const anyApart = value.rows.some((row) => Object.values(row.cells ?? {}).some((cell) => cell.apart));
  return [empty, value.rows.length ? LEGEND : "", anyApart ? APART : "", grey].filter(Boolean).join(" ");
}

function columns(cols) {
  return cols.map((col) =>
    typeof col === "string" ? { id: col, title: col } : { ...col, title: col.title ?? col.id },
  );
}

export function mount(given) {
  const { root, tip, hideTip, trigger, onValue } = makeHost(given);
  const table = el("table", { role: "grid" });
  const scroller = el("div", { class: "scroller", tabindex: "-1" }, table);
  const lacking = el("p", { class: "foot lacking" });
  const note = el("p", { class: "foot" });
  const say = el("div", { class: "sr", "aria-live": "polite" });
  root.append(scroller, lacking, note, say, tip);
  const focus = makeFocus(table);
  const state = { value: { cols: [], rows: [] }, order: { col: null, worst: false }, shape: "" };

  function sortBy(col) {
    state.order = { col: col.id, worst: state.order.col === col.id && !state.order.worst };
    draw();
    focus.onHead();
    say.textContent = `Sorted by ${col.title}, ${state.order.worst ? "worst" : "best"} first`;
  }

  function bodyRow(row, by, places) {
    const cells = state.value.cols.map((col) =>
      cellNode(row, col, fewOf(state.value, col), (cell) => trigger("cell", cell)),
    );
    const rank = by && rankNode(places.get(row), by.title);
    return el("tr", { role: "row" }, rank, rowHead(row), ...cells);
  }

  /* The room for intervals, column by column. */
  function align() {
    const rooms = state.value.cols.map((col) => spreadRoom(state.value.rows, col));
    for (const line of table.tBodies[0].rows) {
      [...line.querySelectorAll(".spread")].forEach((node, i) => {
        node.style.minWidth = rooms[i] ? `${rooms[i]}ch` : "";
      });
    }
  }

  function draw() {
    const { value, order } = state;
    const text = value.corner ?? "Method";
    const corner = el("th", { scope: "col", role: "columnheader", class: "corner", text });
    const heads = value.cols.map((col) => headNode(col, order, () => sortBy(col)));
    const by = value.cols.find((col) => col.id === order.col);
    const places = by ? ranks(value.rows, by) : new Map();
    const place = el("th", {
      scope: "col",
      role: "columnheader",
      class: "rank",
      "aria-label": "Rank",
      text: "#",
    });
    table.replaceChildren(
      el("caption", { hidden: !value.caption }, el("span", { text: value.caption })),
      el("thead", {}, el("tr", { role: "row" }, by && place, corner, ...heads)),
      el("tbody", {}, ...sorted(value.rows, by, order.worst).map((row) => bodyRow(row, by, places))),
    );
    scroller.hidden = !value.cols.length;
    table.classList.toggle("ranked", Boolean(by));
    align();
    lacking.textContent = value.lacking ?? "";
    lacking.hidden = !value.lacking;
    note.textContent = footText(value);
    hideTip();
    focus.again();
  }

  scroller.addEventListener("scroll", hideTip, { passive: true });
  onValue((next) => {
    const cols = columns(next?.cols ?? []);
    state.value = { ...next, cols, rows: next?.rows ?? [] };
    const shape = JSON.stringify(cols.map((col) => col.id));
    if (shape !== state.shape) state.order = { col: next?.sort ?? null, worst: false };
    state.shape = shape;
    draw();
  });
}
