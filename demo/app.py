"""Puts the page together: theme, head, tabs, routes, and the arguments every launch shares."""

import argparse
import math
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils import colors, sizes
from gradio.themes.utils.fonts import LocalFont
from starlette.middleware import Middleware

from demo import endpoints
from demo.server import fetching
from demo.server.folder import FolderAllowance, Folders
from demo.server.health import health_route
from demo.server.in_order import InOrder
from demo.server.jobs import Runner
from demo.server.limits import MAX_UPLOAD, Limits
from demo.server.memory import few_arenas
from demo.server.own_runs import Allowance, OwnRuns
from demo.server.presence import Listening
from demo.server.pushing import ENV_DATASET, ENV_TOKEN, begin_pushing
from demo.server.store import Store
from demo.server.tour import stop_of, with_stop
from demo.server.visit import App, Session
from demo.server.votes import Votes, votes_file
from demo.server.warm import warm_up
from demo.server.zero_gpu import lender
from demo.tabs import TABS, Page
from demo.widgets import header
from demo.widgets.assets import style_tag
from demo.widgets.events import QUIET, sent
from demo.widgets.staying import held, keep_open, still_open
from demo.widgets.tour import Tour, all_stops
from inpainters import commandline, registry
from inpainters.errors import InputError

TITLE = "Inpainting, side by side"
RESULTS = Path(__file__).parent.parent / "results"
_TOKENS = {
    "body_background_fill": "var(--bg)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--ink2)",
    "background_fill_primary": "var(--bg)",
    "background_fill_secondary": "var(--panel)",
    "block_background_fill": "var(--bg)",
    "block_border_color": "var(--line)",
    "block_label_text_color": "var(--ink2)",
    "block_title_text_color": "var(--ink2)",
    "border_color_primary": "var(--line)",
    "border_color_accent": "var(--accent)",
    "color_accent": "var(--accent)",
    "color_accent_soft": "var(--panel)",
    "input_background_fill": "var(--bg)",
    "input_border_color": "var(--line)",
    "input_border_color_focus": "var(--accent)",
    "button_primary_background_fill": "var(--accent)",
    "button_primary_background_fill_hover": "var(--accent)",
    "button_primary_text_color": "var(--on-accent)",
    "button_primary_border_color": "var(--accent)",
    "button_secondary_background_fill": "var(--bg)",
    "button_secondary_background_fill_hover": "var(--panel)",
    "button_secondary_text_color": "var(--ink)",
    "button_secondary_border_color": "var(--line)",
    "button_border_width": "1px",
    "error_background_fill": "var(--panel)",
    "error_text_color": "var(--error)",
    "link_text_color": "var(--accent)",
    "link_text_color_hover": "var(--accent)",
    "link_text_color_visited": "var(--accent)",
    "link_text_color_active": "var(--accent)",
}
"""Setting of Gradio's theme -> the page's token, the same on the light and the dark page."""


def make(
    results: Path = RESULTS, allowance: Allowance | None = None, folders: FolderAllowance | None = None
) -> tuple[gr.Blocks, App]:
    """Build the page; nothing is served yet. `allowance`: what visitors may run in the tab Benchmark;
    `folders`: how many photographs they may fill at once in the tab Uses.
    """
    app = App(Store(), Runner(lend=lender()), results, own_runs=OwnRuns(allowance or Allowance()))
    app.folders = Folders(folders or FolderAllowance())
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
        header.place(TITLE)
        tour = Tour(all_stops(), elem_id="tour")
        visit = held(app.visits.left)
        page = Page(app, blocks, visit, tour)
        with gr.Tabs(selected=next(iter(TABS)), elem_id="tabs") as tabs:
            for tab in TABS.values():
                with gr.Tab(tab.title, id=tab.id, elem_id=f"tab-{tab.id}") as shown:
                    tab.build(replace(page, tab=shown))
        keep_open([visit], _still_open)
        blocks.load(_linked(list(TABS)), None, tabs, **QUIET)
        tour.go(_at_stop, None, tabs, **QUIET)
        endpoints.add_endpoints(app)
    app.passing = {event._id for event in blocks.fns.values() if event.fn and not event.outputs}
    blocks.queue(max_size=256, default_concurrency_limit=None)  # the lanes do the queueing
    return blocks, app


