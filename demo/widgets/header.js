/* Name, theme and list of keys; also gives Gradio's tab bar the arrow keys it lacks. */

const title = el("h1", {});
const theme = el("button", { type: "button", class: "plain", "aria-label": "Switch between light and dark", on: { click: switchTheme } });
const help = el("button", { type: "button", class: "plain", "aria-label": "Keys", text: "?", on: { click: () => dialog.showModal() } });
const dialog = el("dialog", { class: "keys", "aria-label": "Keys" });
root.append(title, el("div", { class: "right" }, theme, help), dialog, tip);

function isDark() {
  return document.body.classList.contains("dark");
}

function nameTheme() {
  theme.textContent = isDark() ? "Light" : "Dark";
}

function switchTheme() {
  document.body.classList.toggle("dark");
  document.documentElement.style.colorScheme = isDark() ? "dark" : "light";
  nameTheme();
}

function drawKeys(groups) {
  dialog.replaceChildren(el("div", { class: "top" }, el("h2", { text: "Keys" }), el("button", { type: "button", class: "plain", text: "Close", on: { click: () => dialog.close() } })));
  const columns = el("div", { class: "columns" });
  for (const [name, keys] of groups) {
    const list = el("dl", {});
    for (const [key, what] of keys) list.append(el("dt", { text: key }), el("dd", { text: what }));
    columns.append(el("section", {}, el("h3", { text: name }), list));
  }
  dialog.append(columns);
}

dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest && event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "?" && !typing && !dialog.open) dialog.showModal();
  const tab = event.target.closest && event.target.closest('#tabs [role="tab"]');
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!tab || !step) return;
  const all = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')].filter((one) => one.offsetParent);
  const next = all[(all.indexOf(tab) + step + all.length) % all.length];
  next.focus();
  next.click();
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const tab = event.target.closest && event.target.closest('#tabs [role="tab"]');
  if (!tab || !tab.id) return;
  const query = new URLSearchParams(location.search);
  query.set("t", tab.id.replace("tab-", "").replace("-button", ""));
  history.replaceState(null, "", location.pathname + "?" + query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":") + location.hash);
});

new MutationObserver(nameTheme).observe(document.body, { attributes: true, attributeFilter: ["class"] });
document.documentElement.style.colorScheme = isDark() ? "dark" : "light";
nameTheme();
document.documentElement.classList.add("ready");
onValue((value) => {
  if (!value) return;
  title.textContent = value.title;
  drawKeys(value.keys);
});
