/* The link to what is open: it stands in the address while Compare is in view. */

import { putAddress } from "./common.js";
import { MOST_QUERY, maskCode } from "./mask_editor.code.js";

const PAUSE = 400;

export function inCompare() {
  return (new URLSearchParams(location.search).get("t") || "compare") === "compare";
}

/* The server knows examples, drawn masks and settings; a painted mask and the feather are added here.
   `editor`: mask and feather. */
export function makeAddress(editor) {
  const state = { query: null, timer: 0 };

  /* The whole query; `long`: the painted mask is too long for it. */
  async function link() {
    const asked = new URLSearchParams(state.query);
    if (!asked.has("img")) return { query: state.query, long: false };
    const feather = editor.feather.size();
    const known = feather ? `${state.query}&feather=${feather}` : state.query;
    if (asked.has("mask")) return { query: known, long: false };
    const code = await maskCode(editor.mask);
    const query = code ? `${known}&mask=${code}` : known;
    const long = code === null || query.length > MOST_QUERY;
    return { query: long ? known : query, long };
  }

  async function write() {
    const asked = state.query;
    if (asked === null || !inCompare()) return false;
    const { query, long } = await link();
    if (asked === state.query && inCompare()) {
      putAddress(query);
    }
    return long;
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
