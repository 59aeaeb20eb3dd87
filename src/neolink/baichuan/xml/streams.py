"""Bodies about video streams (protocol reference, sections 3.2 and 3.4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire

__all__ = [
    "Compression",
    "EncodeTable",
    "Preview",
    "Resolution",
    "StreamCompression",
    "StreamInfo",
    "StreamInfoList",
    "resolve_index_first",
    "resolve_table",
]


@dataclass(frozen=True, slots=True)
class Preview(BodyPart):
    """Starts a live stream (message 3); without ``stream_type`` it stops one (message 4)."""

    TAG: ClassVar[str] = "Preview"

    channel_id: int | None = None
    handle: int | None = None
    stream_type: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution(Element):
    """Picture size in pixels."""

    TAG: ClassVar[str] = "resolution"

    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class EncodeTable(Element):
    """One stream with what it can be set to: frames/s and kbit/s.

    The defaults are factory settings, not the present ones, and may be an index into their
    table: see `frame_rate` and `bit_rate`, which take 0 for unknown.
    """

    TAG: ClassVar[str] = "encodeTable"

    type: str | None = None
    resolution: Resolution | None = None
    default_framerate: int | None = None
    default_bitrate: int | None = None
    framerate_table: Annotated[tuple[int, ...], Wire(comma=",")] = ()
    bitrate_table: Annotated[tuple[int, ...], Wire(comma=",")] = ()

    @property
    def frame_rate(self) -> int | None:
        """Default frames/s; None when unknown."""
        return _resolve_default(self.default_framerate, self.framerate_table)

    @property
    def bit_rate(self) -> int | None:
        """Default kbit/s; None when unknown."""
        return _resolve_default(self.default_bitrate, self.bitrate_table)


@dataclass(frozen=True, slots=True)
class StreamInfo(Element):
    """One selectable combination of main and sub stream. ``channel_bits`` masks its channels."""

    TAG: ClassVar[str] = "StreamInfo"

    channel_bits: int | None = None
    encode_tables: tuple[EncodeTable, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamInfoList(BodyPart):
    """All combinations; the first is the native one (message 146 and the login reply)."""

    TAG: ClassVar[str] = "StreamInfoList"

    stream_infos: tuple[StreamInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamCompression(Element):
    """Present encoder settings of one stream: ``frame`` in frames/s, ``bit_rate`` in kbit/s.

    ``video_enc_type`` is 0 for H.264 and 1 for H.265.
    """

    audio: bool | None = None
    resolution_name: str | None = None
    width: int | None = None
    height: int | None = None
    encoder_type: str | None = None
    frame: int | None = None
    bit_rate: int | None = None
    encoder_profile: str | None = None
    video_enc_type: int | None = None


@dataclass(frozen=True, slots=True)
class Compression(BodyPart):
    """Present encoder settings (messages 56 and 57). A stream left out stays unchanged."""

    TAG: ClassVar[str] = "Compression"

    channel_id: int | None = None
    is_no_translate_frame: int | None = None
    main_stream: StreamCompression | None = None
    sub_stream: StreamCompression | None = None
    third_stream: StreamCompression | None = None


def resolve_table(value: int, table: Sequence[int]) -> int:
    """Read ``value`` as a member of ``table``, else as an index into it, else literally.

    The reading of protocol reference, section 3.4: the one to use.
    """
    if value in table or not 0 <= value < len(table):
        return value
    return table[value]


def resolve_index_first(value: int, table: Sequence[int]) -> int:
    """Read ``value`` as an index into ``table`` whenever it can be one, else literally.

    Differs from `resolve_table` for a small number that is itself a member: with the table
    ``(15, 10, 7, 4, 2)`` the value 2 is 7 here and 2 there.
    """
    return table[value] if 0 <= value < len(table) else value


def _resolve_default(value: int | None, table: Sequence[int]) -> int | None:
    return resolve_table(value, table) if value else None
