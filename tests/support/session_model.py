"""What sessions of two connections are to do: a second, plain account of it, to compare with.

Written from RFC 2326 section A.2 and docs, not from the server's code, and without any of it.
Time is a number; who is silent for longer than 90 s is gone, a connection without sessions after
60 s, and a session that was never played 10 s after its connection.
"""

from dataclasses import dataclass, field, replace

__all__ = ["PATHS", "Ask", "Model", "Session"]

PATHS: dict[str, tuple[int, ...]] = {"porch": (0, 1), "yard": (0,)}
"""Tracks by path; others do not exist."""

SESSION_S = 90.0
CONNECTION_S = 60.0
UNPLAYED_S = 10.0
MOST_SESSIONS = 3

Pair = tuple[int, int]


@dataclass(frozen=True)
class Way:
    """How a track is asked for, or delivered."""

    text: str
    """The ``Transport`` header."""
    channels: Pair | None = None
    ports: Pair | None = None
    is_tcp: bool = False
    on: int = -1
    """The connection that it is interleaved on."""
    asked: "Way | None" = None


@dataclass(frozen=True)
class Ask:
    """A request. ``session`` may be an identifier that nobody has."""

    by: int
    method: str
    path: str = "porch"
    track: int | None = None
    session: str | None = None
    way: Way | None = None
    is_star: bool = False


@dataclass
class Session:
    path: str
    alive_s: float
    is_playing: bool = False
    has_played: bool = False
    tracks: dict[int, Way] = field(default_factory=dict)
    ports: dict[int, Pair] = field(default_factory=dict)
    """What its tracks claimed last; they keep it until they claim others, or the session ends."""
    home: int | None = None
    left_s: float = 0.0
    """When its connection went."""
    was_playing_at_sweep: bool = False

    def is_interleaved_on(self, connection: int) -> bool:
        return any(way.on == connection for way in self.tracks.values())

    @property
    def is_interleaved(self) -> bool:
        return any(way.is_tcp for way in self.tracks.values())

    def claims(self, ports: Pair) -> bool:
        return ports in self.ports.values()


@dataclass
class Connection:
    heard_s: float
    has_written: bool = False
    own: list[str] = field(default_factory=list)


