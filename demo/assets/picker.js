let value = { families: [], chosen: [] };
const list = el("div", { class: "families" });
root.append(list, tip);

function available(family) {
  return family.methods.filter((method) => !method.why).map((method) => method.id);
}

function shownOrder(chosen) {
  return value.families.flatMap((family) => available(family)).filter((id) => chosen.has(id));
}

function choose(ids, on) {
  const chosen = new Set(value.chosen);
  for (const id of ids) on ? chosen.add(id) : chosen.delete(id);
  value.chosen = shownOrder(chosen);
  tick();
  props.value = { ...value };
  trigger("choose", { ids: value.chosen });
}

function tick() {
  const costs = new Map(value.families.flatMap((family) => family.methods.map((method) => [method.id, method.why ? "" : method.cost])));
  for (const box of list.querySelectorAll("input[data-method]")) {
    box.checked = value.chosen.includes(box.dataset.method);
    box.closest("label").querySelector(".cost").textContent = costs.get(box.dataset.method) ?? "";
  }
  value.families.forEach((family, i) => {
    const ids = available(family);
    const count = ids.filter((id) => value.chosen.includes(id)).length;
    const box = list.children[i].querySelector("input.all");
    box.checked = ids.length > 0 && count === ids.length;
    box.indeterminate = count > 0 && count < ids.length;
    list.children[i].querySelector(".count").textContent = count + " of " + family.methods.length;
  });
}

function row(method) {
  const box = el("input", { type: "checkbox", "data-method": method.id, "aria-disabled": method.why ? "true" : null });
  box.addEventListener("click", (event) => method.why && event.preventDefault());
  box.addEventListener("change", () => choose([method.id], box.checked));
  const note = method.why ? el("span", { class: "why", text: method.why }) : null;
  return el(
    "label",
    { class: "method" + (method.why ? " off" : ""), title: method.help },
    box,
    el("span", { class: "name" }, el("span", { class: "title", text: method.title ?? method.id }), note),
    el("span", { class: "cost", text: method.why ? "" : method.cost }),
  );
}

function group(family) {
  const name = family.name ?? familyName(family.id);
  const all = el("input", { type: "checkbox", class: "all", "aria-label": "All of " + name, disabled: available(family).length === 0 });
  all.addEventListener("change", () => choose(available(family), all.checked));
  const head = el("label", { class: "head" }, all, familyGlyph(family.id), el("span", { class: "title", text: name }), el("span", { class: "count" }));
  const node = el("div", { class: "family", role: "group", "aria-label": name }, head, ...family.methods.map(row));
  node.style.setProperty("--family", familyColour(family.id));
  return node;
}

let drawn = "";

onValue((next) => {
  const families = (next?.families ?? []).map((family) => ({ ...family, methods: family.methods ?? [] }));
  value = { ...next, families, chosen: next?.chosen ?? value.chosen };
  if (next && !next.chosen) props.value = { ...next, chosen: value.chosen };
  const key = JSON.stringify(families, (name, item) => (name === "cost" ? undefined : item));
  if (key !== drawn) list.replaceChildren(...families.map(group));
  drawn = key;
  tick();
});
