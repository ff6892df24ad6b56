"""Linked panes: one picture per method, same crop and zoom everywhere."""

from typing import ClassVar

from demo.widgets.widget import Widget


class Panes(Widget):
    """A grid of pictures that zoom and pan together, with a divided view, a flip view and error maps.

    Value: `{rev, w, h, mode, ref?, pair?, land?, bare?, panes: [pane, ...]}`.

    * `rev`: rises with every value (`demo.views.changes.next_rev()`); a value with a lower one is dropped.
    * `w`, `h`: size of the picture in pixels; every picture is drawn at this size.
    * `mode`: grid, slider, flip or error. It is applied when it changes; between changes the visitor's choice
      stays.
    * `pair`: ids of the two that slider and flip open with; without it the original and the first fill.
    * `land`: id of the pane that a row of panes turns to, as on a phone; without it the first fill.
    * `bare`: True where nothing is to be seen, not even that there is nothing.
    * `ref`: URL of the original, or the id of the pane that shows it. Without it there is no error map;
      `noref` says why.
      Holding Space shows `ref`, or else the pane with the id "original".
    * pane: `{id, title, family, state, src, err?, progress, eta, seconds, note, chips, place?, stale?,
      file?}`. `family` is None for original and masked. `src`: URL on this server. `seconds`: time it took.
      `note`: one line under a finished picture. `file`: stem of the download's name. `state`: empty, queued
      (`place` = runs ahead, `eta`), running (`progress` 0 to 1 or None, `eta` in seconds, `src` = preview,
      `note` = "level 3/6"), done, stopped, error or unavailable (`err` = one sentence), stale (done, with
      outdated settings; also `stale=True`).
    * chips: `[{label, value, why?}]`; `value` is text or None, which is shown as a dash with the reason
      `why`.
    * A method that gives several answers also has `answers: [{seed, name, state, src, thumb, seconds, note,
      chips, file}, ...]`, one per
      seed: those that are there (done or stale), the one under way (running or stopped, `src` = preview) and
      those to come (queued). They stand in a strip under the picture; what is chosen there takes the pane's
      place, and its title gets the seed.

    * `history`: `[{id, title, at, src, now}]`, the runs of this visit, the oldest first: `at` in seconds
      since 1970, `src` a small picture, `now` True of the one in view.

    Events: `stop{id}`, `retry{id}`, `use{id, name}` (as the next input; `name`: that of the chosen answer),
    `past{id}` (back to that run).
    """

    ASSET = "panes"
    SENDS = ("stop", "retry", "use", "past")
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("+ −", "Zoom in, out"),
        ("0", "Fit"),
        ("Z", "Actual pixels"),
        ("Arrows", "Pan"),
        ("Hold Space", "Show the original"),
        ("Hold F", "Flip the pair"),
        ("S", "Slider"),
        ("D", "Error maps"),
        ("1–9", "Go to a pane"),
        ("Arrows in a strip", "Another answer"),
    )
    """Keys and what they do, for the page's list of keys; they work while the component has the focus."""
