"""A PNG without what is not needed to see it: text of any length must not make a picture unreadable."""

import struct
import zlib
from collections.abc import Iterator, Mapping

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE = 16 << 20
"""Bytes of a colour profile; larger ones are left out."""
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_TAGS = b"Raw profile type exif\0"
"""How older programs write EXIF into a PNG; it holds the orientation."""
_MAX_TAGS = 1 << 18


def lean(data: bytes) -> tuple[bytes, bytes | None]:
    """The file without texts and colour profile, and the profile; as it came where it has neither.

    What is no PNG, or damaged, is left to the decoder, which says so.
    """
    if not data.startswith(SIGNATURE):
        return data, None
    kept, profile, dropped = [SIGNATURE], None, False
    for kind, chunk in _chunks(data):
        if kind == b"iCCP":
            profile = profile or _profile(chunk[8:-4])
            dropped = True
        elif kind in _TEXTS and not _holds_tags(kind, chunk[8:-4]):
            dropped = True
        else:
            kept.append(chunk)
    return (b"".join(kept), profile) if dropped else (data, None)


def with_chunks(data: bytes, chunks: Mapping[bytes, bytes]) -> bytes:
    """The file with these chunks, kind -> body, behind its header."""
    made = b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks.items()
    )
    behind = len(SIGNATURE) + 25
    return data[:behind] + made + data[behind:]


def profile_chunk(profile: bytes) -> bytes:
    """The body of an iCCP chunk."""
    return b"icc\0\0" + zlib.compress(profile)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and the bytes of each chunk; the last one holds whatever follows a cut."""
    place = len(SIGNATURE)
    while place < len(data):
        head = data[place : place + 8]
        length = struct.unpack(">I", head[:4])[0] if len(head) == 8 else len(data)
        yield head[4:], data[place : place + 12 + length]
        place += 12 + length


def _holds_tags(kind: bytes, body: bytes) -> bool:
    """True for EXIF of a length that can be meant."""
    if not body.startswith(_TAGS) or kind == b"iTXt":
        return False
    return (
        len(body) < _MAX_TAGS if kind == b"tEXt" else _inflated(body[len(_TAGS) + 1 :], _MAX_TAGS) is not None
    )


def _profile(body: bytes) -> bytes | None:
    """What an iCCP chunk holds: a name, a null, a method and the deflated profile."""
    return _inflated(body.partition(b"\0")[2][1:], MAX_PROFILE)


def _inflated(data: bytes, most: int) -> bytes | None:
    """None where the data is damaged, cut, or longer than `most`."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, most)
    except zlib.error:
        return None
    return found if unpacker.eof else None
