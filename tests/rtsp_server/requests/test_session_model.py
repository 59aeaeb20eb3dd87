"""Two connections ask at random, and the server answers as the model does; nothing is left over."""

import asyncio
import itertools
import socket
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from neolink.rtsp.fields import Headers
from neolink.rtsp.headers import SessionHeader, parse_transports
from neolink.rtsp.message import InterleavedFrame, Message, Request, Response
from neolink.rtsp.reader import RtspReader
from support.media import L16
from support.rtsp_bench import Bench, start_bench, stop_bench
from support.rtsp_client import UdpPair
from support.session_model import MOST_SESSIONS, Ask, Model, Way
from support.waiting import until

T = TypeVar("T")

QUERIES = {"porch": "", "yard": "?audio=none", "nowhere": ""}
NOBODY = "0123456789abcdef"
"""A session that there is not."""

CONNECTIONS = st.integers(0, 1)
SESSIONS = st.integers(0, 23)
PATHS = st.sampled_from(["porch", "porch", "porch", "yard", "nowhere"])
TRACKS = st.sampled_from([0, 0, 1, 1, None, 7])
CALLS = st.sampled_from(
    ["OPTIONS", "DESCRIBE", "PLAY", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER",
     "ANNOUNCE"]
)  # fmt: skip
WAYS = st.sampled_from(["tcp", "tcp", "tcp 0-1", "tcp 2-3", "tcp 3-4", "udp 0", "udp 1", "other"])


@pytest.fixture(autouse=True)
def server_looks_only_when_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the model know each look: what was written since the last one counts as life."""
    monkeypatch.setattr("neolink.rtsp_server.server.SWEEP_S", 1e6)


class Line:
    """One connection, byte by byte: replies in order, media only where it may be."""

    def __init__(self, number: int, model: Model) -> None:
        self.number = number
        self._model = model
        self._sock = socket.socket()
        self._reader = RtspReader(role="client")
        self._arrived: list[Message] = []
        self.also: set[int] = set()
        """Channels that played when something was asked on the other connection."""

    async def open(self, port: int) -> None:
        self._sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(self._sock, ("127.0.0.1", port))

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def reply(self) -> Response:
        """Return the next reply; all media before it must be on channels that play."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            while True:
                while not self._arrived:
                    data = await loop.sock_recv(self._sock, 65536)
                    assert data, "the server closed the connection"
                    self._arrived += self._reader.feed(data)
                message = self._arrived.pop(0)
                if isinstance(message, Response):
                    return message
                assert isinstance(message, InterleavedFrame)
                assert message.channel in self.also | self._model.channels(self.number)

    def close(self) -> None:
        self._sock.close()


