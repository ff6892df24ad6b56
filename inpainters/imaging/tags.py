"""What a file says of itself beside its pixels: its orientation, and its EXIF without it."""

from PIL import Image as PilImage

ORIENTATION = 0x0112
_DAMAGED = "Its EXIF data is damaged and was ignored."
_TURNS = {
    2: PilImage.Transpose.FLIP_LEFT_RIGHT,
    3: PilImage.Transpose.ROTATE_180,
    4: PilImage.Transpose.FLIP_TOP_BOTTOM,
    5: PilImage.Transpose.TRANSPOSE,
    6: PilImage.Transpose.ROTATE_270,
    7: PilImage.Transpose.TRANSVERSE,
    8: PilImage.Transpose.ROTATE_90,
}


def upright(picture: PilImage.Image, notes: list[str]) -> PilImage.Image:
    """The decoded picture as its EXIF orientation says; `notes` gets what was done, or what is wrong with it.

    Pixels are moved and no tag is written: writing fails on tags that reading bears.
    """
    by_itself = _turn(picture, notes) if picture.format == "TIFF" else None  # as loading a TIFF turns it
    picture.load()  # before tags of other files are read, which may load them too and swallow what is damaged
    turn = _turn(picture, notes)
    if turn is not None or by_itself is not None:
        notes.append("Turned upright as its EXIF orientation says.")
    return picture if turn is None else picture.transpose(turn)


def _turn(picture: PilImage.Image, notes: list[str]) -> PilImage.Transpose | None:
    try:
        value = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # whatever the reader of tags throws, the pixels are whole
        if _DAMAGED not in notes:
            notes.append(_DAMAGED)
        return None
    return _TURNS.get(value) if isinstance(value, int) else None
