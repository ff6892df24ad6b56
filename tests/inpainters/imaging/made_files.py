"""Files of every kind, built by code: EXIF blocks with odd tags, colour profiles, PNGs with chunks."""

import io
import struct
import zlib

import numpy as np
from PIL import Image as PilImage
from skimage.data import chelsea

CAT = chelsea()[100:140, 120:180]


def encoded(picture, kind="PNG", **settings):
    """The bytes of a file; `picture` is an array or a PIL image."""
    if isinstance(picture, np.ndarray):
        picture = PilImage.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **settings)
    return buffer.getvalue()


def exif(*entries):
    """An EXIF block of (tag, type, count, bytes), little endian."""
    heads, more = b"", b""
    behind = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, value in entries:
        if len(value) > 4:
            value, more = struct.pack("<I", behind + len(more)), more + value
        heads += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + heads + b"\0\0\0\0" + more


def orientation(value):
    """One entry for `exif`."""
    return 0x0112, 3, 1, struct.pack("<H", value)


SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
PROPHOTO = ((0.7977, 0.2880, 0.0), (0.1352, 0.7119, 0.0), (0.0313, 0.0001, 0.8249))


def profile(name, gamma, primaries=None):
    """An ICC profile of version 2: a gamma, and three primaries, adapted to D50, or none for grey."""
    white = (0.9642, 1.0, 0.8249)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = {b"desc": _description(name), b"cprt": b"text\0\0\0\0none\0\0\0\0", b"wtpt": _xyz(white)}
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        for letter, value in zip(b"rgb", primaries, strict=True):
            tags[bytes([letter]) + b"XYZ"], tags[bytes([letter]) + b"TRC"] = _xyz(value), curve
    table, body, behind = b"", b"", 128 + 4 + 12 * len(tags)
    for key, value in tags.items():
        table += key + struct.pack(">II", behind + len(body), len(value))
        body += value
    space = b"GRAY" if primaries is None else b"RGB "
    head = b"none\x02\x40\0\0mntr" + space + b"XYZ " + struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acsp"
    head = struct.pack(">I", behind + len(body)) + head + b"\0" * 28 + _fixed(white) + b"\0" * 48
    return head + struct.pack(">I", len(tags)) + table + body


def _description(name):
    text = name.encode() + b"\0"
    found = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78
    return found + b"\0" * (-len(found) % 4)


def _xyz(values):
    return b"XYZ \0\0\0\0" + _fixed(values)


def _fixed(values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def chunk(kind, body):
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunk(png, kind, body):
    """A PNG with one more chunk behind its header."""
    return png[:33] + chunk(kind, body) + png[33:]
