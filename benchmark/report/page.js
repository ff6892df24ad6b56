// The page of a results folder: tables sort by a click on a heading, and a method opens its pictures.
const data = JSON.parse(document.getElementById("data").textContent);
const number = (text) => {
  const found = text.replace("−", "-").match(/-?\d[\d,]*(\.\d+)?/);
  return found ? Number(found[0].replaceAll(",", "")) : Number.NaN;
};
const element = (name, text = "", className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
};
const format = (value) => (value === null ? "–" : Number(value.toPrecision(3)).toString());

function sortBy(table, column, heading) {
  const up = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", up ? "ascending" : "descending");
  const key = (row) => number(row.cells[column].textContent);
  const order = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (Number.isNaN(x) || Number.isNaN(y)) {
      const text = (row) => row.cells[column].textContent;
      return Number.isNaN(x) && Number.isNaN(y)
        ? text(a).localeCompare(text(b))
        : Number.isNaN(x) - Number.isNaN(y);
    }
    return x - y;
  };
  const rows = [...table.tBodies[0].rows].sort((a, b) => (up ? 1 : -1) * order(a, b));
  table.tBodies[0].append(...rows);
}

function sortable(table) {
  for (const [column, heading] of [...table.tHead.rows[0].cells].entries()) {
    const button = element("button", heading.textContent);
    button.title = "Sort by this column";
    heading.replaceChildren(button);
    button.addEventListener("click", () => sortBy(table, column, heading));
  }
}

function pictures(part, entry, metric) {
  const values = metric.values[entry];
  const holes = part.holes
    .map((hole, i) => ({ ...hole, value: values[i] }))
    .filter((hole) => hole.value !== null);
  const better = metric.better === "higher" ? -1 : 1;
  return holes.sort((a, b) => better * (a.value - b.value));
}

function listOf(title, holes, entry) {
  const box = element("div");
  box.append(element("h4", title));
  const list = element("ol");
  for (const hole of holes) {
    const line = element("li", `${format(hole.value)}  `);
    const link = element("a", `${hole.id}, ${hole.bin}`);
    link.href = hole.at[entry] ?? "";
    if (!link.href || !hole.at[entry]) line.append(element("span", `${hole.id}, ${hole.bin}`));
    else line.append(link);
    list.append(line);
  }
  box.append(list);
  return box;
}

function show(part, entry, panel) {
  panel.replaceChildren(element("h3", part.entries[entry]));
  for (const metric of part.metrics) {
    const holes = pictures(part, entry, metric);
    if (!holes.length) continue;
    const row = element("div", "", "lists");
    const middle = Math.floor(holes.length / 2);
    row.append(
      listOf("best", holes.slice(0, 5), entry),
      listOf("median", holes.slice(Math.max(0, middle - 2), middle + 3), entry),
      listOf("worst", holes.slice(-5).reverse(), entry),
    );
    panel.append(element("p", `${metric.title}: ${holes.length} holes`), row);
  }
  panel.hidden = false;
  panel.scrollIntoView({ block: "nearest" });
}

function openable(section, part) {
  const table = section.querySelector("table");
  const panel = section.querySelector(".panel");
  for (const row of table?.tBodies[0].rows ?? []) {
    const name = row.cells[0].textContent.replace(/[†‡]/g, "").trim();
    const entry = part.entries.indexOf(name);
    if (entry < 0) continue;
    const button = element("button", row.cells[0].textContent);
    button.title = "Its best, median and worst pictures";
    row.cells[0].replaceChildren(button);
    button.addEventListener("click", () => show(part, entry, panel));
  }
}

for (const [i, section] of [...document.querySelectorAll("section[data-part]")].entries())
  openable(section, data[i]);
for (const table of document.querySelectorAll("table")) sortable(table);
