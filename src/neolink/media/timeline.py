"""Two clocks for players, made of what cameras send: a 32-bit frame clock, and counted samples.

Policies only, no clock is read: ``arrival_s`` is any monotonic time in seconds. Both timelines of
a stream are given the same ``origin_s``, the arrival that ``pts`` 0 stands for; left out, each
timeline begins with 0 at its own first unit, which only suits a stream of a single track.
"""

from collections import deque
from math import floor, inf

from neolink.errors import LocalProtocolError
from neolink.media.frame_rate import MeasuredFrameRate
from neolink.media.tracks import VIDEO_CLOCK_RATE

__all__ = ["AudioTimeline", "VideoTimeline"]

_CAMERA_WRAP_US = 1 << 32
_US_PER_S = 1_000_000


class VideoTimeline:
    """Turns a camera's frame clock (u32 microseconds) into ``pts`` of 90 kHz.

    Policy (protocol reference, section 4.3), first match counts:

    1. The first picture lies at ``arrival_s - origin_s``; one after ``restart`` or
       ``advance_by_arrival`` lies as much later as really passed, at least one frame interval.
    2. The camera's clock is unwrapped to the value nearest to the one before (``wraps``).
    3. A step back of 0.5 s or more, or forward by more than 10 s, is a camera setting its clock:
       media time goes on by one frame interval, or by what really passed if that was 2 s or
       more (``jumps``).
    4. A step forward of 2 s (10 frame intervals if longer) to 10 s is believed if pictures come
       late by at least half of it: nothing came for a while, or a camera that had to wait for the
       network dropped some. Else it is a jump as in 3.
    5. Any other step forward is the camera's own measure and kept exactly: pts are computed from
       an anchor, never summed up from rounded intervals.
    6. A smaller step back, or none, is one tick (``clamps``). If the clock then runs on normally
       from behind, it was set back a little: the timeline goes on from there with it.
    7. A clock that has not moved for more than 0.5 s of arrivals stands still: arrivals count
       until it moves, and the timeline goes on as in 1.

    pts are strictly increasing always. ``frame_rate`` knows the frame interval: nominal if
    plausible, else measured, else 15 a second.
    """

    _BACKWARD_JUMP_US = 500_000
    _FORWARD_JUMP_US = 2 * _US_PER_S
    _FORWARD_JUMP_INTERVALS = 10
    _CLOCK_RESET_US = 10 * _US_PER_S
    _STALL_S = 2.0
    _STANDSTILL_S = 0.5
    _FORGETTING = 0.001

    def __init__(
        self, nominal_frame_rate: float | None = None, *, origin_s: float | None = None
    ) -> None:
        self.frame_rate = MeasuredFrameRate(nominal_frame_rate)
        self.wraps = 0
        self.jumps = 0
        self.clamps = 0
        self._origin_s = origin_s
        self._pts: int | None = None
        self._arrival_s = 0.0
        self._camera_us: int | None = None  # unwrapped, of the picture before
        self._anchor_us = 0
        self._anchor_pts = 0
        self._moved_arrival_s = 0.0  # where the camera's clock moved last
        self._moved_pts = 0
        self._at_best: float | None = None  # arrival minus pts, in ticks, when least delayed
        self._is_standing = False
        self._restarted_s = -inf

    @property
    def pts(self) -> int | None:
        """The pts reached, ``None`` before the first picture."""
        return self._pts

    def advance(self, camera_us: int, arrival_s: float) -> int:
        """Return the pts of the next picture, by its 32-bit camera clock and its arrival."""
        pts = self._next(camera_us, arrival_s)
        self.frame_rate.observe(pts)
        return pts

    def advance_by_arrival(self, arrival_s: float) -> int:
        """Return the pts of a picture that is not the camera's (a placeholder)."""
        self._camera_us = None
        if self._pts is None:
            return self._reach(self._ticks_since_origin(arrival_s), arrival_s)
        return self._reach(self._pts + max(1, self._ticks_since_last(arrival_s)), arrival_s)

    def restart(self, arrival_s: float) -> None:
        """Forget the camera's clock, the connection is a new one; real time has passed."""
        self._camera_us = None
        self._at_best = None
        self._restarted_s = arrival_s

    def _next(self, camera_us: int, arrival_s: float) -> int:
        if self._pts is None or self._camera_us is None:
            return self._begin(camera_us, arrival_s)
        wrapped = (camera_us - self._camera_us) % _CAMERA_WRAP_US
        delta_us = wrapped if wrapped < _CAMERA_WRAP_US // 2 else wrapped - _CAMERA_WRAP_US
        now_us = self._camera_us + delta_us
        if self._is_jump(delta_us, arrival_s):
            pts = self._pts + self._ticks_over_jump(arrival_s)
            self.jumps += 1
            self._anchor(now_us, pts)
        elif delta_us > 0 and self._is_standing:
            return self._begin(camera_us, arrival_s)
        elif delta_us > 0:
            self.wraps += now_us // _CAMERA_WRAP_US - self._camera_us // _CAMERA_WRAP_US
            pts = self._pts_of(now_us)
            if pts <= self._pts:  # set back a little and running on
                self._anchor(self._camera_us, self._pts)
                pts = max(self._pts_of(now_us), self._pts + 1)
        else:
            self.clamps += 1
            return self._stand(now_us, arrival_s)
        return self._move(now_us, pts, arrival_s)

    def _begin(self, camera_us: int, arrival_s: float) -> int:
        if self._pts is None:
            pts = self._ticks_since_origin(arrival_s)
        else:
            passed = self._ticks_since_last(max(arrival_s, self._restarted_s))
            pts = self._pts + max(self._interval_ticks(), passed)
        self._anchor(camera_us, pts)
        return self._move(camera_us, pts, arrival_s)

    def _is_jump(self, delta_us: int, arrival_s: float) -> bool:
        if -self._BACKWARD_JUMP_US < delta_us < self._FORWARD_JUMP_US:
            return False
        if not 0 < delta_us <= self._CLOCK_RESET_US:
            return True
        slow_us = self._FORWARD_JUMP_INTERVALS * self._interval_ticks() * 100 // 9
        late_us = self._lateness_ticks(arrival_s) * 100 / 9
        return delta_us >= slow_us and 2 * late_us < delta_us

    def _ticks_over_jump(self, arrival_s: float) -> int:
        is_stall = arrival_s - self._arrival_s >= self._STALL_S
        return self._ticks_since_last(arrival_s) if is_stall else self._interval_ticks()

    def _stand(self, now_us: int, arrival_s: float) -> int:
        assert self._pts is not None
        pts = self._pts + 1
        elapsed_s = arrival_s - self._moved_arrival_s
        if elapsed_s > self._STANDSTILL_S:
            pts = max(pts, self._moved_pts + round(elapsed_s * VIDEO_CLOCK_RATE))
            self._is_standing = True
        self._camera_us = now_us
        return self._reach(pts, arrival_s)

    def _move(self, camera_us: int, pts: int, arrival_s: float) -> int:
        self._camera_us = camera_us
        self._moved_arrival_s, self._moved_pts = arrival_s, pts
        self._is_standing = False
        return self._reach(pts, arrival_s)

    def _lateness_ticks(self, arrival_s: float) -> float:
        """How far the media time reached is behind the arrivals, more than it was at best."""
        assert self._pts is not None
        at_best = self._at_best
        return 0.0 if at_best is None else arrival_s * VIDEO_CLOCK_RATE - self._pts - at_best

    def _note_delay(self, pts: int, arrival_s: float) -> None:
        delay = arrival_s * VIDEO_CLOCK_RATE - pts
        if self._at_best is None:
            self._at_best = delay
            return
        # What was best is forgotten slowly: two clocks never run exactly alike.
        passed = max(0.0, arrival_s - self._arrival_s) * VIDEO_CLOCK_RATE
        self._at_best = min(self._at_best + passed * self._FORGETTING, delay)

    def _reach(self, pts: int, arrival_s: float) -> int:
        self._note_delay(pts, arrival_s)
        self._pts = pts
        self._arrival_s = max(self._arrival_s, arrival_s)
        return pts

    def _anchor(self, camera_us: int, pts: int) -> None:
        self._anchor_us, self._anchor_pts = camera_us, pts

    def _pts_of(self, camera_us: int) -> int:
        # 90 kHz = 9 ticks in 100 microseconds, rounded to the nearest
        return self._anchor_pts + ((camera_us - self._anchor_us) * 9 + 50) // 100

    def _interval_ticks(self) -> int:
        return min(VIDEO_CLOCK_RATE, round(VIDEO_CLOCK_RATE / self.frame_rate.value))

    def _ticks_since_last(self, arrival_s: float) -> int:
        return max(0, round((arrival_s - self._arrival_s) * VIDEO_CLOCK_RATE))

    def _ticks_since_origin(self, arrival_s: float) -> int:
        if self._origin_s is None:
            self._origin_s = arrival_s
        self._arrival_s = arrival_s
        return max(0, round((arrival_s - self._origin_s) * VIDEO_CLOCK_RATE))


