"""A visitor's run of the benchmark, without a browser: real processes over a few holes, and stand-ins."""

import io
import signal
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.__main__ import main
from benchmark.diff import diff
from benchmark.plan import OVERHEAD, load_plan
from demo.actions import benchmark as actions
from demo.server import own_runs
from demo.server.filled import MethodFilled, read_filled
from demo.server.jobs import Runner
from demo.server.ledger import payer_of
from demo.server.own_runs import (
    DONE,
    ENDED_EARLY,
    FAILED,
    RUNNING,
    WAITING,
    Allowance,
    OwnRun,
    OwnRuns,
    RunAsked,
)
from demo.server.run_time import START, expected_seconds, quote
from demo.server.store import Store
from demo.server.visit import App
from demo.views import benchmark as view
from inpainters.errors import InputError

VISIT, OTHER = "a" * 24, "b" * 24
ASKED = RunAsked("quick", ("mean_fill", "telea"), 1)
TWO_COLUMNS = ["--masks", "object", "--bins", "10-20,40-50"]
FEW = f"""import sys
from benchmark.__main__ import main
sys.exit(main([*sys.argv[1:], *{TWO_COLUMNS}]))
"""
"""The command over two columns in place of twelve."""
ENDLESS = "import time, sys; print('begun', file=sys.stderr, flush=True); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(600)"


