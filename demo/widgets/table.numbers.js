/* What stands in a cell of a table, as text. */

import { isNumber } from "./common.js";

export function digits(col) {
  return isNumber(col.digits) ? Number(col.digits) : 2;
}

function places(v, col) {
  if (col.kind !== "seconds") return digits(col);
  return v < 0.0995 ? 3 : v < 9.95 ? 2 : v < 99.5 ? 1 : 0;
}

/* No time reads as none at all. */
export function plain(v, col) {
  if (col.kind === "seconds" && v < 0.0005) return "<0.001";
  return Number(v)
    .toFixed(places(Number(v), col))
    .replace("-", "−");
}

/* Scores with three decimals drop the nought, as printed tables do. */
export function number(v, col) {
  return digits(col) > 2 ? plain(v, col).replace(/^(−?)0[.]/, "$1.") : plain(v, col);
}

/* Seconds have decimals by their size: figure spaces in place of those that are left out keep the points in
   line. */
export function aligned(v, col) {
  if (col.kind !== "seconds") return number(v, col);
  const left = 3 - places(Number(v), col);
  return number(v, col) + "\u2007".repeat(left === 3 ? 4 : left);
}

/* Cells with n below `few` are grey. */
export function isFew(cell, few) {
  return isNumber(cell.n) && Number(cell.n) < few;
}

export function spread(cell, col) {
  if (!isNumber(cell.lo) || !isNumber(cell.hi)) return "";
  const reach = Math.max(Number(cell.hi) - Number(cell.v), Number(cell.v) - Number(cell.lo));
  return `±${number(reach, col)}`;
}

function grouped(n) {
  return Number(n).toLocaleString("en");
}

/* Interval, number of pictures, and whether it is the best: what opens on the cell. */
export function detail(cell, col, few) {
  const biased = isFew(cell, few) ? `, fewer than ${grouped(few)}: biased` : "";
  const parts = [
    spread(cell, col) && `95 % interval ${plain(cell.lo, col)} to ${plain(cell.hi, col)}`,
    isNumber(cell.n) && `n = ${grouped(cell.n)}${biased}`,
    cell.best && "best, significantly",
    cell.tied && "not told apart from the best",
    cell.why,
  ];
  return parts.filter(Boolean).join(". ");
}

/* The longest interval of a column, in characters: cells without one leave that room. */
export function spreadRoom(rows, col) {
  return Math.max(0, ...rows.map((row) => spread(row.cells?.[col.id] ?? {}, col).length));
}

/* Row -> its rank in a column; rows without a value, or with one that stands apart, have none. */
export function ranks(rows, col) {
  const ranked = sorted(rows, col, false).filter((row) => {
    const { v, apart } = row.cells?.[col.id] ?? {};
    return isNumber(v) && !apart;
  });
  const values = ranked.map((row) => Number(row.cells[col.id].v));
  return new Map(ranked.map((row) => [row, 1 + values.indexOf(Number(row.cells[col.id].v))]));
}

/* Rows by a column, best first unless `worst`; those without a value, or with one that stands apart, come
   last either way. */
export function sorted(rows, col, worst) {
  if (!col) return rows;
  const sign = (col.better === "high" ? -1 : 1) * (worst ? -1 : 1);
  const at = (row) => row.cells?.[col.id] ?? {};
  const value = (row) => Number(at(row).v);
  const ordered = (some) => some.sort((a, b) => sign * (value(a) - value(b)));
  const known = rows.filter((row) => isNumber(at(row).v));
  const apart = known.filter((row) => at(row).apart);
  const missing = rows.filter((row) => !isNumber(at(row).v));
  return [...ordered(known.filter((row) => !at(row).apart)), ...ordered(apart), ...missing];
}
