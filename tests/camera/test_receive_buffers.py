"""Receive buffers are lent for one read each: shared by all cameras, bounded, never an error."""

import asyncio
import logging
from itertools import cycle, islice

import pytest

from neolink.baichuan.ids import MessageId
from neolink.baichuan.login import Credentials
from neolink.baichuan.server import ServerProtocol
from neolink.camera import connection as module
from neolink.camera.connection import Connection
from neolink.camera.settings import CameraSettings
from neolink.clock import ManualClock
from neolink.log import RepeatLimiter, bind
from neolink.pool import BufferPool, PoolLimits

READS = 1000
CAMERAS = 5
TOO_SMALL = PoolLimits(max_classes=1)


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> BufferPool:
    made = BufferPool()
    monkeypatch.setattr(module, "RECEIVE_BUFFERS", made)
    return made


def connect() -> Connection:
    settings = CameraSettings(name="porch", host="127.0.0.1")
    log = bind(logging.getLogger(__name__), camera="porch")
    return Connection(settings, log, RepeatLimiter(ManualClock()))


def receive(connection: asyncio.BufferedProtocol, data: bytes) -> None:
    """Do what an event loop does with bytes that arrived."""
    while data:
        buffer = memoryview(connection.get_buffer(-1))
        taken = min(len(data), len(buffer))
        buffer[:taken] = data[:taken]
        connection.buffer_updated(taken)
        data = data[taken:]


async def test_all_cameras_read_into_the_same_buffer_in_turn(pool: BufferPool) -> None:
    connections = [connect() for _ in range(CAMERAS)]
    for connection in islice(cycle(connections), READS):
        receive(connection, b"\0" * 100)
    assert pool.hit_rate > 0.95
    assert (pool.misses, pool.leased_bytes, pool.class_count) == (1, 0, 1)
    assert pool.held_bytes == module.RECEIVE_BUFFER


async def test_a_read_without_bytes_keeps_its_buffer_until_the_end(pool: BufferPool) -> None:
    connection = connect()
    first = connection.get_buffer(-1)
    assert connection.get_buffer(-1) is first
    assert pool.leased_bytes == module.RECEIVE_BUFFER
    connection.connection_lost(None)
    assert pool.leased_bytes == 0


async def test_a_buffer_comes_back_when_its_bytes_cannot_be_handled(
    pool: BufferPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect()

    def fail(_: object) -> list[object]:
        raise RuntimeError("our fault")

    monkeypatch.setattr(connection._protocol, "receive_data", fail)
    receive(connection, b"\0")
    assert connection.lost.done()
    assert pool.leased_bytes == 0


@pytest.mark.parametrize("limits", [PoolLimits(), TOO_SMALL])
async def test_an_exhausted_pool_makes_reads_smaller_and_loses_nothing(
    limits: PoolLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = BufferPool(limits)
    monkeypatch.setattr(module, "RECEIVE_BUFFERS", pool)
    connection = connect()
    pushed: list[int] = []
    connection.on_push(MessageId.ALARM_EVENTS, lambda event: pushed.append(event.message_id))
    camera = ServerProtocol(Credentials("admin", ""), nonce="0")
    for _ in range(100):
        camera.push(MessageId.ALARM_EVENTS, body=b"<body />")
    data = camera.data_to_send()
    receive(connection, data * 20)
    assert len(pushed) == 2000
    assert connection.bytes_received == 20 * len(data) > module.SPARE_BUFFER
    assert not connection.lost.done()
    assert bool(pool.exhausted) == (limits is TOO_SMALL)