class AudioTimeline:
    """Turns counted samples into ``pts`` of the sample rate, in step with the video.

    Camera audio carries no time (protocol reference, section 4.3). Policy:

    1. The first frame lies at the pts of the video picture before it; without video at
       ``arrival_s - origin_s``.
    2. From then on samples are counted: a frame follows the one before without gap or overlap.
    3. Each frame is compared with the video picture before it, plus what passed since that
       picture (at most one frame interval); so far the counted time is off by an *error*.
       Video older than 0.5 s and two frame intervals (at most 2 s) says nothing: samples are
       counted alone.
    4. Without any video the error is against the arrivals, as the least of the last 30 s, since
       a network only ever delays.
    5. With video it is the median of the last 4 s, so that packets interleaved some 100 ms
       early or late cause nothing at all, smoothed over 10 s.
    6. An error above 15 ms is slewed away by at most 0.5 % until it is below 5 ms: frames then
       begin a few samples earlier or later than counted.
    7. More than 300 ms behind by the median, so for two seconds at least: one step forward
       (``steps``). Ahead by as much: frames are left out until it is not (``left_out``), never a
       step back. To slew seconds away would take many minutes.
    8. ``restart`` (a new connection): the next frame is placed anew, by the video if that is
       fresh, else by what really passed; never before the end of the frame before.

    pts are strictly increasing always.
    """

    _VIDEO_STALE_S = 0.5
    _VIDEO_STALE_INTERVALS = 2
    _VIDEO_STALE_MOST_S = 2.0
    _VIDEO_WINDOW_S = 4.0
    _ARRIVAL_WINDOW_S = 30.0
    _MIN_SPAN_S = 2.0
    _MIN_OBSERVATIONS = 3
    _MAX_OBSERVATIONS = 1024
    _SMOOTHING_S = 10.0
    _SLEW = 0.005
    _SLEW_ABOVE_S = 0.015
    _SLEW_BELOW_S = 0.005
    _STEP_ABOVE_S = 0.300

    def __init__(self, clock_rate: int, *, origin_s: float | None = None) -> None:
        if clock_rate < 1:
            raise LocalProtocolError(f"expected a positive clock rate, got {clock_rate}")
        self.clock_rate = clock_rate
        self.steps = 0
        self.left_out = 0
        """Frames that there was no time for."""
        self._origin_s = origin_s
        self._counted = 0  # samples of all frames before the next one
        self._offset = 0.0  # pts = counted + offset
        self._is_placed = False
        self._restarted_s = -inf
        self._pts = -1  # of the frame before, as its samples and its arrival
        self._samples = 0
        self._arrival_s = 0.0
        self._video_pts: int | None = None
        self._video_arrival_s = 0.0
        self._video_interval = 0
        self._observed: deque[tuple[float, int]] = deque(maxlen=self._MAX_OBSERVATIONS)
        self._smoothed: float | None = None
        self._is_slewing = False
        self._is_leaving_out = False

    @property
    def is_slewing(self) -> bool:
        """Whether an error is being corrected now."""
        return self._is_slewing

    def advance(
        self,
        samples: int,
        video_pts: int | None,
        arrival_s: float,
        *,
        video_arrival_s: float | None = None,
    ) -> int | None:
        """Return the pts of the next frame, which has ``samples`` samples; None: leave it out.

        ``video_pts`` (90 kHz) is that of the last video picture before it, ``None`` as long as
        there is none; ``video_arrival_s`` is when that picture arrived. Without it that is taken
        to be shortly before the first audio frame behind it. Raises LocalProtocolError unless
        ``samples`` is positive.
        """
        if samples < 1:
            raise LocalProtocolError(f"expected an audio frame of 1 sample or more, got {samples}")
        if video_pts is not None and video_pts != self._video_pts:
            self._note_video(video_pts, video_arrival_s, samples, arrival_s)
        expected = self._expected(arrival_s)
        if not self._is_placed:
            self._place(expected, arrival_s)
        elif expected is not None:
            if self._is_leaving_out and expected < self._counted + self._offset:
                self.left_out += 1
                return None
            self._is_leaving_out = False
            self._observe(expected - self._counted, arrival_s)
            self._correct()
        pts = max(self._counted + floor(self._offset), self._pts + 1)
        self._counted += samples
        self._pts, self._samples, self._arrival_s = pts, samples, arrival_s
        return pts

    def restart(self, arrival_s: float) -> None:
        """Place the next frame anew, the connection is a new one; real time has passed."""
        self._is_placed = self._is_leaving_out = False
        self._restarted_s = arrival_s

    def _note_video(
        self, video_pts: int, video_arrival_s: float | None, samples: int, arrival_s: float
    ) -> None:
        if self._video_pts is None:
            self._observed.clear()  # from here on the video counts, not the arrivals
            self._smoothed = None
        else:
            self._video_interval = max(0, video_pts - self._video_pts)
        if video_arrival_s is None:
            # It came at any time within an audio frame or a picture, whichever is shorter.
            interval_s = self._video_interval / VIDEO_CLOCK_RATE
            lead_s = min(samples / self.clock_rate, interval_s) / 2
            video_arrival_s = max(arrival_s - lead_s, self._restarted_s)
        self._video_pts, self._video_arrival_s = video_pts, video_arrival_s

    def _expected(self, arrival_s: float) -> int | None:
        """Return where this frame should lie, ``None`` if nothing tells."""
        if self._video_pts is None:
            if self._origin_s is None:
                self._origin_s = arrival_s
            return max(0, round((arrival_s - self._origin_s) * self.clock_rate))
        age_s = max(0.0, arrival_s - self._video_arrival_s)
        if self._pts >= 0 and self._is_video_stale(age_s):
            return None
        since = min(round(age_s * VIDEO_CLOCK_RATE), self._video_interval)
        return (self._video_pts + since) * self.clock_rate // VIDEO_CLOCK_RATE

    def _is_video_stale(self, age_s: float) -> bool:
        intervals_s = self._VIDEO_STALE_INTERVALS * self._video_interval / VIDEO_CLOCK_RATE
        allowed_s = min(self._VIDEO_STALE_S + intervals_s, self._VIDEO_STALE_MOST_S)
        return age_s > allowed_s or self._video_arrival_s < self._restarted_s

    def _place(self, expected: int | None, arrival_s: float) -> None:
        if expected is None:
            expected = self._pts + round((arrival_s - self._arrival_s) * self.clock_rate)
        self._is_placed = True
        self._move_to(float(max(expected, self._pts + self._samples) - self._counted))

    def _move_to(self, offset: float) -> None:
        self._offset = offset
        self._observed.clear()
        self._smoothed = None
        self._is_slewing = False

    def _observe(self, offset: int, arrival_s: float) -> None:
        """Take note of the offset that this frame alone would suggest."""
        is_by_video = self._video_pts is not None
        observed = self._observed
        if observed and not is_by_video:
            passed = (arrival_s - observed[-1][0]) * self.clock_rate
            if 2 * passed < self._samples:
                return  # a burst after a stall tells only once how late it is
        observed.append((arrival_s, offset))
        window_s = self._VIDEO_WINDOW_S if is_by_video else self._ARRIVAL_WINDOW_S
        while arrival_s - observed[0][0] > window_s:
            observed.popleft()

    def _correct(self) -> None:
        observed = self._observed
        if (
            len(observed) < self._MIN_OBSERVATIONS
            or observed[-1][0] - observed[0][0] < self._MIN_SPAN_S
        ):
            return
        offsets = sorted(offset for _, offset in observed)
        target = float(offsets[0 if self._video_pts is None else len(offsets) // 2])
        if target - self._offset > self._STEP_ABOVE_S * self.clock_rate:
            self.steps += 1
            self._move_to(target)
            return
        if self._offset - target > self._STEP_ABOVE_S * self.clock_rate:
            self._move_to(self._offset)
            self._is_leaving_out = True  # from the next frame on
            return
        if self._smoothed is None:
            self._smoothed = target
        weight = min(1.0, self._samples / (self._SMOOTHING_S * self.clock_rate))
        self._smoothed += (target - self._smoothed) * weight
        self._slew(self._smoothed - self._offset)

    def _slew(self, error: float) -> None:
        if abs(error) > self._SLEW_ABOVE_S * self.clock_rate:
            self._is_slewing = True
        elif abs(error) < self._SLEW_BELOW_S * self.clock_rate:
            self._is_slewing = False
        if self._is_slewing:
            most = self._SLEW * self._samples
            self._offset += min(most, max(-most, error))
