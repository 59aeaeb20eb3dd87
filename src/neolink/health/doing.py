"""What is being done about it, in words: the next attempt, the restart, who is shown what.

Words only; what is wrong is judged elsewhere.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from neolink.camera.status import CameraState
from neolink.health.words import counted, duration
from neolink.hub.demand import DemandState
from neolink.readings import CameraReading, StreamReading

__all__ = ["camera_doing", "stream_doing"]

SOON_S = 0.5

_NOTHING = "nothing until the configuration changes"
_CAMERA: Mapping[CameraState, str] = MappingProxyType(
    {
        CameraState.IDLE: "it is woken when somebody watches",
        CameraState.CONNECTING: "connecting",
        CameraState.CONNECTED: "",
        CameraState.WAITING: "trying again {next}",
        CameraState.AUTH_FAILED: "trying again {next}, rarely so that no account gets locked",
        CameraState.UNSUPPORTED: _NOTHING,
    }
)
_STREAM: Mapping[DemandState, str] = MappingProxyType(
    {
        DemandState.IDLE: "nobody watches",
        DemandState.STARTING: "keeping {players} waiting",
        DemandState.LIVE: "sending to {players}",
        DemandState.HOLDING: "keeping {players} waiting",
        DemandState.PLACEHOLDER: "",
        DemandState.PAUSED: "resting until there is motion",
        DemandState.LINGERING: "nobody watches any more",
    }
)


def camera_doing(camera: CameraReading, efforts: Iterable[str]) -> str:
    """Say what is done for a camera; ``efforts`` is what is done about its dark streams."""
    shown = [stream for stream in camera.streams if stream.state is DemandState.PLACEHOLDER]
    watched = sum(len(stream.players) for stream in camera.streams)
    told = [_of_connection(camera), *dict.fromkeys(efforts), _showing(shown)]
    if not any(told):
        return f"sending to {_players(watched)}" if watched else "nobody watches"
    return _joined(told)


def stream_doing(stream: StreamReading, camera: CameraReading, effort: str) -> str:
    """Say what is done for a stream; ``effort`` is what is done to get pictures."""
    if camera.state is not CameraState.CONNECTED:
        effort = _of_connection(camera)
    words = _STREAM[stream.state]
    if "{players}" in words:
        words = words.format(players=_players(len(stream.players))) if stream.players else ""
    shown = [stream] if stream.state is DemandState.PLACEHOLDER else []
    return _joined([effort, words, _showing(shown)])


def _of_connection(camera: CameraReading) -> str:
    if not camera.is_enabled:
        return _NOTHING
    return _CAMERA[camera.state].format(next=_when(camera.next_attempt_in_s))


def _showing(streams: list[StreamReading]) -> str:
    players = sum(len(stream.players) for stream in streams)
    if not players:
        return ""
    is_known = any(stream.presentation is not None for stream in streams)
    picture = "the last picture" if is_known else "a picture that says why"
    return f"showing {picture} to {_players(players)}"


def _players(number: int) -> str:
    return counted(number, "player")


def _when(next_attempt_in_s: float | None) -> str:
    if next_attempt_in_s is None:
        return "soon"
    return "now" if next_attempt_in_s < SOON_S else f"in {duration(next_attempt_in_s)}"


def _joined(parts: Iterable[str]) -> str:
    return "; ".join(part for part in parts if part)
