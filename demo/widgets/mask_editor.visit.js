/* What a tab keeps for a reload: the id of its visit, under which the server finds picture and results, and
   the mask as it is painted. The id stands in its storage only while the page is out of view: a duplicate of
   the tab takes the storage along, and would share the visit. */

import { readSaved, savedMask } from "./mask_editor.code.js";

const VISIT = "inpainting-visit";
const MASK = "inpainting-mask";
const MOST = 4e6;

/* `editor`: mask. A browser may refuse to keep anything: then a reload finds nothing. */
export function makeVisit(editor) {
  let id = null;

  function save() {
    if (!id) return;
    try {
      sessionStorage.setItem(VISIT, id);
      if (!editor.mask.w) return;
      const text = JSON.stringify({ id, ...savedMask(editor.mask) });
      if (text.length > MOST) forget(MASK);
      else sessionStorage.setItem(MASK, text);
    } catch {
      forget(MASK);
    }
  }

  function forget(key) {
    try {
      sessionStorage.removeItem(key);
    } catch {}
  }

  /* What was painted before a reload of this visit, as a function that paints it; null where nothing is.
     Asked for once, with the first value. */
  function begin(visit) {
    if (id || !visit) return null;
    id = visit;
    try {
      if (document.hidden) sessionStorage.setItem(VISIT, id);
      else sessionStorage.removeItem(VISIT);
      const saved = JSON.parse(sessionStorage.getItem(MASK));
      if (saved?.id !== id) return null;
      return (mask) => {
        if (saved.w === mask.w && saved.h === mask.h) readSaved(mask, saved);
      };
    } catch {
      return null;
    }
  }

  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", () => (document.hidden ? save() : id && forget(VISIT)));
  return { begin };
}
