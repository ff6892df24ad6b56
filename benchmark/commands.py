"""What the commands of `python -m benchmark` do; each returns its exit code."""

import argparse
import math
import shutil
import sys
from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inpainters import commandline
from inpainters.errors import InputError, unknown

if TYPE_CHECKING:
    from benchmark.inputs.datasets import Dataset
    from benchmark.inputs.masksets import MaskSet
    from benchmark.plan import Plan


def do_list(_: argparse.Namespace) -> int:
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
            "folder:DIR": "made by `masks import`, in bins",
            "folder:DIR:natural": "the same in one column, whatever the ratios",
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


def do_run(parsed: argparse.Namespace) -> int:
    from benchmark import cells, suites
    from benchmark import plan as plans
    from benchmark import run as runner
    from benchmark.finished import is_finished, note_finished, used_by
    from benchmark.inputs import masksets
    from inpainters.registry import check_device

    suite = suites.get(parsed.suite)
    _check_numbers(parsed)
    root: Path = parsed.out or Path("results") / suite.name
    used = used_by({name: value for name, value in vars(parsed).items() if name != "command"})
    whole = not (parsed.only or parsed.redo or parsed.trust)
    if whole and is_finished(root, used):
        print(f"Nothing to do: '{root}' holds all that is asked for.\n{root / 'table.md'}")
        return 0
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
    if whole and not code:
        note_finished(root, used)
    return code


def _exported(root: Path, plan: "Plan", dataset: "Dataset", masks: "Sequence[MaskSet]") -> int:
    from benchmark.inputs.frozen import export_inputs, prepare

    out = root / "inputs"
    count = export_inputs(prepare(root, plan, dataset, masks), out)
    print(
        f"{count} pictures in '{out / 'images'}', missing pixels grey, and their masks in '{out / 'masks'}', "
        "white = missing, listed in masks.csv. Fill them, keep the names, and run the suite again with the "
        f"same settings and --out {root} --methods outputs:YOUR_FOLDER."
    )
    return 0


def do_evaluate(parsed: argparse.Namespace) -> int:
    from benchmark import evaluation

    only = [name for name in parsed.metrics.split(",") if name]
    if parsed.out:
        commandline.check_writable([parsed.out])
    batch, jobs = _checked_batch(parsed, 0), _checked_processes(parsed)
    try:
        found = evaluation.evaluate(
            parsed.originals,
            parsed.outputs,
            parsed.masks,
            white=parsed.white,
            only=only,
            reference=parsed.reference,
            device=parsed.device,
            batch=batch,
            jobs=jobs,
            out=parsed.out,
            quiet=False,
        )
    except KeyboardInterrupt:
        if parsed.out:
            raise
        return commandline.say("\nStopped. With --out what is scored would be kept.", 130)
    print(evaluation.markdown_of_evaluation(found))
    if parsed.out:
        evaluation.save_evaluation(found, parsed.out)
    return 1 if found.failed else 0


def _joined(parsed: argparse.Namespace) -> str | None:
    """The methods that are named; those from elsewhere join the table."""
    return parsed.methods and commandline.joined(parsed.methods, trust=parsed.trust)


def _how(parsed: argparse.Namespace) -> dict[str, Any]:
    """Where `score` works."""
    batch = 0 if parsed.command is do_run else _checked_batch(parsed, 0)  # a run's is its methods'
    also = () if parsed.command is do_run else _on_request(parsed.also)
    given = {"device": parsed.device, "batch": batch, "also": also}
    if parsed.engine == "local":
        return {"jobs": _checked_jobs(parsed), **given}
    from benchmark.engines import on_ray
    from benchmark.score import score_work

    device = parsed.device.partition(":")[0]  # of GPUs a process sees its own alone
    work = partial(score_work, device=device, batch=batch, also=also)
    there = partial(on_ray.hands, work, device=device, address=parsed.address)
    return {"elsewhere": there, "also": also, "batch": batch}


def _on_request(names: str) -> tuple[str, ...]:
    """The metrics of a comma-separated list; raises InputError where one cannot be computed here."""
    from benchmark import metrics

    found = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in found:
        if sentence := metrics.unavailable(name):
            raise InputError(sentence)
        if metrics.get(name).as_it_came:
            raise InputError(f"{name} looks at what a method left of known pixels: `evaluate` alone has it.")
        if not metrics.get(name).on_request:
            raise InputError(f"{name} is computed anyway: leave it out of --also.")
    return found


def _checked_jobs(parsed: argparse.Namespace) -> int:
    if parsed.address and parsed.engine == "local":
        raise InputError("--address is for --engine ray: add that, or leave it out.")
    return _checked_processes(parsed)


def _checked_processes(parsed: argparse.Namespace) -> int:
    if not 0 <= parsed.jobs <= 256:
        raise InputError("--jobs must lie between 1 and 256; 0 chooses.")
    return int(parsed.jobs)


def _checked_batch(parsed: argparse.Namespace, least: int = 1) -> int:
    if not least <= parsed.batch <= 1024:
        raise InputError("--batch must lie between 1 and 1024.")
    return int(parsed.batch)


