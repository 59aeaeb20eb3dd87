"""All live video by HLS: the sources there are, and a session for each player."""

import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from neolink.clock import Clock
from neolink.hub.stream import Stream
from neolink.readings import PlayerReading, Transport
from neolink.web.access import Gate
from neolink.web.errors import ApiError
from neolink.web.hls.source import Source
from neolink.web.live.audience import Audience, Watcher
from neolink.web.view import BridgeView

__all__ = ["HlsVideo", "Session"]

IDLE_S: Final = 10.0
"""How long a player may ask for nothing before it counts as gone."""

TOKEN_BYTES: Final = 9


@dataclass(slots=True, eq=False)
class Session:
    """One player of one stream. Its name in addresses is no secret and proves nothing."""

    number: int
    name: str
    watcher: Watcher
    source: Source
    began_s: float
    asked_s: float
    """When it asked last."""
    end_reason: str = ""
    """Why nothing more is answered, in words."""
    pending: int = 0
    """Requests that are being answered."""
    bytes_sent: int = 0

    def is_of(self, watcher: Watcher, source: Source) -> bool:
        """Whether it is the same player, as far as that can be told, of the same stream."""
        mine = self.watcher
        return (
            self.source is source
            and mine.host == watcher.host
            and mine.agent == watcher.agent
            and mine.caller.user == watcher.caller.user
        )


class HlsVideo:
    """Owns sources and sessions."""

    def __init__(self, view: BridgeView, gate: Gate, clock: Clock, audience: Audience) -> None:
        self._view = view
        self._gate = gate
        self._clock = clock
        self._audience = audience
        self._sources: list[Source] = []
        self._sessions: dict[str, Session] = {}

    def open(self, stream: Stream, watcher: Watcher) -> Session:
        """Return the session of a player, which is begun if there is none. Raises ApiError 503."""
        source = next((one for one in self._sources if one.stream is stream), None)
        if source is not None:
            for session in self._sessions.values():
                if session.is_of(watcher, source):
                    return session
        number = self._audience.enter()
        if source is None:
            source = Source(stream, watcher.camera, watcher.kind, self._clock)
            self._sources.append(source)
        now_s = self._clock.monotonic_s()
        name = secrets.token_urlsafe(TOKEN_BYTES)
        session = Session(number, name, watcher, source, now_s, now_s)
        self._sessions[name] = session
        return session

    def find(self, name: str, watcher: Watcher) -> Session:
        """Return the session of a name. Raises ApiError 404."""
        session = self._sessions.get(name)
        source = session.source if session else None
        if session is None or source is None or _is_other(source, watcher):
            text = "this session is over: ask for index.m3u8 again"
            raise ApiError(HTTPStatus.NOT_FOUND, "not_found", text)
        return session

    def begin(self, session: Session) -> None:
        """Note that a player asks for something."""
        session.pending += 1

    def finish(self, session: Session, sent: int) -> None:
        """Note that a player was answered with so many bytes."""
        session.pending -= 1
        session.asked_s = self._clock.monotonic_s()
        session.bytes_sent += sent

    def players(self) -> list[PlayerReading]:
        """Return everybody who watches."""
        now_s = self._clock.monotonic_s()
        return [_reading(session, now_s) for session in self._sessions.values()]

    def kick(self, number: int) -> bool:
        """End a session; return whether there was one of this number."""
        for session in self._sessions.values():
            if session.number == number:
                self._end(session, "ended by an operator")
                return True
        return False

    def sweep(self) -> None:
        """End the sessions of who is gone or may not watch any more, and what nobody watches."""
        now_s = self._clock.monotonic_s()
        for session in list(self._sessions.values()):
            source = session.source
            if self._view.stream(source.camera, source.kind) is not source.stream:
                self._end(session, "the stream was replaced or removed")
            elif source.end_reason or not self._is_allowed(session):
                self._end(session, source.end_reason or "permission withdrawn")
            elif not session.pending and now_s - session.asked_s >= IDLE_S:
                self._end(session, "nobody asked")

    def close(self) -> None:
        """End everything."""
        for session in list(self._sessions.values()):
            self._end(session, "the bridge stops")

    def _is_allowed(self, session: Session) -> bool:
        caller = session.watcher.caller
        return self._gate.is_still_good(caller) and self._gate.may_watch(
            caller, session.watcher.camera
        )

    def _end(self, session: Session, reason: str) -> None:
        session.end_reason = reason
        del self._sessions[session.name]
        self._audience.leave()
        source = session.source
        if all(one.source is not source for one in self._sessions.values()):
            self._sources.remove(source)
            source.close(reason)


def _is_other(source: Source, watcher: Watcher) -> bool:
    return source.camera != watcher.camera or source.kind is not watcher.kind


def _reading(session: Session, now_s: float) -> PlayerReading:
    watcher = session.watcher
    return PlayerReading(
        number=session.number,
        camera=watcher.camera,
        kind=watcher.kind,
        path=watcher.path,
        transport=Transport.HLS,
        address=watcher.address,
        user=watcher.caller.user,
        agent=watcher.agent,
        is_playing=True,
        connected_for_s=now_s - session.began_s,
        bytes_sent=session.bytes_sent,
        units_dropped=0,
        drop_episodes=0,
        queued_units=0,
        queued_bytes=0,
        queue_delay_s=0.0,
    )
