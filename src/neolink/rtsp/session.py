"""RTSP sessions: the state machine, what was set up, and the table of all of them.

Media, sockets and timers are elsewhere: ``now`` is an argument, in seconds of a monotonic
clock, and the owner sweeps with :meth:`SessionTable.expire`. RFC 2326 section A.2.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final

from neolink.errors import LocalProtocolError
from neolink.rtsp.errors import RtspError
from neolink.rtsp.headers import SessionHeader, Transport
from neolink.rtsp.message import PUBLIC, Method

__all__ = [
    "ENFORCED_PER_ADVERTISED",
    "TRANSITIONS",
    "ServerSession",
    "SessionTable",
    "State",
    "TrackSetup",
    "require_method",
    "select_track",
]

ENFORCED_PER_ADVERTISED: Final = 1.5
"""Players ping at the timeout they are told, or a little later: wait that much longer."""


class State(Enum):
    """What a session is doing. ``INIT`` is before the first SETUP and after TEARDOWN."""

    INIT = "init"
    READY = "ready"
    PLAYING = "playing"


_ANYWHERE: Final = (
    Method.OPTIONS,
    Method.DESCRIBE,
    Method.GET_PARAMETER,
    Method.SET_PARAMETER,
)

TRANSITIONS: Final[Mapping[State, Mapping[Method, State]]] = MappingProxyType(
    {
        State.INIT: MappingProxyType(
            {**dict.fromkeys(_ANYWHERE, State.INIT), Method.SETUP: State.READY}
        ),
        State.READY: MappingProxyType(
            {
                **dict.fromkeys(_ANYWHERE, State.READY),
                Method.SETUP: State.READY,
                Method.PLAY: State.PLAYING,
                Method.PAUSE: State.READY,
                Method.TEARDOWN: State.INIT,
            }
        ),
        State.PLAYING: MappingProxyType(
            {
                **dict.fromkeys(_ANYWHERE, State.PLAYING),
                Method.PLAY: State.PLAYING,
                Method.PAUSE: State.READY,
                Method.TEARDOWN: State.INIT,
            }
        ),
    }
)
"""State after each method; a method that is not listed is not valid in that state."""

_REFUSED: Final = frozenset({Method.ANNOUNCE, Method.RECORD})
_UNKNOWN: Final = frozenset({Method.REDIRECT})


def require_method(name: str) -> Method:
    """Return the method called ``name``.

    Raises RtspError: 405 with ``Allow`` for publishing, 501 for what a server does not know.
    """
    try:
        method = Method(name)
    except ValueError:
        raise RtspError(501, f"method of {len(name)} letters is not known") from None
    if method in _REFUSED:
        raise RtspError(405, f"{method} publishes, which is not served", headers=_ALLOW)
    if method in _UNKNOWN:
        raise RtspError(501, f"{method} is a server's method")
    return method


_ALLOW: Final = (("Allow", PUBLIC),)


def select_track(track: int | None, available: Collection[int]) -> int:
    """Return the track that a SETUP means: the named one, or the only one there is.

    Raises RtspError: 404 for a track that does not exist, 459 for none named of several.
    """
    if track is None and len(available) == 1:
        return next(iter(available))
    if track is None:
        raise RtspError(459, f"SETUP names none of {len(available)} tracks")
    if track not in available:
        raise RtspError(404, f"no track {track}")
    return track


@dataclass(frozen=True, slots=True)
class TrackSetup:
    """What SETUP agreed on for one track.

    ``url`` is the request's own URL: the text that RTP-Info must repeat. ``requested`` are the
    client's alternatives, one of which was ``granted``.
    """

    track: int
    granted: Transport
    url: str
    requested: tuple[Transport, ...] = ()


@dataclass(slots=True, eq=False)
class ServerSession:
    """One player's session. ``timeout_s`` is the advertised one; 1.5 times that is enforced."""

    id: str
    path: str
    user: str | None
    peer_host: str
    created_at: float
    timeout_s: int = 60
    state: State = State.INIT
    tracks: dict[int, TrackSetup] = field(default_factory=dict)
    last_alive: float = field(init=False)

    def __post_init__(self) -> None:
        self.last_alive = self.created_at

    @property
    def header(self) -> str:
        """Value of the ``Session`` header for every answer."""
        return SessionHeader(self.id, self.timeout_s).serialize()

    @property
    def enforced_timeout_s(self) -> float:
        """Seconds without a sign of life after which the session ends."""
        return self.timeout_s * ENFORCED_PER_ADVERTISED

    def touch(self, now: float) -> None:
        """Note a sign of life."""
        self.last_alive = max(self.last_alive, now)

    def is_expired(self, now: float) -> bool:
        """Whether the session has been silent for longer than is enforced."""
        return now - self.last_alive > self.enforced_timeout_s

    def require(self, method: Method) -> State:
        """State that ``method`` would lead to. Raises RtspError 455, or 454 for TEARDOWN."""
        after = TRANSITIONS[self.state].get(method)
        if after is None:
            status = 454 if method is Method.TEARDOWN else 455
            raise RtspError(status, f"{method} while {self.state.value}")
        return after

    def apply(self, method: Method) -> State:
        """Make the step of ``method`` and return the new state. Raises as :meth:`require`.

        TEARDOWN of the whole session forgets its tracks.
        """
        self.state = self.require(method)
        if self.state is State.INIT:
            self.tracks.clear()
        return self.state

    def require_path(self, path: str) -> None:
        """Raise RtspError 459 unless ``path`` is the session's presentation."""
        if path != self.path:
            raise RtspError(459, "the session belongs to another presentation")

    def require_aggregate(self, track: int | None) -> None:
        """Raise RtspError 460 for PLAY or PAUSE of one track out of several."""
        if track is not None and (len(self.tracks) > 1 or track not in self.tracks):
            raise RtspError(460, f"only all {len(self.tracks)} tracks together")

    def find_repeat(self, track: int, requested: tuple[Transport, ...]) -> TrackSetup | None:
        """Return the setup that a SETUP repeats word for word: it gets the same answer."""
        setup = self.tracks.get(track)
        return setup if setup is not None and setup.requested == requested else None

    def add_track(self, setup: TrackSetup) -> None:
        """Add a track, or replace its transport. The order of first SETUP is kept."""
        self.tracks[setup.track] = setup

    def remove_track(self, track: int) -> bool:
        """Remove a track; tell whether that was the last one. Raises RtspError 404."""
        if track not in self.tracks:
            raise RtspError(404, f"no track {track} in the session")
        del self.tracks[track]
        return not self.tracks


