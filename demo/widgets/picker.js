let value = { families: [], chosen: [], options: {}, wrong: {} };
const list = el("div", { class: "families" });
const open = new Set();
root.append(list, tip);

function available(family) {
  return family.methods.filter((method) => !method.why).map((method) => method.id);
}

function methodOf(id) {
  return value.families.flatMap((family) => family.methods).find((method) => method.id === id);
}

function shownOrder(chosen) {
  return value.families.flatMap((family) => available(family)).filter((id) => chosen.has(id));
}

function send() {
  tick();
  props.value = { ...value };
  trigger("choose", { ids: value.chosen, options: value.options });
}

function choose(ids, on) {
  const chosen = new Set(value.chosen);
  for (const id of ids) on ? chosen.add(id) : chosen.delete(id);
  value.chosen = shownOrder(chosen);
  send();
}

/* ---- settings ---- */

function settingOf(id, option) {
  return value.options[id]?.[option.name] ?? option.default;
}

function isDefault(id, option) {
  return String(settingOf(id, option)) === String(option.default);
}

function set(id, option, given) {
  const own = { ...value.options[id], [option.name]: given };
  if (String(given) === String(option.default)) delete own[option.name];
  value.options = { ...value.options, [id]: own };
  send();
}

function words(name) {
  const text = String(name).replaceAll("_", " ");
  return text[0].toUpperCase() + text.slice(1);
}

function field(method, option, attributes) {
  const name = { "aria-label": words(option.name) + " of " + (method.title ?? method.id), "data-option": option.name, ...attributes };
  if (option.kind === "choice") {
    const select = el("select", name, ...option.choices.map((choice) => el("option", { value: choice, text: choice })));
    select.addEventListener("change", () => set(method.id, option, select.value));
    return select;
  }
  if (option.kind === "bool") {
    const box = el("input", { type: "checkbox", ...name });
    box.addEventListener("change", () => set(method.id, option, box.checked));
    return box;
  }
  const whole = option.kind === "int";
  const input = el("input", { type: "number", inputmode: whole ? "numeric" : "decimal", min: option.minimum, max: option.maximum, step: whole ? 1 : "any", ...name });
  input.addEventListener("change", () => set(method.id, option, input.value));
  return input;
}

function settingsPanel(method) {
  const panel = el("div", { class: "settings", id: element.id + "-" + method.id, role: "group", "aria-label": "Settings of " + (method.title ?? method.id) });
  for (const option of method.options.filter((one) => one.name !== "preset")) {
    const help = el("span", { class: "help", id: panel.id + "-" + option.name, text: option.help });
    panel.append(el("label", { class: "setting" }, el("span", { class: "key", text: words(option.name) }), field(method, option, { "aria-describedby": help.id })), help);
  }
  const reset = el("button", { type: "button", class: "reset", text: "Back to the defaults" });
  reset.addEventListener("click", () => {
    value.options = { ...value.options, [method.id]: {} };
    send();
  });
  panel.append(reset);
  panel.hidden = !open.has(method.id);
  return panel;
}

function fold(method, panel) {
  const button = el("button", { type: "button", class: "fold", "aria-expanded": open.has(method.id), "aria-controls": panel.id, "aria-label": "Settings of " + (method.title ?? method.id), title: "Settings" });
  button.addEventListener("click", () => {
    open.has(method.id) ? open.delete(method.id) : open.add(method.id);
    panel.hidden = !open.has(method.id);
    button.setAttribute("aria-expanded", String(!panel.hidden));
    tick();
  });
  return button;
}

/* What differs from the defaults is said while the settings are folded away. */
function changedSettings(method) {
  const other = (method.options ?? []).filter((option) => option.name !== "preset" && !isDefault(method.id, option));
  return open.has(method.id) ? "" : other.map((option) => words(option.name).toLowerCase() + " " + (option.kind === "bool" ? (settingOf(method.id, option) ? "on" : "off") : settingOf(method.id, option))).join(", ");
}

/* ---- drawing ---- */

function tick() {
  for (const node of list.querySelectorAll(".method")) tickMethod(node, methodOf(node.dataset.method));
  value.families.forEach((family, i) => {
    const ids = available(family);
    const count = ids.filter((id) => value.chosen.includes(id)).length;
    const box = list.children[i].querySelector("input.all");
    box.checked = ids.length > 0 && count === ids.length;
    box.indeterminate = count > 0 && count < ids.length;
    list.children[i].querySelector(".count").textContent = count + " of " + family.methods.length;
  });
}

function tickMethod(node, method) {
  node.querySelector("input[data-method]").checked = value.chosen.includes(method.id);
  node.querySelector(".cost").textContent = method.why ? "" : method.cost ?? "";
  const lines = [method.why ? method.why : "", method.why ? "" : method.note, changedSettings(method)];
  ["why", "note", "own"].forEach((name, i) => {
    const line = node.querySelector("." + name);
    line.textContent = lines[i] ?? "";
    line.hidden = !lines[i];
  });
  const wrong = node.querySelector(".wrong");
  wrong.textContent = value.wrong[method.id] ?? "";
  wrong.hidden = !value.wrong[method.id];
  for (const option of method.options ?? []) {
    const input = node.querySelector('[data-option="' + CSS.escape(option.name) + '"]');
    const setting = settingOf(method.id, option);
    if (option.kind === "bool") input.checked = String(setting) === "true";
    else if (input.value !== String(setting) && input !== (root.getRootNode().activeElement ?? null)) input.value = setting;
  }
  const reset = node.querySelector(".reset");
  if (reset) reset.hidden = method.options.every((option) => isDefault(method.id, option));
}

function row(method) {
  const box = el("input", { type: "checkbox", "data-method": method.id, "aria-disabled": method.why ? "true" : null });
  box.addEventListener("click", (event) => method.why && event.preventDefault());
  box.addEventListener("change", () => choose([method.id], box.checked));
  const options = method.why ? [] : method.options ?? [];
  const preset = options.find((option) => option.name === "preset");
  const panel = options.some((option) => option !== preset) ? settingsPanel(method) : null;
  const name = el("span", { class: "name" }, el("span", { class: "title", text: method.title ?? method.id }), ...["note", "own", "why"].map((line) => el("span", { class: line, hidden: true })));
  const line = el("div", { class: "line" }, el("label", { title: method.help }, box, name, el("span", { class: "cost" })), preset && field(method, preset), panel ? fold(method, panel) : el("span", { class: "fold" }));
  return el("div", { class: "method" + (method.why ? " off" : ""), "data-method": method.id }, line, el("p", { class: "wrong", role: "alert", hidden: true }), panel);
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
  const kept = { chosen: next?.chosen ?? value.chosen, options: next?.options ?? value.options };
  value = { ...next, families, ...kept, wrong: next?.wrong ?? {} };
  if (next && !(next.chosen && next.options)) props.value = { ...next, ...kept };
  const key = JSON.stringify(families, (name, item) => (name === "cost" || name === "note" ? undefined : item));
  if (key !== drawn) list.replaceChildren(...families.map(group));
  drawn = key;
  tick();
});
