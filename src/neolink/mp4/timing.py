"""When samples are decoded: what browsers demand of a live track, made of ``pts`` that may jump.

A browser that is given a sample more than twice its predecessor's duration later takes this for a
new beginning, of all tracks, and shows nothing until the next key frame (W3C Media Source
Extensions, section 3.5.7 step 1.7). A camera that skips three pictures must not cost that, nor must
sound that is missing. So decode times never jump, and sound has no holes.
"""

from collections.abc import Iterator

from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack
from neolink.media.units import AudioFrame
from neolink.mp4.audio import AudioFormat
from neolink.mp4.samples import Sample

__all__ = ["SoundLine", "VideoClock"]

MOST_DURATION = VIDEO_CLOCK_RATE
"""Longest duration told of a picture: one second."""

MOST_LAG = 60 * VIDEO_CLOCK_RATE
"""Decode times further behind than this catch up at once: after a break of a minute the next
picture is a key frame in any case."""

SOUND_SLACK_S = 0.5
"""How far sound may be behind the picture before it counts as missing: more than cameras
interleave, and as much later as a viewer sees a camera whose sound has gone."""

MOST_SILENCE_S = 30.0
"""A longer hole is left as it is."""


class VideoClock:
    """Gives pictures decode times while it is not known yet how long each is shown.

    A picture is decoded when it is shown, but never later than twice the duration told of the one
    before allows; after a gap the difference goes into the composition offset and is made up for
    at double speed. The duration told is the nominal interval, or the last step if that was
    longer.
    """

    def __init__(self) -> None:
        self._pts = -1
        self._dts = -1
        self._duration = 0

    def advance(self, pts: int, interval: int) -> tuple[int, int, int]:
        """Return decode time, composition offset and duration of the picture at ``pts``.

        All in ticks of 90 kHz; ``interval`` is the nominal one. Decode times rise; a ``pts`` that
        does not is moved.
        """
        duration = interval
        dts = pts = max(pts, self._pts + 1)
        if self._dts >= 0:
            duration = max(interval, min(pts - self._pts, MOST_DURATION))
            reachable = self._dts + 3 * self._duration // 2
            if pts > reachable and pts - reachable < MOST_LAG:
                dts = reachable
        self._pts, self._dts, self._duration = pts, dts, duration
        return dts, pts - dts, duration


class SoundLine:
    """An audio track without holes: where sound is missing there is silence.

    ``start`` is the time of the first picture in ticks of 90 kHz; what sounds before is left out.
    """

    def __init__(self, audio: AudioFormat, track: AudioTrack, start: int) -> None:
        self.track = track
        self._format = audio
        self._end = self._ticks(start)
        self._dts = self._end - 1  # of the newest sample
        self._duration = 0

    @property
    def end_pts(self) -> int:
        """Where the next sample belongs, in ticks of 90 kHz, rounded up."""
        return -(-self._end * VIDEO_CLOCK_RATE // self.track.clock_rate)

    def push(self, frame: AudioFrame) -> list[Sample]:
        """Return the samples of a frame, after silence where something was missing before it.

        None for a frame that comes too late: its time is filled already.
        """
        gap = frame.pts - self._end
        if 2 * gap < -frame.samples:
            return []
        is_hole = gap > 0 and gap >= min(frame.samples, self._duration or frame.samples)
        filled = list(self._silence(frame.pts)) if is_hole else []
        begin = max(frame.pts, self._dts + 1)
        samples = list(self._format.samples(frame.data, frame.samples, begin))
        for sample in samples[-1:]:  # a frame may be empty
            self._note(sample)
        return filled + samples

    def fill(self, pts: int) -> list[Sample]:
        """Return silence for the sound that should have come with the picture at ``pts``."""
        slack = round(SOUND_SLACK_S * self.track.clock_rate)
        due = self._ticks(pts) - slack
        if due - self._end < slack:  # not for every picture
            return []
        return list(self._silence(due))

    def _silence(self, end: int) -> Iterator[Sample]:
        if end - self._end > MOST_SILENCE_S * self.track.clock_rate:
            self._end = end
            return
        for sample in self._format.silence(self._end, end):
            self._note(sample)
            yield sample

    def _note(self, newest: Sample) -> None:
        self._dts, self._duration = newest.dts, newest.duration
        self._end = newest.dts + newest.duration

    def _ticks(self, pts: int) -> int:
        return pts * self.track.clock_rate // VIDEO_CLOCK_RATE
