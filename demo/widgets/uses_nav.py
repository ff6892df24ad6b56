"""Which of the uses is in view: a row of links."""

from demo.widgets.widget import Widget


class UsesNav(Widget):
    """Links to the uses, one of which is in view; it stands in the address as `use`.

    Value: `{uses: [{id, title}, ...]}`, the first of which is in view where the address names none. The id is
    written to the element `uses-all`, whose style shows the part that belongs to it. Sends nothing.
    """

    ASSET = "uses_nav"
