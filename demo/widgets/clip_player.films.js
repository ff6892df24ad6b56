/* Films that play together: one leads, the others follow it. */

import { clamp, el, ownUrl } from "./common.js";

const APART = 0.04; // seconds, while they play
const SAME = 0.002;

export function makeFilm(label) {
  return el("video", {
    class: "film",
    muted: true,
    playsinline: true,
    preload: "auto",
    loop: true,
    hidden: true,
    tabindex: "-1",
    "aria-label": label,
  });
}

/* Loads an address, if it is another one; none empties the film. */
export function load(film, address) {
  const src = ownUrl(address);
  film.muted = true;
  film.hidden = !src;
  if (film.dataset.src === src) return;
  film.dataset.src = src;
  if (src) film.src = src;
  else film.removeAttribute("src");
  film.load();
}

/* Brings a film to where the leading one is. */
function follow(film, lead) {
  const most = lead.paused ? SAME : APART;
  if (Math.abs(film.currentTime - lead.currentTime) > most) film.currentTime = lead.currentTime;
  if (film.paused === lead.paused) return;
  if (lead.paused) film.pause();
  else film.play().catch(() => {});
}

/* `lead` is followed by `others`; `clip()` gives count and rate; `drawn` is called as time goes on. */
export function makeReel(lead, others, clip, drawn) {
  let wanted = null; // the frame to be at, while a seek is under way

  const frame = () => wanted ?? clamp(Math.floor(lead.currentTime * clip().rate + 0.01), 0, clip().count - 1);

  function together() {
    for (const one of others) if (one.dataset.src) follow(one, lead);
  }

  function tick() {
    together();
    drawn();
    if (!lead.paused) requestAnimationFrame(tick);
  }

  function go(to) {
    wanted = clamp(to, 0, clip().count - 1);
    lead.currentTime = (wanted + 0.5) / clip().rate;
    tick();
  }

  function step(by) {
    lead.pause();
    go(frame() + by);
  }

  function toggle() {
    if (lead.paused) lead.play().catch(() => {});
    else lead.pause();
  }

  lead.addEventListener("seeked", () => {
    wanted = null;
    together();
    drawn();
  });
  for (const type of ["play", "pause", "loadeddata"]) lead.addEventListener(type, tick);
  for (const one of others) one.addEventListener("loadeddata", together);
  return { frame, go, step, toggle, pause: () => lead.pause(), playing: () => !lead.paused };
}
