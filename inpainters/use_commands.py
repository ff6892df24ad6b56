"""The subcommands of uses: `python -m inpainters video | augment`. Each adds its own arguments and those that
all have.
"""

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from inpainters import commandline
from inpainters.commandline import say
from inpainters.imaging import shown
from inpainters.registry import create


def add_uses(commands: Any) -> None:
    """Add them to the `commands` of a parser, as `add_subparsers` returns them."""
    _add_augment(commands.add_parser("augment", help="mask parts of photographs and fill them again"))
    _add_video(commands.add_parser("video", help="take something out of a clip"))


def _add_shared(added: argparse.ArgumentParser, method_help: str) -> None:
    added.add_argument("--method", default="lama", metavar="A", help=method_help)
    added.add_argument("--seed", type=int, default=0)
    commandline.add_running(added)


# --- video ----------------------------------------------------------------------------------------


def _add_video(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "clip", type=commandline.path, metavar="CLIP", help="a video file, or a folder of frames"
    )
    added.add_argument(
        "mask",
        type=commandline.path,
        metavar="MASK|DIR",
        help="white = missing: of the first frame, which is tracked, or a folder with one for each frame",
    )
    added.add_argument(
        "-o",
        "--out",
        type=commandline.path,
        required=True,
        metavar="OUT",
        help="a .webm file, or a folder for PNGs",
    )
    added.add_argument(
        "--masks", type=commandline.path, metavar="DIR", help="also write the masks there, as PNGs"
    )
    added.add_argument("--overwrite", action="store_true", help="replace a file that is there already")
    _add_shared(added, "for what no frame saw (default: lama)")
    added.set_defaults(command=_video)


def _video(arguments: argparse.Namespace) -> int:
    from inpainters.uses import video

    out: Path = arguments.out
    video.check_target(out)
    if out.suffix:
        commandline.check_new([out], [arguments.clip, arguments.mask], overwrite=arguments.overwrite)
    if arguments.masks:
        video.check_empty(arguments.masks)
    name, settings = commandline.method_of(arguments.method, trust=arguments.trust)
    method = create(name, device=arguments.device, **settings)
    clip = video.read_clip(arguments.clip)
    masks = video.read_masks(arguments.mask, clip)
    with tqdm(total=100, bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}", disable=None) as bar:

        def on_step(what: str, share: float) -> None:
            bar.set_description_str(what)
            bar.update(round(100 * share) - bar.n)

        found = video.clear(clip, masks, method, seed=arguments.seed, on_step=on_step)
    video.write_clip(out, found.clip)
    if arguments.masks:
        video.write_frames(arguments.masks, video.as_pictures(masks))
    print(
        f"{len(clip.frames)} frames in '{out}'. Other frames saw {found.seen:.0%} of what is "
        f"replaced; {method.spec.title} filled "
        f"{len(found.keys)} key frames. Warping error {found.warping_error:.2f} grey levels."
    )
    return 0


# --- augment --------------------------------------------------------------------------------------


def _add_augment(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "folder", type=commandline.path, metavar="FOLDER", help="of photographs; one per class"
    )
    added.add_argument("--out", type=commandline.path, required=True, metavar="DIR")
    added.add_argument("--n", type=int, default=2, help="variants of each photograph (default: 2)")
    added.add_argument(
        "--masks",
        default="irregular,object",
        metavar="A,B",
        help="kinds of masks (default: irregular,object)",
    )
    added.add_argument("--low", type=float, default=0.05, help="least share that is masked (default: 0.05)")
    added.add_argument("--high", type=float, default=0.3, help="largest share (default: 0.3)")
    _add_shared(added, "default: lama")
    added.set_defaults(command=_augment)


def _augment(arguments: argparse.Namespace) -> int:
    from inpainters.uses import augment as uses

    name, settings = commandline.method_of(arguments.method, trust=arguments.trust)
    plan = uses.Augmentation(
        name,
        settings,
        arguments.n,
        tuple(uses.kinds_of(arguments.masks)),
        arguments.low,
        arguments.high,
        arguments.seed,
    )
    failures = 0
    variants = uses.augment(arguments.folder, arguments.out, plan, device=arguments.device)
    total = uses.count_of(arguments.folder, plan, arguments.out)
    for one in tqdm(variants, total=total, unit="picture", disable=None):
        if one.reason:
            failures += 1
            say(f"{shown(one.file)}: {one.reason}")
    pictures, masks = (arguments.out / name for name in (uses.PICTURE_FOLDER, uses.MASK_FOLDER))
    print(f"{total - failures} pictures in '{pictures}', their masks in '{masks}'.")
    return 1 if failures else 0
