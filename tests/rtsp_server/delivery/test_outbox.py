"""What leaves on one connection: whole blobs, replies first, every session in turn."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from neolink.hub.backlog import BacklogLimits, Budget
from neolink.media.units import AccessUnit, AudioFrame
from neolink.rtp.formats import AudioChoice, audio_format, video_format
from neolink.rtp.sender import RtpSender
from neolink.rtsp.message import InterleavedFrame, Message, Response, reply
from neolink.rtsp.reader import RtspReader
from neolink.rtsp_server.delivery.outbox import (
    MAX_BYTES_PER_TURN,
    MAX_CONTROL_BYTES,
    PEER_GONE,
    Lane,
    Outbox,
)
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO, Parcel
from neolink.rtsp_server.wires.wire import PlainWire
from support.media import L16, video_unit

LIMITS = BacklogLimits()
REPLY = reply("1", 200).serialize()


class Wire:
    """An outbox on one end of a socket pair, and a reader that parses what comes out."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        for sock in (self.ours, self.theirs):
            sock.setblocking(False)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.failures: list[str] = []
        self.budget = Budget()
        self.outbox = Outbox(PlainWire(self.ours, ("test", 0)), self.failures.append)
        self.messages: list[Message] = []
        self._reader = RtspReader(role="client")
        self._video: RtpSender[AccessUnit] = RtpSender(
            video_format(video_unit(0).track),
            ssrc=1,
            first_sequence=0,
            timestamp_offset=0,
            cname="c",
        )

    def lane(self, *channels: int, limits: BacklogLimits = LIMITS) -> Lane:
        lane = self.outbox.open_lane(limits, self.budget)
        lane.channels[:] = channels or (0, 2)
        return lane

    def parcel(self, number: int, *, size: int = 3000, key: bool = False) -> Parcel:
        unit = video_unit(number * 3600, key=key, size=size, mark=number)
        return Parcel(self._video.packetize(unit), track=VIDEO, media_s=number / 25)

    def read(self) -> list[Message]:
        """Take what the socket holds and return the messages that it completed."""
        taken: list[Message] = []
        try:
            while data := self.theirs.recv(1 << 20):
                taken += self._reader.feed(data)
        except BlockingIOError:
            pass
        self.messages += taken
        return taken

    async def read_until(self, frames: int) -> None:
        async with asyncio.timeout(2):
            while len(self.messages) < frames:
                self.read()
                await asyncio.sleep(0)

    def close(self) -> None:
        self.outbox.close()
        self.ours.close()
        self.theirs.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    made = Wire()
    yield made
    made.close()


def packets(parcel: Parcel) -> int:
    return parcel.batch.packet_count


def block(wire: Wire, lane: Lane) -> int:
    """Push a parcel that the socket takes in part; return how many frames it is."""
    parcel = wire.parcel(0, size=20_000, key=True)
    lane.push(parcel)
    assert wire.outbox.is_blocked
    assert 0 < wire.outbox.bytes_sent < parcel.size
    assert len(lane.backlog) == 0
    return packets(parcel)


async def test_a_parcel_goes_out_at_once_while_the_socket_takes_it(wire: Wire) -> None:
    lane = wire.lane(4, 6)
    parcel = wire.parcel(0, size=500, key=True)
    lane.push(parcel)
    assert [type(message) for message in wire.read()] == [InterleavedFrame] * packets(parcel)
    assert {m.channel for m in wire.messages if isinstance(m, InterleavedFrame)} == {4}
    assert wire.outbox.bytes_sent == parcel.size
    assert len(lane.backlog) == 0


