/* Purposes, and a sheet of all methods in groups by family, with their settings folded away. */

import { familyColour, familyGlyph, familyName } from "./common.families.js";
import { makeHost } from "./common.host.js";
import { el } from "./common.js";
import { makeAbout } from "./picker.about.js";
import { makePurposes } from "./picker.purposes.js";
import { changedSettings, field, fillFields, fold, settingsPanel, withSetting } from "./picker.settings.js";
import { makeSheet } from "./picker.sheet.js";

function available(family) {
  return family.methods.map((method) => method.id);
}

function setLine(node, text) {
  node.textContent = text ?? "";
  node.hidden = !text;
}

function tickFamily(node, family, chosen) {
  const ids = available(family);
  const count = ids.filter((id) => chosen.includes(id)).length;
  const box = node.querySelector("input.all");
  box.checked = ids.length > 0 && count === ids.length;
  box.indeterminate = count > 0 && count < ids.length;
  node.querySelector(".count").textContent = `${count} of ${family.methods.length}`;
}

function tickMethod(node, method, value, isOpen) {
  node.querySelector("input[data-method]").checked = value.chosen.includes(method.id);
  node.querySelector(".cost").textContent = method.cost ?? "";
  setLine(node.querySelector(".note"), method.note);
  setLine(node.querySelector(".own"), isOpen ? "" : changedSettings(method, value.options));
  setLine(node.querySelector(".wrong"), value.wrong[method.id]);
  fillFields(node, method, value.options);
}

/* One method: its tick, name and cost, a preset in the row itself, and its settings below.
   `picker`: id, open (ids of unfolded methods), about, choose, set, reset, tick. */
function row(method, picker) {
  const box = el("input", { type: "checkbox", "data-method": method.id });
  box.addEventListener("change", () => picker.choose([method.id], box.checked));
  const options = method.options ?? [];
  const preset = options.find((option) => option.preset);
  const settings = options.some((option) => option !== preset);
  const panel = settings ? settingsPanel(method, `${picker.id}-${method.id}`, picker) : null;
  const lines = ["note", "own"].map((line) => el("span", { class: line, hidden: true }));
  const title = el("span", { class: "title", text: method.title ?? method.id });
  const name = el("span", { class: "name" }, title, ...lines);
  const line = el(
    "div",
    { class: "line" },
    el("label", {}, box, name, el("span", { class: "cost" })),
    preset && field(method, preset, picker.set),
    picker.about.button(method),
    panel ? fold(method, panel, picker.open, picker.tick) : el("span", { class: "fold" }),
  );
  return el(
    "div",
    { class: "method", "data-method": method.id },
    line,
    el("p", { class: "wrong", role: "alert", hidden: true }),
    panel,
  );
}

function group(family, picker) {
  const name = family.name ?? familyName(family.id);
  const all = el("input", {
    type: "checkbox",
    class: "all",
    "aria-label": `All of ${name}`,
  });
  all.addEventListener("change", () => picker.choose(available(family), all.checked));
  const title = el("span", { class: "title", text: name });
  const count = el("span", { class: "count" });
  const head = el("label", { class: "head" }, all, familyGlyph(family.id), title, count);
  const rows = family.methods.map((method) => row(method, picker));
  const node = el("div", { class: "family", role: "group", "aria-label": name }, head, ...rows);
  node.style.setProperty("--family", familyColour(family.id));
  return node;
}

/* The methods that cannot run here, each with what mends it; folded. */
function absentList(methods, about) {
  const rows = methods.map((method) => {
    const name = el("span", { class: "name" }, el("span", { class: "title", text: method.title }));
    name.append(el("span", { class: "why", text: method.why }));
    return el("div", { class: "line", "data-absent": method.id }, name, about.button(method));
  });
  const count = methods.length === 1 ? "1 more that is" : `${methods.length} more that are`;
  const summary = el("summary", { text: `${count} not here yet` });
  return el("details", { class: "absent", hidden: methods.length === 0 }, summary, ...rows);
}

/* Costs and notes change while the methods stay: only what else differs is drawn anew. */
function shapeOf(families) {
  return JSON.stringify(families, (name, item) => (name === "cost" || name === "note" ? undefined : item));
}

export function mount(given) {
  const { root, tip, id, props, trigger, onValue } = makeHost(given);
  const list = el("div", { class: "families" });
  const state = { value: { families: [], purposes: [], chosen: [], options: {}, wrong: {} }, shape: "" };
  const about = makeAbout(props.about ?? {}, root);
  const picker = { id, open: new Set(), about, choose, set, reset, tick };
  const purposes = makePurposes(take);
  const sheet = makeSheet(root, id, list);
  root.append(purposes.node, sheet.button, sheet.node, about.node, tip);

  function send(purpose) {
    tick();
    props.value = { ...state.value, purpose: purpose ?? "" };
    trigger("choose", { ids: state.value.chosen, options: state.value.options, purpose });
  }

  function take(purpose) {
    state.value.chosen = purpose.ids;
    send(purpose.id);
  }

  function choose(ids, on) {
    const chosen = new Set(state.value.chosen);
    for (const one of ids) on ? chosen.add(one) : chosen.delete(one);
    state.value.chosen = state.value.families.flatMap(available).filter((one) => chosen.has(one));
    send();
  }

  function set(method, option, setting) {
    state.value.options = withSetting(state.value.options, method, option, setting);
    send();
  }

  function reset(method) {
    state.value.options = { ...state.value.options, [method.id]: {} };
    send();
  }

  function tick() {
    const { families, chosen } = state.value;
    const methods = families.flatMap((family) => family.methods);
    for (const node of list.querySelectorAll(".method")) {
      const method = methods.find((one) => one.id === node.dataset.method);
      tickMethod(node, method, state.value, picker.open.has(method.id));
    }
    families.forEach((family, i) => {
      tickFamily(list.children[i], family, chosen);
    });
    purposes.tick(state.value.purposes, chosen);
    const titles = methods.filter((one) => chosen.includes(one.id)).map((one) => one.title ?? one.id);
    sheet.tell(titles, families.flatMap(available).length);
  }

  onValue((next) => {
    const families = (next?.families ?? []).map((family) => ({ ...family, methods: family.methods ?? [] }));
    const { chosen, options } = state.value;
    const kept = { chosen: next?.chosen ?? chosen, options: next?.options ?? options };
    state.value = { ...next, families, ...kept, purposes: next?.purposes ?? [], wrong: next?.wrong ?? {} };
    if (next && !(next.chosen && next.options)) props.value = { ...next, ...kept };
    const absent = next?.absent ?? [];
    const shape = shapeOf([families, absent]);
    if (shape !== state.shape) {
      const groups = families.map((family) => group(family, picker));
      list.replaceChildren(...groups, absentList(absent, about));
    }
    state.shape = shape;
    tick();
  });
}
