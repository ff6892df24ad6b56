"""Train a bundled network: `python -m inpainters.training gated_conv --data photographs --out runs/gated_conv`."""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from inpainters.errors import InputError, UnavailableError

if TYPE_CHECKING:
    from inpainters.training.loop import Trainer


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog="python -m inpainters.training", description=__doc__)
    p.add_argument("recipe", help="name of a recipe, or a path that ends in .toml")
    p.add_argument("--data", nargs="+", type=Path, required=True, metavar="DIR", help="folders of training pictures")
    p.add_argument("--out", type=Path, metavar="DIR", help="where the run is kept (default: runs/RECIPE)")
    p.add_argument("--cache", type=Path, metavar="DIR", help="where decoded pictures are kept (default: OUT/cache)")
    p.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    p.add_argument("--threads", type=int, metavar="N", help="processor threads (default: all)")
    p.add_argument("--hours", type=float, metavar="H", help="stop after this many hours")
    p.add_argument("--steps", type=int, metavar="N", help="stop at this step")
    p.add_argument("--resume", action="store_true", help="continue from the checkpoint in OUT")
    p.add_argument(
        "--export",
        type=int,
        nargs="?",
        const=0,
        metavar="N",
        help="train no further, but write the weights to OUT/export after N steps (default: 0) with a falling rate; the checkpoint stays",
    )
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 2 bad input, 130 stopped by hand."""
    args = parser().parse_args(argv)
    try:
        return _train(args)
    except (InputError, UnavailableError) as error:
        print(error, file=sys.stderr)
        return 2


def _train(args: argparse.Namespace) -> int:
    import torch

    from inpainters.training import data, recipe
    from inpainters.training.loop import CHECKPOINT, Stop, Trainer

    if args.threads:
        torch.set_num_threads(args.threads)
    device = args.device if args.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    plan = recipe.load(args.recipe, device=device.split(":")[0])
    out = args.out or Path("runs") / plan.method
    if (out / CHECKPOINT).is_file() and not args.resume and args.export is None:
        raise InputError(f"'{out.name}' holds a checkpoint already; add --resume to continue it, or choose another --out.")
    started = time.monotonic()
    pictures = data.decode(args.data, args.cache or out / "cache", least=plan.data.crop, cap=plan.data.cap, threads=args.threads or 2)
    _say(f"{len(pictures):,} pictures, {pictures.skipped} skipped as unreadable ({time.monotonic() - started:.0f} s)")
    trainer = Trainer(plan, pictures, out, device=device)
    if args.export is not None:
        return _export(trainer, args.export)
    if args.resume:
        trainer.resume()
        _say(f"resumed at step {trainer.step}")
    stop = Stop(args.steps or plan.optimizer.steps, time.monotonic() + 3600 * args.hours if args.hours else float("inf"))

    def ask(*_: object) -> None:
        stop.asked = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    trainer.run(stop, _say)
    _say(f"stopped at step {trainer.step}; add --resume to go on")
    return 130 if stop.asked else 0


def _export(trainer: "Trainer", steps: int) -> int:
    """Branch off the checkpoint: a short run with a falling rate in a folder of its own, then the export."""
    from inpainters.training.export import export
    from inpainters.training.loop import Stop

    trunk = trainer.out
    trainer.branch(trunk / "decay")
    first = trainer.step
    if steps:
        trainer.rate_factor = lambda step: 1 - (step - first) / steps
        trainer.run(Stop(first + steps), _say)
    _say(trainer.validate() if trainer.held else "no held-out pictures to validate on")
    for path in export(trainer, trunk / "export", decay=steps):
        _say(f"{path.name}: {path.stat().st_size:,} bytes")
    return 0


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
