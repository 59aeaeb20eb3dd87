"""Reads fragmented MP4 strictly: what is not understood, or left over, is a failure.

Written from ISO 14496-12 and without anything of ``neolink.mp4``.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Fragment", "ReadSample", "boxes", "find", "read_fragments", "tracks_of"]

_CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"mvex", b"moof", b"traf"}
_NOT_SYNC = 0x00010000


@dataclass(frozen=True, slots=True)
class ReadSample:
    """One sample as a player sees it."""

    track_id: int
    dts: int
    duration: int
    shift: int
    is_sync: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Fragment:
    """A ``moof`` with its ``mdat``."""

    sequence: int
    samples: tuple[ReadSample, ...]


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and contents of the boxes that ``data`` consists of entirely."""
    at = 0
    while at < len(data):
        assert len(data) - at >= 8, "bytes left over"
        length, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= length <= len(data) - at, f"{kind!r}: wrong length {length}"
        yield kind, data[at + 8 : at + length]
        at += length


def find(data: bytes, *path: bytes) -> bytes:
    """Return the contents of the first box on a path."""
    for kind in path:
        data = next(contents for name, contents in boxes(data) if name == kind)
    return data


def tracks_of(init: bytes) -> dict[int, tuple[bytes, int]]:
    """Return handler and clock rate by track number of an initialization segment."""
    assert [kind for kind, _ in boxes(init)] == [b"ftyp", b"moov"]
    moov = find(init, b"moov")
    found = {}
    for kind, trak in boxes(moov):
        if kind != b"trak":
            continue
        (track_id,) = struct.unpack_from(">I", find(trak, b"tkhd"), 12)
        (clock_rate,) = struct.unpack_from(">I", find(trak, b"mdia", b"mdhd"), 12)
        found[track_id] = find(trak, b"mdia", b"hdlr")[8:12], clock_rate
    extended = [struct.unpack(">II4I", trex)[1] for _, trex in boxes(find(moov, b"mvex"))]
    assert extended == list(found)
    return found


def read_fragments(data: bytes) -> list[Fragment]:
    """Return the fragments that ``data`` consists of. Every byte of media is in one sample."""
    found = []
    at = 0
    while at < len(data):
        moof_length, mdat_length = _lengths(data, at)
        whole = data[at : at + moof_length + mdat_length]
        found.append(_fragment(whole, moof_length))
        at += len(whole)
    return found


def _lengths(data: bytes, at: int) -> tuple[int, int]:
    moof_length, moof = struct.unpack_from(">I4s", data, at)
    mdat_length, mdat = struct.unpack_from(">I4s", data, at + moof_length)
    assert (moof, mdat) == (b"moof", b"mdat")
    assert at + moof_length + mdat_length <= len(data)
    return moof_length, mdat_length


def _fragment(whole: bytes, moof_length: int) -> Fragment:
    kinds = list(boxes(whole[8:moof_length]))
    assert kinds[0][0] == b"mfhd"
    version, sequence = struct.unpack(">II", kinds[0][1])
    assert version == 0
    samples: list[ReadSample] = []
    position = moof_length + 8
    for kind, traf in kinds[1:]:
        assert kind == b"traf"
        read, position = _run(whole, traf, position)
        samples += read
    assert position == len(whole), "media that belongs to no sample"
    return Fragment(sequence, tuple(samples))


def _run(whole: bytes, traf: bytes, position: int) -> tuple[list[ReadSample], int]:
    """Return the samples of one track fragment, whose media begins at a position, and its end."""
    (_, tfhd), (_, tfdt), (_, trun) = boxes(traf)
    assert [kind for kind, _ in boxes(traf)] == [b"tfhd", b"tfdt", b"trun"]
    flags, track_id = struct.unpack(">II", tfhd)
    assert flags == 0x020000  # default-base-is-moof
    version, dts = struct.unpack(">IQ", tfdt)
    assert version == 1 << 24
    flags, count, offset = struct.unpack_from(">IIi", trun)
    assert flags == 1 << 24 | 0xF01
    assert (offset, len(trun)) == (position, 12 + 16 * count)
    assert count > 0
    samples = []
    for place in range(count):
        duration, size, sample_flags, shift = struct.unpack_from(">IIIi", trun, 12 + 16 * place)
        data = whole[position : position + size]
        assert len(data) == size
        is_sync = not sample_flags & _NOT_SYNC
        samples.append(ReadSample(track_id, dts, duration, shift, is_sync, data))
        position += size
        dts += duration
    return samples, position
