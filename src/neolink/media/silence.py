"""Silence where a camera has stopped its sound while pictures go on. Pure; counted.

A recorder that was told of a sound track waits for it before it writes pictures, so a track must
not dry up. The silence is in the camera's own coding: whatever else is made of the sound is made of
it too, and the switch is heard nowhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from neolink.media import pcm
from neolink.media.aac import SAMPLES_PER_FRAME, silent_unit
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioCodec, AudioTrack
from neolink.media.units import AudioFrame

__all__ = ["Silence", "silent_frame"]

MUTED_AFTER_TICKS: Final = VIDEO_CLOCK_RATE
"""Pictures without any sound go on for this long before silence is put in its place."""

LAG_S: Final = 0.2
"""Silence stays so far behind the picture: sound that comes back must not find its time taken."""

MOST_AT_ONCE_S: Final = 1.1
"""A longer hole is left open: what comes late by a second makes players doubt their clocks."""

FAR_APART_TICKS: Final = VIDEO_CLOCK_RATE // 2
"""Pictures further apart stand in for a camera that is away, or it has just come back: silence
would come with them in lumps and late, and the sound has time to come by itself."""

LONG_GONE_S: Final = 1.0
"""Sound of a time that was filled longer ago than this is not the camera being heard again: the
clock of its samples stood still while it was mute, and has yet to be set right."""

PCM_FRAME_S: Final = 0.04
BYTES_PER_SAMPLE: Final = 2

OPUS_SAMPLES: Final = 960
OPUS_SILENCE: Final = b"\xf8\xff\xfe"
"""20 ms of one channel (RFC 6716 section 3.1: CELT alone, the whole band) with nothing in them."""


def silent_frame(track: AudioTrack, pts: int = 0) -> AudioFrame | None:
    """Return a frame of silence in the coding of a track; None where none is known here."""
    match track.codec:
        case AudioCodec.AAC:
            data, samples = silent_unit(track.config), SAMPLES_PER_FRAME
        case AudioCodec.OPUS:
            data, samples = OPUS_SILENCE, OPUS_SAMPLES
        case AudioCodec.L16:
            samples = round(PCM_FRAME_S * track.clock_rate)
            data = pcm.silence(samples)
    return AudioFrame(track, data, pts, samples) if data else None


class Silence:
    """Stands between a camera's sound and its players.

    Times are the ``pts`` of units. What is returned never overlaps silence that was returned
    before: sound that comes back is cut there, or left out until its time is free.
    """

    def __init__(self) -> None:
        self.frames = 0
        """Frames of silence made."""
        self.episodes = 0
        """How often the sound had stopped."""
        self.left_out = 0
        """Frames of the camera whose time had been filled already."""
        self.track: AudioTrack | None = None
        self._silent: AudioFrame | None = None
        self._video_pts: int | None = None
        self._heard_pts = 0  # of the newest picture when sound came last
        self._end: int | None = None  # of all that was returned
        self._filled_end: int | None = None
        self._is_filling = False

    def follow(self, track: AudioTrack) -> None:
        """Learn what the sound is, or that it is another now; of odd AAC no silence is known."""
        if self.track == track:
            return
        self.track = track
        self._end = self._filled_end = None
        self._is_filling = False
        self._silent = silent_frame(track)

    def restart(self) -> None:
        """Learn that nothing follows for now; what comes later begins anew, but never earlier."""
        self._video_pts = None
        self._is_filling = False

    def take(self, frame: AudioFrame) -> Sequence[AudioFrame]:
        """Return what is to be sent for a frame of the camera: it, mostly."""
        overlap = 0 if self._filled_end is None else self._filled_end - frame.pts
        if overlap > LONG_GONE_S * frame.track.clock_rate:
            self.left_out += 1
            return ()
        if self._video_pts is not None:
            self._heard_pts = self._video_pts
        found = _cut(frame, overlap) if overlap > 0 else frame
        if found is None:
            self.left_out += 1
            return ()
        before = tuple(self._until(found.pts)) if self._is_filling else ()
        self._is_filling = False
        self._end = found.pts + found.samples
        return (*before, found)

    def fill(self, video_pts: int) -> Sequence[AudioFrame]:
        """Return the silence that is due with a picture (90 kHz): none while sound comes."""
        if self.track is None or self._silent is None:
            return ()
        now = video_pts * self.track.clock_rate // VIDEO_CLOCK_RATE
        if self._video_pts is None:
            self._heard_pts = video_pts
            self._end = max(now, self._end or now)
        elif video_pts - self._video_pts > FAR_APART_TICKS:
            self._heard_pts = video_pts
        self._video_pts = video_pts
        if self._end is None or video_pts - self._heard_pts <= MUTED_AFTER_TICKS:
            return ()
        if not self._is_filling:
            self._is_filling = True
            self.episodes += 1
        due = now - round(LAG_S * self.track.clock_rate)
        if due - self._end > MOST_AT_ONCE_S * self.track.clock_rate:
            self._end = due
        return tuple(self._until(due))

    def _until(self, end: int) -> Iterator[AudioFrame]:
        """Yield whole frames of silence that end by then."""
        silent = self._silent
        assert silent is not None  # it was followed, and is known
        assert self._end is not None
        while self._end + silent.samples <= end:
            yield replace(silent, pts=self._end)
            self.frames += 1
            self._end += silent.samples
            self._filled_end = self._end


def _cut(frame: AudioFrame, samples: int) -> AudioFrame | None:
    """Return a frame without its first samples; None if that cannot be or nothing is left."""
    if frame.track.codec is not AudioCodec.L16 or samples >= frame.samples:
        return None
    return replace(
        frame,
        data=frame.data[samples * BYTES_PER_SAMPLE :],
        pts=frame.pts + samples,
        samples=frame.samples - samples,
    )
