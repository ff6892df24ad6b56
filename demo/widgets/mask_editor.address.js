/* The link to what is open: it stands in the address while Compare is in view. */

import { putAddress } from "./common.js";
import { MOST_QUERY, maskCode } from "./mask_editor.code.js";

const PAUSE = 400;
const TOO_LONG = "painted mask, which is longer than the 8 kB of a link";

export function inCompare() {
  return (new URLSearchParams(location.search).get("t") || "compare") === "compare";
}

/* The server knows examples, drawn masks and settings; a painted mask and the feather are added here.
   `editor`: mask and feather, `own` and `finished` as the server says them. */
export function makeAddress(editor) {
  const state = { query: null, timer: 0 };

  /* What a link without a picture leaves out: it opens the finished example. */
  function unlinked() {
    if (editor.own) return "own picture";
    return !editor.finished && editor.mask.bits.some(Boolean) ? "painted mask" : "";
  }

  /* The whole query; `left`: in words, what it leaves out; else empty. */
  async function link() {
    const asked = new URLSearchParams(state.query);
    if (!asked.has("img")) return { query: state.query, left: unlinked() };
    const feather = editor.feather.size();
    const known = feather ? `${state.query}&feather=${feather}` : state.query;
    if (asked.has("mask")) return { query: known, left: "" };
    const code = await maskCode(editor.mask);
    const query = code ? `${known}&mask=${code}` : known;
    const long = code === null || query.length > MOST_QUERY;
    return { query: long ? known : query, left: long ? TOO_LONG : "" };
  }

  async function write() {
    const asked = state.query;
    if (asked === null || !inCompare()) return "";
    const { query, left } = await link();
    if (asked === state.query && inCompare()) {
      putAddress(query);
    }
    return left;
  }

  /* What the server says. */
  function take(query) {
    if (query === null || query === undefined) return;
    state.query = query;
    write();
  }

  /* The mask has changed; `own`: by the visitor, so that no tool has drawn it. */
  function changed(own) {
    if (own && state.query) state.query = state.query.replace(/&mask=[^&]*/, "");
    clearTimeout(state.timer);
    state.timer = setTimeout(write, PAUSE);
  }
  return { take, changed, write };
}
