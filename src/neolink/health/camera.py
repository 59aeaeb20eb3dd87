"""How one camera does: its connection and its streams together."""

from collections.abc import Iterable, Mapping

from neolink.health.causes import Finding
from neolink.health.connection import ConnectionJudge, is_wanted
from neolink.health.doing import camera_doing, stream_doing
from neolink.health.past import Since
from neolink.health.stream import StreamJudge
from neolink.health.thresholds import Thresholds
from neolink.health.values import CameraHealth, Health, HealthState, worst_of
from neolink.media.tracks import StreamKind
from neolink.readings import CameraReading, StreamReading

__all__ = ["CameraJudge"]

_Findings = tuple[Finding, ...]


class CameraJudge:
    """Joins the judgement of the connection with those of the streams."""

    def __init__(self, limits: Thresholds) -> None:
        self.headline = ""
        """The worst thing in a few words, without advice."""
        self._limits = limits
        self._connection = ConnectionJudge(limits)
        self._streams: dict[StreamKind, StreamJudge] = {}
        self._since: dict[StreamKind | None, Since] = {}
        self._dark_for_s: float | None = None

    def judge(self, camera: CameraReading, now_s: float, unix_s: float) -> CameraHealth:
        """Take the next reading of the camera and judge it and its streams."""
        kinds = [stream.kind for stream in camera.streams]
        self._streams = {
            kind: self._streams.get(kind) or StreamJudge(self._limits) for kind in kinds
        }
        self._since = {key: self._since.get(key) or Since() for key in (None, *kinds)}
        found = {
            stream.kind: self._streams[stream.kind].judge(stream, camera, now_s)
            for stream in camera.streams
        }
        self._dark_for_s = self._waited_s()
        own = self._connection.judge(camera, now_s, self._dark_for_s)
        # a camera's absence is that of its streams; the blemishes of a connection are not
        is_away = self._connection.is_away
        passed_on = own if is_away else ()
        if is_away:
            found = dict.fromkeys(kinds, ())
        streams = {
            stream.kind: self._health_of(stream, camera, found[stream.kind] or passed_on, unix_s)
            for stream in camera.streams
        }
        efforts = [self._connection.effort]
        if not is_away:
            efforts += [judge.effort for judge in self._streams.values()]
        state = worst_of((_state(own), _state_of_streams(camera, found)))
        self.headline, reasons = _told(own, found)
        return CameraHealth(
            name=camera.name,
            health=Health(
                state=state,
                reasons=reasons,
                since_unix_s=self._note(None, state, camera, unix_s),
                doing=camera_doing(camera, efforts),
            ),
            streams=streams,
        )

    def _waited_s(self) -> float | None:
        """Return how long all who watch have waited for a picture; None if nobody watches."""
        waits = [judge.dark_for_s for judge in self._streams.values()]
        return min((wait for wait in waits if wait is not None), default=None)

    def _health_of(
        self,
        stream: StreamReading,
        camera: CameraReading,
        found: _Findings,
        unix_s: float,
    ) -> Health:
        state = _state(found)
        since_unix_s = self._note(stream.kind, state, camera, unix_s)
        doing = stream_doing(stream, camera, self._streams[stream.kind].effort)
        return Health(state, _texts(found), since_unix_s, doing)

    def _note(
        self, key: StreamKind | None, state: HealthState, camera: CameraReading, unix_s: float
    ) -> float:
        """Return since when this state is there: absence is noticed later than it begins."""
        since = self._since[key]
        if state is HealthState.OFFLINE:
            dark_for_s = self._dark_for_s if key is None else self._streams[key].dark_for_s
            return since.note(state, unix_s, max(self._connection.away_for_s, dark_for_s or 0.0))
        is_new = since.state is None and state is not HealthState.DEGRADED
        return since.note(state, unix_s, max(0.0, camera.state_for_s) if is_new else 0.0)


def _state(findings: Iterable[Finding]) -> HealthState:
    return worst_of(one.state for one in findings)


def _state_of_streams(camera: CameraReading, found: Mapping[StreamKind, _Findings]) -> HealthState:
    """Return what the streams make of a camera: while one still delivers it is not offline."""
    worst = worst_of(_state(findings) for findings in found.values())
    wanted = [stream.kind for stream in camera.streams if is_wanted(stream.state)]
    has_pictures = any(_state(found[kind]) is not HealthState.OFFLINE for kind in wanted)
    is_offline = worst is HealthState.OFFLINE and has_pictures
    return HealthState.DEGRADED if is_offline else worst


def _told(own: _Findings, found: Mapping[StreamKind, _Findings]) -> tuple[str, tuple[str, ...]]:
    """Return the worst thing without advice, and all with it; each says of which streams it is."""
    whose: dict[Finding, list[StreamKind]] = {finding: [] for finding in own}
    for kind, findings in found.items():
        for finding in findings:
            whose.setdefault(finding, []).append(kind)
    ordered = sorted(whose, key=lambda one: -one.state.severity)
    if not ordered:
        return "", ()
    heads = [
        f"{', '.join(whose[one])}: " if whose[one] and len(found) > 1 else "" for one in ordered
    ]
    reasons = tuple(f"{head}{one.text}" for head, one in zip(heads, ordered, strict=True))
    return f"{heads[0]}{ordered[0].says}", reasons


def _texts(findings: _Findings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(finding.text for finding in findings))
