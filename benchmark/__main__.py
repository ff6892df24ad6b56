"""python -m benchmark: list | masks export|import | run | score | report | rows | merge | diff | papers |
evaluate | reference | fetch | verify.
"""

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmark.commands import (
    do_diff,
    do_evaluate,
    do_export,
    do_fetch,
    do_import,
    do_list,
    do_merge,
    do_papers,
    do_reference,
    do_report,
    do_rows,
    do_run,
    do_score,
    do_verify,
)
from benchmark.mirror import brought, is_url
from inpainters import commandline

DEVICES = "auto (a GPU where there is one), cpu, cuda or cuda:N"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 2 for bad input, 1 where something failed, 130 where stopped
    by hand.
    """
    return commandline.run_command(
        _parser(),
        arguments,
        stopped="All that was finished is kept; the same command continues.",
        around=partial(brought, names=("folder", "folders", "one", "other", "out")),
    )


def _place(text: str) -> Path | str:
    """The `type` of a results folder: a path of this machine, or a URL."""
    return text if is_url(text) else commandline.path(text)


def _parser() -> commandline.Parser:
    parser = commandline.Parser(
        "python -m benchmark", description="Fill the same holes with every method, and measure."
    )
    commands = parser.add_subparsers(
        required=True,
        metavar="list|masks|run|score|report|rows|merge|diff|papers|evaluate|reference|fetch|verify",
    )
    commands.add_parser("list", help="suites, test sets, mask sets, bins, methods and metrics").set_defaults(
        command=do_list
    )
    _add_run(commands.add_parser("run", help="run, score and report a suite; a second start continues"))
    for name, command, text in (
        ("score", do_score, "compute what is not scored yet and write scores.parquet"),
        ("report", do_report, "write tables and figures from scores.parquet"),
        ("rows", do_rows, "print the rows: one line per figure"),
        ("verify", do_verify, "check files against the manifest's sha256, and scores against the pictures"),
    ):
        added = commands.add_parser(name, help=text)
        added.add_argument(
            "folder", type=_place, metavar="DIR", help="a results folder such as results/quick, or a URL"
        )
        if command is do_rows:
            added.add_argument("--csv", action="store_true", help="as CSV, with all columns")
        else:
            commandline.add_weights(added)
        if command is do_score:
            _add_jobs(added)
            added.add_argument(
                "--redo",
                action="store_true",
                help="throw this folder's scores away, and score all anew (features of pictures stay)",
            )
            _add_device(added)
            added.add_argument(
                "--also",
                metavar="A,B",
                default="",
                help="metrics that are computed on request alone, such as fid_inception_pytorch",
            )
        if command in (do_score, do_report):
            added.add_argument(
                "--methods",
                metavar="A,B",
                default="",
                help="methods of your own, my_module:my_method: their titles and marks",
            )
            commandline.add_trust(added)
        if command is do_verify:
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
    fetch.set_defaults(command=do_fetch)
    _add_evaluate(
        commands.add_parser("evaluate", help="measure fills that somebody else made: three folders")
    )
    _add_masks(
        commands.add_parser("masks", help="write masks of a generator, or take in masks from elsewhere")
    )
    return parser


def _add_two_folders(commands: "argparse._SubParsersAction[commandline.Parser]") -> None:
    merge = commands.add_parser(
        "merge",
        help="make one results folder of several with the same test set and masks; of tables without their "
        "pictures one table, the last folder's rows where several have a method",
    )
    merge.add_argument("folders", nargs="+", type=_place, metavar="DIR", help="results folders")
    merge.add_argument("--out", type=_place, metavar="DIR", help="default: the first of them")
    commandline.add_weights(merge)
    merge.set_defaults(command=do_merge)
    reference = commands.add_parser(
        "reference", help="write the features of a set of photographs, for evaluate"
    )
    reference.add_argument("name", help="what to call the set")
    reference.add_argument("--pictures", type=commandline.path, required=True, metavar="DIR")
    reference.add_argument("--out", type=commandline.path, metavar="FILE", help="default: NAME.safetensors")
    commandline.add_weights(reference)
    _add_device(reference, 16)
    reference.set_defaults(command=do_reference)
    papers = commands.add_parser(
        "papers", help="figures that papers print beside a folder's, and why they do not compare"
    )
    papers.add_argument("folder", type=_place, metavar="DIR")
    papers.set_defaults(command=do_papers)
    diff = commands.add_parser("diff", help="say what differs between two results folders, and by how much")
    for name in ("one", "other"):
        diff.add_argument(name, type=_place, metavar="DIR")
    diff.set_defaults(command=do_diff)


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
    added.add_argument("--metrics", metavar="A,B", default="", help="default: all but those on request")
    added.add_argument(
        "--reference",
        type=commandline.path,
        metavar="FILE",
        help="other photographs that distances between sets are taken to, made by `reference`",
    )
    added.add_argument(
        "--out",
        type=commandline.path,
        metavar="DIR",
        help="also write evaluation.csv, .md and .json there, and keep what "
        "is scored: a second start continues",
    )
    _add_processes(added)
    _add_device(added)
    commandline.add_weights(added)
    added.set_defaults(command=do_evaluate)


def _add_device(added: argparse.ArgumentParser, batch: int = 8) -> None:
    added.add_argument("--device", default="auto", help=DEVICES)
    added.add_argument(
        "--batch",
        type=int,
        default=0,
        metavar="N",
        help=f"pictures that a network looks at at once (default: {batch}, on a GPU 64)",
    )


def _add_processes(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "--jobs",
        type=int,
        default=0,
        metavar="N",
        help="processes that score (default: as many as there are cores, where there is much to do)",
    )


def _add_jobs(added: argparse.ArgumentParser) -> None:
    _add_processes(added)
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
    run.add_argument(
        "--out", type=_place, metavar="DIR", help="or a URL such as s3://BUCKET/NAME (default: results/SUITE)"
    )
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
        help="generators, with :natural, :border or :free behind them, or folder:DIR made by `masks import`, "
        "in bins, or folder:DIR:natural, all of it in one column (default: the suite's)",
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
    run.add_argument("--device", default="auto", help=DEVICES)
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
    run.set_defaults(command=do_run)


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
    export.set_defaults(command=do_export)
    taken = commands.add_parser(
        "import", help="check masks, cut them at 128, and write PNGs with white = missing"
    )
    taken.add_argument("source", type=commandline.path, metavar="DIR")
    taken.add_argument(
        "--out", type=commandline.path, metavar="DIR", help="default: masks/NAME of the folder"
    )
    taken.add_argument("--polarity", help="white-missing or white-known; never guessed")
    taken.set_defaults(command=do_import)


if __name__ == "__main__":
    sys.exit(main())
