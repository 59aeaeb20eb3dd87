"""TLS on a wire: what is begun is finished, nothing is torn, and the ends are clean."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from neolink.hub.backlog import BacklogLimits, Budget
from neolink.media.units import AccessUnit
from neolink.rtp.formats import video_format
from neolink.rtp.sender import RtpSender
from neolink.rtsp.message import InterleavedFrame, Message, Response, reply
from neolink.rtsp.reader import RtspReader
from neolink.rtsp_server.delivery.outbox import PEER_GONE, Lane, Outbox
from neolink.rtsp_server.mounts.parcel import VIDEO, Parcel
from neolink.rtsp_server.settings import RtspSettings
from neolink.rtsp_server.wires.certificate import load_context
from neolink.rtsp_server.wires.tls import MOST_UNASKED_BYTES, PIECE_BYTES, TlsWire
from neolink.rtsp_server.wires.wire import HandshakeError, PlainWire, SendAgain
from support.media import video_unit
from support.tls import TlsPipe, client_context, make_identity

REPLY = reply("1", 200).serialize()
LONGER_THAN_SOCKETS_HOLD = 4 << 20


class Scene:
    """An outbox on the server's end of TLS, and the player's end that parses what comes out."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.ours, self.theirs = socket.socketpair()
        for sock in (self.ours, self.theirs):
            sock.setblocking(False)
        self.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.wire = TlsWire(PlainWire(self.ours, ("test", 0)), context)
        self.failures: list[str] = []
        self.outbox = Outbox(self.wire, self.failures.append)
        self.player = TlsPipe(self.theirs, client_context(), "test")
        self.messages: list[Message] = []
        self._reader = RtspReader(role="client")
        self._video: RtpSender[AccessUnit] = RtpSender(
            video_format(video_unit(0).track),
            ssrc=1,
            first_sequence=0,
            timestamp_offset=0,
            cname="c",
        )

    async def shake_hands(self) -> None:
        await asyncio.gather(self.wire.open(), self.player.open())

    def lane(self) -> Lane:
        return self.outbox.open_lane(BacklogLimits(), Budget())

    def parcel(self, number: int, *, size: int = 3000, key: bool = False) -> Parcel:
        unit = video_unit(number * 3600, key=key, size=size, mark=number)
        return Parcel(self._video.packetize(unit), track=VIDEO, media_s=number / 25)

    async def read_until(self, messages: int) -> None:
        async with asyncio.timeout(5):
            while len(self.messages) < messages:
                self.messages += self._reader.feed(await self.player.receive())

    def close(self) -> None:
        self.outbox.close()
        self.wire.close()
        self.theirs.close()


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    file: Path = make_identity().write(tmp_path_factory.mktemp("tls") / "server.pem")
    return load_context(RtspSettings(certificate=file))


@pytest.fixture
async def scene(context: ssl.SSLContext) -> AsyncIterator[Scene]:
    made = Scene(context)
    await made.shake_hands()
    yield made
    made.close()


def packets(parcel: Parcel) -> int:
    return parcel.batch.packet_count


def sequences(scene: Scene) -> list[int]:
    frames = (message for message in scene.messages if isinstance(message, InterleavedFrame))
    return [int.from_bytes(frame.payload[2:4], "big") for frame in frames]


# ---------------------------------------------------------------- what leaves


async def test_a_picture_goes_out_at_once_while_the_socket_takes_it(scene: Scene) -> None:
    lane, parcel = scene.lane(), scene.parcel(0, size=900, key=True)
    lane.push(parcel)
    assert not scene.outbox.is_blocked
    assert scene.outbox.bytes_sent == parcel.size
    await scene.read_until(packets(parcel))
    assert sequences(scene) == list(range(packets(parcel)))


async def test_a_picture_whose_records_wait_is_begun_and_not_dropped(scene: Scene) -> None:
    lane = scene.lane()
    parcel = scene.parcel(0, size=20_000, key=True)
    lane.push(parcel)
    assert scene.outbox.is_blocked
    assert scene.outbox.bytes_sent == 0  # it is encrypted, and the socket took a part of it
    assert len(lane.backlog) == 0  # so nothing can drop it any more
    lane.push(scene.parcel(1))
    assert len(lane.backlog) == 1
    lane.backlog.clear()
    await scene.read_until(packets(parcel))
    assert sequences(scene) == list(range(packets(parcel)))
    await asyncio.sleep(0)
    assert scene.outbox.bytes_sent == parcel.size
    assert not scene.outbox.is_blocked


