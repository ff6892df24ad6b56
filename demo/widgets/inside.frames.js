/* The frames of a run: what their names say, and which pictures are shown together.

   `inside`: value, all (every frame; value.frames are those the scrubber stops at), at and beside. */

const CHOOSE =
  "Choose a point inside the hole on the picture to the left: click it, or use the arrows and Enter.";

export function kindOf(one) {
  return one.name.split("/")[0];
}

function partOf(one) {
  return one.name.split("/")[1];
}

/* The step at which a noisy state was kept. */
export function stepOf(one) {
  return Number(partOf(one));
}

export function isState(one) {
  return kindOf(one) === "noisy";
}

/* Whether a point of it can be asked where it was copied from. */
export function asks(one) {
  return Boolean(one?.origin);
}

export function frame({ value, at }) {
  return value.frames[at];
}

export function showsHeat({ value }, one) {
  return Boolean(value.heat && one && value.heat.frame === one.name);
}

/* Frames of two kinds that share what stands after the slash are shown together: the later one beside the
   first. */
function companion(all, one) {
  const part = partOf(one);
  return part && all.find((other) => other !== one && partOf(other) === part);
}

/* The fill of the method that ran beside this one. */
function isRivalsFill(one) {
  return one.name !== "result" && one.name.endsWith("/result");
}

function isCompanion(all, one) {
  if (isRivalsFill(one)) return true;
  const other = companion(all, one);
  return Boolean(other) && all.indexOf(other) < all.indexOf(one);
}

/* While it runs, a moment is shown once all its pictures are there: the noisy state, and an estimate for each
   line of the schedule. */
function isWhole({ value, all }, one) {
  const whole = !isState(one) || value.state !== "running";
  return whole || all.length - all.indexOf(one) > (value.schedule?.lines.length ?? 1);
}

/* The frames the scrubber stops at. */
export function stops(inside) {
  return inside.all.filter((one) => !isCompanion(inside.all, one) && isWhole(inside, one));
}

function named({ value }, name) {
  return value.frames.find((one) => one.name === name);
}

function original({ value }) {
  const title = "What was there before it was masked";
  return value.original && { ...value.original, name: "original", title };
}

function input(inside) {
  return named(inside, "input") ?? { hint: "It is not there yet." };
}

/* What the visitor wants beside the frame; undefined where that is not there. */
function chosen(inside) {
  if (inside.beside === "original") return original(inside);
  return inside.beside === "auto" ? undefined : named(inside, inside.beside);
}

/* The two pictures: the frame, and what tells most beside it; a third comes before them. */
export function views(inside) {
  const now = frame(inside);
  if (isState(now)) return stateViews(inside, now);
  if (asks(now)) return askingViews(inside, now);
  if (inside.beside !== "auto") return [now, chosen(inside) ?? { hint: "It is not there yet." }];
  return partViews(inside, now) ?? pairViews(inside, now) ?? [now, besideAny(inside, now)];
}

/* A noisy state, the clean estimate, and what the estimate is compared with: that of the other method, if one
   runs beside it. */
function stateViews(inside, now) {
  const group = inside.all.filter((one) => one !== now && partOf(one) === partOf(now));
  const clean = group.find((one) => kindOf(one) === "clean") ?? { hint: "It did not come any more." };
  const rival = group.find((one) => one !== clean);
  return [clean, chosen(inside) ?? rival ?? named(inside, "result") ?? input(inside), now];
}

/* The picture on which a point is chosen, where that was copied from (or what to do to see it), and the map
   of all points. */
function askingViews(inside, now) {
  const { asked, heat } = inside.value;
  const title = "Choose a point inside the hole";
  const picture = asked ? { ...asked, name: "asked", title } : { ...input(inside), title };
  const copied = "Where that point was copied from";
  const hint = { ...named(inside, "input"), title: "Where a point was copied from", hint: CHOOSE };
  return [picture, chosen(inside) ?? (showsHeat(inside, now) ? { ...heat, title: copied } : hint), now];
}

/* Frames of two kinds that share a part. */
function partViews(inside, now) {
  const other = companion(inside.all, now);
  return other ? [now, other] : null;
}

/* Pictures that belong together: two passes, or the fills of two methods. */
function pairViews(inside, now) {
  const [coarse, refined] = [named(inside, "coarse"), named(inside, "refined")];
  if ((now === coarse || now === refined) && coarse && refined) return [coarse, refined];
  if (now.name !== "result") return null;
  const rival = inside.all.find(isRivalsFill);
  if (!rival) return [now, original(inside) ?? named(inside, "input")];
  return [{ ...now, title: `${methodTitle(inside)}'s fill` }, rival, original(inside) ?? input(inside)];
}

function besideAny(inside, now) {
  const first = now.name === "input" ? original(inside) : named(inside, "input");
  return named(inside, "result") ?? first ?? { hint: "The result is not there yet." };
}

function methodTitle({ value }) {
  return value.methods.find((one) => one.id === value.method)?.title ?? "";
}

/* The frame that tells most of a finished run. */
export function mostTelling({ value }) {
  const telling = [
    (one) => one.name === "result" && value.frames.some(isState),
    (one) => one.origin,
    (one) => typeof one.value === "number",
    (one) => one.name === "coarse",
  ];
  const places = telling.map((tells) => value.frames.findIndex(tells));
  return Math.max(0, places.find((place) => place >= 0) ?? 0);
}
