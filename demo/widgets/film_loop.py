"""A short film that plays over and over."""

from demo.widgets.widget import Widget


class FilmLoop(Widget):
    """A film with the browser's own controls, and a link to download it.

    Value: `{rev, src, w, h, title, file}`. `src`: URL of a WebM file, None where there is none: nothing is
    shown. `w`, `h`: its size in pixels; `file`: what its download is called. Sends nothing. It plays by
    itself unless the visitor wants little motion.
    """

    ASSET = "film_loop"
