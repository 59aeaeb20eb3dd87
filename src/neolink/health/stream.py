"""What is the matter with one stream of a connected camera, from readings one after another.

Each check is one function of a reading and the past; `StreamJudge` keeps the past and asks them.
"""

from collections.abc import Iterable, Iterator

from neolink.camera.status import CameraState
from neolink.health.causes import Cause, Finding, find
from neolink.health.connection import is_wanted
from neolink.health.past import Latches, Recent
from neolink.health.players import PlayersJudge
from neolink.health.thresholds import Thresholds
from neolink.health.words import duration, times
from neolink.hub.demand import DemandState
from neolink.readings import CameraReading, Histogram, StreamReading

__all__ = ["StreamJudge"]


class StreamJudge:
    """Judges one stream while its camera is connected."""

    def __init__(self, limits: Thresholds) -> None:
        self.effort = ""
        """What is done to get pictures, in words; empty while there are some."""
        self.dark_for_s: float | None = None
        """How long somebody has waited for a picture; None while nobody does."""
        self._limits = limits
        self._wanted_since_s: float | None = None
        self._sounds = self._pictures_at_sound = 0
        self._sound_s: float | None = None
        self._apart_since_s: float | None = None
        self._is_dark = False
        self._darks = 0
        """Times without a picture that were so long that they are no gap any more."""
        self._stalls, self._damages, self._gaps = Recent(), Recent(), Recent()
        self._faults, self._refusals = Recent(), Recent()
        self._refused = self._failed = 0
        self._players = PlayersJudge(limits)
        self._latches = Latches()

    def judge(
        self, stream: StreamReading, camera: CameraReading, now_s: float
    ) -> tuple[Finding, ...]:
        """Return what is the matter, the worst first; nothing for one that nobody waits for."""
        self._note(stream, camera, now_s)
        self.effort = ""
        if camera.state is not CameraState.CONNECTED or not is_wanted(stream.state):
            self._latches.clear()
            return ()
        dark_s = self.dark_for_s or 0.0
        was_dark, self._is_dark = self._is_dark, dark_s >= self._limits.dark_s
        if self._is_dark:
            self._darks += not was_dark and dark_s == stream.last_picture_age_s
            self._latches.clear()
            self.effort = self._effort(dark_s)
            return (self._dark(dark_s, now_s),)
        found: Iterable[Finding]
        found = self._measured(stream, now_s) if stream.state is DemandState.LIVE else []
        held = self._latches.settle(now_s, found, self._limits.clear_s)
        return (*held, *self._lately(stream, now_s), *self._players.judge(stream.players, now_s))

    # -- the past ---------------------------------------------------------------------

    def _note(self, stream: StreamReading, camera: CameraReading, now_s: float) -> None:
        self._stalls.note(now_s, stream.stalls)
        self._damages.note(now_s, stream.damages)
        self._faults.note(now_s, stream.sink_failures)
        self._refusals.note(now_s, self._refusals_of(camera))
        self._gaps.note(now_s, self._darks + _longer_than(stream.frame_gaps, self._gap_s(stream)))
        self._players.note(stream.players, now_s)
        self.dark_for_s = self._dark_s(stream, now_s)
        if self._sound_s is None or stream.audio_frames != self._sounds:
            self._sounds, self._sound_s = stream.audio_frames, now_s
            self._pictures_at_sound = stream.pictures
        drift_s = stream.av_drift_s
        if drift_s is None or abs(drift_s) < self._limits.drift_s:
            self._apart_since_s = None
        elif self._apart_since_s is None:
            self._apart_since_s = now_s

    def _gap_s(self, stream: StreamReading) -> float:
        limits, rate = self._limits, stream.nominal_fps
        return max(limits.gap_s, limits.gap_pictures / rate if rate else 0.0)

    def _refusals_of(self, camera: CameraReading) -> int:
        """Return how often a stream was asked for in vain; one that fell silent is not that.

        A stream that falls silent is counted as that first and as a failure when it was stopped.
        """
        failed = camera.errors.get("stream", 0)
        if failed < self._failed:
            self._refused = 0  # the streams were made anew
        self._failed = failed
        stalls = sum(stream.stalls for stream in camera.streams)
        self._refused = max(self._refused, failed - stalls)
        return self._refused

    # -- darkness ---------------------------------------------------------------------

    def _dark_s(self, stream: StreamReading, now_s: float) -> float | None:
        if not is_wanted(stream.state):
            self._wanted_since_s = None
            return None
        if self._wanted_since_s is None:
            self._wanted_since_s = now_s - max(0.0, stream.state_for_s)
        wanted_s, age_s = now_s - self._wanted_since_s, stream.last_picture_age_s
        return wanted_s if age_s is None else min(wanted_s, age_s)

    def _dark(self, dark_s: float, now_s: float) -> Finding:
        age = duration(dark_s)
        if self._refusals.shows(now_s, self._limits):
            return find(Cause.REFUSED_STREAM, age=age)
        return find(Cause.DARK if dark_s < self._limits.no_video_s else Cause.NO_VIDEO, age=age)

    def _effort(self, dark_s: float) -> str:
        if dark_s < self._limits.no_video_s:
            return "waiting for a picture"
        return "restarting the stream, then the connection"

    # -- checks -----------------------------------------------------------------------

    def _measured(self, stream: StreamReading, now_s: float) -> Iterator[Finding]:
        if not self._is_pausing(stream):
            yield from self._rate(stream)
        yield from self._key_frames(stream)
        yield from self._sound(stream, now_s)
        yield from self._drift(stream, now_s)

    def _is_pausing(self, stream: StreamReading) -> bool:
        """Whether pictures stopped a moment ago: that is no low rate, and soon called what it is.

        ``fps`` is over ten seconds, and would be low for as long afterwards.
        """
        age_s = stream.last_picture_age_s
        return age_s is not None and age_s > self._gap_s(stream)

    def _rate(self, stream: StreamReading) -> Iterator[Finding]:
        nominal, is_full = stream.nominal_fps, stream.state_for_s >= self._limits.fps_window_s
        if nominal and is_full and stream.fps < self._limits.fps_share * nominal:
            yield find(Cause.SLOW, fps=stream.fps, nominal=nominal)

    def _key_frames(self, stream: StreamReading) -> Iterator[Finding]:
        limits, age_s = self._limits, stream.last_key_frame_age_s
        usual_s = stream.gop_s or limits.usual_gop_s
        waited_s = stream.state_for_s if age_s is None else age_s
        if waited_s > max(limits.shortest_key_wait_s, limits.missed_gops * usual_s):
            yield find(Cause.NO_KEY_FRAME, age=duration(waited_s), usual=usual_s)

    def _sound(self, stream: StreamReading, now_s: float) -> Iterator[Finding]:
        has_sound = stream.presentation is not None and stream.presentation.audio is not None
        goes_on = stream.pictures > self._pictures_at_sound
        if not has_sound or self._sound_s is None or not goes_on:
            return
        silent_s = min(now_s - self._sound_s, stream.state_for_s)
        if silent_s >= self._limits.mute_s:
            yield find(Cause.MUTE, age=duration(silent_s))

    def _drift(self, stream: StreamReading, now_s: float) -> Iterator[Finding]:
        since_s, drift_s = self._apart_since_s, stream.av_drift_s
        if since_s is None or drift_s is None or now_s - since_s < self._limits.drift_for_s:
            return
        yield find(Cause.DRIFT, drift=abs(drift_s))

    def _lately(self, stream: StreamReading, now_s: float) -> Iterator[Finding]:
        limits = self._limits
        events = (
            (Cause.DAMAGE, self._damages, limits.damages),
            (Cause.STALLS, self._stalls, 1),
            (Cause.GAPS, self._gaps, 1),
            (Cause.FAULT, self._faults, 1),
        )
        for cause, counter, at_once in events:
            if counter.shows(now_s, limits, at_once):
                often = times(counter.within(now_s, limits.memory_s))
                yield find(cause, times=often, limit=self._gap_s(stream))


def _longer_than(gaps: Histogram, limit_s: float) -> int:
    """Return how many values are surely longer than the limit."""
    first = next((n for n, bound in enumerate(gaps.bounds) if bound >= limit_s), len(gaps.bounds))
    return sum(gaps.counts[first + 1 :])
