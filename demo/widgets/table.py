"""A table whose every number is a door to its pictures."""

from demo.widgets.widget import Widget


class Table(Widget):
    """Methods by column, sortable, with intervals; every cell is a button.

    Value: `{caption, cols, rows, sort?, lacking?, corner?, few?, rev?}`.

    * cols: text, or `{id, title, better?, digits?, kind?, note?, few?}`; `better` is "high" or "low" and
      decides what "best first" means, `digits` are decimals (2), `kind` "seconds" chooses them by size,
      `note` opens on the heading. Without columns nothing is shown.
    * rows: `{id, title?, family, cells: {col id: cell}}`.
    * cell: `{v, lo, hi, n, best, tied, apart, why}`: value, ends of its 95 % interval, photographs; `best` is
      set in bold, `tied` marked "=", `apart` slanted and sorted last, as it rests on other pictures. Where
      `v` is None there is a dash, and `why` is the sentence that opens on hover, focus and tap.
    * sort: the column that rows are sorted by at first, the best first. Sorted rows have ranks; a value that
      stands apart has none.
    * lacking: a line below the table, on what is not in it.
    * few: cells with `n` below it are grey, for the whole table or one column.
    * corner: the heading of the first column ("Method").

    Event: `cell{row, col}` for a cell that has a value. Sorting stays in the browser; missing values come
        last either way.
    """

    ASSET = "table"
    SENDS = ("cell",)
