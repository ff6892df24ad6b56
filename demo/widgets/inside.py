"""What happens inside a method: chooser, frames with a scrubber, curves, and where attention looked."""

from typing import ClassVar

from demo.widgets.widget import Widget


class Inside(Widget):
    """Chooser, frames with a scrubber, their curve, and where attention copied from.

    Value: `{rev, methods, method, lesson, sources, source, presets, preset, note, error, query, picture, run,
    ready, state, err, progress, eta, place, frames, hole, original, asked, curves,
    schedule, heat}`.

    * methods: `[{id, title, family, why?}]`; sources: `[{id, title, src, why?}]`; `why` disables with that
      sentence.
    * presets: `[{id, title, costs}]`, costs in words, empty where the method has none.
    * picture: `{src, w, h}`, the picture with its hole before a run; `run`: the button's text; `ready`:
      whether it can be pressed.
    * state: ready, queued, running, done, stopped or error, as the panes have it.
    * frames: `[{name, title, src, w, h, value, origin}]`, `origin` true where a point can be asked; `curves`:
      `{kind: label}`.
      Frames that share what stands after the slash are shown together: `gate/coarse-1`, `channels/coarse-1`.
      After `noisy/` stands the number of the step, and beside it comes its estimate, `clean/`, and that of
      another method.
    * schedule: `{top, steps, lines: [{title, calls, points: [[step, timestep], ...]}]}`, the method's own
      line first; null where it has none.
    * hole: `[row, column]` in 0 .. 1, a point inside the hole; original: `{src, w, h}`, what was there;
      asked: the same of the fill on which a point is chosen.
    * heat: `{frame, src, w, h, at, from}`; `at` and `from` are `[row, column]` in 0 .. 1.

    Events: `open{mask}` when it comes into view, `pick{method, source, preset, mask}`, `run{mask}`, `stop{}`,
    `point{frame, row, column}`; `mask` is the Compare tab's hole as a data URL, or ''.
    """

    ASSET = "inside"
    SENDS = ("open", "pick", "run", "stop", "point")
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        (", .", "Frame before, after"),
        ("P", "Play, pause"),
        ("Hold F", "Flip the two pictures"),
        ("Arrows, Enter", "Ask a point where it was copied from"),
    )
