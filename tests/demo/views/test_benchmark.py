"""What the Benchmark tab says of a run: bars, reasons, caps, and what keeps figures from being compared."""

import math
from pathlib import Path

import pytest

from benchmark.diff import Beside
from demo.app import main
from demo.server.filled import MethodFilled
from demo.server.own_runs import ENDED_EARLY, RUNNING, WAITING, Allowance, OwnRun, RunAsked
from demo.views import benchmark as view


def run_in(state: str, said: str = "") -> OwnRun:
    return OwnRun(RunAsked("quick", ("telea",), 1), "payer", Path("nowhere"), state, said)


def filled(n: int, left: float, failed: dict[str, str] | None = None) -> MethodFilled:
    values = {"object": (20.5, n)} if n else {}
    return MethodFilled("telea", n, 12, failed or {}, 0.04 if n else math.nan, values, left)


def test_a_bar_says_how_far_and_how_long_and_what_failed() -> None:
    html = view.progress_html(run_in(RUNNING), [filled(5, 30.0, {"object 1-10 cat": "Too <small>."})])
    assert "5 of 12 holes are filled; about 30 s to go" in html
    assert '<progress max="12" value="5"' in html
    assert "Objects 20.50 over 5" in html
    assert "1 failed: Too &lt;small&gt;." in html
    scored = view.progress_html(run_in(RUNNING), [filled(12, 0.0)])
    assert "now they are scored" in scored
    assert "✓" in scored
    assert "30 s" not in view.progress_html(run_in(ENDED_EARLY), [filled(5, 30.0)])
    assert view.progress_html(run_in(WAITING), []) == ""


def test_where_a_run_stands_is_told_in_words() -> None:
    assert "It is next." in view.status(run_in(WAITING), 0)
    assert "2 runs are before yours." in view.status(run_in(WAITING), 2)
    assert "<b>" not in view.status(run_in(ENDED_EARLY, "<b>"), 0)
    assert 'class="problem">No.' in view.status(None, 0, "No.")


def test_what_keeps_figures_from_being_compared_comes_first() -> None:
    otherwise = ("`telea` was made otherwise (version: 1 there, 2 here).",)
    told = view.comparison(Beside("", True, 12, otherwise, "FIGURES"), "quick")
    assert told.index("12 holes are the same") < told.index("was made otherwise") < told.index("FIGURES")
    assert "Not all compares" in told
    same = view.comparison(Beside("", False, 12, (), "FIGURES"), "quick")
    assert "Not all compares" not in same


def test_the_cap_stands_in_the_page() -> None:
    assert "30 minutes an hour and up to 4 pictures" in view.rules(Allowance(30, 4))
    assert "lets nobody run" in view.rules(Allowance(0))


@pytest.mark.parametrize(
    ("given", "said"),
    [(["--benchmark-minutes", "-1"], "0 or more"), (["--benchmark-pictures", "0"], "between 1 and 1000")],
)
def test_an_owner_s_wrong_cap_is_one_sentence(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
