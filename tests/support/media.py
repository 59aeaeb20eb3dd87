"""Media without a camera: units made by hand or taken from bundled clips, published step by step.

No time passes here: a test says which unit comes next.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from neolink.hub.stream import Stream
from neolink.media.aac import parse_adts
from neolink.media.assembler import VideoAssembler
from neolink.media.tracks import (
    VIDEO_CLOCK_RATE,
    AudioCodec,
    AudioTrack,
    ParameterSets,
    StreamKind,
    VideoCodec,
    VideoTrack,
)
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from neolink.simulator import clips

__all__ = [
    "AAC",
    "H264",
    "H265",
    "L16",
    "Camera",
    "aac_units",
    "clip_units",
    "publish_gop",
    "video_unit",
]

H264 = VideoTrack(
    VideoCodec.H264,
    ParameterSets(bytes.fromhex("6764001eac2b405017fcb80b50"), (b"\x68\xee\x3c\x80",)),
    640,
    360,
    15.0,
)
H265 = VideoTrack(
    VideoCodec.H265,
    ParameterSets(b"\x42\x01" + bytes(20), (b"\x44\x01\xc1",), b"\x40\x01" + bytes(10)),
    640,
    360,
    15.0,
)
L16 = AudioTrack(AudioCodec.L16, 8000)
AAC = AudioTrack(AudioCodec.AAC, 16_000, 1, b"\x14\x08")

_AUDIO_SAMPLES = {AudioCodec.L16: 320, AudioCodec.AAC: 1024}
_NAL_HEADERS = {
    (VideoCodec.H264, True): b"\x65",
    (VideoCodec.H264, False): b"\x41",
    (VideoCodec.H265, True): b"\x26\x01",
    (VideoCodec.H265, False): b"\x02\x01",
}


def video_unit(
    pts: int, *, key: bool = False, size: int = 900, track: VideoTrack = H264, mark: int = 0
) -> AccessUnit:
    """Return an access unit of ``size`` bytes whose payload tells ``mark``; it does not decode."""
    header = _NAL_HEADERS[track.codec, key]
    body = (mark.to_bytes(4, "big") * (size // 4 + 1))[: size - len(header)]
    return AccessUnit(track, (memoryview(header + body),), pts, key)


@dataclass(slots=True)
class Camera:
    """Publishes units of one stream with timestamps that run on, as fast as it is told.

    ``sent`` are all units published. A GOP is ``gop`` pictures; audio comes with each picture
    once ``audio`` is set. Between pictures lies ``1 / fps`` of media time.
    """

    stream: Stream
    video: VideoTrack = H264
    audio: AudioTrack | None = None
    gop: int = 5
    fps: int = 25
    size: int = 900
    key_size: int = 3000
    frames: int = 0
    pts: int = 90_000
    sent: list[MediaUnit] = field(default_factory=list)
    _audio_pts: int | None = None

    def picture(self, *, key: bool | None = None) -> AccessUnit:
        """Publish the next picture, then the sound up to it; return the picture."""
        is_key = self.frames % self.gop == 0 if key is None else key
        size = self.key_size if is_key else self.size
        unit = video_unit(self.pts, key=is_key, size=size, track=self.video, mark=self.frames)
        self.frames += 1
        self._publish(unit)
        self._sound_until(self.pts)
        self.pts += VIDEO_CLOCK_RATE // self.fps
        return unit

    def pictures(self, number: int) -> list[AccessUnit]:
        """Publish ``number`` pictures."""
        return [self.picture() for _ in range(number)]

    def until_key(self) -> None:
        """Publish until the next picture would be a random access point."""
        while self.frames % self.gop:
            self.picture()

    def _sound_until(self, pts: int) -> None:
        if self.audio is None:
            return
        rate = self.audio.clock_rate
        due = pts * rate // VIDEO_CLOCK_RATE
        if self._audio_pts is None:
            self._audio_pts = due
        samples = _AUDIO_SAMPLES[self.audio.codec]
        while self._audio_pts <= due:
            data = bytes(2 * samples) if self.audio.codec is AudioCodec.L16 else bytes(100)
            self._publish(AudioFrame(self.audio, data, self._audio_pts, samples))
            self._audio_pts += samples

    def _publish(self, unit: MediaUnit) -> None:
        self.sent.append(unit)
        self.stream.publish(unit)


def publish_gop(stream: Stream, first_pts: int = 90_000, pictures: int = 5) -> list[AccessUnit]:
    """Publish one whole group of pictures at 25 per second, made by hand."""
    units = [video_unit(first_pts + i * 3600, key=i == 0, mark=i) for i in range(pictures)]
    for unit in units:
        stream.publish(unit)
    return units


def clip_units(
    codec: VideoCodec, kind: StreamKind = StreamKind.SUB, first_pts: int = 90_000
) -> Iterator[AccessUnit]:
    """Yield the decodable pictures of a bundled clip, over and over."""
    clip = clips.load(codec, kind)
    assembler = VideoAssembler(codec, clip.frame_rate)
    for frame in count():
        data = clip.access_units[frame % len(clip.access_units)]
        unit = assembler.assemble(data, first_pts + frame * VIDEO_CLOCK_RATE // clip.frame_rate)
        assert unit is not None
        yield unit


def aac_units(first_pts: int = 16_000) -> Iterator[AudioFrame]:
    """Yield the bundled tone's frames, over and over."""
    tone = clips.aac_tone()
    for number in count():
        (frame,) = parse_adts(tone[number % len(tone)])
        yield AudioFrame(
            frame.config.track, frame.data, first_pts + number * frame.samples, frame.samples
        )