async def test_replies_come_behind_what_was_begun_and_before_what_waits(scene: Scene) -> None:
    lane = scene.lane()
    begun, waiting = scene.parcel(0, size=20_000, key=True), scene.parcel(1)
    lane.push(begun)
    lane.push(waiting)
    scene.outbox.write(REPLY)
    await scene.read_until(packets(begun) + 1 + packets(waiting))
    assert isinstance(scene.messages[packets(begun)], Response)


@pytest.mark.parametrize("size", [700, 15_000, PIECE_BYTES - 100, PIECE_BYTES + 1, 300_000])
async def test_every_byte_arrives_whatever_the_socket_takes(scene: Scene, size: int) -> None:
    """The reader would lose the framing at the first byte lost or repeated."""
    lane = scene.lane()
    expected = 0
    for number in range(12):
        parcel = scene.parcel(number, key=number == 0, size=size + 911 * (number % 7))
        expected += packets(parcel)
        lane.push(parcel)
        if number % 5 == 0:
            await scene.read_until(len(scene.messages) + 1)
    await scene.read_until(expected)
    assert sequences(scene) == list(range(expected))


async def test_a_large_picture_makes_progress_that_can_be_seen(scene: Scene) -> None:
    """A slow reader of one large key frame must not look like one who reads nothing."""
    lane, parcel = scene.lane(), scene.parcel(0, size=300_000, key=True)
    lane.push(parcel)
    seen = {scene.outbox.bytes_sent}
    while scene.outbox.bytes_sent < parcel.size:
        await scene.read_until(len(scene.messages) + 1)
        seen.add(scene.outbox.bytes_sent)
    assert len(seen) >= 300_000 // PIECE_BYTES


async def test_what_waits_encrypted_counts_as_unacknowledged(scene: Scene) -> None:
    before = scene.outbox.unacknowledged_bytes  # tickets to resume with
    scene.lane().push(scene.parcel(0, size=20_000, key=True))
    after = scene.outbox.unacknowledged_bytes
    assert before is not None
    assert after is not None
    assert after > before + 20_000


async def test_a_player_that_is_gone_fails_the_outbox(scene: Scene) -> None:
    scene.theirs.close()
    lane = scene.lane()
    for number in range(3):
        lane.push(scene.parcel(number, key=True))
    assert len(scene.failures) == 1
    assert scene.failures[0].startswith(PEER_GONE)


async def test_begun_bytes_are_asked_for_again_until_they_left(scene: Scene) -> None:
    blob = bytes(range(256)) * 200
    with pytest.raises(SendAgain):
        scene.wire.send(blob)
    with pytest.raises(SendAgain):
        scene.wire.send(blob)

    async def take() -> bytes:
        got = b""
        while len(got) < len(blob):
            got += await scene.player.receive()
        return got

    taking = asyncio.create_task(take())
    taken = 0
    while not taken:
        await asyncio.sleep(0)
        with contextlib.suppress(SendAgain):
            taken = scene.wire.send(blob)
    assert taken == len(blob)
    assert await asyncio.wait_for(taking, 5) == blob


# ---------------------------------------------------------------- what arrives


async def test_bytes_that_came_with_the_handshake_are_read(context: ssl.SSLContext) -> None:
    scene = Scene(context)
    opening = asyncio.create_task(scene.wire.open())
    await scene.player.open()
    await scene.player.send(b"first")
    await scene.player.send(b"second")
    await opening
    got = b""
    while len(got) < 11:
        got += await scene.wire.receive()
    assert got == b"firstsecond"
    scene.close()


async def test_a_large_request_is_read_whole(scene: Scene) -> None:
    blob = bytes(range(256)) * 1000
    sending = asyncio.create_task(scene.player.send(blob))
    got = b""
    while len(got) < len(blob):
        got += await scene.wire.receive()
    await sending
    assert got == blob


@pytest.mark.parametrize("is_announced", [True, False])
async def test_an_end_is_an_end_announced_or_not(scene: Scene, is_announced: bool) -> None:
    if is_announced:
        with pytest.raises(ssl.SSLWantReadError):
            scene.player.tls.unwrap()
        await scene.player._flush()
    scene.theirs.shutdown(socket.SHUT_WR)
    assert await scene.wire.receive() == b""


