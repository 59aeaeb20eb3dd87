"""Guards of the hot path by counts that are the same on every machine: calls, copies, memory.

No times are looked at. A bound stands a little above what the function needs today. Who makes one
of them dearer on purpose raises its bound here and says in the commit what is bought for it; who
makes it cheaper lowers it.
"""

import gc
import sys
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from bench.counting import count_calls, peak_bytes
from bench.hot_path import GOP, PICTURE_BYTES, Chain, Collector, FakeSocket, tcp_lane

from bench import hot_path, micro
from neolink.baichuan.crypto import Encryption
from neolink.hub.backlog import BacklogLimits, Budget
from neolink.media.units import AccessUnit
from neolink.rtsp_server.delivery.udp import Address, UdpLane
from neolink.rtsp_server.mounts.mount import Mount

PLAYERS = 10

MOST_CALLS = {
    "message": 24,
    "aes": 12,
    "payload-clear": 15,
    "payload-full-aes": 40,
    "bcmedia": 20,
    "nal": 14,
    "timeline": 17,
    "assembler": 23,
    "publish": 30,
    "packetize": 51,
    "lane": 9,
    "segments": 63,
    "mount": 67,
    "whole-clear-1": 190,
    "whole-full-aes-1": 214,
    "whole-clear-10": 258,
    "whole-clear-200": 1710,
}
"""Calls of functions for one picture of 20 kB (15 packets), by step of the micro benches."""

MOST_COPIES = {
    "message": 1.1,
    "aes": 1.05,
    "payload-clear": 0.05,
    "payload-full-aes": 1.1,
    "bcmedia": 0.1,
    "nal": 0.1,
    "timeline": 0.05,
    "assembler": 0.1,
    "publish": 0.1,
    "packetize": 1.5,
    "lane": 0.02,
    "segments": 1.3,
    "mount": 1.5,
    "whole-clear-1": 2.65,
    "whole-full-aes-1": 2.7,
    "whole-clear-10": 2.65,
    "whole-clear-200": 3.3,
}
"""Memory held at most during the same, in pictures: a copy of the media bytes is 1."""

MOST_CALLS_A_PLAYER = 8
MOST_BLOCKS_KEPT = 60
"""Of Python's allocator, after two groups of pictures; a leak of one a picture would be 100."""


@pytest.fixture
async def step(request: pytest.FixtureRequest) -> micro.Step:
    """Return the step of this name, which has seen a whole group of pictures."""
    (found,) = [one for one in micro.steps() if one.key == request.param]
    for _ in range(GOP + 1):
        found.action()
    return found


@pytest.fixture
async def chain() -> AsyncIterator[tuple[Chain, list[FakeSocket]]]:
    """Give a camera's path to ten players that has seen whole groups of pictures."""
    sockets = [FakeSocket() for _ in range(PLAYERS)]
    made = Chain(Encryption.FULL_AES, [tcp_lane(sock) for sock in sockets])
    for _ in range(3 * GOP):
        made.turn()
    assert made.stream.sink_failures == 0
    yield made, sockets
    made.close()


def listed(calls: Counter[str]) -> str:
    """Return the functions that are called most, for messages."""
    return ", ".join(f"{name} {count}" for name, count in calls.most_common(15))


def test_every_step_has_its_bounds() -> None:
    assert MOST_CALLS.keys() == MOST_COPIES.keys()


async def test_every_bound_has_its_step() -> None:
    assert [one.key for one in micro.steps()] == list(MOST_CALLS)


@pytest.mark.parametrize("step", MOST_CALLS, indirect=True)
async def test_a_picture_takes_no_more_calls(step: micro.Step) -> None:
    calls = count_calls(step.action)
    total, most = sum(calls.values()), MOST_CALLS[step.key]
    assert total > 0
    assert total <= most, f"{step.what}: {total} calls, at most {most}: {listed(calls)}"


@pytest.mark.parametrize("step", MOST_COPIES, indirect=True)
async def test_a_picture_is_copied_no_more_often(step: micro.Step) -> None:
    copies = peak_bytes(step.action) / PICTURE_BYTES
    most = MOST_COPIES[step.key]
    assert copies <= most, f"{step.what}: memory for {copies:.2f} pictures, at most {most}"


async def test_one_more_player_costs_no_more_calls() -> None:
    found = {}
    for players in (1, 1 + PLAYERS):
        chain = Chain(Encryption.NONE, [tcp_lane(FakeSocket()) for _ in range(players)])
        for _ in range(GOP):
            chain.turn()
        found[players] = count_calls(chain.turn)
        chain.close()
    more = found[1 + PLAYERS] - found[1]
    each = sum(more.values()) / PLAYERS
    assert 0 < each <= MOST_CALLS_A_PLAYER, f"{each:g} calls a player: {listed(more)}"


async def test_players_share_the_bytes_that_were_made_once(
    chain: tuple[Chain, list[FakeSocket]],
) -> None:
    one, sockets = chain
    calls = count_calls(one.turn)
    assert calls["RtpSender.packetize"] == 1
    assert calls["FakeSocket.send"] == PLAYERS  # one system call for each player and picture
    assert len({id(sock.last) for sock in sockets}) == 1
    assert isinstance(sockets[0].last, bytes)


async def test_nothing_of_a_picture_is_kept_when_its_group_is_over(
    chain: tuple[Chain, list[FakeSocket]],
) -> None:
    one, _ = chain
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(2 * GOP):
        one.turn()
    gc.collect()
    kept = sys.getallocatedblocks() - before
    assert kept <= MOST_BLOCKS_KEPT, f"{kept} blocks kept after {2 * GOP} pictures"


async def test_over_udp_a_picture_takes_one_call_for_each_run_of_packets() -> None:
    ports = FakePorts()
    lanes = [UdpLane(ports, BacklogLimits(), Budget()) for _ in range(PLAYERS)]  # type: ignore[arg-type]
    collector = Collector()
    mount = Chain(Encryption.NONE, [collector]).mount
    push(mount, hot_path.units())
    assert collector.last is not None
    runs = collector.last.batch.segments()
    assert [len(list(run.datagrams())) for run in runs] == [15]
    for lane in lanes:
        lane.push(collector.last)
    assert ports.calls == PLAYERS
    assert ports.runs == {id(runs[0])}  # joined once, shared by all


class FakePorts:
    """UDP ports that take everything."""

    def __init__(self) -> None:
        self.calls = 0
        self.runs: set[int] = set()

    def send_segments(self, segments: object, address: Address) -> bool:
        self.calls += 1
        self.runs.add(id(segments))
        return True


def push(mount: Mount, units: list[AccessUnit]) -> None:
    for unit in units[:2]:
        mount.push(unit)
