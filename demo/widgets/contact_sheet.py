"""Several photographs in a sheet, each before and after."""

from demo.widgets.widget import Widget


class ContactSheet(Widget):
    """Photographs with their masks, and what was made of each, while it goes on.

    Value: `{rev, state, err, place, eta, what, progress, items: [item, ...]}`.

    * state: ready, queued (`place` = runs ahead, `eta` in seconds), running (`what` is done, `progress` 0
    to 1,
      `eta`), done, stopped or error (`err` = one sentence).
    * item: `{id, name, state, said, before, after, full, file}`. state: lacking, ready, running, done,
    stale or
      failed, and `said` in words. `before`, `after`: URLs of small pictures; `full`: of the filled PNG, whose
      download is called `file`.

    Events: `remove{id}` of one picture, or of "all".
    """

    ASSET = "contact_sheet"
    SENDS = ("remove",)
