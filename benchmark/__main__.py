"""python -m benchmark: list | masks export|import | run | score | report | rows | merge | diff | papers |
evaluate | reference | fetch | verify.
"""

import argparse
import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inpainters import commandline
from inpainters.errors import InputError, unknown

if TYPE_CHECKING:
    from benchmark.inputs.datasets import Dataset
    from benchmark.inputs.masksets import MaskSet
    from benchmark.plan import Plan


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for bad input, 1 where something failed, 130 where stopped
    by hand.
    """
    return commandline.run_command(
        _parser(), arguments, stopped="All that was finished is kept; the same command continues."
    )


def _parser() -> commandline.Parser:
    parser = commandline.Parser(
        "python -m benchmark", description="Fill the same holes with every method, and measure."
    )
    commands = parser.add_subparsers(
        required=True,
        metavar="list|masks|run|score|report|rows|merge|diff|papers|evaluate|reference|fetch|verify",
    )
    commands.add_parser("list", help="suites, test sets, mask sets, bins, methods and metrics").set_defaults(
        command=_list
    )
    _add_run(commands.add_parser("run", help="run, score and report a suite; a second start continues"))
    for name, command, text in (
        ("score", _score, "compute what is not scored yet and write scores.parquet"),
        ("report", _report, "write tables and figures from scores.parquet"),
        ("rows", _rows, "print the rows: one line per figure"),
        ("verify", _verify, "check files against the manifest's sha256, and scores against the pictures"),
    ):
        added = commands.add_parser(name, help=text)
        added.add_argument(
            "folder", type=commandline.path, metavar="DIR", help="a results folder such as results/quick"
        )
        if command is _rows:
            added.add_argument("--csv", action="store_true", help="as CSV, with all columns")
        else:
            commandline.add_weights(added)
        if command is _score:
            _add_jobs(added)
        if command in (_score, _report):
            added.add_argument(
                "--methods",
                metavar="A,B",
                default="",
                help="methods of your own, my_module:my_method: their titles and marks",
            )
            commandline.add_trust(added)
        if command is _verify:
            added.add_argument(
                "--scores",
                metavar="N",
                default="24",
                help="pictures whose scores are computed anew (default: 24), or all",
            )
        added.set_defaults(command=command)
    _add_two_folders(commands)
    fetch = commands.add_parser("fetch", help="download weights and check their sha256")
    fetch.add_argument("name")
    fetch.set_defaults(command=_fetch)
    _add_evaluate(
        commands.add_parser("evaluate", help="measure fills that somebody else made: three folders")
    )
    _add_masks(
        commands.add_parser("masks", help="write masks of a generator, or take in masks from elsewhere")
    )
    return parser


def _add_two_folders(commands: "argparse._SubParsersAction[commandline.Parser]") -> None:
    merge = commands.add_parser(
        "merge", help="make one results folder of several with the same test set and masks"
    )
    merge.add_argument("folders", nargs="+", type=commandline.path, metavar="DIR", help="results folders")
    merge.add_argument("--out", type=commandline.path, metavar="DIR", help="default: the first of them")
    commandline.add_weights(merge)
    merge.set_defaults(command=_merge)
    reference = commands.add_parser(
        "reference", help="write the features of a set of photographs, for evaluate"
    )
    reference.add_argument("name", help="what to call the set")
    reference.add_argument("--pictures", type=commandline.path, required=True, metavar="DIR")
    reference.add_argument("--out", type=commandline.path, metavar="FILE", help="default: NAME.safetensors")
    commandline.add_weights(reference)
    reference.set_defaults(command=_reference)
    papers = commands.add_parser(
        "papers", help="figures that papers print beside a folder's, and why they do not compare"
    )
    papers.add_argument("folder", type=commandline.path, metavar="DIR")
    papers.set_defaults(command=_papers)
    diff = commands.add_parser("diff", help="say what differs between two results folders, and by how much")
    for name in ("one", "other"):
        diff.add_argument(name, type=commandline.path, metavar="DIR")
    diff.set_defaults(command=_diff)


def _add_evaluate(added: argparse.ArgumentParser) -> None:
    for name, text in (
        ("originals", "photographs as they were"),
        ("outputs", "the same with their holes filled, of the same names and sizes"),
        ("masks", "masks of the same names, or with _mask behind them"),
    ):
        added.add_argument(f"--{name}", type=commandline.path, required=True, metavar="DIR", help=text)
    added.add_argument(
        "--white", choices=["missing", "known"], help="in masks; found out by the outputs where not given"
    )
    added.add_argument("--metrics", metavar="A,B", default="", help="default: all that can be computed here")
    added.add_argument(
        "--reference",
        type=commandline.path,
        metavar="FILE",
        help="other photographs that distances between sets are taken to, made by `reference`",
    )
    added.add_argument(
        "--out", type=commandline.path, metavar="DIR", help="also write evaluation.csv and .md there"
    )
    commandline.add_weights(added)
    added.set_defaults(command=_evaluate)


def _add_jobs(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "--jobs",
        type=int,
        default=0,
        metavar="N",
        help="processes that score (default: as many as there are cores, where there is much to do)",
    )
    added.add_argument(
        "--engine",
        choices=["local", "ray"],
        default="local",
        help="ray: on all cores and GPUs of a Ray cluster (default: local)",
    )
    added.add_argument(
        "--address",
        default="",
        metavar="HOST:PORT",
        help="of the Ray cluster; default: one on this machine, for as long as it takes",
    )


def _add_run(run: argparse.ArgumentParser) -> None:
    run.add_argument("suite", help="quick, photos or a paper's: `list` names them")
    run.add_argument(
        "--methods",
        metavar="A,B",
        help="such as telea,repaint:preset=paper,my_module:my_method,outputs:FOLDER; default: "
        "all that are ready",
    )
    run.add_argument("--n", type=int, help="pictures in each bin of each mask set (quick: 8, photos: all)")
    run.add_argument("--seed", type=int, default=0)
    run.add_argument("--out", type=commandline.path, metavar="DIR", help="default: results/SUITE")
    run.add_argument("--data", type=commandline.path, metavar="DIR", help="folder of the test set")
    run.add_argument(
        "--dataset", help="test set in place of the suite's own: sample, folder, folder:PATH, places2 ..."
    )
    run.add_argument("--recipe", default="square", help="for folders: square (default) or native")
    run.add_argument("--size", type=int, default=256, help="for square: side in pixels (default 256)")
    commandline.add_trust(run)
    commandline.add_offline(run)
    commandline.add_weights(run)
    run.add_argument(
        "--masks",
        metavar="A,B",
        help="generators, with :natural, :border or :free behind them, or folder:DIR made by `masks import` "
        "(default: the suite's)",
    )
    run.add_argument("--bins", metavar="A,B", help="such as 10-20,40-50; default: all of the mask sets")
    run.add_argument(
        "--once",
        action="store_true",
        help="fill each picture at one ratio only of each mask set, the bins taking turns",
    )
    run.add_argument(
        "--answers",
        type=int,
        default=1,
        metavar="N",
        help="answers to each hole of methods whose seed changes the fill",
    )
    run.add_argument(
        "--batch",
        type=int,
        default=1,
        metavar="N",
        help="pictures that a method gets at once, which share the time",
    )
    run.add_argument(
        "--budget",
        type=float,
        metavar="HOURS",
        help="quick: for all methods together; photos: for each method",
    )
    _add_jobs(run)
    run.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    run.add_argument(
        "--redo",
        action="store_true",
        help="throw this folder's pictures away, with --methods those of these methods, and start over",
    )
    run.add_argument(
        "--only",
        choices=["inputs", "run"],
        help="inputs: write pictures and masks for another program and fill nothing; run: stop after the "
        "pictures, score and report come later",
    )
    run.set_defaults(command=_run)


def _add_masks(masks: argparse.ArgumentParser) -> None:
    commands = masks.add_subparsers(required=True, metavar="export|import")
    export = commands.add_parser("export", help="write PNGs, white = missing, and masks.csv")
    export.add_argument("out", type=commandline.path, metavar="DIR")
    export.add_argument(
        "--preset",
        metavar="NAME",
        help="a paper's set: liu2018 (55,116 of 512 px, some ten minutes and half a gigabyte); what else is "
        "given overrides it",
    )
    export.add_argument(
        "--generator", help="one, or several with commas that take turns (default: irregular)"
    )
    export.add_argument("--size", type=int, help="default: 256")
    export.add_argument("--count", type=int, help="default: 100")
    export.add_argument("--seed", type=int, help="default: 0")
    export.add_argument("--bin", metavar="LABEL", help="default: all bins in turn")
    export.add_argument(
        "--border",
        metavar="WHICH",
        help="touching, free or both: whether holes touch the border (default: as it comes)",
    )
    export.set_defaults(command=_export)
    taken = commands.add_parser(
        "import", help="check masks, cut them at 128, and write PNGs with white = missing"
    )
    taken.add_argument("source", type=commandline.path, metavar="DIR")
    taken.add_argument(
        "--out", type=commandline.path, metavar="DIR", help="default: masks/NAME of the folder"
    )
    taken.add_argument("--polarity", help="white-missing or white-known; never guessed")
    taken.set_defaults(command=_import)


def _list(_: argparse.Namespace) -> int:
    from benchmark import metrics, suites
    from benchmark.inputs import datasets, masksets
    from inpainters import masks, registry

    _print_rows("Suites", {name: suite.title for name, suite in suites.SUITES.items()})
    _print_rows("Test sets", datasets.TITLES)
    _print_rows(
        "Mask sets",
        {
            **{name: spec.title for name, spec in masks.GENERATORS.items()},
            **{f"NAME:{way}": text for way, text in masksets.WAYS.items()},
            "folder:DIR": "made by `masks import`",
        },
    )
    _print_rows(
        "Bins", {label: f"{low:.0%} < ratio <= {high:.0%}" for label, (low, high) in masks.BINS.items()}
    )
    _print_rows("Methods", {name: registry.unavailable(name) or "ready" for name in registry.METHODS})
    _print_rows("Metrics", {name: metrics.unavailable(name) or "ready" for name in metrics.METRICS})
    return 0


def _print_rows(title: str, rows: dict[str, str]) -> None:
    width = max(map(len, rows), default=0)
    print(f"{title}\n" + "\n".join(f"  {name:<{width}}  {text}" for name, text in rows.items()) + "\n")


def _run(parsed: argparse.Namespace) -> int:
    from benchmark import cells, suites
    from benchmark import plan as plans
    from benchmark import run as runner
    from benchmark.inputs import masksets
    from inpainters.registry import check_device

    suite = suites.get(parsed.suite)
    _check_numbers(parsed)
    if parsed.engine == "local":
        check_device(parsed.device)
    masks = masksets.open_mask_sets(suite.mask_sets if parsed.masks is None else parsed.masks.split(","))
    wanted = parsed.bins or (",".join(suite.bins) if parsed.masks is None else "") or None
    bins = {one.name: masksets.choose_bins(one, wanted) for one in masks}
    bare = parsed.only == "inputs" and not parsed.methods
    methods = [] if bare else plans.choose_methods(_joined(parsed))
    dataset = _dataset(parsed, suite.dataset)
    for text in dataset.skipped:
        _note(text)
    root: Path = parsed.out or Path("results") / suite.name
    plans.check_ours(root)
    commandline.check_writable([root])
    seconds = suite.seconds if parsed.budget is None else parsed.budget * 3600
    given = {
        "n": parsed.n or suite.n,
        "bins": bins,
        "seed": parsed.seed,
        "seconds": seconds,
        "once": parsed.once,
        "answers": parsed.answers,
        "batch": parsed.batch,
    }
    plan = plans.make_plan(suite, dataset, masks, methods, **given)
    with cells.lock(root):
        if parsed.redo:
            _redo(root, plan, methods if parsed.methods else [])
        plan = plans.settle(root, plan)
        if parsed.only == "inputs":
            return _exported(root, plan, dataset, masks)
        _announce(plan)
        outcome = runner.run(
            root, plan, dataset, masks, device=parsed.device, engine=parsed.engine, address=parsed.address
        )
    _print_failures([f"{where}: {reason}" for where, reason in outcome.failed.items()])
    if kept := dict.fromkeys(cell for cells in outcome.unlike.values() for cell in cells):
        _note(
            f"{len(kept)} cells keep pictures that were filled with other numbers of threads "
            f"({' or '.join(outcome.unlike)}), {next(iter(kept))} among them: their bytes may differ; --redo "
            "fills all alike."
        )
    if parsed.only:
        return 1 if outcome.failed else 0
    code = _scored(root, parsed=parsed, failures=False)
    _reported(root)
    return code


def _exported(root: Path, plan: "Plan", dataset: "Dataset", masks: "Sequence[MaskSet]") -> int:
    from benchmark.inputs.frozen import export_inputs, prepare

    out = root / "inputs"
    count = export_inputs(prepare(root, plan, dataset, masks), out)
    print(
        f"{count} pictures in '{out / 'images'}', missing pixels grey, and their masks in '{out / 'masks'}', "
        "white = missing. Fill them, keep the names, and run the suite again with the same settings and "
        f"--out {root} --methods outputs:YOUR_FOLDER."
    )
    return 0


def _evaluate(parsed: argparse.Namespace) -> int:
    from benchmark import evaluation

    only = [name for name in parsed.metrics.split(",") if name]
    found = evaluation.evaluate(
        parsed.originals,
        parsed.outputs,
        parsed.masks,
        white=parsed.white,
        only=only,
        reference=parsed.reference,
        quiet=False,
    )
    print(evaluation.markdown_of_evaluation(found))
    if parsed.out:
        evaluation.save_evaluation(found, parsed.out)
    return 0


def _joined(parsed: argparse.Namespace) -> str | None:
    """The methods that are named; those from elsewhere join the table."""
    return parsed.methods and commandline.joined(parsed.methods, trust=parsed.trust)


def _how(parsed: argparse.Namespace) -> dict[str, Any]:
    """Where `score` works."""
    if parsed.engine == "local":
        if parsed.address:
            raise InputError("--address is for --engine ray: add that, or leave it out.")
        return {"jobs": _checked_jobs(parsed)}
    from benchmark.engines import on_ray
    from benchmark.score import score_of_column

    return {"elsewhere": partial(on_ray.sum_over, score_of_column, address=parsed.address)}


def _checked_jobs(parsed: argparse.Namespace) -> int:
    if not 0 <= parsed.jobs <= 256:
        raise InputError("--jobs must lie between 1 and 256; 0 chooses.")
    return int(parsed.jobs)


def _check_numbers(parsed: argparse.Namespace) -> None:
    if parsed.n is not None and parsed.n < 1:
        raise InputError("--n must be 1 or more.")
    if not 1 <= parsed.answers <= 64:
        raise InputError("--answers must lie between 1 and 64.")
    if not 1 <= parsed.batch <= 1024:
        raise InputError("--batch must lie between 1 and 1024.")
    _checked_jobs(parsed)
    if parsed.seed < 0:
        raise InputError("--seed must be 0 or more.")
    if parsed.budget is not None and not 0 < parsed.budget < math.inf:
        raise InputError("--budget must be a number of hours above 0.")
    if not 16 <= parsed.size <= 4096:
        raise InputError("--size must lie between 16 and 4096.")


def _dataset(parsed: argparse.Namespace, default: str) -> "Dataset":
    from benchmark.inputs import datasets
    from inpainters.errors import unknown

    if parsed.recipe not in datasets.RESIZE_RECIPES:
        raise unknown("recipe", parsed.recipe, datasets.RESIZE_RECIPES)
    name = parsed.dataset or ("folder" if parsed.data and default == "sample" else default)
    return datasets.open_dataset(name, parsed.data, recipe=parsed.recipe, size=parsed.size)


def _redo(root: Path, plan: "Plan", methods: Sequence[str]) -> None:
    """Throw pictures away: of the methods that are named where the run is otherwise the one that is there,
    else all.
    """
    from benchmark import cells
    from benchmark import plan as plans

    if methods and plans.plan_file(root).exists() and plans.goes_on(plans.load_plan(root), plan):
        for method in {cells.split_entry(entry)[0] for entry in methods}:
            for folder in (root / "cells").glob(f"*/*/*/{method}"):
                shutil.rmtree(folder)
    else:
        _clear(root / "cells")


def _clear(cells: Path) -> None:
    for path in cells.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != ".lock":
            path.unlink()


def _announce(plan: "Plan") -> None:
    most = max(len(plan.column(column)) for column in plan.columns())
    fewer = [f"{method} {n}" for method, n in plan.methods.items() if n < most]
    holes = " and ".join(
        f"{len(plan.bins[name])} {'ratios in turn' if plan.once else 'bins'} of {name} holes"
        for name in plan.mask_sets
    )
    pictures, methods = f"{len(plan.pictures)} pictures of {plan.dataset}", f"{len(plan.methods)} methods"
    text = f"{plan.suite}: {pictures} × {holes} × {methods}"
    print(text + (f"; the time budget gives fewer to {', '.join(fewer)}." if fewer else "."), file=sys.stderr)
    for reason in plan.left_out:
        print(reason, file=sys.stderr)


def _print_failures(failures: Sequence[str]) -> None:
    for text in failures[:20]:
        print(text, file=sys.stderr)
    if len(failures) > 20:
        print(f"... and {len(failures) - 20} more.", file=sys.stderr)


def _scored(root: Path, *, parsed: argparse.Namespace | None = None, failures: bool = True) -> int:
    from benchmark import cells
    from benchmark.plan import load_plan
    from benchmark.score import score

    load_plan(root)
    with cells.lock(root):
        found = score(root, note=_note, **(_how(parsed) if parsed else {}))
    if failures:
        _print_failures(found)
    return 1 if found else 0


def _reported(root: Path) -> None:
    from benchmark.report.write import report

    _converted(root)
    report(root)
    print(root / "table.md")


def _converted(root: Path) -> None:
    from benchmark import results
    from benchmark.convert import convert

    results.check(root)
    for text in convert(root):
        print(text, file=sys.stderr)


def _score(parsed: argparse.Namespace) -> int:
    from benchmark.files import check_format

    check_format(parsed.folder)
    _joined(parsed)
    return _scored(parsed.folder, parsed=parsed)


def _report(parsed: argparse.Namespace) -> int:
    _joined(parsed)
    _reported(parsed.folder)
    return 0


def _rows(parsed: argparse.Namespace) -> int:
    from benchmark import rows

    _converted(parsed.folder)
    for number, frame in enumerate(rows.frames(parsed.folder)):
        sys.stdout.write((rows.as_csv if parsed.csv else rows.as_text)(frame, head=number == 0))
    return 0


def _merge(parsed: argparse.Namespace) -> int:
    from benchmark import cells
    from benchmark import plan as plans
    from benchmark.merge import merge

    out = parsed.out or parsed.folders[0]
    plans.check_ours(out)
    sources = list(dict.fromkeys((*([out] if plans.plan_file(out).exists() else []), *parsed.folders)))
    with cells.lock(out):
        merge(sources, out)
    code = _scored(out)
    _reported(out)
    return code


def _diff(parsed: argparse.Namespace) -> int:
    from benchmark.diff import diff

    found = diff(parsed.one, parsed.other)
    print(found.markdown, end="")
    return int(found.differs)


def _reference(parsed: argparse.Namespace) -> int:
    from benchmark.reference import make_reference

    out = parsed.out or Path(f"{parsed.name}.safetensors")
    found = make_reference(parsed.name, parsed.pictures, out, quiet=False)
    print(f"{found.told}: {', '.join(found.features)}, in '{out}'.")
    return 0


def _papers(parsed: argparse.Namespace) -> int:
    from benchmark.published import papers_markdown

    print(papers_markdown(parsed.folder), end="")
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    from benchmark.verify import verify

    if parsed.scores != "all" and not parsed.scores.isdecimal():
        raise InputError(f"--scores takes a number of pictures or 'all', not '{parsed.scores[:40]}'.")
    count = None if parsed.scores == "all" else int(parsed.scores)
    wrong = verify(parsed.folder, scores=count, quiet=False, note=_note)
    _print_failures(wrong)
    print(
        "Everything is as the manifest says."
        if not wrong
        else f"{len(wrong)} files or scores are not as the manifest says."
    )
    return 1 if wrong else 0


def _note(text: str) -> None:
    print(text, file=sys.stderr)


def _fetch(parsed: argparse.Namespace) -> int:
    from inpainters.weights.fetch import fetch

    print(fetch(parsed.name))
    return 0


def _export(parsed: argparse.Namespace) -> int:
    from tqdm import tqdm

    from benchmark.inputs.masksets import PRESETS, Export, export_masks

    if parsed.preset not in (None, *PRESETS):
        raise unknown("preset", parsed.preset, PRESETS)
    given = {
        field.name: value for field in fields(Export) if (value := getattr(parsed, field.name)) is not None
    }
    plan = replace(PRESETS.get(parsed.preset, Export()), **given)
    for _ in tqdm(export_masks(parsed.out, plan), total=plan.count, desc="masks", disable=None):
        pass
    print(f"{plan.count} masks in '{parsed.out}'.")
    return 0


def _import(parsed: argparse.Namespace) -> int:
    from benchmark.evaluation import histogram
    from benchmark.inputs.masksets import import_masks, imported_ratios

    out = parsed.out or Path("masks") / parsed.source.name
    count, left_out = import_masks(parsed.source, out, parsed.polarity)
    _print_failures(left_out)
    ratios, outside = imported_ratios(out)
    print(histogram(ratios))
    if outside:
        _note(
            f"{outside} of {count} masks lie in no bin between 1 and 60 %: runs do not use them; `python -m "
            "benchmark evaluate` takes any ratio."
        )
    if outside < count:
        print(f"{count - outside} masks in '{out}'; use them with --masks folder:{out}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
