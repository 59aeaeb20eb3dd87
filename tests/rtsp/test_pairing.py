"""GET and POST of a tunnel find each other, within bounds and deadlines, and end together."""

from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from neolink.rtsp.pairing import (
    MAX_WAITING,
    PAIR_WITHIN_S,
    REOPEN_WITHIN_S,
    Pairing,
    TunnelKey,
)
from neolink.rtsp.tunnel import TunnelRefused

KEY = TunnelKey("192.0.2.1", "abc")


@dataclass(eq=False)
class Half:
    """Remembers why it was ended."""

    name: str = ""
    reasons: list[str] = field(default_factory=list)

    def end(self, reason: str) -> None:
        self.reasons.append(reason)

    @property
    def is_open(self) -> bool:
        return not self.reasons


Table = Pairing[Half, Half]


# ---------------------------------------------------------------- together
def test_get_then_post_meet() -> None:
    table, get, post = Table(), Half(), Half()
    assert table.open_get(KEY, get, 0.0) is None
    assert (table.waiting, table.opened) == (1, 0)
    assert table.open_post(KEY, post, 1.0) is get
    assert (table.waiting, table.opened, table.post_count(KEY.host)) == (0, 1, 1)


def test_post_then_get_meet() -> None:
    table, get, post = Table(), Half(), Half()
    assert table.open_post(KEY, post, 0.0) is None
    assert table.post_count(KEY.host) == 0
    assert table.open_get(KEY, get, 1.0) is post
    assert table.opened == 1


def test_a_cookie_of_another_host_is_another_tunnel() -> None:
    table, get, stranger = Table(), Half(), Half()
    table.open_get(KEY, get, 0.0)
    assert table.open_post(TunnelKey("192.0.2.2", KEY.cookie), stranger, 0.0) is None
    assert len(table) == 2


def test_halves_in_clear_and_inside_tls_do_not_meet() -> None:
    table, get, post = Table(), Half(), Half()
    table.open_get(KEY._replace(is_secure=True), get, 0.0)
    assert table.open_post(KEY, post, 0.0) is None


def test_a_cookie_that_is_in_use_is_refused_to_a_second_get() -> None:
    table, get = Table(), Half()
    table.open_get(KEY, get, 0.0)
    with pytest.raises(TunnelRefused, match="400"):
        table.open_get(KEY, Half(), 0.0)
    assert get.is_open


# ---------------------------------------------------------------- deadlines
@pytest.mark.parametrize("is_get", [True, False])
def test_a_half_waits_five_seconds_for_the_other(is_get: bool) -> None:
    table, half = Table(), Half()
    (table.open_get if is_get else table.open_post)(KEY, half, 10.0)
    table.expire(10.0 + PAIR_WITHIN_S - 0.1)
    assert half.is_open
    table.expire(10.0 + PAIR_WITHIN_S)
    assert half.reasons == ["the other half of the tunnel did not come within 5 s"]
    assert (len(table), table.expired) == (0, 1)


def test_a_whole_tunnel_never_expires() -> None:
    table, get, post = Table(), Half(), Half()
    table.open_get(KEY, get, 0.0)
    table.open_post(KEY, post, 0.0)
    table.expire(1e9)
    assert get.is_open
    assert post.is_open


def test_a_post_may_close_and_another_come_for_thirty_seconds() -> None:
    table, get, first, second = Table(), Half(), Half(), Half()
    table.open_get(KEY, get, 0.0)
    table.open_post(KEY, first, 0.0)
    table.close_post(KEY, first, 100.0)
    table.expire(100.0 + REOPEN_WITHIN_S - 0.1)
    assert get.is_open
    assert table.open_post(KEY, second, 129.9) is get
    table.close_post(KEY, first, 129.9)  # the old one's end comes late
    table.expire(1e6)
    assert get.is_open
    table.close_post(KEY, second, 1e6)
    table.expire(1e6 + REOPEN_WITHIN_S)
    assert get.reasons == ["the other half of the tunnel did not come within 30 s"]
    assert table.opened == 1


def test_a_second_post_takes_the_place_of_the_first() -> None:
    table, get, first, second = Table(), Half(), Half(), Half()
    table.open_get(KEY, get, 0.0)
    table.open_post(KEY, first, 0.0)
    assert table.open_post(KEY, second, 0.0) is get
    assert first.reasons == ["another POST of this tunnel has come"]
    assert second.is_open


def test_without_its_get_a_tunnel_is_dead() -> None:
    table, get, post = Table(), Half(), Half()
    table.open_get(KEY, get, 0.0)
    table.open_post(KEY, post, 0.0)
    table.close_get(KEY, Half())  # a stranger's
    assert post.is_open
    table.close_get(KEY, get)
    assert post.reasons == ["the GET of this tunnel is gone"]
    assert len(table) == 0
    table.close_post(KEY, post, 0.0)


# ---------------------------------------------------------------- bounds
def test_a_flood_from_one_host_makes_room_among_its_own() -> None:
    table, honest = Table(), Half()
    table.open_get(TunnelKey("192.0.2.9", "honest"), honest, 0.0)
    flood = [Half() for _ in range(10 * MAX_WAITING)]
    for number, half in enumerate(flood):
        table.open_get(TunnelKey("192.0.2.1", str(number)), half, 0.0)
        assert table.waiting <= MAX_WAITING
    assert honest.is_open
    assert [half.is_open for half in flood[: 1 - MAX_WAITING]].count(True) == 0
    assert all(half.is_open for half in flood[1 - MAX_WAITING :])
    assert table.evicted == 9 * MAX_WAITING + 1
    assert table.open_post(TunnelKey("192.0.2.9", "honest"), Half(), 0.1) is honest


class Tunnels(RuleBasedStateMachine):
    """Any order of events; a model knows who must be together."""

    def __init__(self) -> None:
        super().__init__()
        self.table = Table()
        self.now_s = 0.0
        self.gets: dict[TunnelKey, Half] = {}
        self.posts: dict[TunnelKey, Half] = {}

    keys = st.builds(TunnelKey, st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"]))

    @rule(key=keys)
    def get(self, key: TunnelKey) -> None:
        half = Half()
        if key in self.gets:
            with pytest.raises(TunnelRefused):
                self.table.open_get(key, half, self.now_s)
            return
        assert self.table.open_get(key, half, self.now_s) is self.posts.get(key)
        self.gets[key] = half

    @rule(key=keys)
    def post(self, key: TunnelKey) -> None:
        half = Half()
        assert self.table.open_post(key, half, self.now_s) is self.gets.get(key)
        self.posts[key] = half

    @rule(key=keys)
    def get_leaves(self, key: TunnelKey) -> None:
        self.table.close_get(key, self.gets.pop(key, Half()))

    @rule(key=keys)
    def post_leaves(self, key: TunnelKey) -> None:
        self.table.close_post(key, self.posts.pop(key, Half()), self.now_s)

    @rule(passed_s=st.floats(0, 40))
    def time_passes(self, passed_s: float) -> None:
        self.now_s += passed_s
        self.table.expire(self.now_s)

    @invariant()
    def who_was_ended_is_forgotten_and_nobody_else(self) -> None:
        for halves in (self.gets, self.posts):
            for key in [key for key, half in halves.items() if not half.is_open]:
                del halves[key]
        assert len(self.table) == len({*self.gets, *self.posts})
        for host in "ab":
            both = [key for key in self.gets if key in self.posts and key.host == host]
            assert self.table.post_count(host) == len(both)


TestTunnels = Tunnels.TestCase
TestTunnels.settings = settings(max_examples=60, stateful_step_count=25)