async def test_closing_is_announced_to_the_player(scene: Scene) -> None:
    scene.wire.close()
    assert await scene.player.receive() == b""
    assert scene.player.ended_cleanly


async def test_closing_in_the_middle_of_a_picture_tears_it_without_a_lie(scene: Scene) -> None:
    """Nothing may stand behind half a record, so the end is not announced."""
    scene.lane().push(scene.parcel(0, size=LONGER_THAN_SOCKETS_HOLD, key=True))
    scene.close()
    assert not scene.player.ended_cleanly


async def test_nonsense_in_the_middle_breaks_it(scene: Scene) -> None:
    scene.theirs.send(b"\x17\x03\x03\x00\x20" + b"x" * 32)
    with pytest.raises(OSError, match="bad record mac"):
        await scene.wire.receive()


async def test_a_flood_of_questions_of_tls_itself_is_ended(scene: Scene) -> None:
    """Each request for new keys is answered; who never reads the answers would fill memory."""
    scene.wire._outgoing.write(bytes(MOST_UNASKED_BYTES + 1))
    await scene.player.send(b"x")
    with pytest.raises(ConnectionAbortedError):
        await scene.wire.receive()


# ---------------------------------------------------------------- handshakes that fail


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"DESCRIBE rtsp://h/porch RTSP/1.0\r\nCSeq: 1\r\n\r\n", "use rtsps://"),
        (b"GET /porch HTTP/1.1\r\n\r\n", "use rtsps://"),
        (b"\x00" * 100, "no TLS"),
        (b"$\x00\x00\x04abcd", "no TLS"),
        (b"\x16\x03\x01\x00\x05xxxxx" + b"y" * 500, "."),
    ],
)
async def test_what_is_no_handshake_is_told_apart(
    context: ssl.SSLContext, sent: bytes, told: str
) -> None:
    scene = Scene(context)
    scene.theirs.send(sent)
    with pytest.raises(HandshakeError, match=told):
        await scene.wire.open()
    scene.close()


async def test_a_player_that_ends_in_the_middle_is_told(context: ssl.SSLContext) -> None:
    scene = Scene(context)
    scene.theirs.send(b"\x16\x03\x01\x02\x00\x01")
    scene.theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(HandshakeError, match="in the middle"):
        await scene.wire.open()
    scene.close()


async def test_a_player_that_resets_the_connection_in_the_middle_is_told(
    context: ssl.SSLContext,
) -> None:
    """So do players with GnuTLS when they do not trust the certificate."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, peer = listener.accept()
    ours.setblocking(False)
    wire = TlsWire(PlainWire(ours, peer), context)
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    opening = asyncio.create_task(wire.open())
    theirs.send(b"\x16\x03\x01\x02\x00\x01")
    for _ in range(5):
        await asyncio.sleep(0)
    theirs.close()
    with pytest.raises(HandshakeError, match="in the middle: perhaps it does not trust"):
        await opening
    wire.close()


async def test_a_port_scan_is_no_failed_handshake(context: ssl.SSLContext) -> None:
    scene = Scene(context)
    scene.theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(ConnectionResetError):
        await scene.wire.open()
    scene.close()


async def test_a_player_that_does_not_trust_us_is_told_apart(context: ssl.SSLContext) -> None:
    scene = Scene(context)
    scene.player = TlsPipe(scene.theirs, client_context(make_identity()), "127.0.0.1")
    told, said = await asyncio.gather(
        scene.wire.open(), scene.player.open(), return_exceptions=True
    )
    assert isinstance(said, ssl.SSLCertVerificationError)
    assert isinstance(told, HandshakeError)
    assert "does not trust our certificate" in str(told)
    scene.close()


async def test_a_peer_that_reads_nothing_does_not_hold_up_the_loop_in_the_handshake(
    context: ssl.SSLContext,
) -> None:
    scene = Scene(context)
    scene.ours.send(bytes(1 << 20))  # nothing more fits
    opening = asyncio.create_task(scene.wire.open())
    shaking = asyncio.create_task(scene.player.open())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not opening.done()
    for task in (opening, shaking):
        task.cancel()
    await asyncio.gather(opening, shaking, return_exceptions=True)
    scene.close()
