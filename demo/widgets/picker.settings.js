/* The settings of one method in the picker: their fields, folded away, and what differs from the defaults. */

import { el } from "./common.js";

function words(name) {
  const text = String(name).replaceAll("_", " ");
  return text[0].toUpperCase() + text.slice(1);
}

function nameOf(method) {
  return method.title ?? method.id;
}

function settingOf(options, method, option) {
  return options[method.id]?.[option.name] ?? option.default;
}

function isDefault(options, method, option) {
  return String(settingOf(options, method, option)) === String(option.default);
}

/* The options after one is set; a default does not stand among them. */
export function withSetting(options, method, option, given) {
  const own = { ...options[method.id], [option.name]: given };
  if (String(given) === String(option.default)) delete own[option.name];
  return { ...options, [method.id]: own };
}

/* The field of one option; `set(method, option, value)` is called when the visitor changes it. */
export function field(method, option, set, attributes) {
  const label = `${words(option.name)} of ${nameOf(method)}`;
  const name = { "aria-label": label, "data-option": option.name, ...attributes };
  const [node, read] = fieldNode(option, name);
  node.addEventListener("change", () => set(method, option, read()));
  return node;
}

function fieldNode(option, name) {
  if (option.kind === "choice") {
    const choices = option.choices.map((choice) => el("option", { value: choice, text: choice }));
    const select = el("select", name, ...choices);
    return [select, () => select.value];
  }
  if (option.kind === "bool") {
    const box = el("input", { type: "checkbox", ...name });
    return [box, () => box.checked];
  }
  if (option.kind === "str") {
    const text = el("input", { type: "text", maxlength: 2000, ...name });
    return [text, () => text.value];
  }
  const whole = option.kind === "int";
  const input = el("input", {
    type: "number",
    inputmode: whole ? "numeric" : "decimal",
    min: option.minimum,
    max: option.maximum,
    step: whole ? 1 : "any",
    ...name,
  });
  return [input, () => input.value];
}

/* `id`: of the panel; `acts`: set(method, option, value) and reset(method). */
export function settingsPanel(method, id, acts) {
  const label = `Settings of ${nameOf(method)}`;
  const panel = el("div", { class: "settings", id, role: "group", "aria-label": label });
  for (const option of method.options.filter((one) => !one.preset)) {
    const help = el("span", { class: "help", id: `${id}-${option.name}`, text: option.help });
    const key = el("span", { class: "key", text: words(option.name) });
    const input = field(method, option, acts.set, { "aria-describedby": help.id });
    panel.append(el("label", { class: "setting" }, key, input), help);
  }
  const click = () => acts.reset(method);
  panel.append(el("button", { type: "button", class: "reset", text: "Back to the defaults", on: { click } }));
  return panel;
}

/* The button that folds a panel; `open`: ids of the methods whose settings are unfolded. */
export function fold(method, panel, open, done) {
  const button = el("button", {
    type: "button",
    class: "fold",
    "aria-expanded": open.has(method.id),
    "aria-controls": panel.id,
    "aria-label": `Settings of ${nameOf(method)}`,
    title: "Settings",
  });
  panel.hidden = !open.has(method.id);
  button.addEventListener("click", () => {
    if (!open.delete(method.id)) open.add(method.id);
    panel.hidden = !open.has(method.id);
    button.setAttribute("aria-expanded", String(!panel.hidden));
    done();
  });
  return button;
}

/* What differs from the defaults, in words. */
export function changedSettings(method, options) {
  return (method.options ?? [])
    .filter((option) => !option.preset && !isDefault(options, method, option))
    .map((option) => {
      const setting = settingOf(options, method, option);
      const shown = option.kind === "bool" ? (setting ? "on" : "off") : setting;
      return `${words(option.name).toLowerCase()} ${shown}`;
    })
    .join(", ");
}

/* Puts the settings into a method's fields; the one that is being typed in stays as it is. */
export function fillFields(node, method, options) {
  const typing = node.getRootNode().activeElement ?? null;
  for (const option of method.options ?? []) {
    const input = node.querySelector(`[data-option="${CSS.escape(option.name)}"]`);
    const setting = settingOf(options, method, option);
    if (option.kind === "bool") input.checked = String(setting) === "true";
    else if (input.value !== String(setting) && input !== typing) input.value = setting;
  }
  const reset = node.querySelector(".reset");
  if (reset) reset.hidden = method.options.every((option) => isDefault(options, method, option));
}
