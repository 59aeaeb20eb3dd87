"""One stream as its bytes tell it: what was counted and measured while it was watched.

Pure: bytes and arrival times in, facts out; :mod:`neolink.doctor.judge_media` says what they mean.
Unlike the bridge, which makes the best of what comes, this looks at every packet as it was sent.
"""

from collections.abc import Mapping, Sequence

from neolink.baichuan.bcmedia import (
    AacPacket,
    AdpcmPacket,
    BcMediaReader,
    Damage,
    InfoPacket,
    Packet,
    VideoPacket,
)
from neolink.baichuan.xml.streams import resolve_table
from neolink.doctor.media_facts import MediaFacts
from neolink.doctor.sound import SoundCount
from neolink.media.assembler import VideoAssembler
from neolink.media.frame_rate import plausible_frame_rate
from neolink.media.tracks import VIDEO_CLOCK_RATE, VideoCodec

__all__ = ["StreamWatch"]

WRAP_US = 1 << 32
US_PER_S = 1_000_000
LONGEST_STEP_S = 2.0
"""A longer step of the frame clock is a jump, unless as much time really passed."""


class StreamWatch:
    """Given the bytes of a stream as they arrive, knows the facts at any time.

    ``asked_s`` is when the stream was requested, on the clock of all other times. ``tables`` are
    frame rates by picture size, as the camera told them at login.
    """

    def __init__(
        self, asked_s: float, tables: Mapping[tuple[int, int], Sequence[int]] | None = None
    ) -> None:
        self.first_picture_s: float | None = None
        """As all the others since ``asked_s``."""
        self._asked_s = asked_s
        self._tables = tables or {}
        self._reader = BcMediaReader()
        self._assembler: VideoAssembler | None = None
        self._bytes = 0
        self._first_byte_s: float | None = None
        self._last_byte_s: float | None = None
        self._last_picture_s: float | None = None
        self._video_packets = self._key_packets = self._pictures = self._key_frames = 0
        self._announced_fps: float | None = None
        self._rated_bytes = 0
        self._clock = _FrameClock()
        self._last_key_media_s = 0.0
        self._longest_gop_s = 0.0
        self._longest_gap_s = 0.0
        self._before: VideoPacket | None = None
        self._repeated = 0
        self._damages = 0
        self._last_damage = ""
        self._sound = SoundCount()

    def feed(self, data: bytes, now_s: float) -> None:
        """Take the next bytes. Raises nothing, whatever they are."""
        since_s = now_s - self._asked_s
        if self._first_byte_s is None:
            self._first_byte_s = since_s
        self._last_byte_s = since_s
        self._bytes += len(data)
        for packet in self._reader.feed(data):
            self._take(packet, since_s)

    def facts(self, now_s: float) -> MediaFacts:
        """Return what is known by now."""
        open_gop_s = self._clock.media_s - self._last_key_media_s
        return MediaFacts(
            watched_s=now_s - self._asked_s,
            received_bytes=self._bytes,
            first_byte_s=self._first_byte_s,
            last_byte_s=self._last_byte_s,
            first_picture_s=self.first_picture_s,
            last_picture_s=self._last_picture_s,
            video_packets=self._video_packets,
            key_packets=self._key_packets,
            pictures=self._pictures,
            track=self._assembler.track if self._assembler else None,
            announced_fps=self._announced_fps,
            media_s=self._clock.media_s,
            rated_bytes=self._rated_bytes,
            key_frames=self._key_frames,
            longest_gop_s=max(self._longest_gop_s, open_gop_s) if self._key_frames else None,
            longest_gap_s=self._longest_gap_s,
            clock_jumps=self._clock.jumps,
            clock_stands=self._clock.stands,
            repeated=self._repeated,
            damages=self._damages + (self._assembler.rejected if self._assembler else 0),
            last_damage=self._last_damage,
            audio=self._sound.facts(),
        )

    def _take(self, packet: Packet | Damage, now_s: float) -> None:
        match packet:
            case VideoPacket():
                self._take_video(packet, now_s)
            case AacPacket() | AdpcmPacket():
                self._rated_bytes += len(packet.data) if self._pictures else 0
                self._sound.take(packet, now_s)
            case InfoPacket():
                self._take_info(packet)
            case Damage(_, discarded, reason):
                self._damages += 1
                self._last_damage = f"{discarded} bytes skipped: {reason}"

    def _take_info(self, packet: InfoPacket) -> None:
        # Old cameras write an index into the table of their resolution.
        table = self._tables.get((packet.width, packet.height), ())
        self._announced_fps = plausible_frame_rate(resolve_table(packet.frame_rate, table))

    # -- pictures ---------------------------------------------------------------------

    def _take_video(self, packet: VideoPacket, now_s: float) -> None:
        self._video_packets += 1
        self._key_packets += packet.is_key_frame
        before, self._before = self._before, packet
        if before and before.microseconds == packet.microseconds and before.data == packet.data:
            self._repeated += 1
            return
        codec = VideoCodec(packet.codec.value)
        if self._assembler is None or self._assembler.codec is not codec:
            self._assembler = VideoAssembler(codec)
        pts = round(now_s * VIDEO_CLOCK_RATE)
        unit = self._assembler.assemble(packet.data, pts)
        self._last_damage = self._assembler.last_rejection or self._last_damage
        if unit is not None:
            self._take_picture(packet, now_s, is_key=unit.is_random_access)

    def _take_picture(self, packet: VideoPacket, now_s: float, *, is_key: bool) -> None:
        gap_s = 0.0 if self._last_picture_s is None else now_s - self._last_picture_s
        self._longest_gap_s = max(self._longest_gap_s, gap_s)
        self._clock.advance(packet.microseconds, gap_s)
        if self.first_picture_s is None:
            self.first_picture_s = now_s
        else:
            self._rated_bytes += len(packet.data)
        self._last_picture_s = now_s
        self._pictures += 1
        if is_key:
            self._take_key_frame()

    def _take_key_frame(self) -> None:
        gop_s = self._clock.media_s - self._last_key_media_s
        if self._key_frames:
            self._longest_gop_s = max(self._longest_gop_s, gop_s)
        self._last_key_media_s = self._clock.media_s
        self._key_frames += 1


class _FrameClock:
    """The camera's 32-bit clock, unwrapped: how much media time passed, and where it was odd."""

    def __init__(self) -> None:
        self.media_s = 0.0
        self.jumps = 0
        self.stands = 0
        self._last_us: int | None = None

    def advance(self, camera_us: int, gap_s: float) -> None:
        """Take the clock of the next picture, which came ``gap_s`` after the one before."""
        last_us, self._last_us = self._last_us, camera_us
        if last_us is None:
            return
        step_us = (camera_us - last_us) % WRAP_US
        step_s = (step_us if step_us < WRAP_US // 2 else step_us - WRAP_US) / US_PER_S
        if step_s < 0 or step_s > max(LONGEST_STEP_S, 2 * gap_s):
            self.jumps += 1
        elif step_s == 0:
            self.stands += 1
        else:
            self.media_s += step_s
