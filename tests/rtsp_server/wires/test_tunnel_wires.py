"""Frames around blobs, on a socket that takes what it likes: nothing is torn, lost or doubled."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.errors import RemoteProtocolError
from neolink.rtsp_server.wires.tunnel_wires import MAX_STRAY_BYTES, TunnelWire, WebSocketWire
from neolink.rtsp_server.wires.wire import Blob, SendAgain
from neolink.websocket import WebSocketError
from support.tunnel_client import client_frame


class Below:
    """A wire that takes as many bytes as it is told to, one number for each call, then all."""

    peer = ("192.0.2.1", 5000)
    local_host = "192.0.2.2"
    is_secure = True
    unacknowledged_bytes = 7

    def __init__(self, *takes: int) -> None:
        self.takes = list(takes)
        self.sent = b""
        self.incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self.is_closed = False

    async def open(self) -> None:
        raise AssertionError("it is open")

    async def receive(self) -> bytes:
        return await self.incoming.get()

    def send(self, blob: Blob) -> int:
        take = min(self.takes.pop(0), len(blob)) if self.takes else len(blob)
        if not take:
            raise BlockingIOError
        self.sent += bytes(blob[:take])
        return take

    def wait_writable(self, callback: Callable[[], None]) -> None:
        callback()

    def stop_waiting(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True


def send_all(wire: WebSocketWire, blob: bytes) -> None:
    """Send as an outbox does: the rest again and again, nothing in between."""
    rest = memoryview(blob)
    while rest:
        try:
            rest = rest[wire.send(rest) :]
        except SendAgain:
            continue


def frames(data: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    while data:
        width = {126: 2, 127: 8}.get(data[1], 0)
        begin = 2 + width
        size = int.from_bytes(data[2:begin]) if width else data[1]
        assert len(data) >= begin + size, "a frame is torn"
        found.append((data[0] & 0x0F, data[begin : begin + size]))
        data = data[begin + size :]
    return found


class EagerBelow(Below):
    """A peer whose next bytes are always there already."""

    async def receive(self) -> bytes:
        return b"" if self.incoming.empty() else self.incoming.get_nowait()


async def test_frames_that_hold_nothing_do_not_hold_up_the_loop() -> None:
    below = EagerBelow()
    for _ in range(50):
        below.incoming.put_nowait(client_frame(9, b"") + client_frame(2, b""))
    receiving = asyncio.ensure_future(WebSocketWire(below, b"").receive())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not receiving.done()
    assert await receiving == b""


BLOBS = st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=6)


@given(BLOBS, st.lists(st.integers(0, 9), max_size=60))
def test_each_blob_is_one_frame_however_little_the_socket_takes(
    blobs: list[bytes], takes: list[int]
) -> None:
    below = Below(*takes)
    wire = WebSocketWire(below, b"")
    for blob in blobs:
        send_all(wire, blob)
    assert frames(below.sent) == [(2, blob) for blob in blobs]


@given(BLOBS, st.lists(st.integers(0, 9), max_size=60), st.integers(0, 5))
def test_pongs_stand_between_frames_and_the_newest_is_never_lost(
    blobs: list[bytes], takes: list[int], at: int
) -> None:
    below = Below(*takes)
    wire = WebSocketWire(below, b"")
    for number, blob in enumerate(blobs):
        rest = memoryview(blob)
        while rest:
            if number == at:
                wire._take(client_frame(9, b"ping"))
            try:
                rest = rest[wire.send(rest) :]
            except SendAgain:
                continue
    below.takes.clear()
    send_all(wire, b"last")
    found = frames(below.sent)
    assert [payload for opcode, payload in found if opcode == 2] == [*blobs, b"last"]
    assert ((10, b"ping") in found) == (at < len(blobs))


def test_an_empty_blob_begins_no_frame() -> None:
    below = Below()
    assert WebSocketWire(below, b"").send(b"") == 0
    assert below.sent == b""


def test_after_goodbye_nothing_more_is_sent() -> None:
    below = Below()
    wire = WebSocketWire(below, b"")
    wire._take(client_frame(9, b"x") + client_frame(8, b""))
    with pytest.raises(ConnectionResetError):
        wire.send(b"media")
    wire.close()
    assert frames(below.sent) == [(8, b"\x03\xe8")]
    assert below.is_closed


def test_no_goodbye_into_a_frame_that_is_begun() -> None:
    below = Below(5)
    wire = WebSocketWire(below, b"")
    wire.send(b"0123456789")
    wire.close()
    assert below.sent == b"\x82\x0a012"


async def test_bytes_behind_the_handshake_come_first() -> None:
    below = Below()
    wire = WebSocketWire(below, client_frame(2, b"OPTIONS "))
    below.incoming.put_nowait(client_frame(2, b"*"))
    below.incoming.put_nowait(b"")
    assert [await wire.receive() for _ in range(3)] == [b"OPTIONS ", b"*", b""]


async def test_a_broken_frame_is_answered_with_its_code_and_raised() -> None:
    below = Below()
    wire = WebSocketWire(below, b"\x82\x01a")
    with pytest.raises(WebSocketError):
        await wire.receive()
    assert frames(below.sent) == [(8, b"\x03\xea")]


def test_what_the_wire_below_knows_is_passed_on() -> None:
    wire = WebSocketWire(Below(), b"")
    assert (wire.peer, wire.local_host) == (Below.peer, Below.local_host)
    assert (wire.is_secure, wire.unacknowledged_bytes) == (True, 7)


# ---------------------------------------------------------------- GET and POST
async def test_a_tunnel_takes_from_the_post_and_waits_until_it_is_read() -> None:
    below = Below()
    wire = TunnelWire(below, lambda _: None)
    await wire.deliver(b"one")
    second = asyncio.ensure_future(wire.deliver(b"two"))
    await asyncio.sleep(0)
    assert not second.done(), "a queue without a bound"
    assert await wire.receive() == b"one"
    assert await wire.receive() == b"two"
    await second
    assert wire.send(b"$") == 1
    assert below.sent == b"$"


async def test_the_end_of_the_get_is_the_end() -> None:
    below = Below()
    wire = TunnelWire(below, lambda _: None)
    below.incoming.put_nowait(b"stray")
    below.incoming.put_nowait(b"")
    assert await wire.receive() == b""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not left


async def test_bytes_on_the_get_have_a_bound() -> None:
    below = Below()
    wire = TunnelWire(below, lambda _: None)
    below.incoming.put_nowait(b"x" * (MAX_STRAY_BYTES + 1))
    with pytest.raises(RemoteProtocolError):
        await wire.receive()


async def test_a_receive_that_is_cancelled_leaves_no_task_and_loses_nothing() -> None:
    wire = TunnelWire(Below(), lambda _: None)
    waiting = asyncio.ensure_future(wire.receive())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert not asyncio.all_tasks() - {asyncio.current_task()}
    await wire.deliver(b"later")
    assert await wire.receive() == b"later"


def test_closing_tells_the_owner_once_the_wire_is_closed() -> None:
    below = Below()
    said: list[bool] = []

    async def close() -> None:
        wire = TunnelWire(below, lambda _: None)
        wire.on_close = lambda: said.append(below.is_closed)
        wire.close()

    asyncio.run(close())
    assert said == [True]
