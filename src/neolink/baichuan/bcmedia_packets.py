"""BcMedia packets: their values, their layout, and writing them (protocol reference, section 4).

Reading needs the state of a stream and lives in `bcmedia`, which also re-exports the values.
"""

import re
import struct
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, auto

from neolink.errors import LocalProtocolError

__all__ = [
    "AUDIO_HEADER",
    "MAGIC",
    "MAGICS",
    "POSIX_TIME",
    "SUB_HEADER",
    "TAGS",
    "VIDEO_HEADER",
    "VIDEO_MAGICS",
    "AacPacket",
    "AdpcmPacket",
    "InfoPacket",
    "Kind",
    "NotAPacketError",
    "Octets",
    "Packet",
    "VideoPacket",
    "VideoTag",
    "extent_of",
    "has_header",
    "parse_info",
    "serialize",
]

Octets = bytes | memoryview


class VideoTag(StrEnum):
    """Codec of a video packet, as its header spells it."""

    H264 = "H264"
    H265 = "H265"


@dataclass(frozen=True, slots=True)
class InfoPacket:
    """Picture size and rate of what follows; opens a stream and comes again when they change.

    ``frame_rate`` is frames/s or an index into the camera's frame rate table. ``start`` and
    ``end`` are camera local time without a zone, in whole seconds; None where the camera wrote
    no date. ``version`` is 1 or 2.
    """

    width: int
    height: int
    frame_rate: int
    start: datetime | None = None
    end: datetime | None = None
    version: int = 2


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One access unit.

    ``data`` is Annex B. ``microseconds`` is the camera's clock, a u32 that wraps. ``posix_time``
    (UTC seconds) comes with key frames only, and not with all.
    """

    is_key_frame: bool
    codec: VideoTag
    data: Octets = field(repr=False)
    microseconds: int
    posix_time: int | None = None
    lens: int = 0


@dataclass(frozen=True, slots=True)
class AacPacket:
    """ADTS frames, as a rule exactly one."""

    data: Octets = field(repr=False)
    lens: int = 0


@dataclass(frozen=True, slots=True)
class AdpcmPacket:
    """One DVI-4 block with its 4-byte header (i16 predictor, u8 step index, 0)."""

    data: Octets = field(repr=False)
    lens: int = 0


Packet = InfoPacket | VideoPacket | AacPacket | AdpcmPacket


class Kind(Enum):
    """What a magic announces."""

    INFO = auto()
    KEY_FRAME = auto()
    DELTA_FRAME = auto()
    AAC = auto()
    ADPCM = auto()


class NotAPacketError(Exception):
    """No packet can start here. Stays inside this package."""


MAGICS: dict[bytes, tuple[Kind, int]] = {
    b"1001": (Kind.INFO, 1),
    b"1002": (Kind.INFO, 2),
    **{b"%d0dc" % lens: (Kind.KEY_FRAME, lens) for lens in range(10)},
    **{b"%d1dc" % lens: (Kind.DELTA_FRAME, lens) for lens in range(10)},
    **{b"%d5wb" % lens: (Kind.AAC, lens) for lens in range(10)},
    **{b"%d1wb" % lens: (Kind.ADPCM, lens) for lens in range(10)},
}
"""The first four bytes of a packet: what follows, and the lens (for `Kind.INFO`: the version)."""

VIDEO_MAGICS = {
    magic: (kind is Kind.KEY_FRAME, lens)
    for magic, (kind, lens) in MAGICS.items()
    if kind in {Kind.KEY_FRAME, Kind.DELTA_FRAME}
}
"""Those of video alone, the usual ones: whether it is a key frame, and the lens."""

TAGS = {tag.value.encode(): tag for tag in VideoTag}

MAGIC = struct.Struct("4s")
INFO_HEADER = struct.Struct("<4sI")  # magic, length of the packet
INFO = struct.Struct("<4sIIIxB6B6B2x")  # ..., width, height, rate, start, end
VIDEO_HEADER = struct.Struct("<4s4sIII4x")  # magic, tag, payload and extra length, microseconds
AUDIO_HEADER = struct.Struct("<4sHH")  # magic, length twice
SUB_HEADER = struct.Struct("<2sH")  # ADPCM: second magic, half the block's length
POSIX_TIME = struct.Struct("<I")

_HEADER_LENGTHS = {
    Kind.INFO: INFO_HEADER.size,
    Kind.KEY_FRAME: VIDEO_HEADER.size,
    Kind.DELTA_FRAME: VIDEO_HEADER.size,
    Kind.AAC: AUDIO_HEADER.size,
    Kind.ADPCM: AUDIO_HEADER.size + SUB_HEADER.size,
}
_MAGIC_OF = {kind_and_lens: magic for magic, kind_and_lens in MAGICS.items()}
_SUB_MAGIC = b"\0\1"
_FOREIGN_TAG = re.compile(rb"[0-9A-Za-z ]{4}")
_MAX_EXTRA = 0xFFFF


def extent_of(view: memoryview, start: int, max_length: int) -> int:
    """Return how many bytes the packet at ``start`` needs, as far as the present ones tell.

    A result above the bytes present means: ask again with so many. Padding does not count,
    except 4 or more bytes of it behind an ADPCM block. Raises NotAPacketError.
    """
    available = len(view) - start
    if available < 4:
        return 4
    (magic,) = MAGIC.unpack_from(view, start)
    if magic in VIDEO_MAGICS:
        return _video_extent(view, start, available, max_length)
    kind, _ = MAGICS.get(magic, (None, 0))
    match kind:
        case Kind.INFO:
            return _info_extent(view, start, available)
        case Kind.AAC:
            return _audio_extent(view, start, available, 0)
        case Kind.ADPCM:
            return _audio_extent(view, start, available, SUB_HEADER.size)
    raise NotAPacketError(f"expected a packet, got {magic.hex()}")


def has_header(view: memoryview, start: int) -> bool:
    """Tell whether enough of the packet at ``start`` is present for `extent_of` to be sure."""
    kind, _ = MAGICS.get(bytes(view[start : start + 4]), (None, 0))
    return kind is not None and len(view) - start >= _HEADER_LENGTHS[kind]


def parse_info(view: memoryview, start: int) -> InfoPacket:
    """Parse the complete info packet at ``start``."""
    magic, _, width, height, rate, *times = INFO.unpack_from(view, start)
    version = MAGICS[magic][1]
    return InfoPacket(width, height, rate, _time(times[:6]), _time(times[6:]), version)


def serialize(packet: Packet, *, pad_byte: int = 0) -> bytes:
    """Write a packet with its padding, which real cameras fill with anything.

    Raises LocalProtocolError for a value that has no place on the wire.
    """
    try:
        match packet:
            case InfoPacket():
                return _serialize_info(packet)
            case VideoPacket():
                head, data = _video_head(packet), packet.data
            case AacPacket():
                head, data = _audio_head(packet, Kind.AAC, len(packet.data)), packet.data
            case AdpcmPacket():
                size = len(packet.data) + SUB_HEADER.size
                head = _audio_head(packet, Kind.ADPCM, size)
                data = SUB_HEADER.pack(_SUB_MAGIC, len(packet.data) // 2) + bytes(packet.data)
    except (struct.error, KeyError) as error:
        raise LocalProtocolError(f"{type(packet).__name__}: {error}") from None
    return b"".join((head, data, bytes((pad_byte,)) * (-len(data) % 8)))


def _info_extent(view: memoryview, start: int, available: int) -> int:
    if available < INFO_HEADER.size:
        return INFO_HEADER.size
    _, length = INFO_HEADER.unpack_from(view, start)
    if length != INFO.size:
        raise NotAPacketError(f"expected an info packet of {INFO.size} bytes, got {length}")
    return INFO.size


def _video_extent(view: memoryview, start: int, available: int, max_length: int) -> int:
    if available < VIDEO_HEADER.size:
        return VIDEO_HEADER.size
    _, tag, length, extra, _ = VIDEO_HEADER.unpack_from(view, start)
    if tag not in TAGS and not _FOREIGN_TAG.fullmatch(tag):
        raise NotAPacketError(f"expected a codec, got {tag.hex()}")
    total: int = VIDEO_HEADER.size + extra + length
    if extra > _MAX_EXTRA or total > max_length:
        raise NotAPacketError(f"video packet of {length} bytes with {extra} extra is too long")
    return total


def _audio_extent(view: memoryview, start: int, available: int, sub_header: int) -> int:
    if available < AUDIO_HEADER.size + sub_header:
        return AUDIO_HEADER.size + sub_header
    _, length, again = AUDIO_HEADER.unpack_from(view, start)
    if length != again:
        raise NotAPacketError(f"audio packet of {length} or {again} bytes")
    total = AUDIO_HEADER.size + int(length)
    if not sub_header:
        return total
    if length < sub_header or bytes(view[start + 8 : start + 10]) != _SUB_MAGIC:
        raise NotAPacketError("ADPCM packet without its second magic")
    pad = -length % 8
    return total + pad if pad >= 4 else total


def _serialize_info(packet: InfoPacket) -> bytes:
    magic = _MAGIC_OF[Kind.INFO, packet.version]
    times = (*_octets(packet.start), *_octets(packet.end))
    return INFO.pack(magic, INFO.size, packet.width, packet.height, packet.frame_rate, *times)


def _video_head(packet: VideoPacket) -> bytes:
    kind = Kind.KEY_FRAME if packet.is_key_frame else Kind.DELTA_FRAME
    extra = b""
    if packet.is_key_frame and packet.posix_time is not None:
        extra = POSIX_TIME.pack(packet.posix_time) + bytes(4)
    magic = _MAGIC_OF[kind, packet.lens]
    fields = (packet.codec.encode(), len(packet.data), len(extra), packet.microseconds)
    return VIDEO_HEADER.pack(magic, *fields) + extra


def _audio_head(packet: AacPacket | AdpcmPacket, kind: Kind, length: int) -> bytes:
    return AUDIO_HEADER.pack(_MAGIC_OF[kind, packet.lens], length, length)


def _time(octets: list[int]) -> datetime | None:
    year, month, day, hour, minute, second = octets
    try:
        return datetime(1900 + year, month, day, hour, minute, second)  # noqa: DTZ001 - the camera does not tell its zone
    except ValueError:
        return None


def _octets(time: datetime | None) -> tuple[int, ...]:
    if time is None:
        return (0,) * 6
    return (time.year - 1900, time.month, time.day, time.hour, time.minute, time.second)
