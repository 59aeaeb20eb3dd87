"""Which RTP payload format carries a track: the join of number, name, clock and packetizer.

SDP text is written elsewhere from these values; nothing is sent here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Final, Generic, TypeVar

from neolink.errors import Unsupported
from neolink.media.g711 import encode_pcma, encode_pcmu
from neolink.media.tracks import (
    OPUS_CLOCK_RATE,
    VIDEO_CLOCK_RATE,
    AudioCodec,
    AudioTrack,
    VideoCodec,
    VideoTrack,
)
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit, MetadataDocument
from neolink.rtp.packetizers import aac, h264, h265, metadata, opus, pcm
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtp.payload import Fragments, Payload

__all__ = [
    "METADATA_FORMAT",
    "AudioChoice",
    "PayloadFormat",
    "UnitT",
    "audio_format",
    "video_format",
]

_VIDEO_PAYLOAD_TYPE = 96
_AUDIO_PAYLOAD_TYPE = 97
_METADATA_PAYLOAD_TYPE = 98
_PCMU_PAYLOAD_TYPE = 0
_PCMA_PAYLOAD_TYPE = 8

UnitT = TypeVar("UnitT", bound=MediaUnit | MetadataDocument)

_Payloads = Sequence[Payload | Fragments]
_AudioPacketizer = Callable[[AudioFrame, int], list[Payload]]


class AudioChoice(StrEnum):
    """What a player is given for the camera's sound; the values are those of files and URLs."""

    AUTO = "auto"
    """As the camera sends it where players know it: AAC as AAC, ADPCM as L16."""

    AAC = "aac"
    L16 = "l16"
    PCMU = "pcmu"
    PCMA = "pcma"
    OPUS = "opus"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PayloadFormat(Generic[UnitT]):
    """How the units of one track become RTP payloads.

    ``payload_type``, ``encoding_name``, ``clock_rate`` and ``channels`` are what SDP says of the
    format. ``pts_rate`` is the clock of the units' ``pts``, in Hz; it differs from ``clock_rate``
    only where audio is resampled.

    ``packetize`` takes a unit and the largest payload in bytes, and sees every unit once, in
    order. ``repacketize`` does the same for any unit, at any time, and changes no state.

    ``bytes_per_tick`` is 0 where all payloads of a unit share its timestamp; otherwise every
    payload is later than the one before by the bytes of that payload's body, divided by it.
    ``marks_end`` tells that the last packet of a unit carries the marker bit.
    """

    payload_type: int
    encoding_name: str
    clock_rate: int
    packetize: Callable[[UnitT, int], _Payloads] = field(compare=False, repr=False)
    repacketize: Callable[[UnitT, int], _Payloads] = field(compare=False, repr=False)
    pts_rate: int
    is_video: bool
    channels: int = 1
    bytes_per_tick: int = 0
    marks_end: bool = True


METADATA_FORMAT: Final[PayloadFormat[MetadataDocument]] = PayloadFormat(
    payload_type=_METADATA_PAYLOAD_TYPE,
    encoding_name="vnd.onvif.metadata",
    clock_rate=VIDEO_CLOCK_RATE,
    packetize=metadata.packetize,
    repacketize=metadata.packetize,
    pts_rate=VIDEO_CLOCK_RATE,
    is_video=False,
)
"""Of the one kind of metadata track."""


_VIDEO_PACKETIZERS = {VideoCodec.H264: h264.packetize, VideoCodec.H265: h265.packetize}


def video_format(
    track: VideoTrack, aggregate: Aggregation = Aggregation.PARAMETER_SETS
) -> PayloadFormat[AccessUnit]:
    """Return the format of a video track: payload type 96, 90 kHz."""
    packetize = partial(_VIDEO_PACKETIZERS[track.codec], aggregate=aggregate)
    return PayloadFormat(
        payload_type=_VIDEO_PAYLOAD_TYPE,
        encoding_name=track.codec.value,
        clock_rate=VIDEO_CLOCK_RATE,
        packetize=packetize,
        repacketize=packetize,
        pts_rate=VIDEO_CLOCK_RATE,
        is_video=True,
    )


def audio_format(track: AudioTrack, choice: AudioChoice) -> PayloadFormat[AudioFrame] | None:
    """Return the format of an audio track as chosen, ``None`` where no audio is wanted.

    G.711 is always 8 kHz; its format keeps a filter's state where the track has another rate
    and then serves one sender only. Raises Unsupported where the track cannot be given that
    way: nothing here decodes or encodes AAC and Opus.
    """
    match choice, track.codec:
        case AudioChoice.NONE, _:
            return None
        case ((AudioChoice.AUTO | AudioChoice.AAC), AudioCodec.AAC):
            return _aac_format(track)
        case ((AudioChoice.AUTO | AudioChoice.L16), AudioCodec.L16):
            return _l16_format(track)
        case AudioChoice.OPUS, AudioCodec.OPUS:
            return _opus_format()
        case AudioChoice.PCMU, AudioCodec.L16:
            return _g711_format(track, _PCMU_PAYLOAD_TYPE, "PCMU", encode_pcmu)
        case AudioChoice.PCMA, AudioCodec.L16:
            return _g711_format(track, _PCMA_PAYLOAD_TYPE, "PCMA", encode_pcma)
    raise Unsupported(f"the sound is {track.codec.value} and cannot become {choice.value}")


def _aac_format(track: AudioTrack) -> PayloadFormat[AudioFrame]:
    return PayloadFormat(
        payload_type=_AUDIO_PAYLOAD_TYPE,
        encoding_name="MPEG4-GENERIC",
        clock_rate=track.clock_rate,
        packetize=aac.packetize,
        repacketize=aac.packetize,
        pts_rate=track.clock_rate,
        is_video=False,
        channels=track.channels,
    )


def _l16_format(track: AudioTrack) -> PayloadFormat[AudioFrame]:
    return PayloadFormat(
        payload_type=_AUDIO_PAYLOAD_TYPE,
        encoding_name="L16",
        clock_rate=track.clock_rate,
        packetize=pcm.packetize_l16,
        repacketize=pcm.packetize_l16,
        pts_rate=track.clock_rate,
        is_video=False,
        bytes_per_tick=pcm.L16_BYTES_PER_TICK,
        marks_end=False,
    )


def _opus_format() -> PayloadFormat[AudioFrame]:
    """RFC 7587 section 7: 48 kHz and two channels are told whatever the packets contain."""
    return PayloadFormat(
        payload_type=_AUDIO_PAYLOAD_TYPE,
        encoding_name="opus",
        clock_rate=OPUS_CLOCK_RATE,
        packetize=opus.packetize,
        repacketize=opus.packetize,
        pts_rate=OPUS_CLOCK_RATE,
        is_video=False,
        channels=2,
        marks_end=False,
    )


def _g711_format(
    track: AudioTrack, payload_type: int, encoding_name: str, encode: pcm.PcmEncoder
) -> PayloadFormat[AudioFrame]:
    packetize: _AudioPacketizer = partial(pcm.packetize_g711, encode=encode)
    repacketize = packetize
    if track.clock_rate != pcm.G711_CLOCK_RATE:
        resampled = pcm.ResampledG711(encode, track.clock_rate)
        packetize, repacketize = resampled.packetize, resampled.repacketize
    return PayloadFormat(
        payload_type=payload_type,
        encoding_name=encoding_name,
        clock_rate=pcm.G711_CLOCK_RATE,
        packetize=packetize,
        repacketize=repacketize,
        pts_rate=track.clock_rate,
        is_video=False,
        bytes_per_tick=pcm.G711_BYTES_PER_TICK,
        marks_end=False,
    )
