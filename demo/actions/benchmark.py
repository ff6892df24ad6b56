"""What a visitor can do in the Benchmark tab."""

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmark.diff import Beside, diff
from benchmark.results import ALL_BINS
from demo.server.filled import MethodFilled, read_filled
from demo.server.ledger import payer_of
from demo.server.own_runs import DONE, OwnRun, OwnRuns, RunAsked, runnable_suites
from demo.server.purposes import PURPOSES
from demo.server.suites import Figure, entries_of, open_suite, readable
from demo.server.visit import App
from inpainters import registry
from inpainters.errors import InputError, unknown
from inpainters.families import FAMILIES, TRIVIAL
from inpainters.spec import MethodSpec

MOST_ZIP = 6_000_000
"""Bytes of a download."""
_VISIT = re.compile(r"[A-Za-z0-9-]{16,64}")
NO_VISIT = "This browser keeps nothing for the page, so a run would be lost: use the command below."
ELSEWHERE_WHY = "It is a method of the owner's: it runs by the command line, with --trust."


def ready_methods() -> list[MethodSpec]:
    """The methods that visitors can run, in the table's order."""
    return [spec for spec in registry.METHODS.values() if not _why_not(spec)]


def missing_methods() -> dict[str, str]:
    """Title of each other method -> why it cannot run."""
    return {spec.title: why for spec in registry.METHODS.values() if (why := _why_not(spec))}


def _why_not(spec: MethodSpec) -> str:
    if registry.reference_of(spec.name):
        return ELSEWHERE_WHY
    return registry.unavailable(spec.name) or ""


def first_choice() -> list[str]:
    """The methods that are ticked at first: the trivial ones and the fast ones."""
    fast = PURPOSES["fast"].choose()
    return [spec.name for spec in ready_methods() if spec.family == TRIVIAL or spec.name in fast]


def checked_run(runs: OwnRuns, suite: str, methods: Sequence[str], n: float | None) -> RunAsked:
    """What is asked for, checked; InputError where it cannot be run here."""
    suites, ready = runnable_suites(), [spec.name for spec in ready_methods()]
    if suite not in suites:
        raise unknown("suite", str(suite)[:80], suites)
    chosen = {str(name)[:80] for name in methods}
    if not chosen:
        raise InputError("Tick a method, or several.")
    for name in sorted(chosen - set(ready)):
        raise InputError(f"{registry.get(name).title} cannot run here: leave it out.")
    most = runs.allowance.pictures
    if n is None or not 1 <= n <= most or n != int(n):
        raise InputError(f"Between 1 and {most} pictures can be run here.")
    return RunAsked(suite, tuple(name for name in ready if name in chosen), int(n))


def start_own_run(
    runs: OwnRuns, visit: str, host: str | None, suite: str, methods: Sequence[str], n: float | None
) -> OwnRun:
    """Put a new run in line, in place of the visit's run before."""
    asked = checked_run(runs, suite, methods, n)
    if not _VISIT.fullmatch(visit or ""):
        raise InputError(NO_VISIT)
    if not any(asked.shares(runs.allowance.minutes).values()):
        raise InputError(
            f"{runs.allowance.minutes:g} minutes are too few for a single picture of these methods: choose "
            "faster ones, or use the command below."
        )
    return runs.begin(visit, payer_of(host, visit), asked)


def fewer_pictures(run: OwnRun, found: Sequence[MethodFilled]) -> int:
    """How many pictures of a run whose folder grew too large should fit, by the share that was filled; 0
    where not even one did, and for other runs.
    """
    filled, wanted = (sum(getattr(one, name) for one in found) for name in ("filled", "wanted"))
    if not run.too_large or not wanted:
        return 0
    return min(run.asked.n - 1, int(run.asked.n * filled / wanted))


def continue_own_run(runs: OwnRuns, visit: str, host: str | None) -> OwnRun:
    """Let the visit's run go on; one whose folder grew too large begins anew, with fewer pictures."""
    run = found_run(runs, visit)
    if run is None or not run.too_large:
        return runs.go_on(visit)
    with run.reading:
        fewer = fewer_pictures(run, read_filled(run.folder, run.known))
    if not fewer:
        raise InputError("Not even one picture fits here: choose fewer methods, or use the command below.")
    return start_own_run(runs, visit, host, run.asked.suite, run.asked.methods, fewer)


def found_run(runs: OwnRuns, visit: str) -> OwnRun | None:
    """The visit's run, or None."""
    return runs.find(visit) if _VISIT.fullmatch(visit or "") else None


def shown_results(app: App, run: OwnRun | None, suite: str) -> tuple[Path, str] | None:
    """(folder of suites, name) of the results to show: the visit's own once they are there, else the
    committed ones of the suite; None where there are none.
    """
    if run is not None and run.state == DONE and (run.folder / "manifest.json").is_file():
        return run.home, run.asked.folder
    return (app.results, suite) if suite in readable(app.results)[0] else None


def comparable(app: App, suite: str) -> list[str]:
    """The suites that a run can be compared with, its own one first."""
    names = list(readable(app.results)[0])
    return sorted(names, key=lambda name: name != suite)


def beside_committed(app: App, run: OwnRun, other: str) -> Beside:
    """A finished run beside a suite of the owner's results; InputError where the two have no hole in
    common.
    """
    folders = readable(app.results)[0]
    if other not in folders:
        raise unknown("suite", str(other)[:80], folders)
    manifest = run.folder / "manifest.json"
    return _beside(folders[other], run.folder, manifest.stat().st_mtime_ns if manifest.exists() else 0)


@lru_cache(maxsize=8)
def _beside(one: Path, other: Path, written: int) -> Beside:
    return diff(one, other)


def figure_of(results: Path, suite: str, holes: str, data: Mapping[str, Any]) -> Figure:
    """The figure that was clicked: a method in all ratios by a metric in a region."""
    metric, _, region = str(data.get("col"))[:80].partition("@")
    entry = str(data.get("row"))[:200]
    if entry not in entries_of(open_suite(results, suite, holes), list(FAMILIES)):
        raise InputError("That method is no longer in the table.")
    return Figure(suite, metric, region, tuple(FAMILIES), entry, ALL_BINS, mask_set=holes)


def of_own(app: App, results: Path) -> App:
    """The app over another folder of results."""
    return replace(app, results=results)


def packed(run: OwnRun) -> bytes:
    """A finished run as a zip: tables, rows and manifest, and pictures as far as there is room."""
    if run.state != DONE:
        raise InputError("There is nothing to download yet: wait until the run is finished.")
    files = [path for path in run.folder.iterdir() if path.is_file()]
    buffer, size = io.BytesIO(), 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(files, key=lambda path: path.stat().st_size):
            size += path.stat().st_size
            if size <= MOST_ZIP:
                archive.write(path, f"{run.asked.folder}/{path.name}")
    return buffer.getvalue()