def until(reached: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


@pytest.fixture
def runs() -> Iterator[Callable[..., OwnRuns]]:
    """`runs(code, ...)`: visitors' runs, whose process runs that code in place of the command."""
    made: list[OwnRuns] = []

    def make(code: str, allowance: Allowance = Allowance(), **given: object) -> OwnRuns:  # noqa: B008
        made.append(OwnRuns(allowance, (sys.executable, "-c", code), **given))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same run by the command line."""
    out = tmp_path_factory.mktemp("cli") / ASKED.folder
    asked = ASKED.arguments(15, str(out))
    assert main([*asked, "--jobs", "1", *TWO_COLUMNS]) == 0
    return out


def test_what_is_asked_for_is_checked_in_one_sentence(runs: Callable[..., OwnRuns]) -> None:
    own = runs(ENDLESS)
    asked = actions.checked_run(own, "quick", ["telea", "mean_fill"], 2.0)
    assert asked == RunAsked("quick", ("mean_fill", "telea"), 2)
    for suite, methods, n, said in (
        ("quik", ["telea"], 1, "did you mean 'quick'"),
        ("photos", ["telea"], 1, "unknown suite"),
        ("quick", [], 1, "Tick a method"),
        ("quick", ["teela"], 1, "did you mean"),
        ("quick", ["telea"], 9, "Between 1 and 8"),
        ("quick", ["telea"], 1.5, "Between 1 and 8"),
        ("quick", ["telea"], None, "Between 1 and 8"),
        ("quick", ["big_lama"], 1, "cannot run here"),
    ):
        with pytest.raises(InputError, match=said):
            actions.checked_run(own, suite, methods, n)
    with pytest.raises(InputError, match="keeps nothing"):
        actions.start_own_run(own, "../../etc", None, "quick", ["telea"], 1)


def test_the_command_is_the_one_that_runs_and_names_no_folder_of_the_server() -> None:
    told = RunAsked("lama_wide", ("telea", "mean_fill"), 3).command_line(15)
    assert told == (
        "python -m benchmark run lama_wide --methods telea,mean_fill --n 3 --dataset sample "
        "--budget 0.125 --out my_lama_wide"
    )
    assert ASKED.command_line(15).endswith("--n 1 --budget 0.25 --out my_quick")


def test_the_estimate_is_the_sum_of_what_the_plan_asks_for_at_declared_costs() -> None:
    found = quote(ASKED, Allowance())
    assert found.holes == 24
    telea = sum(expected_seconds("telea", label) for label in ASKED.columns())
    assert found.seconds["telea"] == pytest.approx(telea)
    assert found.total == pytest.approx(START + sum(found.seconds.values()))
    assert found.seconds["mean_fill"] >= 12 * OVERHEAD
    html = view.estimate_html(found, Allowance())
    assert "24 holes" in html
    assert "on this machine" in html


def test_estimates_learn_from_what_runs_took_here() -> None:
    fresh = quote(ASKED, Allowance())
    past = [(ASKED, 2 * fresh.total), (ASKED, 3 * fresh.total), (ASKED, 90 * fresh.total)]
    learned = quote(RunAsked("quick", ("telea",), 2), Allowance(), past)
    plain = quote(learned.asked, Allowance())
    assert learned.total == pytest.approx(3 * plain.total)
    assert learned.seconds["telea"] == pytest.approx(3 * plain.seconds["telea"])


def test_a_cap_gives_slow_methods_fewer_pictures_and_says_so() -> None:
    asked = RunAsked("quick", ("mean_fill", "shift_map"), 8)
    shares = asked.shares(3)
    assert shares["mean_fill"] == 8
    assert 0 < shares["shift_map"] < 8
    told = view.estimate_html(quote(asked, Allowance(3)), Allowance(3))
    assert f"fewer pictures to Shift map ({shares['shift_map']} of 8)" in told


@pytest.mark.slow
def test_a_stopped_run_that_goes_on_ends_in_the_table_of_an_unbroken_one(
    runs: Callable[..., OwnRuns], unbroken: Path
) -> None:
    own = runs(FEW)
    run = actions.start_own_run(own, VISIT, None, ASKED.suite, ASKED.methods, ASKED.n)
    until(lambda: run.state == RUNNING and sum(one.filled for one in read_filled(run.folder, run.known)))
    own.stop(VISIT)
    until(lambda: run.state == ENDED_EARLY)
    assert "Continue" in run.said
    fills = [path for path in run.folder.rglob("*.png") if path.with_suffix(".json").exists()]
    kept = {path: path.stat().st_mtime_ns for path in fills}  # one without its record is filled anew
    assert kept
    own.go_on(VISIT)
    until(lambda: run.state == DONE)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert not own.past  # a run in two goes says nothing of how long one takes
    assert (run.folder / "table.md").read_bytes() == (unbroken / "table.md").read_bytes()
    assert not diff(unbroken, run.folder).differs
    _what_comes_out(own, run, unbroken)


def _what_comes_out(own: OwnRuns, run: OwnRun, unbroken: Path) -> None:
    found = read_filled(run.folder, run.known)
    assert [(one.entry, one.filled, one.wanted, one.left) for one in found] == [
        ("mean_fill", 2, 2, 0.0),
        ("telea", 2, 2, 0.0),
    ]
    assert load_plan(run.folder).methods == {"mean_fill": 1, "telea": 1}
    committed = unbroken.parent
    app = App(Store(), Runner(), Path("results"), own_runs=own)
    try:
        assert actions.shown_results(app, run, "quick") == (run.home, "my_quick")
        table = view.results_table(run.home, "my_quick", "object", own=True)
        psnr = next(row for row in table["rows"] if row["id"] == "telea")["cells"]["psnr@hole"]
        assert psnr["v"] == pytest.approx(found[1].values["object"][0])
        assert psnr["n"] == 1
        lacking = [col["id"] for col in table["cols"] if all(
            row["cells"][col["id"]]["v"] is None for row in table["rows"]
        )]  # fmt: skip
        for col in lacking:
            assert all(row["cells"][col]["why"] for row in table["rows"])
        assert "n = 1 photograph, 4 fills" in view.ground(run.home, "my_quick", "object")
        told = view.comparison(actions.beside_committed(app, run, "quick"), "quick")
        assert "2 holes are the same" in told
        assert str(committed) not in told
        assert str(run.home) not in told
        with zipfile.ZipFile(io.BytesIO(actions.packed(run))) as archive:
            names = archive.namelist()
        assert {"my_quick/manifest.json", "my_quick/scores.parquet", "my_quick/table.md"} <= set(names)
        assert not any("cells" in name for name in names)
    finally:
        app.runner.close()
        app.store.close()


def test_one_runs_others_wait_and_see_their_place(runs: Callable[..., OwnRuns]) -> None:
    own = runs(ENDLESS)
    first = own.begin(VISIT, VISIT, ASKED)
    until(lambda: first.state == RUNNING)
    second, third = own.begin(OTHER, OTHER, ASKED), own.begin("c" * 24, "c" * 24, ASKED)
    assert (own.place(first), own.place(second), own.place(third)) == (0, 1, 2)
    assert "1 run is before yours" in view.status(second, own.place(second))
    own.stop(OTHER)
    assert second.state == ENDED_EARLY
    own.stop(VISIT)
    until(lambda: third.state == RUNNING)
    assert first.state == ENDED_EARLY


@pytest.mark.slow
def test_an_address_has_one_run_and_its_minutes(
    runs: Callable[..., OwnRuns], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_runs, "GRACE", 0.5)  # with less than this left, nothing begins
    own = runs(ENDLESS, Allowance(minutes=0.05))
    run = actions.start_own_run(own, VISIT, "8.8.8.8", "quick", ["mean_fill"], 1)
    with pytest.raises(InputError, match="from your address"):
        actions.start_own_run(own, OTHER, "8.8.8.8", "quick", ["mean_fill"], 1)
    until(lambda: run.state == ENDED_EARLY, 30)
    assert "0.05 minutes" in run.said
    with pytest.raises(InputError, match="used up"):
        own.go_on(VISIT)
    until(lambda: own.find(OTHER) is None)
    near, far = (payer_of(f"2600:1901:0:{net}::7", VISIT) for net in ("1", "2"))
    assert near == payer_of("2600:1901:0:1:abcd::1", OTHER) != far
    assert payer_of("127.0.0.1", VISIT) == payer_of("10.0.0.7", VISIT) == VISIT


def test_who_has_left_the_line_loses_the_turn_and_may_come_back(
    runs: Callable[..., OwnRuns],
) -> None:
    own = runs(ENDLESS)
    first, second = own.begin(VISIT, VISIT, ASKED), own.begin(OTHER, OTHER, ASKED)
    until(lambda: first.state == RUNNING)
    second.seen -= own_runs.AWAY + 1
    own.stop(VISIT)
    until(lambda: second.state == ENDED_EARLY)
    assert second.said == own_runs.PAGE_CLOSED
    second.seen -= own_runs.AWAY + 1  # its page was open all along, but asked nothing
    own.go_on(OTHER)
    until(lambda: second.state == RUNNING)


def test_an_owner_may_close_it(runs: Callable[..., OwnRuns]) -> None:
    own = runs(ENDLESS, Allowance(minutes=0))
    with pytest.raises(InputError, match="lets nobody"):
        own.begin(VISIT, VISIT, ASKED)


def test_a_killed_process_says_so_and_keeps_what_is_there(runs: Callable[..., OwnRuns]) -> None:
    own = runs("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    run = own.begin(VISIT, VISIT, ASKED)
    until(lambda: run.state == FAILED)
    assert run.said == own_runs.KILLED.format(signal=int(signal.SIGKILL))
    assert run.home.is_dir()
    assert own.go_on(VISIT).state in (WAITING, RUNNING)


def test_a_process_that_fails_is_told_by_its_last_sentence(runs: Callable[..., OwnRuns]) -> None:
    own = runs("import sys; print('One.\\nThe disk is full.', file=sys.stderr); sys.exit(2)")
    run = own.begin(VISIT, VISIT, ASKED)
    until(lambda: run.state == FAILED)
    assert run.said == "The disk is full."


def test_what_does_not_listen_is_killed(
    runs: Callable[..., OwnRuns], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_runs, "GRACE", 0.3)
    own = runs(STUBBORN)
    run = own.begin(VISIT, VISIT, ASKED)
    until(lambda: run.state == RUNNING)
    time.sleep(0.5)
    own.stop(VISIT)
    until(lambda: run.state == ENDED_EARLY, 15)


@pytest.mark.slow
def test_a_folder_that_grows_too_large_stops_its_run(runs: Callable[..., OwnRuns]) -> None:
    own = runs("open('large', 'wb').write(bytes(5000)); import time; time.sleep(600)", most_bytes=4000)
    run = own.begin(VISIT, VISIT, ASKED)
    until(lambda: run.state == ENDED_EARLY, 30)
    assert run.said == own_runs.FOLDER_TOO_LARGE.format(megabytes=0.004)
    assert run.too_large
    with pytest.raises(InputError, match="Not even one picture fits here: choose fewer methods"):
        actions.continue_own_run(own, VISIT, None)  # nothing was filled


@pytest.mark.slow
def test_a_run_that_grew_too_large_goes_on_with_as_many_pictures_as_fit(
    runs: Callable[..., OwnRuns], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hand: of two methods with 8 pictures in 2 columns 20 of 32 fills fitted, of 8 pictures 5."""
    own = runs("open('large', 'wb').write(bytes(5000)); import time; time.sleep(600)", most_bytes=4000)
    run = own.begin(VISIT, VISIT, replace(ASKED, n=8))
    until(lambda: not run.open, 30)
    found = [
        MethodFilled("mean_fill", 16, 16, {}, 0.1, {}, 0.0),
        MethodFilled("telea", 4, 16, {}, 0.1, {}, 9),
    ]
    assert actions.fewer_pictures(run, found) == 5
    assert actions.fewer_pictures(run, found[:1]) == 7  # its tables did not fit
    own.most_bytes = 10**9
    monkeypatch.setattr(actions, "read_filled", lambda folder, known: found)
    again = actions.continue_own_run(own, VISIT, None)
    assert (again.asked.n, again.asked.methods, again.too_large) == (5, ASKED.methods, False)
    assert not run.home.exists()
    assert actions.fewer_pictures(again, found) == 0
    own.stop(VISIT)
    until(lambda: again.state == ENDED_EARLY, 15)
    assert actions.continue_own_run(own, VISIT, None) is again


def test_where_there_is_no_room_runs_of_closed_pages_go_first_then_those_that_ended_first(
    runs: Callable[..., OwnRuns], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, every = runs("pass"), list[OwnRun]()
    for letter in "abcd":
        every.append(own.begin(letter * 24, letter * 24, ASKED))
        until(lambda: not every[-1].open)
    every[0].seen += 60  # of two open pages the one that asked last is not worth more
    every[3].seen -= own_runs.AWAY + 1
    kept = []
    for most in (3, 2, 1):
        monkeypatch.setattr(own_runs, "MOST_KEPT", most)
        own.sweep()
        kept.append([one.home.is_dir() for one in every])
    assert kept == [[True, True, True, False], [False, True, True, False], [False, False, True, False]]


def test_runs_that_wait_take_no_room_from_the_bound_on_all(
    runs: Callable[..., OwnRuns], monkeypatch: pytest.MonkeyPatch
) -> None:
    own, every = runs("pass"), list[OwnRun]()
    for letter in "abc":
        every.append(own.begin(letter * 24, letter * 24, ASKED))
        until(lambda: not every[-1].open)
    waits = every[1]
    waits.state, waits.ended = own_runs.WAITING, 0.0
    monkeypatch.setattr(own_runs, "MOST_KEPT", 2)
    own.sweep()
    waits.state = ENDED_EARLY
    assert [one.home.is_dir() for one in every] == [False, True, True]


def test_a_run_is_deleted_an_hour_after_its_page_was_seen_and_with_the_app(
    runs: Callable[..., OwnRuns],
) -> None:
    own = runs(ENDLESS, max_age=0.2)
    run = own.begin(VISIT, VISIT, ASKED)
    until(lambda: own.find(OTHER) is None and not run.home.exists(), 30)
    assert own.find(VISIT) is None
    again = own.begin(VISIT, VISIT, ASKED)
    own.close()
    assert not again.home.exists()
