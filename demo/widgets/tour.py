"""The guided tour's bar: what to look at, and the way from stop to stop."""

from typing import Any

from demo.server.tour import STOPS
from demo.widgets.widget import Widget


class Tour(Widget):
    """`{stops: [{title, text, query, asked, look, runs}, ...]}`, as in `demo.server.tour.TourStop`; `asked`
    is the query by its keys.

    Sends `go{stop}`, from 1 on, when a stop is chosen on the page; the one that an address names comes with
    the page.
    """

    ASSET = "tour"
    SENDS = ("go",)


def all_stops() -> dict[str, Any]:
    """The value of the Tour."""
    stops = [{**vars(stop), "asked": stop.asked} for stop in STOPS]
    return {"stops": stops}