def _check_numbers(parsed: argparse.Namespace) -> None:
    if parsed.n is not None and parsed.n < 1:
        raise InputError("--n must be 1 or more.")
    if not 1 <= parsed.answers <= 64:
        raise InputError("--answers must lie between 1 and 64.")
    _checked_batch(parsed)
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
    """Throw pictures away: of the methods that are named, else all. Raises InputError where methods are named
    and the run is otherwise not the one that is there: the others' pictures could not stay.
    """
    from benchmark import cells
    from benchmark import plan as plans

    if methods and plans.plan_file(root).exists():
        plans.check_goes_on(root, plans.load_plan(root), plan)
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
    fewer = [f"{method} {n}" for method, n in plan.methods.items() if 0 < n < most]
    none = [method for method, n in plan.methods.items() if not n]
    holes = " and ".join(
        f"{len(plan.bins[name])} {'ratios in turn' if plan.once else 'bins'} of {name} holes"
        for name in plan.mask_sets
    )
    pictures, methods = f"{len(plan.pictures)} pictures of {plan.dataset}", f"{len(plan.methods)} methods"
    text = f"{plan.suite}: {pictures} × {holes} × {methods}"
    text += f"; the time budget gives fewer to {', '.join(fewer)}" if fewer else ""
    text += f"; the time does not reach for {', '.join(none)}: --budget gives more" if none else ""
    print(text + ".", file=sys.stderr)
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
    from benchmark.scoring import forget_scores

    load_plan(root)
    how = _how(parsed) if parsed else {}
    with cells.lock(root):
        if parsed and parsed.command is do_score and parsed.redo:
            _check_redo(root, parsed)
            forget_scores(root)
        found = score(root, note=_note, **how)
    if failures:
        _print_failures(found)
    return 1 if found else 0


def _check_redo(root: Path, parsed: argparse.Namespace) -> None:
    """Raise InputError where scores could not be computed anew, before any is thrown away."""
    from benchmark import mirror
    from inpainters.registry import chosen_device

    if mirror.of(root):
        raise InputError("--redo works on a folder of this machine: name that, not a URL.")
    if parsed.engine == "local":
        chosen_device(parsed.device)
    elif not find_spec("ray"):
        raise InputError("--engine ray needs the package ray: nothing was thrown away.")


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


def do_score(parsed: argparse.Namespace) -> int:
    from benchmark.files import check_format

    check_format(parsed.folder)
    _joined(parsed)
    return _scored(parsed.folder, parsed=parsed)


def do_report(parsed: argparse.Namespace) -> int:
    _joined(parsed)
    _reported(parsed.folder)
    return 0


def do_rows(parsed: argparse.Namespace) -> int:
    from benchmark import rows

    _converted(parsed.folder)
    for number, frame in enumerate(rows.frames(parsed.folder)):
        sys.stdout.write((rows.as_csv if parsed.csv else rows.as_text)(frame, head=number == 0))
    return 0


def do_merge(parsed: argparse.Namespace) -> int:
    from benchmark import cells
    from benchmark import plan as plans
    from benchmark.joined import join_tables, without_pictures
    from benchmark.merge import merge

    out = parsed.out or parsed.folders[0]
    plans.check_ours(out)
    if any(without_pictures(folder) for folder in parsed.folders):
        for said in join_tables(parsed.folders, out):
            _note(said)
        _reported(out)
        return 0
    sources = list(dict.fromkeys((*([out] if plans.plan_file(out).exists() else []), *parsed.folders)))
    with cells.lock(out):
        merge(sources, out)
    code = _scored(out)
    _reported(out)
    return code


def do_diff(parsed: argparse.Namespace) -> int:
    from benchmark.diff import diff

    found = diff(parsed.one, parsed.other)
    print(found.markdown, end="")
    return int(found.differs)


def do_reference(parsed: argparse.Namespace) -> int:
    from benchmark.reference import make_reference

    out = parsed.out or Path(f"{parsed.name}.safetensors")
    commandline.check_writable([out.parent])
    left_out: list[str] = []
    found = make_reference(
        parsed.name,
        parsed.pictures,
        out,
        device=parsed.device,
        batch=_checked_batch(parsed, 0),
        quiet=False,
        note=left_out.append,
    )
    _print_failures(left_out)
    print(f"{found.told}: {', '.join(found.features)}, in '{out}'.")
    return 1 if left_out else 0


def do_papers(parsed: argparse.Namespace) -> int:
    from benchmark.published import papers_markdown

    print(papers_markdown(parsed.folder), end="")
    return 0


def do_verify(parsed: argparse.Namespace) -> int:
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


def do_fetch(parsed: argparse.Namespace) -> int:
    from inpainters.weights.fetch import fetch

    print(fetch(parsed.name))
    return 0


def do_export(parsed: argparse.Namespace) -> int:
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


def do_import(parsed: argparse.Namespace) -> int:
    from benchmark.evaluation import histogram
    from benchmark.inputs.masksets import import_masks, imported_ratios

    out = parsed.out or Path("masks") / parsed.source.name
    count, left_out = import_masks(parsed.source, out, parsed.polarity)
    _print_failures(left_out)
    ratios, outside = imported_ratios(out)
    print(histogram(ratios))
    if outside:
        _note(
            f"{outside} of {count} masks lie in no bin between 1 and 60 %: runs by bins do not use them; "
            f"--masks folder:{out}:natural takes any ratio, in one column, as `python -m benchmark evaluate` "
            "does."
        )
    if outside < count:
        print(f"{count - outside} masks in '{out}'; use them with --masks folder:{out}.")
    return 0
