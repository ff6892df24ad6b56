"""`python -m inpainters.convert CHECKPOINT NAME`: see `inpainters.weights.guided_diffusion`."""

import argparse
import sys
from collections.abc import Sequence

import torch

from inpainters import commandline
from inpainters.weights import guided_diffusion


def main(argv: Sequence[str] | None = None) -> int:
    """Convert one checkpoint; returns the exit code."""
    return commandline.run_command(_parser(), argv, stopped="Nothing was written.")


def _parser() -> commandline.Parser:
    parser = commandline.Parser(
        prog="python -m inpainters.convert",
        description=guided_diffusion.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "checkpoint", type=commandline.path, metavar="CHECKPOINT", help="a .pt file of guided-diffusion"
    )
    parser.add_argument("out", type=commandline.path, metavar="FOLDER", help="a new folder")
    parser.add_argument(
        "--image-size", type=_count, default=256, metavar="N", help="side of the training's pictures (256)"
    )
    parser.add_argument(
        "--head-channels", type=_count, default=64, metavar="N", help="channels of an attention head (64)"
    )
    parser.add_argument(
        "--heads",
        type=_count,
        default=0,
        metavar="N",
        help="heads of each attention layer, in place of --head-channels",
    )
    parser.add_argument(
        "--new-attention-order", action="store_true", help="the queries of all heads come before the keys"
    )
    parser.add_argument(
        "--schedule",
        choices=tuple(guided_diffusion.SCHEDULE_NAMES),
        default="linear",
        help="of the noise (linear)",
    )
    parser.add_argument("--timesteps", type=_count, default=1000, metavar="N", help="of the training (1000)")
    parser.add_argument(
        "--prediction",
        choices=("epsilon", "sample"),
        default="epsilon",
        help="what the network gives (epsilon)",
    )
    parser.set_defaults(command=_convert)
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100_000:
        raise argparse.ArgumentTypeError(f"'{text[:20]}' is no whole number from 1 to 100000")
    return int(text)


def _convert(arguments: argparse.Namespace) -> int:
    given = {
        name: getattr(arguments, name)
        for name in ("image_size", "head_channels", "heads", "schedule", "timesteps", "prediction")
    }
    with torch.inference_mode():
        guided_diffusion.convert_checkpoint(
            arguments.checkpoint, arguments.out, new_order=arguments.new_attention_order, **given
        )
    print(f"{arguments.out}: use it as --option model={arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