async def test_a_reply_that_the_socket_takes_costs_no_wait_for_it(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred players are told reports at a time: each wait would be three system calls."""
    waits: list[object] = []
    monkeypatch.setattr(PlainWire, "wait_writable", lambda _, callback: waits.append(callback))
    wire.outbox.write(REPLY)
    wire.lane().push_rtcp(VIDEO, b"rtcp")
    assert len(wire.read()) == 2
    assert (waits, wire.outbox.is_blocked) == ([], False)


async def test_a_reply_that_the_socket_takes_in_part_is_finished_later(wire: Wire) -> None:
    answer = reply("1", 200, body=b"x" * 60_000)
    wire.outbox.write(answer.serialize())
    assert wire.outbox.is_blocked
    wire.lane().push_rtcp(VIDEO, b"rtcp")
    await wire.read_until(2)
    first, second = wire.messages
    assert isinstance(first, Response)
    assert len(first.body) == 60_000
    assert isinstance(second, InterleavedFrame)
    assert not wire.outbox.is_blocked


async def test_a_blob_that_was_begun_is_finished_before_anything_else(wire: Wire) -> None:
    lane = wire.lane()
    frames = block(wire, lane)
    wire.outbox.write(REPLY)
    lane.push_rtcp(VIDEO, b"rtcp")
    await wire.read_until(frames + 2)
    assert not wire.outbox.is_blocked
    kinds = [
        "reply" if isinstance(m, Response) else m.channel
        for m in wire.messages
        if isinstance(m, Response | InterleavedFrame)
    ]
    assert kinds == [0] * frames + ["reply", 1]


async def test_replies_and_rtcp_overtake_media_that_waits(wire: Wire) -> None:
    lane = wire.lane()
    begun = block(wire, lane)
    waiting = wire.parcel(7)
    lane.push(waiting)
    wire.outbox.write(REPLY)
    assert len(lane.backlog) == 1
    await wire.read_until(begun + 1 + packets(waiting))
    assert isinstance(wire.messages[begun], Response)


async def test_every_byte_arrives_whatever_the_socket_takes(wire: Wire) -> None:
    """The reader would lose the framing at the first byte lost or repeated."""
    lane = wire.lane()
    expected = 0
    for number in range(60):
        parcel = wire.parcel(number, key=number == 0, size=700 + 911 * (number % 7))
        expected += packets(parcel)
        lane.push(parcel)
        if number % 5 == 0:
            wire.read()
            await asyncio.sleep(0)
    await wire.read_until(expected)
    sequences = [
        int.from_bytes(m.payload[2:4], "big")
        for m in wire.messages
        if isinstance(m, InterleavedFrame)
    ]
    assert sequences == list(range(expected))
    assert wire.budget.used_bytes == 0


async def test_sessions_on_one_connection_take_turns(wire: Wire) -> None:
    first, second = wire.lane(0, 2), wire.lane(4, 6)
    begun = block(wire, first)
    for number in range(3):
        first.push(wire.parcel(10 + number, size=200))
        second.push(wire.parcel(20 + number, size=200))
    await wire.read_until(begun + 6)
    channels = [m.channel for m in wire.messages[begun:] if isinstance(m, InterleavedFrame)]
    assert channels == [0, 4, 0, 4, 0, 4]


async def test_who_catches_up_leaves_the_loop_to_others_after_a_quarter_of_a_mebibyte(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wire that takes all at once could else hold up every other player."""
    lane = wire.lane()
    block(wire, lane)
    parcels = [wire.parcel(number, size=20_000, key=True) for number in range(1, 41)]
    for parcel in parcels:
        lane.push(parcel)
    monkeypatch.setattr(wire.outbox, "_give", len)  # the whole blob
    size = parcels[0].size
    for turn in range(3):
        before = wire.outbox.bytes_sent
        wire.outbox._on_writable()
        sent = wire.outbox.bytes_sent - before
        assert MAX_BYTES_PER_TURN <= sent < MAX_BYTES_PER_TURN + size, turn
        assert wire.outbox.is_blocked
    assert MAX_BYTES_PER_TURN == 256 * 1024


async def test_the_backlog_keeps_its_bounds_and_drops_whole_groups(wire: Wire) -> None:
    lane = wire.lane(limits=BacklogLimits(max_items=5))
    begun = block(wire, lane)
    for number in range(10, 20):
        lane.push(wire.parcel(number, key=number == 18, size=200))
    assert len(lane.backlog) == 2
    assert lane.backlog.episodes == 1
    await wire.read_until(begun + 2)
    last = wire.messages[-1]
    assert isinstance(last, InterleavedFrame)
    assert (19).to_bytes(4, "big") in last.payload


async def test_a_peer_that_reads_no_replies_is_ended(wire: Wire) -> None:
    block(wire, wire.lane())
    for _ in range(MAX_CONTROL_BYTES // 1024 + 1):
        wire.outbox.write(bytes(1024))
    assert wire.failures == ["the peer does not read replies"]
    assert not wire.outbox.is_open


async def test_a_peer_that_is_gone_fails_the_outbox_once(wire: Wire) -> None:
    lane = wire.lane()
    wire.theirs.close()
    for number in range(3):
        lane.push(wire.parcel(number, key=True))
        wire.outbox.write(REPLY)
    assert len(wire.failures) == 1
    assert wire.failures[0].startswith(PEER_GONE)


async def test_what_cannot_be_written_is_not_tried_without_end(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The loop would call at full speed, as long as the socket takes more."""
    lane, tries = wire.lane(), 0
    block(wire, lane)
    lane.push(wire.parcel(7))

    def fail() -> Parcel:
        nonlocal tries
        tries += 1
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(lane.backlog, "pop", fail)
    async with asyncio.timeout(2):
        while not wire.failures:
            wire.read()
            await asyncio.sleep(0)
    assert wire.failures == ["internal error"]
    assert tries == 1
    assert [record.getMessage() for record in caplog.records] == ["a connection failed"]


async def test_closing_forgets_what_waits_and_frees_the_budget(wire: Wire) -> None:
    lane = wire.lane()
    block(wire, lane)
    lane.push(wire.parcel(7))
    assert wire.budget.used_bytes > 0
    wire.outbox.close()
    assert wire.budget.used_bytes == 0
    lane.push(wire.parcel(8))
    lane.close()
    assert wire.budget.used_bytes == 0
    assert wire.failures == []


async def test_a_lane_that_closes_finishes_its_begun_blob(wire: Wire) -> None:
    lane, other = wire.lane(0, 2), wire.lane(4, 6)
    begun = block(wire, lane)
    lane.push(wire.parcel(7))
    lane.close()
    other.push(wire.parcel(8, size=200))
    await wire.read_until(begun + 1)
    last = wire.messages[-1]
    assert isinstance(last, InterleavedFrame)
    assert last.channel == 4
    assert len(wire.messages) == begun + 1


async def test_each_track_has_its_channel(wire: Wire) -> None:
    payload_format = audio_format(L16, AudioChoice.AUTO)
    assert payload_format is not None
    sound = RtpSender(
        payload_format, ssrc=2, first_sequence=0, timestamp_offset=0, cname="c", channel=2
    )
    lane = wire.lane(10, 20)
    lane.push(wire.parcel(0, size=100, key=True))
    batch = sound.packetize(AudioFrame(L16, bytes(100), 0, 50))
    lane.push(Parcel(batch, track=AUDIO, media_s=0))
    lane.push_rtcp(AUDIO, b"rtcp")
    wire.read()
    channels = [m.channel for m in wire.messages if isinstance(m, InterleavedFrame)]
    assert channels[-2:] == [20, 21]
    assert set(channels[:-2]) == {10}


async def test_closing_once_more_leaves_alone_who_has_the_descriptor_by_then(wire: Wire) -> None:
    """Its replies and pictures would wait without end for a socket that nobody watches."""
    block(wire, wire.lane())
    wire.outbox.close()
    loop, descriptor = asyncio.get_running_loop(), wire.ours.fileno()
    loop.add_writer(descriptor, lambda: None)
    wire.outbox.close()
    wire.outbox.fail("again")
    assert loop.remove_writer(descriptor)
