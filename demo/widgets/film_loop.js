/* A film that plays over and over, unless the visitor wants little motion. */

import { load, makeFilm } from "./clip_player.films.js";
import { makeHost } from "./common.host.js";
import { el, ownUrl } from "./common.js";

export function mount(given) {
  const { root, tip, onValue } = makeHost(given);
  const film = makeFilm("The film");
  film.controls = true;
  film.removeAttribute("tabindex");
  const title = el("figcaption", {});
  const link = el("a", { text: "Download film" });
  const shown = el("figure", { hidden: true }, title, film, link);
  root.append(shown, tip);
  film.addEventListener("loadeddata", () => {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!still && root.clientWidth) film.play().catch(() => {});
  });
  new ResizeObserver(() => {
    if (!root.clientWidth) film.pause();
  }).observe(root);
  onValue((value) => {
    const address = ownUrl(value?.src);
    shown.hidden = !address;
    load(film, value?.src);
    if (!address) return;
    film.style.aspectRatio = `${value.w} / ${value.h}`;
    title.textContent = value.title;
    link.href = `${address}?name=${encodeURIComponent(value.file)}`;
    link.download = value.file;
  });
}