def _still_open(session: Session | None) -> list[Any]:
    """The visit of a page that is open, seen now: without that it would end all the same."""
    if session is not None:
        session.seen = time.time()
    return still_open(session)


def _linked(known: list[str]) -> Callable[[gr.Request], gr.Tabs]:
    """A handler that opens the tab a link asks for;
    without a link it leaves alone what a visitor has opened meanwhile.
    """

    def select(request: gr.Request) -> Any:
        asked = with_stop(request.query_params).get("t")
        return gr.Tabs(selected=asked) if asked in known else gr.skip()

    return select


def _at_stop(event: gr.EventData) -> Any:
    """The tab of a stop of the tour; not every tab has a button to press where the window is narrow."""
    stop = stop_of(sent(event).get("stop"))
    return gr.Tabs(selected=stop.asked["t"]) if stop else gr.skip()


def theme() -> gr.themes.Base:
    """Gradio's own widgets in the page's tokens."""
    base = gr.themes.Base(
        primary_hue=colors.blue,
        neutral_hue=colors.gray,
        radius_size=sizes.radius_md,
        text_size=sizes.text_md,
        font=[LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    )
    both = {name: value for key, value in _TOKENS.items() for name in (key, f"{key}_dark")}
    allowed = theme_fields()
    return base.set(**{name: value for name, value in both.items() if name in allowed})


def theme_fields() -> set[str]:
    """Names that Gradio's theme knows; they change between versions."""
    return set(gr.themes.Base.set.__code__.co_varnames)


def launch_options(app: App) -> dict[str, Any]:
    """Keywords for `Blocks.launch` that do not depend on where it runs."""
    return {
        "theme": theme(),
        "head": style_tag("tokens.css", "page.css", *(name for tab in TABS.values() for name in tab.styles))
        + header.HEAD_TAGS,
        "footer_links": ["api"],
        "run_history": False,
        "ssr_mode": False,
        "pwa": False,
        "show_error": False,
        "enable_monitoring": False,
        "max_file_size": MAX_UPLOAD,
        "max_threads": 160,
        "mcp_server": find_spec("mcp") is not None,
        "app_kwargs": {
            "routes": [app.store.route(), health_route(app.runner)],
            "middleware": [
                Middleware(Limits),
                Middleware(InOrder, passing=app.passing),
                Middleware(Listening, presence=app.presence),
            ],
            "openapi_url": None,
        },
    }


def main(arguments: list[str] | None = None) -> None:
    """`python app.py [--host H --port P --results DIR --method MODULE:NAME --trust --share]`"""
    raise SystemExit(commandline.run_command(_parser(), arguments))


def _parser() -> commandline.Parser:
    parser = commandline.Parser(
        prog="app.py", description="Fill holes in photographs with many methods, side by side."
    )
    parser.add_argument(
        "--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to listen on"
    )
    parser.add_argument(
        "--port", type=int, default=None, help="port; the first free one from 7860 where none is given"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of benchmark results to show")
    parser.add_argument("--share", action="store_true", help="also open a public link through Gradio's relay")
    parser.add_argument(
        "--method", default="", metavar="A[,B]", help="methods of your own, module:name, beside ours"
    )
    parser.add_argument(
        "--votes-out", type=Path, metavar="CSV", help="write the Arena's votes to a file, and end"
    )
    parser.add_argument(
        "--votes-in", type=Path, metavar="CSV", help="add such a file's votes to the Arena's, and end"
    )
    own = Allowance()
    parser.add_argument(
        "--benchmark-minutes",
        type=float,
        default=own.minutes,
        metavar="M",
        help="minutes an hour that each visitor's runs of the tab Benchmark may take; 0 lets nobody run "
        f"(default: {own.minutes:g})",
    )
    parser.add_argument(
        "--benchmark-pictures",
        type=int,
        default=own.pictures,
        metavar="N",
        help=f"pictures that such a run may have, at most (default: {own.pictures})",
    )
    folder = FolderAllowance()
    parser.add_argument(
        "--folder-pictures",
        type=int,
        default=folder.pictures,
        metavar="N",
        help="photographs that a visitor may fill at once in the tab Uses; 0 lets nobody "
        f"(default: {folder.pictures})",
    )
    parser.add_argument(
        "--folder-minutes",
        type=float,
        default=folder.minutes,
        metavar="M",
        help=f"minutes an hour that a visitor's folders may take (default: {folder.minutes:g})",
    )
    parser.add_argument(
        "--votes-hub",
        default=os.environ.get(ENV_DATASET, ""),
        metavar="OWNER/NAME",
        help=f"also push the Arena's votes to this dataset on the Hugging Face Hub; {ENV_TOKEN}: a token",
    )
    commandline.add_trust(parser)
    commandline.add_offline(parser)
    parser.set_defaults(command=_serve)
    return parser


def _exchange_votes(given: argparse.Namespace) -> int:
    """Votes in, then votes out."""
    votes = Votes(votes_file())
    if given.votes_in:
        if not given.votes_in.is_file():
            raise InputError(f"There is no file '{given.votes_in}': check its path.")
        print(f"{votes.take_in(given.votes_in.read_text('utf-8'))} votes are new.")
    if given.votes_out:
        commandline.check_new([given.votes_out])
        given.votes_out.write_text(votes.exported(), encoding="utf-8")
        print(f"{len(votes.all())} votes in '{given.votes_out}'.")
    return 0


def _serve(given: argparse.Namespace) -> int:
    if given.votes_in or given.votes_out:
        return _exchange_votes(given)
    if not given.results.is_dir() and given.results != RESULTS:
        raise InputError(
            f"There is no folder '{given.results}'; name one that `python -m benchmark run` has written."
        )
    allowance = _allowance(given.benchmark_minutes, given.benchmark_pictures)
    folders = _folder_allowance(given.folder_pictures, given.folder_minutes)
    for name in filter(None, commandline.apart(commandline.joined(given.method, trust=given.trust), ",")):
        method, settings = commandline.settings_of(name)
        if settings:
            raise InputError(
                f"The page's visitors choose the settings of '{method}': leave ':' and what follows out."
            )
        registry.get(method)
    fetching.begin_fetching(os.environ.get(fetching.FETCH, ""))
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    few_arenas()
    pusher = begin_pushing(Votes(votes_file()), given.votes_hub)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the last votes are pushed
    blocks, app = make(given.results, allowance, folders)
    app.welcome = warm_up
    try:
        blocks.launch(
            server_name=given.host, server_port=given.port, share=given.share, **launch_options(app)
        )
    except KeyboardInterrupt:  # while it was starting; later Gradio itself takes Ctrl-C
        raise SystemExit(130) from None
    finally:
        with ExitStack() as last:  # the votes first: a container has ten seconds
            last.callback(app.store.close)
            last.callback(app.runner.close)
            last.callback(app.own_runs.close)
            if pusher:
                last.callback(pusher.close)
    return 0


def _allowance(minutes: float, pictures: int) -> Allowance:
    if not 0 <= minutes < math.inf:
        raise InputError("--benchmark-minutes must be a number of minutes, 0 or more.")
    if not 1 <= pictures <= 1000:
        raise InputError("--benchmark-pictures must lie between 1 and 1000.")
    return Allowance(minutes, pictures)


def _folder_allowance(pictures: int, minutes: float) -> FolderAllowance:
    if not 0 <= pictures <= 1000:
        raise InputError("--folder-pictures must lie between 0 and 1000.")
    if not 0 < minutes < math.inf:
        raise InputError("--folder-minutes must be a number of minutes, more than 0.")
    return FolderAllowance(pictures, minutes)
