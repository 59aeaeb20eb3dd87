"""AAC, Opus and PCM into each other, by PyAV (extra ``media``). Blocking: only for codec threads.

Hot path of the threads: 0.5 to 5 ms of CPU for a second of sound, by what it becomes.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from neolink.errors import Unsupported
from neolink.media.pcm import swap_bytes
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.media.units import AudioFrame

if TYPE_CHECKING:
    import av
    from av.audio.codeccontext import AudioCodecContext

__all__ = ["Transcoder"]

BIT_RATES: Final = {AudioCodec.AAC: 48_000, AudioCodec.OPUS: 32_000}
"""Of what is encoded here: speech and noise of a yard, in one channel."""

BYTES_PER_SAMPLE: Final = 2


class Transcoder:
    """Makes of one track another, frame by frame. ``damaged`` counts frames nobody could decode.

    The ``pts`` of what is returned is the time of its content: what a codec delays is taken off.
    Raises Unsupported where PyAV lacks a codec.
    """

    def __init__(self, source: AudioTrack, target: AudioTrack) -> None:
        import av  # noqa: PLC0415 - an extra, and slow to load

        self.damaged = 0
        self._source = source
        self._target = target
        self._decoding_errors = av.FFmpegError
        try:
            self._decoder = _decoder(source) if source.codec is AudioCodec.AAC else None
            self._encoder = _encoder(target) if target.codec is not AudioCodec.L16 else None
        except (av.FFmpegError, ValueError) as error:
            text = f"PyAV cannot make {target.codec} of {source.codec}: {error}"
            raise Unsupported(text) from None
        self._resampler = self._new_resampler()

    def feed(self, frames: Sequence[AudioFrame]) -> list[AudioFrame]:
        """Return what is finished with the next frames; the first ones may give nothing yet."""
        return [
            made
            for frame in frames
            for plain in self._decode(frame)
            for level in self._resample(plain)
            for made in self._encode(level)
        ]

    def _decode(self, frame: AudioFrame) -> Iterator["av.AudioFrame"]:
        import av  # noqa: PLC0415

        if self._decoder is None:
            yield self._plain(frame)
            return
        try:
            decoded = self._decoder.decode(av.Packet(bytes(frame.data)))
        except self._decoding_errors:
            self.damaged += 1
            return
        for plain in decoded:
            self._stamp(plain, frame.pts)
            yield plain

    def _plain(self, frame: AudioFrame) -> "av.AudioFrame":
        import av  # noqa: PLC0415

        count = len(frame.data) // BYTES_PER_SAMPLE
        plain = av.AudioFrame(format="s16", layout="mono", samples=count)
        plain.sample_rate = frame.track.clock_rate
        data = swap_bytes(frame.data[: count * BYTES_PER_SAMPLE])
        plane = plain.planes[0]
        plane.update(data.ljust(plane.buffer_size, b"\0"))
        self._stamp(plain, frame.pts)
        return plain

    def _stamp(self, plain: "av.AudioFrame", pts: int) -> None:
        plain.pts = pts
        plain.time_base = Fraction(1, self._source.clock_rate)

    def _resample(self, plain: "av.AudioFrame") -> "list[av.AudioFrame]":
        try:
            frames: list[av.AudioFrame] = self._resampler.resample(plain)
        except ValueError:  # its format is not that of the frame before
            self._resampler = self._new_resampler()
            frames = self._resampler.resample(plain)
        return frames

    def _new_resampler(self) -> "av.AudioResampler":
        import av  # noqa: PLC0415

        encoder = self._encoder
        return av.AudioResampler(
            format=encoder.format.name if encoder is not None else "s16",
            layout="mono",
            rate=self._target.clock_rate,
            frame_size=encoder.frame_size if encoder is not None else None,
        )

    def _encode(self, level: "av.AudioFrame") -> Iterator[AudioFrame]:
        if self._encoder is None:
            data = bytes(level.planes[0])[: level.samples * BYTES_PER_SAMPLE]
            pts = self._ticks(level.pts, level.time_base)
            yield AudioFrame(self._target, swap_bytes(data), pts, level.samples)
            return
        for packet in self._encoder.encode(level):
            pts = self._ticks(packet.pts, packet.time_base)
            yield AudioFrame(self._target, bytes(packet), pts, self._encoder.frame_size)

    def _ticks(self, pts: int | None, time_base: Fraction | None) -> int:
        assert pts is not None  # every frame was given one
        assert time_base is not None
        return round(pts * time_base * self._target.clock_rate)


def _decoder(track: AudioTrack) -> "AudioCodecContext":
    import av  # noqa: PLC0415

    decoder: AudioCodecContext = av.AudioCodecContext.create("aac", "r")
    decoder.extradata = track.config
    return decoder


def _encoder(track: AudioTrack) -> "AudioCodecContext":
    """Return an open encoder, of which the length of a frame is known."""
    import av  # noqa: PLC0415

    is_opus = track.codec is AudioCodec.OPUS
    name = "libopus" if is_opus else "aac"
    encoder: AudioCodecContext = av.AudioCodecContext.create(name, "w")
    encoder.sample_rate = track.clock_rate
    encoder.format = "s16" if is_opus else "fltp"
    encoder.layout = "mono"
    encoder.bit_rate = BIT_RATES[track.codec]
    encoder.time_base = Fraction(1, track.clock_rate)
    if is_opus:
        encoder.options = {"frame_duration": "20"}
    encoder.open()
    return encoder
