"""The schedule of a simulated stream: which packets are due when. No clock, no sockets, no bytes.

The caller says how much time has gone by since the stream's start; the source says what a camera
would have sent by then: an Info packet, then pictures with the camera's clock, and sound between
them where its content belongs.

Pictures are encoded beforehand, so the counter they show begins anew with each loop of the clip.
Frame ``f`` of the stream (counted from 0, as :attr:`MediaSource.sent_frames` does) shows
:meth:`MediaSource.counter_of` ``(f)``. A test that reads counters with gaps shorter than a loop
adds up the differences modulo the clip's length.
"""

from datetime import UTC, datetime
from enum import StrEnum

from neolink.baichuan.bcmedia import (
    AacPacket,
    AdpcmPacket,
    InfoPacket,
    Packet,
    VideoPacket,
    VideoTag,
)
from neolink.simulator.clipfile import Clip
from neolink.simulator.clips import AAC_FRAME_SAMPLES, AAC_RATE, aac_tone
from neolink.simulator.tone import ADPCM_BLOCK_SAMPLES, ADPCM_RATE, adpcm_blocks

__all__ = ["MediaSource", "Sound"]

_SECOND_US = 1_000_000
_CLOCK_LIMIT = 1 << 32


class Sound(StrEnum):
    """The audio a simulated camera sends."""

    AAC = "aac"
    ADPCM = "adpcm"


class MediaSource:
    """Sends one clip in a loop, with a steady tone.

    ``frame_rate`` plays the clip at another speed than it was made for; GOP and bit rate are the
    clip's (``clips.choose`` makes one to order). ``start_us`` is the camera's 32-bit clock at the
    first picture, which may be near its end. ``start_posix_s`` is the time of day then; the
    camera's zone is UTC.
    """

    def __init__(
        self,
        clip: Clip,
        sound: Sound | None = None,
        *,
        frame_rate: int | None = None,
        start_us: int = 0,
        start_posix_s: int = 1_700_000_000,
    ) -> None:
        self._sound = sound
        self._start_us = start_us
        self._start_posix_s = start_posix_s
        self._sent_frames = 0
        self._sent_sounds = 0
        self._clip_since_us = 0  # of the stream's time
        self._clip_since_frame = 0
        self._is_info_due = True
        self._set_clip(clip, frame_rate)

    @property
    def clip(self) -> Clip:
        """The clip that is being sent."""
        return self._clip

    @property
    def sent_frames(self) -> int:
        """Pictures sent since the stream's start."""
        return self._sent_frames

    @property
    def last_counter(self) -> int | None:
        """The counter that the picture sent last shows; None before the first."""
        is_from_this_clip = self._sent_frames > self._clip_since_frame
        return self.counter_of(self._sent_frames - 1) if is_from_this_clip else None

    def counter_of(self, frame: int) -> int:
        """Return the counter that the stream's ``frame``-th picture shows, if of this clip."""
        return (frame - self._clip_since_frame) % len(self._clip.access_units)

    def packets_due(self, elapsed_s: float) -> list[Packet]:
        """Return what is due ``elapsed_s`` after the start and was not returned yet, in order.

        Who lets time pass without asking gets it all at once; who drops the result has lost it,
        as behind a camera that stalls.
        """
        elapsed_us = round(elapsed_s * _SECOND_US)
        due: list[Packet] = []
        while (now_us := self._next_due_us()) <= elapsed_us:
            if self._sound_due_us() < self._frame_due_us():
                due.append(self._next_sound())
                continue
            if self._is_info_due:
                due.append(self._info(now_us))
            due.append(self._next_frame(now_us))
        return due

    def next_due_s(self, elapsed_s: float) -> float:
        """Return how many seconds after ``elapsed_s`` the next packet is due, 0 if it is now."""
        return max(0.0, self._next_due_us() / _SECOND_US - elapsed_s)

    def change_clip(self, clip: Clip, frame_rate: int | None = None) -> None:
        """Go on with another clip from its first picture, at the next picture's time.

        An Info packet announces it; the camera's clock and the sound run on.
        """
        self._clip_since_us = self._frame_due_us()
        self._clip_since_frame = self._sent_frames
        self._is_info_due = True
        self._set_clip(clip, frame_rate)

    def _set_clip(self, clip: Clip, frame_rate: int | None) -> None:
        self._clip = clip
        self._frame_rate = frame_rate or clip.frame_rate
        self._tag = VideoTag(clip.codec.value)

    def _next_due_us(self) -> int:
        return min(self._frame_due_us(), self._sound_due_us())

    def _frame_due_us(self) -> int:
        frames = self._sent_frames - self._clip_since_frame
        return self._clip_since_us + frames * _SECOND_US // self._frame_rate

    def _sound_due_us(self) -> int:
        match self._sound:
            case Sound.AAC:
                return self._sent_sounds * AAC_FRAME_SAMPLES * _SECOND_US // AAC_RATE
            case Sound.ADPCM:
                return self._sent_sounds * ADPCM_BLOCK_SAMPLES * _SECOND_US // ADPCM_RATE
            case None:
                return self._frame_due_us()  # a picture goes before a sound of its time

    def _info(self, now_us: int) -> InfoPacket:
        self._is_info_due = False
        zoned = datetime.fromtimestamp(self._posix_s(now_us), UTC)
        local = zoned.replace(tzinfo=None)  # the wire carries a camera's local time, without zone
        size = self._clip.width, self._clip.height
        return InfoPacket(*size, self._frame_rate, start=local, end=local)

    def _next_frame(self, now_us: int) -> VideoPacket:
        index = self.counter_of(self._sent_frames)
        self._sent_frames += 1
        is_key = self._clip.is_key(index)
        return VideoPacket(
            is_key_frame=is_key,
            codec=self._tag,
            data=self._clip.access_units[index],
            microseconds=(self._start_us + now_us) % _CLOCK_LIMIT,
            posix_time=self._posix_s(now_us) if is_key else None,
        )

    def _next_sound(self) -> Packet:
        index = self._sent_sounds
        self._sent_sounds += 1
        if self._sound is Sound.AAC:
            frames = aac_tone()
            return AacPacket(frames[index % len(frames)])
        blocks = adpcm_blocks()
        return AdpcmPacket(blocks[index % len(blocks)])

    def _posix_s(self, now_us: int) -> int:
        return self._start_posix_s + now_us // _SECOND_US
