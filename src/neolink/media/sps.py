"""What the sequence parameter sets of both codings have in common.

H.264 and H.265 share the meaning of size, cropping and the head of the VUI; the rest of their
syntax lives in ``h264`` and ``h265``.
"""

from dataclasses import dataclass

from neolink.errors import RemoteProtocolError
from neolink.media.bits import MAX_BIT_STRING, BitReader
from neolink.media.nal import rbsp

__all__ = [
    "CROP_UNITS",
    "MAX_DIMENSION",
    "SpsInfo",
    "displayed_size",
    "parameter_set_reader",
    "read_frame_rate",
    "skip_vui_head",
]

MAX_DIMENSION = 16384
"""Largest width or height believed, in pixels."""

CROP_UNITS = ((1, 1), (2, 2), (2, 1), (1, 1))
"""Chroma sub-sampling (horizontal, vertical) by ChromaArrayType (ISO 14496-10 table 6-1)."""

_EXTENDED_SAR = 255


@dataclass(frozen=True, slots=True)
class SpsInfo:
    """What a sequence parameter set says about the pictures.

    ``width`` and ``height`` are pixels as displayed (after cropping). ``profile`` and ``level``
    are names for people ("High", "5.1"). ``frame_rate`` is what the VUI claims, in frames per
    second, ``None`` where it claims nothing; cameras are known to claim absurd values.
    """

    width: int
    height: int
    profile: str
    level: str
    frame_rate: float | None = None


def parameter_set_reader(nal: bytes | memoryview, header_length: int) -> BitReader:
    """Return a reader of the bits behind the NAL unit header.

    Raises RemoteProtocolError for a NAL unit with nothing behind its header, or a huge one.
    """
    if not header_length < len(nal) <= MAX_BIT_STRING:
        raise RemoteProtocolError(
            f"expected a parameter set of {header_length + 1} to {MAX_BIT_STRING} bytes,"
            f" got {len(nal)}"
        )
    return BitReader(rbsp(nal[header_length:]))


def displayed_size(
    coded: tuple[int, int], crop_units: tuple[int, int], crop: tuple[int, int, int, int]
) -> tuple[int, int]:
    """Return (width, height) after cropping (left, right, top, bottom), counted in crop units.

    Raises RemoteProtocolError unless both lie within 1 and ``MAX_DIMENSION``.
    """
    left, right, top, bottom = crop
    width = coded[0] - crop_units[0] * (left + right)
    height = coded[1] - crop_units[1] * (top + bottom)
    if min(width, height) < 1 or max(coded) > MAX_DIMENSION:
        raise RemoteProtocolError(
            f"expected a picture of 1 to {MAX_DIMENSION} pixels a side,"
            f" got {coded[0]}x{coded[1]} coded and {width}x{height} displayed"
        )
    return width, height


def skip_vui_head(reader: BitReader) -> None:
    """Pass over the VUI fields before the first that differ between H.264 and H.265.

    Aspect ratio, overscan, video signal type and chroma location (ISO 14496-10 section E.1.1,
    ISO 23008-2 section E.2.1).
    """
    if reader.flag() and reader.u(8) == _EXTENDED_SAR:
        reader.skip(32)
    if reader.flag():
        reader.skip(1)
    if reader.flag():
        reader.skip(4)
        if reader.flag():
            reader.skip(24)
    if reader.flag():
        reader.ue()
        reader.ue()


def read_frame_rate(reader: BitReader, ticks_per_frame: int) -> float | None:
    """Read the VUI's timing information; ``None`` where there is none or it divides by zero."""
    if not reader.flag():
        return None
    units_in_tick, time_scale = reader.u(32), reader.u(32)
    if not units_in_tick or not time_scale:
        return None
    return time_scale / (units_in_tick * ticks_per_frame)
