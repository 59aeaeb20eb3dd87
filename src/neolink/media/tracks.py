"""What a stream consists of: tracks, parameter sets, and the presentation that joins them.

Values only. Nothing here knows RTP payload types or SDP text.
"""

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "OPUS_CLOCK_RATE",
    "VIDEO_CLOCK_RATE",
    "AudioCodec",
    "AudioTrack",
    "ParameterSets",
    "Presentation",
    "StreamKind",
    "VideoCodec",
    "VideoTrack",
]

VIDEO_CLOCK_RATE = 90_000
"""Ticks per second of every video ``pts`` (RFC 6184 section 8.2.1, RFC 7798 section 7.1)."""

OPUS_CLOCK_RATE = 48_000
"""Ticks per second of every Opus ``pts``, whatever rate was encoded (RFC 7587 section 4.1)."""


class StreamKind(StrEnum):
    """The streams that one camera channel can send."""

    MAIN = "main"
    SUB = "sub"
    EXTERN = "extern"


class VideoCodec(StrEnum):
    """Video codings that a camera sends."""

    H264 = "H264"
    H265 = "H265"


class AudioCodec(StrEnum):
    """Audio codings that flow through the bridge. A camera's ADPCM is decoded to ``L16``.

    No camera sends ``OPUS``: it is made here for players that ask for it.
    """

    AAC = "AAC"
    L16 = "L16"
    OPUS = "OPUS"


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The NAL units a decoder needs before the first picture, without start codes.

    ``vps`` is empty for H.264. Equality tells whether a stream's description has changed.
    """

    sps: bytes
    pps: tuple[bytes, ...]
    vps: bytes = b""

    @property
    def nal_units(self) -> tuple[bytes, ...]:
        """All of them in decoding order: VPS, SPS, PPS."""
        return (self.vps, self.sps, *self.pps) if self.vps else (self.sps, *self.pps)


@dataclass(frozen=True, slots=True)
class VideoTrack:
    """A video track as its parameter sets describe it.

    ``width`` and ``height`` are the displayed size in pixels (after cropping).
    ``frame_rate`` is in frames per second, ``None`` while unknown. ``profile`` is for people.
    """

    codec: VideoCodec
    parameter_sets: ParameterSets
    width: int
    height: int
    frame_rate: float | None = None
    profile: str = ""


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """An audio track. ``clock_rate`` is the sample rate in Hz.

    ``config`` is the AudioSpecificConfig (ISO 14496-3) for AAC and empty otherwise.
    """

    codec: AudioCodec
    clock_rate: int
    channels: int = 1
    config: bytes = b""


@dataclass(frozen=True, slots=True)
class Presentation:
    """The tracks of one stream, as a player is told of them. At least one is present."""

    video: VideoTrack | None
    audio: AudioTrack | None