class Model:
    """``answer`` gives the status of a request and does what it asks."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.sessions: dict[str, Session] = {}
        self.connections: dict[int, Connection] = {}
        self.begun: Session | None = None
        """Made by the last SETUP that named no session; it has no identifier yet."""

    # -- requests ---------------------------------------------------------------------

    def answer(self, ask: Ask) -> int:
        connection = self.connections[ask.by]
        connection.heard_s, connection.has_written = self.now_s, True
        self.begun = None
        if ask.method == "ANNOUNCE" or (ask.is_star and ask.method in {"DESCRIBE", "SETUP"}):
            return 405
        if ask.session is None:
            for name in self._own(ask.by):
                self.sessions[name].alive_s = self.now_s
        match ask.method:
            case "DESCRIBE" | "SETUP" if ask.path not in PATHS:
                return 404  # the session is not looked at
            case "DESCRIBE":
                self._use(ask)
                return 200
            case "SETUP":
                return self._setup(ask)
            case "OPTIONS" | "GET_PARAMETER" | "SET_PARAMETER" if ask.session is None:
                return 200
        session = self._use(ask)
        if session is None:
            return 454
        match ask.method:
            case "PLAY" | "PAUSE":
                return self._play_or_pause(ask, session)
            case "TEARDOWN":
                return self._teardown(ask, session)
        return 200

    def _use(self, ask: Ask) -> Session | None:
        session = self.sessions.get(ask.session or "")
        if session is None:
            return None
        session.alive_s = self.now_s
        if session.home is None:
            self.take_in(ask.by, ask.session or "")
        return session

    def take_in(self, connection: int, name: str) -> None:
        """Count a session as one of a connection."""
        self.sessions[name].home = connection
        own = self.connections[connection].own
        if name not in own:
            own.append(name)

    def _setup(self, ask: Ask) -> int:
        if ask.way is None or not (ask.way.is_tcp or ask.way.ports):
            return 461
        session = self._use(ask)
        if ask.session is not None and session is None:
            return 454
        if session is not None and session.path != ask.path:
            return 459
        there = PATHS[ask.path]
        track = there[0] if ask.track is None and len(there) == 1 else ask.track
        if track is None:
            return 459
        if track not in there:
            return 404
        if session is None and len(self._own(ask.by)) >= MOST_SESSIONS:
            return 453
        before = session.tracks.get(track) if session else None
        if before and before.text == ask.way.text and before.on in {-1, ask.by}:
            return 200
        if session is not None and session.is_playing:
            return 455
        return self._set_up(ask, ask.way, session, track)

    def _set_up(self, ask: Ask, way: Way, session: Session | None, track: int) -> int:
        on_others = session is not None and session.is_interleaved
        if way.is_tcp and session and on_others and not session.is_interleaved_on(ask.by):
            return 461
        if way.ports is not None:
            for name, other in list(self.sessions.items()):
                if other is not session and other.claims(way.ports):
                    if other.home is not None:
                        return 462
                    del self.sessions[name]
        granted = replace(way, asked=way)
        if way.is_tcp:
            channels = self._free_channels(ask.by, way.channels, (session, track))
            granted = replace(granted, channels=channels, on=ask.by)
        if session is None:
            self.begun = session = Session(ask.path, self.now_s)
        else:
            self.take_in(ask.by, ask.session or "")
        session.tracks[track] = granted
        if way.ports is not None:
            session.ports[track] = way.ports
        return 200

    def _free_channels(
        self, connection: int, asked: Pair | None, but: tuple[Session | None, int]
    ) -> Pair:
        taken = {
            channel
            for session in self.sessions.values()
            for track, way in session.tracks.items()
            if way.on == connection and (session, track) != but
            for channel in way.channels or ()
        }
        pairs = [asked] if asked else []
        pairs += [(first, first + 1) for first in range(0, 255, 2)]
        return next(pair for pair in pairs if taken.isdisjoint(pair))

    def _play_or_pause(self, ask: Ask, session: Session) -> int:
        is_part = len(session.tracks) > 1 or ask.track not in session.tracks
        if ask.track is not None and not ask.is_star and is_part:
            return 460
        if ask.method == "PAUSE":
            session.is_playing = False
        elif not session.is_playing:
            session.is_playing = session.has_played = True
            self._drop_older(ask.by, session)
        return 200

    def _drop_older(self, connection: int, playing: Session) -> None:
        own = self._own(connection)
        names = [name for name in own if self.sessions[name] is playing]
        for name in own[: own.index(names[0])] if names else []:
            older = self.sessions[name]
            if older.path == playing.path and not older.is_playing:
                del self.sessions[name]

    def _teardown(self, ask: Ask, session: Session) -> int:
        if ask.track is not None and not ask.is_star:
            if ask.track not in session.tracks:
                return 404
            del session.tracks[ask.track]
            if session.tracks:
                return 200
        del self.sessions[ask.session or ""]
        return 200

    def _own(self, connection: int) -> list[str]:
        own = self.connections[connection].own
        own[:] = [name for name in own if name in self.sessions]
        return own

    # -- connections and time ---------------------------------------------------------

    def connect(self, connection: int) -> None:
        self.connections[connection] = Connection(self.now_s)

    def close(self, connection: int) -> None:
        for name in self._own(connection):
            session = self.sessions[name]
            if session.is_interleaved_on(connection):
                del self.sessions[name]
            elif session.home == connection:
                session.home, session.left_s = None, self.now_s
        del self.connections[connection]

    def media(self) -> None:
        """Note that the cameras sent pictures to who plays."""
        for number, connection in self.connections.items():
            connection.has_written |= any(
                session.is_playing and session.is_interleaved_on(number)
                for session in self.sessions.values()
            )

    def sweep(self, seconds: float) -> list[int]:
        """Let time pass; return the connections that end."""
        self.now_s += seconds
        silent = [
            number
            for number, connection in self.connections.items()
            if self.now_s - connection.heard_s >= CONNECTION_S and not self._own(number)
        ]
        for session in self.sessions.values():
            writes = session.is_playing and session.is_interleaved
            on = {way.on for way in session.tracks.values() if way.is_tcp}
            has_written = any(self.connections[number].has_written for number in on)
            if writes and session.was_playing_at_sweep and has_written:
                session.alive_s = self.now_s
            session.was_playing_at_sweep = writes
        for connection in self.connections.values():
            connection.has_written = False
        for name, session in list(self.sessions.items()):
            is_left = session.home is None and not session.has_played
            is_over = is_left and self.now_s - session.left_s >= UNPLAYED_S
            if is_over or self.now_s - session.alive_s > SESSION_S:
                del self.sessions[name]
        for number in silent:
            self.close(number)
        return silent

    def channels(self, connection: int) -> set[int]:
        """Return the channels on which media may come now."""
        return {
            channel
            for session in self.sessions.values()
            if session.is_playing
            for way in session.tracks.values()
            if way.on == connection
            for channel in way.channels or ()
        }
