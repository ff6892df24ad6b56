"""The subcommands of uses: `python -m inpainters video | augment | restore | straighten | parallax`.
Each adds its own arguments and those that all have.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from inpainters import commandline
from inpainters.base import Inpainter, InpaintRequest
from inpainters.commandline import say, say_notes
from inpainters.errors import InputError
from inpainters.imaging import (
    ALPHA,
    Image,
    Mask,
    NothingTransparentError,
    encode_png,
    encode_with_exif,
    load_image,
    load_original,
    load_pair,
    save_bytes,
    shown,
    side_by_side,
)
from inpainters.registry import create


def add_uses(commands: Any) -> None:
    """Add them to the `commands` of a parser, as `add_subparsers` returns them."""
    _add_augment(commands.add_parser("augment", help="mask parts of photographs and fill them again"))
    _add_video(commands.add_parser("video", help="take something out of a clip"))
    _add_restore(commands.add_parser("restore", help="find scratches, dust and text, and fill them"))
    _add_parallax(commands.add_parser("parallax", help="a picture with its depth, seen from beside"))
    _add_straighten(commands.add_parser("straighten", help="turn a photograph and fill its empty corners"))


def _add_shared(added: argparse.ArgumentParser, method_help: str) -> None:
    added.add_argument("--method", default="lama", metavar="A", help=method_help)
    added.add_argument("--seed", type=int, default=0)
    commandline.add_running(added)


def _add_picture(added: argparse.ArgumentParser) -> None:
    """What every use of one photograph shares."""
    added.add_argument("photo", type=commandline.path, metavar="PHOTO")
    added.add_argument("-o", "--out", type=commandline.path, required=True, metavar="OUT", help="a .png file")
    added.add_argument(
        "--save-mask", type=commandline.path, metavar="FILE", help="also write the mask, as a .png"
    )
    added.add_argument("--overwrite", action="store_true", help="replace files that are there already")
    _add_shared(added, "default: lama")


def _check_pictures(targets: Sequence[Path | None], arguments: argparse.Namespace) -> None:
    """Raise InputError where one of these is no .png file, is there already, or is named twice."""
    wanted = [target for target in targets if target]
    if wrong := [target for target in wanted if target.suffix.lower() != ".png"]:
        raise InputError(f"'{shown(wrong[0])}' is not written: name a .png file.")
    if len(set(wanted)) < len(wanted):
        raise InputError("Two pictures would be written to one file: name another for each.")
    commandline.check_new(wanted, [arguments.photo], overwrite=arguments.overwrite)


def _method(arguments: argparse.Namespace) -> Inpainter:
    name, settings = commandline.method_of(arguments.method, trust=arguments.trust)
    return create(name, device=arguments.device, **settings)


def _as_picture(mask: Mask) -> Image:
    """(H, W, 3), white where it is True."""
    return np.repeat(np.uint8(255) * mask[..., None], 3, axis=2)


def _save(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_bytes(path, data)


# --- restore --------------------------------------------------------------------------------------


def _add_restore(added: argparse.ArgumentParser) -> None:
    added.add_argument(
        "--find",
        default="scratches,dust",
        metavar="A[,B]",
        help="of scratches, dust and text (default: scratches,dust)",
    )
    added.add_argument(
        "--beside",
        type=commandline.path,
        metavar="FILE",
        help="also write before, what was found, and after, side by side, as a .png",
    )
    _add_picture(added)
    added.set_defaults(command=_restore)


def _restore(arguments: argparse.Namespace) -> int:
    from inpainters.uses import restoration

    _check_pictures([arguments.out, arguments.save_mask, arguments.beside], arguments)
    kinds, method = restoration.kinds_of_marks(arguments.find), _method(arguments)
    loaded = load_image(arguments.photo)
    photo = loaded.image
    mask = restoration.find_marks(photo, kinds)
    (result,) = method.run([InpaintRequest(photo, mask, seed=arguments.seed)])[0]
    notes = [*loaded.notes, *result.notes]
    _save(arguments.out, _as_its_file(arguments.photo, result.image, mask, notes))
    if arguments.save_mask:
        _save(arguments.save_mask, encode_png(_as_picture(mask)))
    if arguments.beside:
        parts = [photo, _as_picture(mask), result.image]
        _save(arguments.beside, encode_png(side_by_side(parts)))
    found = f"{', '.join(kinds)}: {mask.mean():.2%} of the picture"
    print(f"{found}, filled by {method.spec.title} in '{arguments.out}'.")
    return 0


def _as_its_file(photo: Path, image: Image, mask: Mask, notes: Sequence[str]) -> bytes:
    """A PNG with what the photograph's file has beside pixels; `notes` and what cannot be kept are said."""
    try:
        data, lost = load_original(photo).encode(image, mask)
    except InputError:
        data, lost = encode_png(image), ("What its file has beside pixels cannot be read: 8-bit sRGB.",)
    say_notes(photo, [*notes, *lost], kept=not lost)
    return data


