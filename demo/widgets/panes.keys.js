/* The keys of the pictures, while one of them or a button beside them has the focus. */

const PAN = 40;

function simpleKeys(panes) {
  const { view } = panes;
  const toggle = (id) => {
    panes.setMode(panes.mode === id ? "grid" : id);
    keepFocus(panes);
  };
  return {
    "+": () => view.zoomStep(1),
    "=": () => view.zoomStep(1),
    "-": () => view.zoomStep(-1),
    "−": () => view.zoomStep(-1),
    0: () => view.fit(),
    z: () => view.zoomTo(1),
    s: () => toggle("slider"),
    d: () => toggle("error"),
    ArrowLeft: () => view.panBy(PAN, 0),
    ArrowRight: () => view.panBy(-PAN, 0),
    ArrowUp: () => view.panBy(0, PAN),
    ArrowDown: () => view.panBy(0, -PAN),
  };
}

/* What had the focus may be hidden now: its place is taken by what is in view. */
function keepFocus(panes) {
  const now = document.activeElement;
  if (panes.root.contains(now) && now.checkVisibility()) return;
  const pane = panes.shown.get(panes.picked) ?? [...panes.shown.values()][0];
  const next = panes.mode === "slider" ? panes.duo.handle : pane?.stage;
  next?.focus({ preventScroll: true });
}

function isElsewhere(event) {
  const modified = event.ctrlKey || event.metaKey || event.altKey;
  return modified || event.target.closest("select, input, textarea, [role=menu]");
}

/* `panes`: root, mode, value, shown, grid, view, duo, pick(id), setMode(id) and showOriginal(on). */
export function listenToKeys(panes) {
  const { root, duo } = panes;
  const keys = simpleKeys(panes);

  function flip() {
    if (panes.mode !== "flip") panes.setMode("flip");
    if (panes.mode === "flip") duo.stage.focus({ preventScroll: true });
    duo.setFlip(panes.mode === "flip");
  }

  function goTo(number) {
    const pane = panes.shown.get(panes.value.panes[number - 1]?.id);
    if (!pane) return;
    if (!panes.grid.hidden) pane.stage.focus();
    panes.pick(pane.id);
  }

  function pickStage(stage) {
    const pane = [...panes.shown.values()].find((one) => one.stage === stage);
    panes.pick(pane ? pane.id : duo.first());
  }

  /* What a key does that leaves the browser's own doing alone; null where it is none of these. */
  function actOf(key, { target, repeat }) {
    if (key === "Enter" && target.classList.contains("stage")) return () => pickStage(target);
    if (key === "f" && !repeat) return flip;
    return /^[1-9]$/.test(key) ? () => goTo(key) : null;
  }

  /* What a key does in place of the browser's doing; a button keeps Space and the arrows. */
  function insteadOf(key, onButton) {
    if (key === " ") return onButton ? null : () => panes.showOriginal(true);
    const taken = onButton && key.startsWith("Arrow");
    return Object.hasOwn(keys, key) && !taken ? keys[key] : null;
  }

  function keyDown(event) {
    if (isElsewhere(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const act = actOf(key, event);
    if (act) return act();
    const instead = insteadOf(key, event.target.closest("button"));
    if (!instead) return;
    event.preventDefault();
    instead();
  }

  root.addEventListener("keydown", keyDown);
  root.addEventListener("keyup", (event) => {
    if (event.key === " ") panes.showOriginal(false);
    if (event.key.toLowerCase() === "f") duo.setFlip(false);
  });
  root.addEventListener("focusout", (event) => {
    if (root.contains(event.relatedTarget)) return;
    panes.showOriginal(false);
    duo.setFlip(false);
  });
}
