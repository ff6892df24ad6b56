/* Buttons that take files, and examples; what the server says of them stands below. */

import { listenToRun, makeHost } from "./common.host.js";
import { el, MOST_UPLOAD, makeLatest, PICTURE_FILES } from "./common.js";

function say(parts, text, isBad = false) {
  parts.note.textContent = text;
  parts.note.classList.toggle("failed", isBad);
}

function fileData(done, name) {
  return { path: done.path, orig_name: name, meta: { _type: "gradio.FileData" } };
}

/* The page is busy until what is returned is called; a batch that a later one replaces is not waited for. */
function beBusy({ root, underWay }, kind, several) {
  const batch = { kind };
  const passed = several ? [] : [...underWay].filter((one) => one.kind === kind);
  for (const one of passed) underWay.delete(one);
  underWay.add(batch);
  root.setAttribute("aria-busy", "true");
  return () => {
    underWay.delete(batch);
    if (!underWay.size) root.removeAttribute("aria-busy");
  };
}

/* Each file by itself: one that is too large, or breaks off, takes no other along. What did not go stays said
   beside what the server says next. Where one file is taken at a time, the one that was chosen last counts,
   whichever arrives first. */
async function sendAll(parts, kind, dropped, several) {
  const { props, trigger, upload } = parts;
  const isLast = parts.begin(kind);
  const [files, left] = several ? [dropped, []] : [dropped.slice(0, 1), dropped.slice(1)];
  const sent = [];
  const lost = [];
  const end = beBusy(parts, kind, several);
  for (const [i, file] of files.entries()) {
    say(parts, `Uploading ${files.length > 1 ? `${i + 1} of ${files.length}` : file.name} …`);
    try {
      if (file.size > MOST_UPLOAD) throw new Error("too large");
      sent.push([await upload(file), file.name]);
    } catch {
      lost.push(file.name);
    }
  }
  end();
  if (!several && !isLast()) return;
  const words = [];
  if (lost.length) words.push(`Not uploaded, as over 72 MB or broken off: ${lost.join(", ")}.`);
  if (left.length)
    words.push(`Left out, as one file is taken at a time: ${left.map((f) => f.name).join(", ")}.`);
  if (!sent.length) {
    say(parts, words.join(" "), true);
    return;
  }
  say(parts, ["Reading …", ...words].join(" "), lost.length > 0);
  parts.unsaid = { words, isBad: lost.length > 0, sentAt: props.value?.rev };
  const [names, data] = [sent.map((one) => one[1]), sent.map(([done, name]) => fileData(done, name))];
  props.value = { ...(props.value || {}), files: data, names, kind };
  trigger("files", {});
}

/* What the server says, and once what did not reach it. */
function sayNext(parts, { note, error, rev }) {
  const { words, isBad, sentAt } = parts.unsaid;
  if (rev === sentAt) return; // what is on its way there, not an answer
  parts.unsaid = { words: [], isBad: false };
  say(parts, [note, ...words].filter(Boolean).join(" "), error || isBad);
}

function makeChooser(parts, { kind, text, several }, isFirst) {
  const name = {
    type: "file",
    "aria-label": `Upload: ${text}`,
    accept: PICTURE_FILES,
    multiple: Boolean(several),
    title: "",
  };
  const input = el("input", name);
  input.addEventListener("change", () => {
    const files = [...input.files];
    if (files.length) sendAll(parts, kind, files, Boolean(several));
    input.value = "";
  });
  return el("label", { class: isFirst ? "take first" : "take", "data-kind": kind }, text, input);
}

function makeSample({ trigger }, one) {
  const click = () => trigger("sample", { id: one.id });
  const names = { "data-tip": one.title, "aria-label": `Example: ${one.title}`, "data-sample": one.id };
  const picture = el("img", { src: one.src, alt: "", width: "36", height: "36" });
  return el("button", { type: "button", class: "sample", ...names, on: { click } }, picture);
}

/* The button that files are dropped on; the first one where they miss all of them. */
function takeAt({ root, props }, { target }) {
  const over = root.contains(target) ? target.closest(".take") : null;
  return props.takes.find((one) => one.kind === over?.dataset.kind) ?? props.takes[0];
}

/* The whole page takes files: one that misses a button would otherwise open in place of the page. */
function listenToDrop(parts) {
  const { root } = parts;
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
    const { kind, several } = takeAt(parts, event);
    if (files.length) sendAll(parts, kind, files, Boolean(several));
  });
}

export function mount(given) {
  const host = makeHost(given);
  const { root, props, trigger } = host;
  const note = el("p", { class: "note", role: "status" });
  const unsaid = { words: [], isBad: false };
  const parts = { ...host, begin: makeLatest(), underWay: new Set(), unsaid, note };
  const choosers = props.takes.map((one, i) => makeChooser(parts, one, i === 0));
  const samples = props.samples.map((one) => makeSample(parts, one));
  const shown = el("div", { class: "samples", role: "group", "aria-label": "Examples" }, ...samples);
  root.append(el("div", { class: "row" }, ...choosers, shown), parts.note, host.tip);
  listenToDrop(parts);
  listenToRun(root, (name) => document.getElementById(`${props.owner}-${name}`));
  const looked = new ResizeObserver(() => {
    if (!root.clientWidth) return;
    looked.disconnect();
    trigger("open", {});
  });
  looked.observe(root);
  host.onValue((value) => {
    if (value?.rev) sayNext(parts, value);
  });
}