class Conversations(RuleBasedStateMachine):
    """The real server on a loopback port, and the model beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bench: Bench = self.run(
            start_bench("porch", "yard", audio=L16, max_sessions_per_connection=MOST_SESSIONS)
        )
        self.model = Model()
        self.cseq = itertools.count(1)
        self.pairs = [[UdpPair(), UdpPair()] for _ in range(2)]
        """Ports of a player, by slot and track."""
        self.lines: dict[int, Line] = {}
        for number in range(2):
            self.connect(number)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # -- what happens -----------------------------------------------------------------

    @precondition(lambda self: self.model.sessions)
    @rule(number=CONNECTIONS, method=CALLS, session=SESSIONS, path=PATHS, track=TRACKS)
    def call(self, number: int, method: str, session: int, path: str, track: int | None) -> None:
        self.run(self.ask([Ask(number, method, path, track, self.session(session))]))

    @rule(number=CONNECTIONS, method=CALLS, session=SESSIONS)
    def call_of_no_path(self, number: int, method: str, session: int) -> None:
        self.run(self.ask([Ask(number, method, session=self.session(session), is_star=True)]))

    @rule(number=CONNECTIONS, session=SESSIONS, path=PATHS, track=TRACKS, way=WAYS)
    def set_up(self, number: int, session: int, path: str, track: int | None, way: str) -> None:
        named = self.session(session)
        if named in self.model.sessions and session % 5:
            path = self.model.sessions[named].path
        ask = Ask(number, "SETUP", path, track, named, self.way(way, track))
        self.run(self.ask([ask]))

    @precondition(lambda self: self.model.sessions)
    @rule(number=CONNECTIONS, session=SESSIONS, track=SESSIONS, elsewhere=st.booleans())
    def set_up_again(self, number: int, session: int, track: int, *, elsewhere: bool) -> None:
        """Repeat a SETUP word for word, or but for the path."""
        names = list(self.model.sessions)
        name = names[session % len(names)]
        tracks = self.model.sessions[name].tracks
        known = list(tracks)[track % len(tracks)]
        path = self.model.sessions[name].path
        if elsewhere:
            path = "yard" if path == "porch" else "porch"
        self.run(self.ask([Ask(number, "SETUP", path, known, name, tracks[known].asked)]))

    @rule(number=CONNECTIONS, ways=st.tuples(WAYS, WAYS), path=PATHS, plays=st.booleans())
    def watch(self, number: int, ways: tuple[str, str], path: str, *, plays: bool) -> None:
        """Do what players do: set up both tracks, and play."""
        before = set(self.model.sessions)
        self.run(self.ask([Ask(number, "SETUP", path, 0, None, self.way(ways[0], 0))]))
        for name in set(self.model.sessions) - before:
            self.run(self.ask([Ask(number, "SETUP", path, 1, name, self.way(ways[1], 1))]))
            if plays:
                self.run(self.ask([Ask(number, "PLAY", path, None, name)]))

    @precondition(lambda self: self.model.sessions)
    @rule(number=CONNECTIONS, calls=st.lists(st.tuples(CALLS, SESSIONS), min_size=2, max_size=20))
    def pipeline(self, number: int, calls: list[tuple[str, int]]) -> None:
        self.run(self.ask([Ask(number, method, session=self.session(s)) for method, s in calls]))

    @rule(count=st.integers(1, 3))
    def pictures(self, count: int) -> None:
        for camera in self.bench.cameras.values():
            camera.pictures(count)
        self.model.media()
        self.settle()

    @precondition(lambda self: self.model.sessions)
    @rule(seconds=st.sampled_from([20, 50, 89, 91]))
    def time(self, seconds: int) -> None:
        self.settle()
        self.pass_time(seconds)
        self.come_back()

    @rule(number=CONNECTIONS)
    def leave(self, number: int) -> None:
        """Break off a connection and come back."""
        before = len(self.bench.server.door.connections)
        self.lines.pop(number).close()
        self.run(until(lambda: len(self.bench.server.door.connections) < before))
        self.model.close(number)
        self.connect(number)

    # -- how --------------------------------------------------------------------------

    def connect(self, number: int) -> None:
        self.lines[number] = Line(number, self.model)
        self.model.connect(number)
        self.run(self.lines[number].open(self.bench.server.port))
        self.run(self.exchange(self.lines[number], [Ask(number, "OPTIONS", session=NOBODY)]))

    def come_back(self) -> None:
        for number in {0, 1} - set(self.model.connections):
            self.connect(number)

    def session(self, choice: int) -> str | None:
        """Return one of the sessions, more seldom one that there is not, or none."""
        names: list[str | None] = [*(4 * list(self.model.sessions)), NOBODY, None]
        return names[choice % len(names)]

    def way(self, choice: str, track: int | None) -> Way:
        kind, _, which = choice.partition(" ")
        if kind == "other":
            return Way("RAW/RAW/UDP;unicast")
        if kind == "udp":
            ports = self.pairs[int(which)][1 if track == 1 else 0].ports
            return Way(f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]}", ports=ports)
        if not which:
            return Way("RTP/AVP/TCP;unicast", is_tcp=True)
        first = int(which.partition("-")[0])
        text = f"RTP/AVP/TCP;unicast;interleaved={which}"
        return Way(text, channels=(first, first + 1), is_tcp=True)

    def request(self, ask: Ask) -> Request:
        url = f"rtsp://127.0.0.1/{ask.path}{QUERIES[ask.path]}"
        if ask.track is not None:
            url += f"/trackID={ask.track}"
        fields = [("CSeq", str(next(self.cseq)))]
        if ask.session is not None:
            fields.append(("Session", ask.session))
        if ask.way is not None:
            fields.append(("Transport", ask.way.text))
        return Request(ask.method, "*" if ask.is_star else url, headers=Headers(fields))

    async def ask(self, asks: list[Ask]) -> None:
        """Ask in one piece; compare every reply with the model's."""
        for line in self.lines.values():
            await self.exchange(line, [Ask(line.number, "OPTIONS", session=NOBODY)])
            line.also.clear()
        await self.exchange(self.lines[asks[0].by], asks)

    async def exchange(self, line: Line, asks: list[Ask]) -> None:
        requests = [self.request(ask) for ask in asks]
        await line.send(b"".join(request.serialize() for request in requests))
        for ask, request in zip(asks, requests, strict=True):
            response = await line.reply()
            assert response.cseq == request.cseq
            for other in set(self.lines.values()) - {line}:
                other.also |= self.model.channels(other.number)
            assert response.status == self.model.answer(ask), ask
            if response.status == 200:
                self.compare(ask, response)

    def compare(self, ask: Ask, response: Response) -> None:
        header = response.headers.get("Session")
        name = SessionHeader.parse(header).id if header else None
        if self.model.begun is not None:
            assert name is not None
            assert name not in self.model.sessions
            self.model.sessions[name] = self.model.begun
            self.model.take_in(ask.by, name)
        elif name is not None:
            assert name == ask.session
        if ask.method == "SETUP":
            assert name is not None
            (granted,) = parse_transports(response.headers.get("Transport") or "")
            tracks = self.model.sessions[name].tracks
            way = tracks[ask.track if ask.track is not None else next(iter(tracks))]
            assert granted.interleaved == way.channels
            assert granted.client_port == way.ports
        if ask.method == "PLAY":
            assert response.headers.get("Range") == "npt=now-"

    def settle(self) -> None:
        """Read all that was sent; let the server look at what it has written."""
        self.run(self.ask([Ask(0, "OPTIONS", session=NOBODY)]))
        self.pass_time(0)

    def pass_time(self, seconds: float) -> None:
        async def sweep() -> None:
            self.bench.pass_time(seconds)
            gone = self.model.sweep(seconds)
            left = len(self.model.connections)
            await until(lambda: len(self.bench.server.door.connections) == left)
            for number in gone:
                self.lines.pop(number).close()

        self.run(sweep())

    # -- what must be true ------------------------------------------------------------

    @invariant()
    def sessions_are_those_of_the_model(self) -> None:
        context = self.bench.server.context
        assert set(context.players) == set(self.model.sessions)
        assert {session.id for session in context.sessions} == set(self.model.sessions)
        for name, player in context.players.items():
            session = self.model.sessions[name]
            assert player.is_playing == session.is_playing
            assert set(player.session.tracks) == set(session.tracks)
            assert player.session.last_alive - self.bench.clock.monotonic_s() == (
                session.alive_s - self.model.now_s
            )
        playing = sum(session.is_playing for session in self.model.sessions.values())
        assert sum(mount.player_count for mount in self.bench.mounts.values()) == playing

    def teardown(self) -> None:
        """End every session by its name: then all channels and ports are free again."""
        for name in list(self.model.sessions):
            self.run(self.ask([Ask(0, "TEARDOWN", session=name)]))
        for number in range(2):
            self.run(self.ask([Ask(number, "SETUP", "porch", 0, None, self.way("tcp", 0))]))
        assert len(self.model.sessions) == 2
        for line in self.lines.values():
            line.close()
        self.run(until(lambda: not self.bench.server.door.connections))
        for pair in itertools.chain(*self.pairs):
            pair.close()
        self.run(stop_bench(self.bench))
        self.runner.close()


TestConversations = Conversations.TestCase
TestConversations.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
