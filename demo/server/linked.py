"""Painted masks as they travel in a link: written by `widgets/mask_editor.code.js`, read here."""

import base64
import binascii
import zlib
from collections.abc import Iterator

import numpy as np

from inpainters.errors import InputError
from inpainters.imaging import Mask

RUNS_MARK = "runs:"
"""What a painted mask in a link begins with."""
MOST_QUERY = 8192
"""Characters of a link's query."""
MOST_CODE = 1 << 18
"""Bytes of the runs before they are deflated."""


def mask_of(text: str, size: tuple[int, int]) -> Mask:
    """The mask of a picture's (height, width) from a link; raises InputError with one sentence.

    After `RUNS_MARK`, base64url without padding of a zlib stream of numbers: width, height, then the lengths
    of runs row by row, known and missing in turn, beginning with known. A number is seven bits a byte, the
    lowest first; the eighth bit says that more follow (LEB128).
    """
    numbers = list(_numbers(_inflated(text.removeprefix(RUNS_MARK))))
    if len(numbers) < 3:
        raise InputError(_broken("it ends too early"))
    width, height, *runs = numbers
    if (height, width) != size:
        wanted = f"{size[1]}×{size[0]}"
        raise InputError(f"The link's mask is {width}×{height}, the picture {wanted}, so it was left out.")
    if sum(runs) != height * width:
        raise InputError(_broken("its runs do not add up to the picture"))
    return np.repeat(np.arange(len(runs)) % 2 > 0, runs).reshape(size)


def _broken(why: str) -> str:
    return f"The link's mask cannot be read ({why}), so it was left out: copy the whole link."


def _inflated(text: str) -> bytes:
    if len(text) > MOST_QUERY:
        raise InputError(_broken("it is longer than 8 kB"))
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        stream = zlib.decompressobj()
        data = stream.decompress(packed, MOST_CODE)
    except (binascii.Error, ValueError, zlib.error):
        raise InputError(_broken("it is damaged")) from None
    if not stream.eof:
        raise InputError(_broken("it is not whole or too large"))
    return data


def _numbers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 127) << shift
        if byte & 128:
            shift += 7
            if shift > 28:
                raise InputError(_broken("it has a number beyond all pictures"))
            continue
        yield number
        number = shift = 0
    if shift:
        raise InputError(_broken("it ends too early"))