class SessionTable:
    """All sessions of a server, found by identifier and peer.

    ``new_id`` makes unguessable identifiers of 16 or more hex digits. ``timeout_s`` is
    advertised; it and ``max_sessions`` may be changed, for the sessions that are still to come.
    """

    def __init__(
        self, new_id: Callable[[], str], *, timeout_s: int = 60, max_sessions: int = 1024
    ) -> None:
        self._new_id = new_id
        self.timeout_s = timeout_s
        self.max_sessions = max_sessions
        self._sessions: dict[str, ServerSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[ServerSession]:
        return iter(tuple(self._sessions.values()))

    def create(self, *, path: str, user: str | None, peer_host: str, now: float) -> ServerSession:
        """Add a session in state INIT.

        Raises RtspError 503 when the table is full, LocalProtocolError for a bad ``new_id``.
        """
        if len(self._sessions) >= self.max_sessions:
            raise RtspError(503, f"all {self.max_sessions} sessions are in use")
        identifier = self._new_id()
        if len(identifier) < 16 or not identifier.isalnum() or identifier in self._sessions:
            raise LocalProtocolError("session identifiers must be unique, 16 or more hex digits")
        session = ServerSession(identifier, path, user, peer_host, now, self.timeout_s)
        self._sessions[identifier] = session
        return session

    def get(self, identifier: str, peer_host: str) -> ServerSession:
        """Return the session of this peer. Raises RtspError 454, also for another peer's."""
        session = self._sessions.get(identifier)
        if session is None or session.peer_host != peer_host:
            raise RtspError(454, "no such session for this peer")
        return session

    def remove(self, session: ServerSession) -> None:
        """Forget a session; nothing happens if that was done before."""
        self._sessions.pop(session.id, None)

    def expire(self, now: float) -> list[ServerSession]:
        """Forget and return the sessions that have been silent for too long."""
        expired = [session for session in self._sessions.values() if session.is_expired(now)]
        for session in expired:
            self.remove(session)
        return expired
