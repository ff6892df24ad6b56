/* Where pictures, masks and zips of this page come from: a chooser, the clipboard, a drop anywhere on the
   page, the examples. */

import { el, MOST_UPLOAD, makeLatest, PICTURE_FILES } from "./common.js";
import { icon, textButton } from "./mask_editor.icons.js";

const ZIP = ".zip";

/* What an editor opens: `type` is the one that the clipboard may hold, null for none; `extends`: whether its
   frame can be made wider. */
export const TAKES = {
  picture: {
    upload: "Upload a photograph",
    accept: `${PICTURE_FILES},${ZIP}`,
    type: "image/",
    extends: true,
    invitation: "Drop a photograph, paste one, or pick one.",
    formats: "PNG, JPEG, WebP, TIFF or BMP, up to 4096×4096 and 72 MB.",
  },
  clip: {
    upload: "Upload a clip",
    accept: "video/*,.mkv,.avi,.gif",
    type: null,
    extends: false,
    invitation: "Drop a clip, or pick one.",
    formats: "MP4, MOV, WebM, MKV, AVI, OGV or GIF, up to 72 MB.",
  },
};

/* `editor`: root, props, trigger, upload and say. */
export function makeFiles(editor) {
  const begin = makeLatest();
  const take = (file, event) => send(editor, file, event, begin);
  const takes = TAKES[editor.props.takes];
  const samples = sampleButtons(editor, begin);
  const upload = chooser(takes.upload, (file) => take(file, "picture"), takes.accept);
  const label = el("label", { class: "ed-button ed-primary" }, icon("upload"), "Upload", upload);
  const paste = textButton("Paste", () => pasteClick(editor, take), { hidden: !takes.type });
  const mask = chooser("Upload a mask", (file) => take(file, "maskfile"));
  if (takes.type) listenToPaste(editor.root, takes.type, take);
  listenToDrop(editor, take);
  const id = `${editor.props.owner}-photo`;
  return {
    source: el("div", { class: "ed-source", id }, label, paste, samples),
    maskLabel: el("label", { class: "ed-button" }, "Mask file", mask),
    samples,
  };
}

function sampleButtons({ root, props, trigger, say }, begin) {
  const choose = (id) => {
    beginPicture(begin);
    root.removeAttribute("aria-busy");
    say("");
    trigger("tool", { kind: "sample", id });
  };
  const nodes = (props.samples || []).map((one) => {
    const names = { "data-tip": one.title, "aria-label": `Example: ${one.title}`, "data-sample": one.id };
    const attributes = { type: "button", class: "ed-sample", ...names, on: { click: () => choose(one.id) } };
    return el("button", attributes, el("img", { src: one.src, alt: "", width: "36", height: "36" }));
  });
  return el("div", { class: "ed-samples", role: "group", "aria-label": "Examples" }, ...nodes);
}

function chooser(label, take, accept = PICTURE_FILES) {
  const input = el("input", { type: "file", class: "ed-file", "aria-label": label, accept });
  input.addEventListener("change", () => {
    take(input.files[0]);
    input.value = "";
  });
  return input;
}

/* Uploads a file as it is; the server hears of it by the event `picture` or `maskfile`, unless another was
   chosen meanwhile: a slow upload would take the place of a later one. */
async function send(editor, file, event, begin) {
  const { root, upload, say } = editor;
  if (!file) return;
  if (file.size > MOST_UPLOAD) return say(tooLarge(file), true);
  const isLast = event === "picture" ? beginPicture(begin) : begin(event);
  const name = file.name || "the picture";
  say(`Uploading ${name} …`);
  root.setAttribute("aria-busy", "true");
  const done = await upload(file).catch(() => null);
  if (!isLast()) return;
  root.removeAttribute("aria-busy");
  if (done) tell(editor, done.path, file.name || "pasted.png", event);
  else say(`The upload of “${name}” failed; check the connection and try again.`, true);
}

/* A mask that is still on its way belongs to the picture before. */
function beginPicture(begin) {
  begin("maskfile");
  return begin("picture");
}

function tell({ props, trigger }, path, name, event) {
  const picture = { path, orig_name: name, meta: { _type: "gradio.FileData" } };
  props.value = { ...(props.value || {}), picture, name };
  if (event !== "picture") trigger("maskfile", {});
  else if (props.takes === "picture" && name.toLowerCase().endsWith(ZIP)) trigger("archive", {});
  else trigger("picture", {});
}

function tooLarge(file) {
  const size = Math.round(file.size / 1e6);
  return `“${file.name}” has ${size} MB; the limit is 72 MB. Save it smaller.`;
}

async function pasteClick({ say }, take) {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((one) => one.startsWith("image/"));
      if (type) return take(await pasted(item, type), "picture");
    }
    say("There is no picture on the clipboard; copy one first.", true);
  } catch {
    say("The browser did not allow it: press Ctrl+V instead.", true);
  }
}

async function pasted(item, type) {
  return new File([await item.getType(type)], `pasted.${type.split("/")[1]}`, { type });
}

function listenToPaste(root, type, take) {
  document.addEventListener("paste", (event) => {
    if (!root.offsetParent || !event.clipboardData) return;
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith(type));
    if (!file) return;
    event.preventDefault();
    take(file, "picture");
  });
}

/* The whole page takes a picture: one that misses the stage would otherwise open in place of the page, and
   all would be lost. */
function listenToDrop({ root, say }, take) {
  const isFile = (type) => type === "Files" || type === "text/uri-list";
  const holdsFiles = (event) => root.offsetParent && [...(event.dataTransfer?.types ?? [])].some(isFile);
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    root.classList.add("ed-over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) root.classList.remove("ed-over");
  });
  document.addEventListener("drop", (event) => {
    root.classList.remove("ed-over");
    if (!holdsFiles(event)) return;
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file) take(file, "picture");
    else say("That is a link, not a file: copy the picture there and paste it here.", true);
  });
}
