"""What is the matter with the login to one camera, from readings of it one after another."""

from neolink.camera.status import CameraState
from neolink.health.causes import REFUSALS, Cause, Finding, find
from neolink.health.past import Latches, Recent
from neolink.health.thresholds import Thresholds
from neolink.health.words import counted, duration, shortened, times
from neolink.hub.demand import DemandState
from neolink.readings import CameraReading

__all__ = ["ConnectionJudge", "is_wanted"]

UNWANTED = frozenset({DemandState.IDLE, DemandState.PAUSED, DemandState.LINGERING})
"""States in which nobody waits for a picture of the camera."""

_IN_LOGIN = "login"
_LOGGED_IN = "keep_alive"
"""Phases of a failure, as readings name them."""


def is_wanted(state: DemandState) -> bool:
    """Whether somebody waits for pictures of a stream in this state."""
    return state not in UNWANTED


class ConnectionJudge:
    """Judges the connection to one camera."""

    def __init__(self, limits: Thresholds) -> None:
        self.away_for_s = 0.0
        """How long there has been no login although there should be one."""
        self.effort = ""
        """What is done although there is a login, in words; empty if that is not called well."""
        self._limits = limits
        self._away_since_s: float | None = None
        self._is_away = False
        self._connects = 0
        self._losses = Recent()
        self._errors: dict[str, int] = {}
        self._phase = ""
        """Of the newest failure."""
        self._latches = Latches()

    @property
    def is_away(self) -> bool:
        """Whether the camera itself is what keeps its streams from coming."""
        return self._is_away

    def judge(
        self, camera: CameraReading, now_s: float, dark_for_s: float | None = None
    ) -> tuple[Finding, ...]:
        """Return what is the matter with the connection, the worst first.

        ``dark_for_s`` is how long those who watch any of its streams have waited for a picture;
        None if nobody watches. A connection is lost no later than its pictures were.
        """
        self._note(camera, now_s, dark_for_s or 0.0)
        finding = self._state(camera, dark_for_s)
        self._is_away = finding is not None
        if finding is not None or _is_live(camera):
            self._latches.clear()
        found = [finding] if finding else []
        held = self._latches.settle(now_s, found, self._limits.settled_s)
        is_connected = camera.is_enabled and camera.state is CameraState.CONNECTED
        self.effort = _effort(finding, held) if is_connected else ""
        return (*held, *self._lately(camera, now_s)) if is_connected else held

    def _note(self, camera: CameraReading, now_s: float, dark_for_s: float) -> None:
        self._losses.note(now_s, camera.errors.get(_LOGGED_IN, 0))
        for phase, count in camera.errors.items():
            if count > self._errors.get(phase, count):
                self._phase = phase
        self._errors = dict(camera.errors)
        is_away = camera.state in (CameraState.CONNECTING, CameraState.WAITING)
        if not is_away or camera.connects != self._connects:
            self._away_since_s = None
        if is_away and self._away_since_s is None:
            self._away_since_s = now_s - max(0.0, camera.state_for_s, dark_for_s)
        self._connects = camera.connects
        self.away_for_s = 0.0 if self._away_since_s is None else now_s - self._away_since_s

    def _state(self, camera: CameraReading, dark_for_s: float | None) -> Finding | None:
        if not camera.is_enabled:
            return find(Cause.DISABLED)
        match camera.state:
            case CameraState.UNSUPPORTED:
                return find(Cause.UNSUPPORTED, error=_error(camera))
            case CameraState.CONNECTED:
                return self._silence(camera, dark_for_s)
        if camera.refusal is not None:
            return find(REFUSALS[camera.refusal])
        if camera.state is CameraState.IDLE:
            return find(Cause.ASLEEP)
        return self._away(camera)

    def _silence(self, camera: CameraReading, dark_for_s: float | None) -> Finding | None:
        """Pictures are an answer too; the count of pings may be older than they."""
        is_seen = dark_for_s is not None and dark_for_s < self._limits.dark_s
        if not camera.missed_pings or is_seen:
            return None
        return find(Cause.SILENT, pings=counted(camera.missed_pings, "ping"))

    def _away(self, camera: CameraReading) -> Finding:
        if self.away_for_s < self._limits.away_s:
            cause = Cause.LOST if camera.connects else Cause.NOT_YET
            return find(cause, error=_error(camera))
        if camera.is_battery and not any(is_wanted(stream.state) for stream in camera.streams):
            return find(Cause.NO_ANSWER_ASLEEP)
        cause = Cause.NO_LOGIN if self._phase == _IN_LOGIN else Cause.UNREACHABLE
        return find(cause, age=duration(self.away_for_s), error=_error(camera))

    def _lately(self, camera: CameraReading, now_s: float) -> list[Finding]:
        """Return what a camera that is connected suffers from."""
        limits, found = self._limits, []
        if self._losses.shows(now_s, limits):
            often = times(self._losses.within(now_s, limits.memory_s))
            found.append(find(Cause.RECONNECTS, times=often, error=_error(camera)))
        percent = camera.battery_percent
        if percent is not None and percent <= limits.low_battery_percent:
            found.append(find(Cause.LOW_BATTERY, percent=percent))
        return found


def _effort(finding: Finding | None, held: tuple[Finding, ...]) -> str:
    if finding is not None:
        return "asking it again; the connection is made anew if that goes on"
    return "connected again, waiting whether it stays" if held else ""


def _is_live(camera: CameraReading) -> bool:
    return any(stream.state is DemandState.LIVE for stream in camera.streams)


def _error(camera: CameraReading) -> str:
    return shortened(camera.last_error) or "no answer yet"
