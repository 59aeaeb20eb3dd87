"""Fragments: ``moof`` and ``mdat`` with samples of one track or of several.

Hot path: :func:`single_fragment` runs for each unit of a live stream, once for all viewers. Its
header is one precompiled ``Struct``; media bytes are not copied here, the caller joins the parts.

ISO 14496-12 section 8.8. Offsets count from the beginning of the ``moof`` (default-base-is-moof),
times are 64 bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from struct import Struct

from neolink.mp4.samples import Buffer, Sample

__all__ = ["FRAGMENT_HEADER_LENGTH", "Run", "fragment", "single_fragment"]

_SYNC = 0x02000000  # depends on no other sample
_NON_SYNC = 0x01010000  # depends on others, and is none to start at
_BASE_IS_MOOF = 0x020000
_HAS_OFFSET = 0x000001
_HAS_ALL_OF_EACH_SAMPLE = 0x000F00  # duration, size, flags, composition offset
_SIGNED_SHIFTS = 0x01000000  # version 1 of trun
_WIDE_TIME = 0x01000000  # version 1 of tfdt
_TRUN_FLAGS = _SIGNED_SHIFTS | _HAS_ALL_OF_EACH_SAMPLE | _HAS_OFFSET

_BOX = 8
_MFHD = 16
_TFHD = 16
_TFDT = 20
_TRUN = 20
_TRUN_SAMPLE = 16
_TRAF = _BOX + _TFHD + _TFDT + _TRUN
_MOOF_OF_ONE = _BOX + _MFHD + _TRAF + _TRUN_SAMPLE
FRAGMENT_HEADER_LENGTH = _MOOF_OF_ONE + _BOX
"""Bytes before the media of a fragment of one sample."""

_pack_moof = Struct(">I4sI4sII").pack
_pack_traf = Struct(">I4s I4sII I4sIQ I4sIIi").pack
_pack_sample = Struct(">IIIi").pack
_pack_mdat = Struct(">I4s").pack
_pack_single = Struct(">I4sI4sII I4s I4sII I4sIQ I4sIIi IIIi I4s").pack


@dataclass(frozen=True, slots=True)
class Run:
    """Samples of one track in the order of their decode times; at least one."""

    track_id: int
    samples: Sequence[Sample]


def single_fragment(sequence: int, track_id: int, sample: Sample) -> bytes:
    """Return everything of a fragment of one sample but its media, which follows.

    ``sequence`` grows with each fragment; it wraps at 32 bits.
    """
    dts, duration, size, _, is_sync, shift = sample
    return _pack_single(
        _MOOF_OF_ONE,
        b"moof",
        _MFHD,
        b"mfhd",
        0,
        sequence & 0xFFFFFFFF,
        _TRAF + _TRUN_SAMPLE,
        b"traf",
        _TFHD,
        b"tfhd",
        _BASE_IS_MOOF,
        track_id,
        _TFDT,
        b"tfdt",
        _WIDE_TIME,
        dts,
        _TRUN + _TRUN_SAMPLE,
        b"trun",
        _TRUN_FLAGS,
        1,
        FRAGMENT_HEADER_LENGTH,
        duration,
        size,
        _SYNC if is_sync else _NON_SYNC,
        shift,
        size + _BOX,
        b"mdat",
    )


def fragment(sequence: int, runs: Sequence[Run]) -> list[Buffer]:
    """Return the parts of a fragment with the samples of all runs, to be joined.

    Only the first decode time of a run is written, so each sample lasts until the next one; the
    last one as long as it says.
    """
    moof_length = _BOX + _MFHD + sum(_traf_length(run) for run in runs)
    head = [_pack_moof(moof_length, b"moof", _MFHD, b"mfhd", 0, sequence & 0xFFFFFFFF)]
    media: list[Buffer] = []
    position = moof_length + _BOX
    for run in runs:
        head.append(_traf_head(run, position))
        for sample, following in zip_longest(run.samples, run.samples[1:]):
            duration = following.dts - sample.dts if following else sample.duration
            flags = _SYNC if sample.is_sync else _NON_SYNC
            head.append(_pack_sample(duration, sample.size, flags, sample.shift))
            media += sample.parts
            position += sample.size
    return [*head, _pack_mdat(position - moof_length, b"mdat"), *media]


def _traf_length(run: Run) -> int:
    return _TRAF + _TRUN_SAMPLE * len(run.samples)


def _traf_head(run: Run, data_offset: int) -> bytes:
    """Return the track fragment up to its first sample's entry."""
    count = len(run.samples)
    return _pack_traf(
        _traf_length(run),
        b"traf",
        _TFHD,
        b"tfhd",
        _BASE_IS_MOOF,
        run.track_id,
        _TFDT,
        b"tfdt",
        _WIDE_TIME,
        run.samples[0].dts,
        _TRUN + _TRUN_SAMPLE * count,
        b"trun",
        _TRUN_FLAGS,
        count,
        data_offset,
    )
