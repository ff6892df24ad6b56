"""Lines and points with their intervals, in the colours and marks of the families."""

from demo.widgets.widget import Widget


class Chart(Widget):
    """A line chart, or a scatter chart of quality against cost, as SVG.

    Value: `{x, y, series, kind?, title?, note?, rev?}`.

    * x: `{label, scale?, values?, unit?, digits?}`; `scale` is category (the default, in the order of
      `values`), linear or log.
    * y: `{label, better?, unit?, digits?}`; `better` is "high" or "low". Text alone stands for `{label}` in
      both.
    * series: `{id, title?, family, lead?, pts: [{x, y, lo?, hi?, n?, cell?}]}`, the best first; `lo` and `hi`
      are the ends of a 95 % interval, `y` None breaks the line, and points at or below zero are left out of a
      log axis. Those that `lead` are in colour, with their intervals and names, the others grey; where none
      does, all are. Series of one family differ by their dashes.
    * kind: line (the default) or scatter. note: what to say where there is nothing to draw.

    It fills its column, so beside another one put each into a `gr.Column(min_width=320)`; `gr.HTML` itself
    does not wrap in a row.

    Event: `point{cell}` with the point's `cell` as it was given. Which lines are in colour is chosen in the
        browser: a click on the legend keeps one, pointer and focus raise one for the moment.
    """

    ASSET = "chart"
    SENDS = ("point",)
