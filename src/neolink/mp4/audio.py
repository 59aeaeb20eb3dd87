"""Audio tracks in MP4: their sample entry, their frames as samples, and silence.

AAC stays as it is. PCM becomes FLAC, which browsers play in MP4 where they refuse PCM.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Protocol

from neolink.errors import Unsupported
from neolink.media.aac import SAMPLES_PER_FRAME, AudioSpecificConfig, silent_unit
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.mp4.boxes import box, full_box
from neolink.mp4.flac import MAX_BLOCK_SAMPLES, flac_frame, flac_stream_info
from neolink.mp4.samples import Buffer, Sample

__all__ = ["AudioFormat", "audio_format"]

_DATA_REFERENCE = 1
_SAMPLE_BITS = 16
_MAX_RATE = 0xFFFF
_pack_entry = Struct(">6xH8xHH4xI").pack


class AudioFormat(Protocol):
    """How one audio track is written."""

    codec_string: str
    """Its name for ``codecs=`` in a media type."""

    hls_codec_string: str
    """Its name in a playlist."""

    sample_entry: bytes

    def samples(self, data: bytes | memoryview, count: int, dts: int) -> Iterator[Sample]:
        """Yield a frame of ``count`` PCM samples that begins at ``dts``, as one sample or more."""

    def silence(self, dts: int, end: int) -> Iterator[Sample]:
        """Yield silence from ``dts`` on that does not go beyond ``end``; maybe none fits."""


def audio_format(track: AudioTrack) -> AudioFormat:
    """Return how a track is written. Raises Unsupported when MP4 for browsers cannot hold it."""
    if not 1 <= track.clock_rate <= _MAX_RATE:
        raise Unsupported(
            f"sound in MP4: expected 1 to {_MAX_RATE} samples a second, got {track.clock_rate}"
        )
    return _Aac(track) if track.codec is AudioCodec.AAC else _Flac(track)


class _Aac:
    """Raw AAC access units under ``mp4a`` (ISO 14496-14 section 6.7)."""

    def __init__(self, track: AudioTrack) -> None:
        config = AudioSpecificConfig.parse(track.config)
        self.codec_string = self.hls_codec_string = f"mp4a.40.{config.object_type}"
        fields = _audio_fields(track)
        self.sample_entry = box(b"mp4a", fields, full_box(b"esds", 0, 0, _es(track.config)))
        self._silence = silent_unit(track.config)

    def samples(self, data: Buffer, count: int, dts: int) -> Iterator[Sample]:
        """Yield the frame as it is."""
        if data and count > 0:
            yield Sample(dts, count, len(data), (data,))

    def silence(self, dts: int, end: int) -> Iterator[Sample]:
        """Yield whole frames; none for formats whose silence is not known here."""
        if not self._silence:
            return
        for begin in range(dts, end - SAMPLES_PER_FRAME + 1, SAMPLES_PER_FRAME):
            yield Sample(begin, SAMPLES_PER_FRAME, len(self._silence), (self._silence,))


class _Flac:
    """PCM as FLAC under ``fLaC`` (the mapping of FLAC's authors; the box ``dfLa``)."""

    codec_string = "flac"
    hls_codec_string = "fLaC"

    def __init__(self, track: AudioTrack) -> None:
        if track.channels != 1:
            raise Unsupported(f"PCM in MP4: expected 1 channel, got {track.channels}")
        self._rate = track.clock_rate
        info = flac_stream_info(self._rate)
        block = bytes((0x80,)) + len(info).to_bytes(3) + info  # the last block, and the only one
        self.sample_entry = box(b"fLaC", _audio_fields(track), full_box(b"dfLa", 0, 0, block))

    def samples(self, data: Buffer, count: int, dts: int) -> Iterator[Sample]:
        """Yield the PCM in frames that any decoder takes."""
        count = min(count, len(data) // 2)
        for first in range(0, count, MAX_BLOCK_SAMPLES):
            pcm = data[2 * first : 2 * min(count, first + MAX_BLOCK_SAMPLES)]
            frame = flac_frame(pcm, self._rate, dts + first)
            yield Sample(dts + first, len(pcm) // 2, len(frame), (frame,))

    def silence(self, dts: int, end: int) -> Iterator[Sample]:
        """Yield frames up to ``end`` exactly."""
        for begin in range(dts, end, MAX_BLOCK_SAMPLES):
            count = min(end - begin, MAX_BLOCK_SAMPLES)
            frame = flac_frame(bytes(2 * count), self._rate, begin)
            yield Sample(begin, count, len(frame), (frame,))


def _audio_fields(track: AudioTrack) -> bytes:
    """Return the fields of an AudioSampleEntry (ISO 14496-12 section 12.2.3)."""
    return _pack_entry(_DATA_REFERENCE, track.channels, _SAMPLE_BITS, track.clock_rate << 16)


def _es(config: bytes) -> bytes:
    """Return the ES descriptor around an AudioSpecificConfig (ISO 14496-1 section 7.2.6.5)."""
    decoder = _descriptor(
        0x04,
        bytes((0x40, 0x15)),  # AAC, an audio stream
        bytes(11),  # buffer size and bit rates: not told
        _descriptor(0x05, config),
    )
    return _descriptor(0x03, bytes(3), decoder, _descriptor(0x06, b"\x02"))


def _descriptor(tag: int, *parts: bytes) -> bytes:
    """Return a descriptor of less than 128 bytes (ISO 14496-1 section 8.3.3)."""
    return bytes((tag, sum(map(len, parts)))) + b"".join(parts)
