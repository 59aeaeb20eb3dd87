"""What a fragment is made of: one access unit or one frame of sound, ready for ``mdat``."""

from typing import NamedTuple

from neolink.media.units import AccessUnit

__all__ = ["Buffer", "Sample", "video_parts"]

Buffer = bytes | memoryview


class Sample(NamedTuple):
    """One sample of a track (ISO 14496-12 section 3.1.20). Times are ticks of the track's clock.

    It is shown at ``dts + shift`` for ``duration``.
    """

    dts: int
    duration: int
    size: int
    """Bytes of all ``parts``."""
    parts: tuple[Buffer, ...]
    is_sync: bool = True
    """Whether decoding can start here."""
    shift: int = 0


def video_parts(unit: AccessUnit) -> tuple[int, tuple[Buffer, ...]]:
    """Return the bytes of a picture and their number: each NAL unit behind its length.

    Parameter sets are in the initialization segment (ISO 14496-15 section 5.3.2).
    """
    parts: list[Buffer] = []
    size = 0
    for nal in unit.nal_units:
        length = len(nal)
        parts += (length.to_bytes(4), nal)
        size += length + 4
    return size, tuple(parts)
