"""Train a bundled network:
`python -m inpainters.training gated_conv --data photographs --out runs/gated_conv`.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inpainters import commandline
from inpainters.errors import InputError

if TYPE_CHECKING:
    from inpainters.training.loop import Stop, Trainer
    from inpainters.training.recipe import Recipe


def parser() -> commandline.Parser:
    several = (
        "On several GPUs, or in several processes: torchrun --nproc-per-node N -m inpainters.training RECIPE "
        "--data DIR ..."
    )
    p = commandline.Parser(prog="python -m inpainters.training", description=__doc__, epilog=several)
    p.add_argument("recipe", help="name of a recipe, or a path that ends in .toml")
    p.add_argument(
        "--data",
        nargs="+",
        type=commandline.path,
        required=True,
        metavar="DIR",
        help="folders of training pictures",
    )
    p.add_argument(
        "--out", type=commandline.path, metavar="DIR", help="where the run is kept (default: runs/METHOD)"
    )
    p.add_argument(
        "--cache",
        type=commandline.path,
        metavar="DIR",
        help="where decoded pictures are kept (default: OUT/cache)",
    )
    p.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    p.add_argument(
        "--slim",
        action="store_true",
        help="on a GPU: train the network of the recipe's [cpu] section, as it is bundled, not the paper's",
    )
    p.add_argument("--threads", type=positive, metavar="N", help="processor threads (default: all)")
    p.add_argument("--hours", type=hours_above_0, metavar="H", help="stop after this many hours")
    p.add_argument("--steps", type=positive, metavar="N", help="stop at this step")
    p.add_argument("--resume", action="store_true", help="continue from the checkpoint in OUT")
    p.add_argument(
        "--from",
        dest="start",
        choices=["bundled"],
        help="begin with the bundled weights, grown where the recipe's network is larger; with --resume, "
        "where OUT has no checkpoint",
    )
    p.add_argument(
        "--export",
        type=_whole_number,
        nargs="?",
        const=0,
        metavar="N",
        help="train no further, but write the weights to OUT/export after N steps (default: 0) with a "
        "falling rate; the checkpoint stays",
    )
    commandline.add_weights(p)
    p.set_defaults(command=_train)
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 2 bad input, 130 stopped by hand."""
    return commandline.run_command(parser(), argv, stopped="Add --resume to go on from the last checkpoint.")


def _whole_number(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no whole number of 0 or more")
    return int(text)


def positive(text: str) -> int:
    """An argument that is a whole number above 0."""
    if not (number := _whole_number(text)):
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number


def hours_above_0(text: str) -> float:
    """An argument that is a number of hours."""
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours < float("inf"):
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no number of hours above 0")
    return hours


def _train(args: argparse.Namespace) -> int:
    import torch

    from inpainters.training import data, parallel, recipe
    from inpainters.training.loop import CHECKPOINT

    if args.threads:
        torch.set_num_threads(args.threads)
    device = find_device(args.device)
    plan = recipe.load_recipe(args.recipe, device=device.split(":")[0], slim=args.slim)
    out = args.out or Path("runs") / plan.method
    if args.start and args.export is not None:
        raise InputError("--export writes what the checkpoint holds; leave out --from.")
    if (out / CHECKPOINT).is_file() and not args.resume and args.export is None:
        raise InputError(
            f"'{out.name}' holds a checkpoint already; add --resume to continue it, or choose another --out."
        )
    with parallel.group(device) as device:
        started = time.monotonic()
        with parallel.first_alone():
            pictures = data.decode(
                args.data,
                args.cache or out / "cache",
                least=plan.data.crop,
                cap=plan.data.cap,
                threads=args.threads or 2,
            )
        _say(
            f"{len(pictures):,} pictures, {pictures.skipped} skipped as unreadable "
            f"({time.monotonic() - started:.0f} s)"
        )
        trainer = plan.trainer()(plan, pictures, out, device=device)
        return _export(trainer, args.export) if args.export is not None else _run(trainer, plan, args)


def _run(trainer: "Trainer", plan: "Recipe", args: argparse.Namespace) -> int:
    from inpainters.training import parallel
    from inpainters.training.loop import Stop
    from inpainters.training.start import begin

    _say(begin(trainer, resume=args.resume, bundled=bool(args.start)))
    if parallel.world() > 1:
        _say(
            f"{parallel.world()} processes, {plan.optimizer.batch // parallel.world()} pictures of each "
            "batch for each"
        )
    stop = Stop(
        args.steps or plan.optimizer.steps,
        time.monotonic() + 3600 * args.hours if args.hours else float("inf"),
    )

    ask_at_signals(stop)
    trainer.run(stop, _say)
    _say(f"stopped at step {trainer.step}; add --resume to go on")
    return 130 if stop.asked else 0


def ask_at_signals(stop: "Stop") -> None:
    """SIGTERM and SIGINT end the run after the step it is at."""

    def ask(*_: object) -> None:
        stop.asked = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)


def find_device(name: str) -> str:
    """What `--device` means here; raises InputError for one that is not there."""
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
        raise InputError(f"--device is auto, cpu, cuda or cuda:N, not '{name[:40]}'.")
    if kind == "cuda" and (not torch.cuda.is_available() or int(number or 0) >= torch.cuda.device_count()):
        raise InputError(f"There is no device '{name}' here; use --device cpu.")
    return name


def _export(trainer: "Trainer", steps: int) -> int:
    from inpainters.training.export import finish
    from inpainters.training.loop import Stop

    for path in finish(trainer, steps, Stop(0), _say):
        _say(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


def _say(line: str) -> None:
    from inpainters.training import parallel

    if parallel.rank() == 0:
        print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
