/* Buttons that take files, and examples; what the server says of them stands below. */

import { makeHost } from "./common.host.js";
import { el } from "./common.js";

const ACCEPT = "image/*,.tif,.tiff,.bmp,.webp";
const MOST_BYTES = 72e6;

function say(parts, text, isBad = false) {
  parts.note.textContent = text;
  parts.note.classList.toggle("failed", isBad);
}

function fileData(done, name) {
  return { path: done.path, orig_name: name, meta: { _type: "gradio.FileData" } };
}

/* Each file by itself: one that is too large, or breaks off, takes no other along. */
async function sendAll(parts, kind, files) {
  const { root, props, trigger, upload } = parts;
  const sent = [];
  const lost = [];
  root.setAttribute("aria-busy", "true");
  for (const [i, file] of files.entries()) {
    say(parts, `Uploading ${files.length > 1 ? `${i + 1} of ${files.length}` : file.name} …`);
    try {
      if (file.size > MOST_BYTES) throw new Error("too large");
      sent.push([await upload(file), file.name]);
    } catch {
      lost.push(file.name);
    }
  }
  root.removeAttribute("aria-busy");
  if (lost.length) say(parts, `Not uploaded, as over 72 MB or broken off: ${lost.join(", ")}.`, true);
  if (!sent.length) return;
  if (!lost.length) say(parts, "Reading …");
  const [names, data] = [sent.map((one) => one[1]), sent.map(([done, name]) => fileData(done, name))];
  props.value = { ...(props.value || {}), files: data, names, kind };
  trigger("files", {});
}

function makeChooser(parts, { kind, text, several }, isFirst) {
  const name = {
    type: "file",
    "aria-label": `Upload: ${text}`,
    accept: ACCEPT,
    multiple: Boolean(several),
    title: "",
  };
  const input = el("input", name);
  input.addEventListener("change", () => {
    const files = [...input.files];
    if (files.length) sendAll(parts, kind, files);
    input.value = "";
  });
  return el("label", { class: isFirst ? "take first" : "take" }, text, input);
}

function makeSample({ trigger }, one) {
  const click = () => trigger("sample", { id: one.id });
  const names = { "data-tip": one.title, "aria-label": `Example: ${one.title}`, "data-sample": one.id };
  const picture = el("img", { src: one.src, alt: "", width: "36", height: "36" });
  return el("button", { type: "button", class: "sample", ...names, on: { click } }, picture);
}

/* The whole page takes files: one that misses a button would otherwise open in place of the page. */
function listenToDrop(parts) {
  const { root, props } = parts;
  const [first] = props.takes;
  const holdsFiles = (event) => root.offsetParent && [...(event.dataTransfer?.types ?? [])].includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    root.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) root.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    root.classList.remove("over");
    if (!holdsFiles(event)) return;
    event.preventDefault();
    const files = [...event.dataTransfer.files];
    if (files.length) sendAll(parts, first.kind, first.several ? files : files.slice(0, 1));
  });
}

/* Ctrl+Enter runs and Ctrl+. stops, while this use is in view. */
function listenToRun({ root, props }) {
  document.addEventListener("keydown", (event) => {
    if (!root.offsetParent || !(event.ctrlKey || event.metaKey)) return;
    const id = { Enter: "run", ".": "stop" }[event.key];
    const target = id && document.getElementById(`${props.owner}-${id}`);
    if (!target || target.disabled) return;
    event.preventDefault();
    target.click();
  });
}

export function mount(given) {
  const host = makeHost(given);
  const { root, props, trigger } = host;
  const parts = { ...host, note: el("p", { class: "note", role: "status" }) };
  const choosers = props.takes.map((one, i) => makeChooser(parts, one, i === 0));
  const samples = props.samples.map((one) => makeSample(parts, one));
  const shown = el("div", { class: "samples", role: "group", "aria-label": "Examples" }, ...samples);
  root.append(el("div", { class: "row" }, ...choosers, shown), parts.note, host.tip);
  listenToDrop(parts);
  listenToRun(parts);
  const looked = new ResizeObserver(() => {
    if (!root.clientWidth) return;
    looked.disconnect();
    trigger("open", {});
  });
  looked.observe(root);
  host.onValue((value) => {
    if (value?.rev) say(parts, value.note ?? "", value.error);
  });
}
