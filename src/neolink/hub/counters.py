"""What one stream has carried so far, as plain numbers bumped in place. Pure.

Hot path: ``picture_came`` and ``sound_came`` run once per unit. Nothing here is formatted, named
or added up for anybody; who wants to show it reads it.
"""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from statistics import median

from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.media.units import AccessUnit, AudioFrame

__all__ = ["FlowStart", "StreamCounters", "Tally"]

GAP_BOUNDS_S = (0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0)
"""Between 40 pictures a second and a camera that counts as lost."""

SETUP_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0)

KEY_INTERVALS = 8
"""So many groups of pictures tell what their usual length is."""

DRIFT_WEIGHT = 1 / 64
"""Of one audio frame: a few seconds of sound outweigh what came before."""

DRIFT_STEP_S = 1.5
"""So much from one frame to the next is no jitter: the sound was placed anew, so begin anew."""

FRESH_S = 2.0
"""An older picture says nothing of where the sound should be."""


class Tally:
    """How often values fell between fixed bounds."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        """Upper bounds, inclusive, rising."""
        self.counts = [0] * (len(bounds) + 1)
        """By bucket, not cumulated; the last one is above all bounds."""
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


@dataclass(frozen=True, slots=True)
class FlowStart:
    """The first picture after a start, and what had been counted with it: where a rate begins."""

    at_s: float
    pictures: int
    received_bytes: int


class StreamCounters:
    """Counters of one stream. Times are monotonic seconds.

    Pictures *flow* from the first one after a start until ``stopped``. Only while they do are the
    gaps between them counted, the length of their groups, and the drift: a stop, a pause or a
    camera that was lost is none of these.
    """

    __slots__ = (
        "_asked_s",
        "_drift_s",
        "_key_intervals",
        "_key_pts",
        "_pts",
        "audio_frames",
        "flow",
        "frame_gaps",
        "key_frames",
        "last_audio_s",
        "last_key_frame_s",
        "last_picture_s",
        "pictures",
        "received_bytes",
        "setup_times",
        "worst_gap_s",
    )

    def __init__(self) -> None:
        self.pictures = 0
        self.key_frames = 0
        self.audio_frames = 0
        self.received_bytes = 0
        self.last_picture_s: float | None = None
        self.last_key_frame_s: float | None = None
        self.last_audio_s: float | None = None
        self.flow: FlowStart | None = None
        """None while no pictures flow."""
        self.frame_gaps = Tally(GAP_BOUNDS_S)
        self.worst_gap_s = 0.0
        """Since ``take_worst_gap_s``."""
        self.setup_times = Tally(SETUP_BOUNDS_S)
        """From ``asked`` to the first picture."""
        self._asked_s: float | None = None
        self._pts = 0
        self._key_pts: int | None = None
        self._key_intervals: deque[int] = deque(maxlen=KEY_INTERVALS)
        self._drift_s: float | None = None

    # -- the writer's side ------------------------------------------------------------

    def asked(self, now_s: float) -> None:
        """Learn that the camera is asked to send, or to send again."""
        self._asked_s = now_s

    def picture_came(self, unit: AccessUnit, now_s: float) -> None:
        """Count a picture of the camera."""
        self.pictures += 1
        nal_units = unit.nal_units
        self.received_bytes += len(nal_units[0]) if len(nal_units) == 1 else unit.size
        before_s = self.last_picture_s
        if self.flow is None or before_s is None:
            self._begin(now_s)
        else:
            gap_s = now_s - before_s
            gaps = self.frame_gaps  # Tally.add, without the call
            gaps.counts[bisect_left(gaps.bounds, gap_s)] += 1
            gaps.total += gap_s
            if gap_s > self.worst_gap_s:  # noqa: PLR1730 - a call of max() takes longer
                self.worst_gap_s = gap_s
        self.last_picture_s = now_s
        self._pts = unit.pts
        if unit.is_random_access:
            self._key_frame_came(unit.pts, now_s)

    def sound_came(self, frame: AudioFrame, now_s: float) -> None:
        """Count an audio frame of the camera."""
        self.audio_frames += 1
        self.received_bytes += frame.size
        self.last_audio_s = now_s
        if self.flow is None or self.last_picture_s is None:
            return
        age_s = now_s - self.last_picture_s
        if age_s > FRESH_S:
            return
        drift_s = frame.pts / frame.track.clock_rate - self._pts / VIDEO_CLOCK_RATE - age_s
        if self._drift_s is None or abs(drift_s - self._drift_s) > DRIFT_STEP_S:
            self._drift_s = drift_s
        else:
            self._drift_s += (drift_s - self._drift_s) * DRIFT_WEIGHT

    def stopped(self) -> None:
        """Learn that what follows, if anything, begins anew, e.g. because the camera was lost."""
        self.flow = None
        self._key_pts = None
        self._drift_s = None

    def dismissed(self) -> None:
        """Learn that the camera is no longer to send."""
        self.stopped()
        self._asked_s = None

    # -- the reader's side ------------------------------------------------------------

    @property
    def gop_s(self) -> float | None:
        """Usual media time between key frames; None before the second one."""
        return median(self._key_intervals) / VIDEO_CLOCK_RATE if self._key_intervals else None

    @property
    def av_drift_s(self) -> float | None:
        """How far the sound is ahead of the picture in media time, against their arrivals.

        Of one frame that is its pts, minus the pts of the picture before it, minus what passed
        between the arrivals of the two; here smoothed over some 64 frames. None while nothing
        tells. A camera interleaves the two some 100 ms early or late at will, so a constant of
        this size is no fault.
        """
        return self._drift_s

    def take_worst_gap_s(self, now_s: float) -> float:
        """Return the longest silence between pictures since the last call, one that lasts too."""
        worst_s, self.worst_gap_s = self.worst_gap_s, 0.0
        if self.flow is None or self.last_picture_s is None:
            return worst_s
        return max(worst_s, now_s - self.last_picture_s)

    # -- details ----------------------------------------------------------------------

    def _begin(self, now_s: float) -> None:
        self.flow = FlowStart(now_s, self.pictures, self.received_bytes)
        if self._asked_s is not None:
            self.setup_times.add(now_s - self._asked_s)
            self._asked_s = None

    def _key_frame_came(self, pts: int, now_s: float) -> None:
        self.key_frames += 1
        self.last_key_frame_s = now_s
        if self._key_pts is not None:
            self._key_intervals.append(pts - self._key_pts)
        self._key_pts = pts
