"""Sessions follow the table of states, belong to one peer, and end when nobody keeps them."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from neolink.errors import LocalProtocolError
from neolink.rtsp.errors import RtspError
from neolink.rtsp.headers import Transport
from neolink.rtsp.message import PUBLIC, Method
from neolink.rtsp.session import (
    TRANSITIONS,
    ServerSession,
    SessionTable,
    State,
    TrackSetup,
    require_method,
    select_track,
)

TCP = Transport("RTP/AVP/TCP", interleaved=(0, 1))
UDP = Transport(client_port=(5000, 5001))


def ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):016x}"


def table_of(**options: int) -> SessionTable:
    return SessionTable(ids(), **options)


def open_session(table: SessionTable, now: float = 0.0, host: str = "192.0.2.1") -> ServerSession:
    return table.create(path="cam1", user="me", peer_host=host, now=now)


def new_session(state: State = State.INIT) -> ServerSession:
    session = open_session(table_of())
    session.state = state
    return session


def status_of(call: Callable[[], object]) -> int:
    with pytest.raises(RtspError) as caught:
        call()
    return caught.value.status


# ---------------------------------------------------------------- states

INIT, READY, PLAYING = State.INIT, State.READY, State.PLAYING

EXPECTED: dict[Method, tuple[State | int, State | int, State | int]] = {
    Method.OPTIONS: (INIT, READY, PLAYING),
    Method.DESCRIBE: (INIT, READY, PLAYING),
    Method.GET_PARAMETER: (INIT, READY, PLAYING),
    Method.SET_PARAMETER: (INIT, READY, PLAYING),
    Method.SETUP: (READY, READY, 455),
    Method.PLAY: (455, PLAYING, PLAYING),
    Method.PAUSE: (455, READY, READY),
    Method.TEARDOWN: (454, INIT, INIT),
}


@pytest.mark.parametrize("method", EXPECTED)
@pytest.mark.parametrize(("index", "state"), list(enumerate(State)))
def test_each_method_in_each_state(method: Method, index: int, state: State) -> None:
    session = new_session(state)
    expected = EXPECTED[method][index]
    if isinstance(expected, State):
        assert session.require(method) is expected
        assert session.apply(method) is expected
        assert session.state is expected
    else:
        assert status_of(lambda: session.apply(method)) == expected
        assert session.state is state


def test_table_is_read_only() -> None:
    with pytest.raises(TypeError):
        TRANSITIONS[State.INIT] = {}  # type: ignore[index]  # what the test is about


@pytest.mark.parametrize("name", ["ANNOUNCE", "RECORD"])
def test_publishing_is_not_allowed(name: str) -> None:
    with pytest.raises(RtspError) as caught:
        require_method(name)
    assert caught.value.status == 405
    assert caught.value.headers == (("Allow", PUBLIC),)


@pytest.mark.parametrize("name", ["REDIRECT", "REGISTER", "play", "GET"])
def test_unknown_methods_are_not_implemented(name: str) -> None:
    assert status_of(lambda: require_method(name)) == 501


def test_every_public_method_is_known_and_get_parameter_is_listed() -> None:
    assert PUBLIC == (
        "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
    )
    assert {require_method(name) for name in PUBLIC.split(", ")} == set(EXPECTED)


# ---------------------------------------------------------------- tracks


def test_setup_without_track_takes_the_only_one() -> None:
    assert select_track(None, [0]) == 0
    assert select_track(1, [0, 1]) == 1
    assert status_of(lambda: select_track(None, [0, 1])) == 459
    assert status_of(lambda: select_track(2, [0, 1])) == 404
    assert status_of(lambda: select_track(None, [])) == 459


def test_repeated_setup_is_recognized_and_another_transport_replaces() -> None:
    session = new_session(State.READY)
    first = TrackSetup(0, TCP, "rtsp://h/cam1/trackID=0", requested=(UDP, TCP))
    session.add_track(first)
    session.add_track(TrackSetup(1, TCP, "u1", requested=(TCP,)))
    assert session.find_repeat(0, (UDP, TCP)) is first
    assert session.find_repeat(0, (TCP,)) is None
    assert session.find_repeat(2, (TCP,)) is None
    session.add_track(TrackSetup(0, UDP, "u0", requested=(UDP,)))
    assert session.tracks[0].granted == UDP
    assert list(session.tracks) == [0, 1]


def test_last_track_removed_ends_the_session() -> None:
    session = new_session(State.READY)
    session.add_track(TrackSetup(0, TCP, "u"))
    session.add_track(TrackSetup(1, TCP, "u"))
    assert not session.remove_track(0)
    assert status_of(lambda: session.remove_track(0)) == 404
    assert session.remove_track(1)


def test_play_of_one_track_of_several_is_refused() -> None:
    session = new_session(State.READY)
    session.add_track(TrackSetup(0, TCP, "u"))
    session.require_aggregate(None)
    session.require_aggregate(0)
    assert status_of(lambda: session.require_aggregate(1)) == 460
    session.add_track(TrackSetup(1, TCP, "u"))
    session.require_aggregate(None)
    assert status_of(lambda: session.require_aggregate(0)) == 460


def test_session_keeps_to_its_presentation() -> None:
    session = new_session()
    session.require_path("cam1")
    assert status_of(lambda: session.require_path("cam2")) == 459


# ---------------------------------------------------------------- table and time


def test_session_header_names_the_advertised_timeout() -> None:
    assert open_session(table_of()).header == "0000000000000001;timeout=60"
    assert open_session(table_of(timeout_s=20)).header == "0000000000000001;timeout=20"


def test_session_is_found_by_its_own_peer_only() -> None:
    table = table_of()
    session = open_session(table)
    assert table.get(session.id, "192.0.2.1") is session
    assert status_of(lambda: table.get(session.id, "192.0.2.2")) == 454
    assert status_of(lambda: table.get("unknown", "192.0.2.1")) == 454
    table.remove(session)
    table.remove(session)
    assert status_of(lambda: table.get(session.id, "192.0.2.1")) == 454


def test_full_table_refuses_until_one_leaves() -> None:
    table = table_of(max_sessions=2)
    first, _ = open_session(table), open_session(table)
    assert status_of(lambda: open_session(table)) == 503
    table.remove(first)
    open_session(table)
    assert len(table) == len(list(table)) == 2


@pytest.mark.parametrize("identifier", ["short", "0123456789abcde-f", "0123456789abcdef$"])
def test_guessable_or_odd_identifiers_are_our_error(identifier: str) -> None:
    table = SessionTable(lambda: identifier)
    with pytest.raises(LocalProtocolError):
        open_session(table)


def test_repeated_identifier_is_our_error() -> None:
    table = SessionTable(lambda: "0123456789abcdef")
    open_session(table)
    with pytest.raises(LocalProtocolError):
        open_session(table)


def test_session_expires_after_one_and_a_half_timeouts_of_silence() -> None:
    table = table_of(timeout_s=60)
    silent, kept = open_session(table, now=100.0), open_session(table, now=100.0)
    assert table.expire(190.0) == []
    kept.touch(150.0)
    kept.touch(120.0)  # an older sign of life changes nothing
    assert table.expire(190.1) == [silent]
    assert table.expire(190.1) == []
    assert table.expire(240.0) == []
    assert table.expire(240.1) == [kept]
    assert len(table) == 0


# ---------------------------------------------------------------- model

methods = st.sampled_from([method for method in Method if method in EXPECTED])


class SessionModel(RuleBasedStateMachine):
    """Random requests, peers and pauses against a model written apart from the code."""

    def __init__(self) -> None:
        super().__init__()
        self.table = table_of(timeout_s=20, max_sessions=3)
        self.now = 0.0
        self.live: dict[str, tuple[ServerSession, State, float]] = {}

    @initialize()
    def start(self) -> None:
        self.setup(host="192.0.2.1")

    @rule(host=st.sampled_from(["192.0.2.1", "192.0.2.2"]))
    def setup(self, host: str) -> None:
        if len(self.live) == 3:
            assert status_of(lambda: open_session(self.table, self.now, host)) == 503
            return
        session = open_session(self.table, self.now, host)
        session.apply(Method.SETUP)
        session.add_track(TrackSetup(0, TCP, "u"))
        self.live[session.id] = (session, State.READY, self.now)

    @precondition(lambda self: bool(self.live))
    @rule(method=methods, index=st.integers(0, 2))
    def request(self, method: Method, index: int) -> None:
        identifier = sorted(self.live)[index % len(self.live)]
        expected, state, _ = self.live[identifier]
        session = self.table.get(identifier, expected.peer_host)
        assert session is expected
        session.touch(self.now)
        after = EXPECTED[method][list(State).index(state)]
        if isinstance(after, int):
            assert status_of(lambda: session.apply(method)) == after
            after = state
        else:
            assert session.apply(method) is after
        self.live[identifier] = (session, after, self.now)
        if after is State.INIT:
            self.table.remove(session)
            del self.live[identifier]

    @rule(seconds=st.floats(0, 25, allow_nan=False))
    def wait(self, seconds: float) -> None:
        self.now += seconds
        gone = {key for key, (_, _, alive) in self.live.items() if self.now - alive > 30}
        assert {session.id for session in self.table.expire(self.now)} == gone
        for key in gone:
            del self.live[key]

    @invariant()
    def nothing_else_is_left(self) -> None:
        assert {session.id: session.state for session in self.table} == {
            key: state for key, (_, state, _) in self.live.items()
        }
        assert all(session.tracks for session in self.table)


SessionModel.TestCase.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
TestSessionModel = SessionModel.TestCase
