"""Pushing to StatsD: what arrives when, and what a receiver that is not there costs."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest

from neolink.clock import ManualClock
from neolink.metrics import pusher as module
from neolink.metrics.pusher import LOOK_UP_EVERY, StatsdPusher
from neolink.metrics.settings import StatsdSettings
from neolink.metrics.statsd import MAX_DATAGRAM
from neolink.readings import BridgeReading
from support.readings import bridge_reading, camera_reading
from support.waiting import until

HOST = "127.0.0.1"


class Ticks:
    """Sleep by hand: each ``tick`` lets the pusher wake once, and waits until it sleeps again."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.naps: list[float] = []
        self._wake = asyncio.Event()
        self._asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self._asleep.set()
        await self._wake.wait()
        self._wake.clear()
        self.clock.advance(seconds)

    async def tick(self, times: int = 1) -> None:
        for _ in range(times):
            async with asyncio.timeout(5):
                await self._asleep.wait()
                self._asleep.clear()
                self._wake.set()
                await self._asleep.wait()


class Receiver:
    """A UDP socket that keeps what it was sent."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((HOST, 0))
        self.sock.setblocking(False)
        self.port: int = self.sock.getsockname()[1]

    def take(self) -> list[bytes]:
        datagrams = []
        with suppress(BlockingIOError):
            while True:
                datagrams.append(self.sock.recv(65536))
        return datagrams


@asynccontextmanager
async def pushing(
    host: str, port: int, read: Callable[[], BridgeReading] | None = None
) -> AsyncIterator[tuple[StatsdPusher, Ticks]]:
    ticks = Ticks()
    pusher = StatsdPusher(
        StatsdSettings(host=host, port=port, prefix="n", interval_s=10.0),
        read or (lambda: bridge_reading(1, 0)),
        lambda reading: {camera.name: "ok" for camera in reading.cameras},
        sleep=ticks.sleep,
    )
    task = asyncio.create_task(pusher.run())
    try:
        yield pusher, ticks
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.sock.close()


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


async def test_a_reading_is_pushed_at_every_interval(receiver: Receiver) -> None:
    connects = iter((4, 4, 9))

    def read() -> BridgeReading:
        return bridge_reading(1, 0, given=(camera_reading(connects=next(connects)),))

    async with pushing(HOST, receiver.port, read) as (pusher, ticks):
        begun_s = ticks.clock.monotonic_s()
        added = []
        for _ in range(3):
            await ticks.tick()
            datagrams = receiver.take()
            assert all(len(datagram) <= MAX_DATAGRAM for datagram in datagrams)
            lines = b"\n".join(datagrams).split(b"\n")
            assert b"n.camera_health.porch.ok:1|g" in lines
            added.append([one for one in lines if one.startswith(b"n.camera_connects_total")])
    assert added == [
        [b"n.camera_connects_total.porch:4|c"],
        [],
        [b"n.camera_connects_total.porch:5|c"],
    ]
    assert ticks.clock.monotonic_s() - begun_s == 30
    assert set(ticks.naps) == {10.0}
    assert (pusher.pushes, pusher.dropped) == (3, 0)


async def test_nothing_is_pushed_before_the_first_interval_is_over(receiver: Receiver) -> None:
    async with pushing(HOST, receiver.port) as (pusher, ticks):
        await until(lambda: ticks.naps)
        assert pusher.pushes == 0
        assert receiver.take() == []


async def test_a_receiver_that_is_not_there_is_told_once_and_so_is_its_return(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    port = receiver.port
    receiver.sock.close()
    async with pushing(HOST, port) as (_, ticks):
        began_s = time.thread_time()
        await ticks.tick(20)
        assert time.thread_time() - began_s < 2.0
        assert told(caplog) == [
            ("WARNING", f"cannot push metrics to {HOST}:{port}: Connection refused")
        ]
        receiver.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.sock.bind((HOST, port))
        receiver.sock.setblocking(False)
        await ticks.tick(3)
        assert told(caplog)[1:] == [("INFO", f"pushing metrics to {HOST}:{port} again")]
        assert receiver.take()


async def test_a_name_that_leads_nowhere_is_told_once_and_asked_again(
    receiver: Receiver, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[object] = [socket.gaierror(-2, "Name or service not known")] * 3
    answers.append([(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (HOST, receiver.port))])
    _answer_look_ups(monkeypatch, answers)
    caplog.set_level(logging.INFO)
    async with pushing("statsd.invalid", 8125) as (pusher, ticks):
        await ticks.tick(3)
        assert pusher.pushes == 0
        await ticks.tick(2)
        assert pusher.pushes == 2
    assert told(caplog) == [
        ("WARNING", "cannot push metrics to statsd.invalid:8125: Name or service not known"),
        ("INFO", "pushing metrics to statsd.invalid:8125 again"),
    ]
    assert not answers


async def test_a_host_name_that_cannot_be_one_is_told(caplog: pytest.LogCaptureFixture) -> None:
    async with pushing("a" * 300, 8125) as (pusher, ticks):
        await ticks.tick(2)
        assert pusher.pushes == 0
    assert [message.rpartition(": ")[2] for _, message in told(caplog)] == ["not a host name"]


async def test_a_look_up_that_hangs_is_asked_once_and_ends_with_the_pusher(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hanging = asyncio.get_running_loop().create_future()
    answers: list[object] = [hanging]
    _answer_look_ups(monkeypatch, answers)
    monkeypatch.setattr(module, "LOOK_UP_TIMEOUT_S", 0.01)
    others = asyncio.all_tasks()
    async with pushing("statsd.invalid", 8125) as (_, ticks):
        await ticks.tick(3)
        assert len(told(caplog)) == 1
        assert "the look-up of the name took too long" in told(caplog)[0][1]
    assert hanging.cancelled()
    assert asyncio.all_tasks() == others


async def test_a_receiver_that_moves_is_found_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    another = Receiver()
    answers: list[object] = [
        [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (HOST, one.port))]
        for one in (receiver, another)
    ]
    _answer_look_ups(monkeypatch, answers)
    async with pushing("statsd.invalid", 8125) as (_, ticks):
        for _ in range(LOOK_UP_EVERY):
            await ticks.tick()
            assert receiver.take()
        await ticks.tick()
        assert another.take()
        assert receiver.take() == []
    another.sock.close()


async def test_what_the_socket_does_not_take_is_dropped_and_counted(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(socket.socket):
        def send(self, *_: object) -> int:
            raise BlockingIOError

    monkeypatch.setattr("neolink.metrics.pusher.socket.socket", Full)
    async with pushing(HOST, receiver.port) as (pusher, ticks):
        await ticks.tick(2)
        assert pusher.pushes == 2
        assert pusher.dropped > 2
    assert told(caplog) == []


def _answer_look_ups(monkeypatch: pytest.MonkeyPatch, answers: list[object]) -> None:
    async def look_up(*_: object, **__: object) -> object:
        answer = answers.pop(0)
        if isinstance(answer, asyncio.Future):
            return await answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)


async def test_after_a_fault_of_ours_it_can_be_run_again(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = [(socket.AF_INET, socket.SOCK_DGRAM, 17, "", (HOST, receiver.port))]
    hanging = asyncio.get_running_loop().create_future()
    _answer_look_ups(monkeypatch, [address, hanging, address])
    monkeypatch.setattr(module, "LOOK_UP_TIMEOUT_S", 0.01)
    readings = [bridge_reading(1, 0)] * LOOK_UP_EVERY

    def read() -> BridgeReading:
        return readings.pop()

    ticks = Ticks()
    settings = StatsdSettings(host="statsd.invalid", port=8125, prefix="n", interval_s=10.0)
    pusher = StatsdPusher(settings, read, sleep=ticks.sleep)
    failing = asyncio.create_task(pusher.run())
    await ticks.tick(LOOK_UP_EVERY - 1)
    ticks._wake.set()
    ticks._asleep.clear()
    await ticks._asleep.wait()
    receiver.take()
    ticks._wake.set()  # the look-up of the name hangs now, and there is nothing to read
    with pytest.raises(IndexError):
        await failing
    readings += [bridge_reading(1, 0)] * 2
    again = asyncio.create_task(pusher.run())
    ticks._asleep.clear()
    await ticks.tick()
    assert receiver.take()
    again.cancel()
    with suppress(asyncio.CancelledError):
        await again
