"""Boxes, of which every MP4 file is made (ISO 14496-12 section 4.2). No contents."""

from struct import Struct

__all__ = ["UNITY_MATRIX", "box", "full_box", "words"]

_pack_header = Struct(">I4s").pack
_HEADER_LENGTH = 8

UNITY_MATRIX = Struct(">9I").pack(1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
"""Shows a picture as it is (ISO 14496-12 section 6.2.2)."""


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box of a four-letter kind around ``parts``."""
    length = _HEADER_LENGTH + sum(map(len, parts))
    return b"".join((_pack_header(length, kind), *parts))


def full_box(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    """Return a box that begins with a version and 24 flags."""
    return box(kind, words(version << 24 | flags), *parts)


def words(*values: int) -> bytes:
    """Return unsigned 32-bit numbers."""
    return b"".join(value.to_bytes(4) for value in values)