def _in_another_frame(photo: Path, image: Image, notes: Sequence[str]) -> bytes:
    """A PNG of 8-bit sRGB with the photograph's EXIF; `notes`, also on what was converted, are said."""
    say_notes(photo, notes, kept=False)
    return encode_with_exif(photo, image)


# --- straighten -----------------------------------------------------------------------------------


def _add_straighten(added: argparse.ArgumentParser) -> None:
    how = added.add_mutually_exclusive_group(required=True)
    how.add_argument("--angle", type=float, metavar="DEGREES", help="turn it anticlockwise")
    how.add_argument(
        "--corners",
        nargs=4,
        type=_corner,
        metavar="X,Y",
        help="of something flat, from the top left clockwise, that becomes an upright rectangle",
    )
    how.add_argument("--panorama", action="store_true", help="fill black borders, or what is transparent")
    _add_picture(added)
    added.set_defaults(command=_straighten)


def _corner(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is no corner: write x,y in pixels") from None
    return x, y


def _straighten(arguments: argparse.Namespace) -> int:
    from inpainters.uses import corners

    _check_pictures([arguments.out, arguments.save_mask], arguments)
    method = _method(arguments)
    if arguments.panorama:
        picture, mask, notes = _panorama(arguments.photo)
    else:
        loaded = load_image(arguments.photo)
        notes = loaded.notes
        if arguments.corners:
            picture, mask = corners.rectified(loaded.image, arguments.corners)
        else:
            picture, mask = corners.straightened(loaded.image, arguments.angle)
    (result,) = method.run([InpaintRequest(picture, mask, seed=arguments.seed)])[0]
    notes = (*notes, *result.notes)
    if arguments.panorama:
        data = _as_its_file(arguments.photo, result.image, mask, notes)
    else:
        data = _in_another_frame(arguments.photo, result.image, notes)
    _save(arguments.out, data)
    if arguments.save_mask:
        _save(arguments.save_mask, encode_png(_as_picture(mask)))
    print(f"{mask.mean():.1%} was empty, filled by {method.spec.title} in '{arguments.out}'.")
    return 0


def _panorama(photo: Path) -> tuple[Image, Mask, tuple[str, ...]]:
    """The picture and what is transparent of it, or else what is black at its edge; and notes."""
    from inpainters.uses.corners import without_borders

    try:
        found = load_pair(photo, ALPHA)
    except NothingTransparentError:
        loaded = load_image(photo)
        return *without_borders(loaded.image), loaded.notes
    return found.image, found.mask, found.notes


# --- parallax -------------------------------------------------------------------------------------


def _add_parallax(added: argparse.ArgumentParser) -> None:
    added.add_argument("photo", type=commandline.path, metavar="PHOTO")
    added.add_argument(
        "depth",
        type=commandline.path,
        metavar="DEPTH",
        help="a grey picture of its size: 8 or 16 bits, or a .tiff of floats",
    )
    added.add_argument(
        "-o",
        "--out",
        type=commandline.path,
        required=True,
        metavar="OUT",
        help="a .png file; with --frames a .webm file, or a folder for PNGs",
    )
    added.add_argument(
        "--shift",
        nargs="+",
        type=float,
        default=[0.04],
        metavar="S",
        help="how far the camera moves right, and down: a share of the width (default: 0.04)",
    )
    added.add_argument("--near", choices=("white", "black"), default="white", help="what DEPTH shows near")
    added.add_argument("--frames", type=int, metavar="N", help="an animation that sways, 24 frames a second")
    added.add_argument("--overwrite", action="store_true", help="replace a file that is there already")
    _add_shared(added, "default: lama")
    added.set_defaults(command=_parallax)


def _parallax(arguments: argparse.Namespace) -> int:
    from inpainters.uses import parallax, video

    out: Path = arguments.out
    if len(arguments.shift) > 2:
        raise InputError("A shift is one or two numbers: to the right, and down.")
    shift = (arguments.shift[0], arguments.shift[1] if len(arguments.shift) > 1 else 0.0)
    inputs = [arguments.photo, arguments.depth]
    if arguments.frames is None:
        _check_pictures([out], arguments)
    else:
        video.check_target(out)
        if out.suffix:
            commandline.check_new([out], inputs, overwrite=arguments.overwrite)
    method, photo = _method(arguments), load_image(arguments.photo)
    depth = parallax.read_depth(arguments.depth, photo.image.shape[:2], near=arguments.near)
    layers = parallax.taken_apart(photo.image, depth, method, shift=shift, seed=arguments.seed)
    notes = [*photo.notes, *layers.notes]
    if arguments.frames is None:
        view = parallax.seen_from(layers, shift)
        _save(out, _in_another_frame(arguments.photo, view, notes))
    else:
        say_notes(arguments.photo, notes, kept=False)
        video.write_clip(out, parallax.swaying(layers, shift, arguments.frames))
    print(f"Seen from beside in '{out}'; what came out from behind is filled by {method.spec.title}.")
    return 0


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
    method = _method(arguments)
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
