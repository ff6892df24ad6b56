"""A clip and what was made of it, played side by side."""

from typing import ClassVar

from demo.widgets.widget import Widget


class ClipPlayer(Widget):
    """Two clips at the same time: the original, with the tracked masks on request, and the result.

    Value: `{rev, state, first, w, h, count, rate, title, err, place, eta, what, progress, preview, stale,
    before, after, masks, seconds, said}`.

    * state: ready, queued, running, done, stopped or error. `first`: URL of the first frame; None before a
      clip is open. `count` frames of `w` x `h` pixels, `rate` a second.
    * While running: `what` is done, `progress` 0 to 1, `eta` in seconds, `preview` a URL.
    * `before`, `after`, `masks`: URLs of WebM files, once there are any; `said`: sentences on the result.

    Events: `open{}` when it comes into view.
    """

    ASSET = "clip_player"
    SENDS = ("open",)
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = (
        ("P", "Play, pause"),
        (", .", "Frame before, after"),
        ("T", "Show what was tracked"),
    )
