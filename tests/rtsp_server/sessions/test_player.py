"""One session's media: which lane each track uses, and what stays when a track goes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest

from neolink.clock import ManualClock
from neolink.errors import RemoteProtocolError
from neolink.hub.backlog import BacklogLimits, Budget
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.rtp.formats import AudioChoice
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import (
    Bye,
    PictureLossIndication,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    parse_compound,
)
from neolink.rtsp.message import InterleavedFrame
from neolink.rtsp.reader import RtspReader
from neolink.rtsp.session import ServerSession
from neolink.rtsp_server.delivery.outbox import Outbox
from neolink.rtsp_server.delivery.udp import BURST_BYTES, CATCH_UP_BURST, UdpLane, UdpPorts
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO
from neolink.rtsp_server.mounts.seat import StartPoint
from neolink.rtsp_server.sessions.lanes import UDP_REPLAY_BYTES
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import MountSettings, StartMode
from neolink.rtsp_server.wires.wire import PlainWire
from support.datagrams import Silence
from support.media import L16, Camera, video_unit
from support.rtsp_client import UdpPair
from support.waiting import until

LIMITS = BacklogLimits()


class Scene:
    """A mount with sound, one player, its connection and its UDP ports."""

    def __init__(self) -> None:
        clock = ManualClock()
        stream = Stream("porch/main", clock=clock, grace_s=0.01)
        self.mount = Mount(StreamKind.MAIN, stream, MountSettings(camera="porch"), clock)
        self.camera = Camera(stream, audio=L16)
        self.hold = stream.hold()
        self.budget = Budget()
        self.ours, self.theirs = socket.socketpair()
        self.ours.setblocking(False)
        self.theirs.setblocking(False)
        self.outbox = Outbox(PlainWire(self.ours, ("test", 0)), lambda _: None)
        self.ports = UdpPorts("127.0.0.1", 0, Silence(), Silence())
        self.pairs = [UdpPair(), UdpPair()]
        session = ServerSession("0" * 16, "porch", None, "127.0.0.1", 0.0)
        self.player = Player(session, self.mount, AudioChoice.AUTO, StartMode.FAST)
        self.ended: list[str] = []
        self.camera.pictures(3)
        self._reader = RtspReader(role="client")
        self.frames: list[InterleavedFrame] = []

    def use_tcp(self, *tracks: int) -> None:
        for track in tracks:
            self.player.lanes.use_tcp(
                track, 2 * track, self.outbox, lambda: self.outbox.open_lane(LIMITS, self.budget)
            )

    def use_udp(self, *tracks: int) -> None:
        for track in tracks:
            rtp, rtcp = (("127.0.0.1", port) for port in self.pairs[track].ports)
            self.player.lanes.use_udp(
                track, rtp, rtcp, lambda: UdpLane(self.ports, LIMITS, self.budget)
            )

    def play(self) -> None:
        self.player.plan(lambda: self.ended.append("renegotiate"), self.ended.append)
        self.player.play()

    def read(self) -> list[int]:
        """Return the channels of the frames that came over TCP since the last call."""
        taken: list[InterleavedFrame] = []
        try:
            while data := self.theirs.recv(1 << 20):
                taken += [m for m in self._reader.feed(data) if isinstance(m, InterleavedFrame)]
        except BlockingIOError:
            pass
        self.frames += taken
        return [frame.channel for frame in taken]

    def sequences(self, channel: int = 0) -> list[int]:
        return [
            RtpPacket.parse(frame.payload).sequence
            for frame in self.frames
            if frame.channel == channel
        ]

    def received(self, track: int) -> list[bytes]:
        """Return RTP datagrams that came over UDP since the last call."""
        return list(_drain(self.pairs[track].rtp))

    def close(self) -> None:
        self.player.close()
        self.hold.release()
        self.mount.stream.close()
        self.outbox.close()
        self.ours.close()
        self.theirs.close()
        self.ports.close()
        for pair in self.pairs:
            pair.close()


def outbox_of(player: Player) -> Outbox | None:
    return player.outbox


def _drain(sock: socket.socket) -> list[bytes]:
    taken: list[bytes] = []
    try:
        while True:
            taken.append(sock.recv(65536))
    except BlockingIOError:
        return taken


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    made.close()
    assert made.budget.used_bytes == 0
    assert made.mount.player_count == 0


async def test_each_track_goes_by_its_own_transport(scene: Scene) -> None:
    scene.use_tcp(VIDEO)
    scene.use_udp(AUDIO)
    scene.play()
    scene.camera.pictures(10)
    await until(lambda: scene.received(AUDIO))
    assert {0, 1} == set(scene.read())


async def test_sound_on_tcp_and_pictures_on_udp(scene: Scene) -> None:
    scene.use_udp(VIDEO)
    scene.use_tcp(AUDIO)
    scene.play()
    scene.camera.pictures(10)
    await until(lambda: scene.received(VIDEO))
    assert {2, 3} == set(scene.read())


async def test_sound_alone_needs_no_picture_to_begin(scene: Scene) -> None:
    scene.use_tcp(AUDIO)
    scene.play()
    scene.camera.pictures(2)
    assert scene.read()


async def test_setting_up_again_moves_a_track_to_another_transport(scene: Scene) -> None:
    scene.use_udp(VIDEO)
    assert outbox_of(scene.player) is None
    scene.use_tcp(VIDEO)
    assert outbox_of(scene.player) is scene.outbox
    scene.play()
    scene.camera.pictures(3)
    assert scene.read()
    assert not scene.received(VIDEO)


@pytest.mark.parametrize(("dropped", "left"), [(AUDIO, 0), (VIDEO, 2)])
async def test_a_track_that_goes_leaves_the_other_without_a_break(
    scene: Scene, dropped: int, left: int
) -> None:
    scene.use_tcp(VIDEO, AUDIO)
    scene.play()
    scene.camera.pictures(3)
    scene.read()
    scene.player.drop_track(dropped)
    scene.camera.pictures(10)
    assert set(scene.read()) <= {left, left + 1}
    sequences = scene.sequences(left)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


async def test_what_waits_of_a_track_goes_with_it(scene: Scene) -> None:
    scene.use_tcp(VIDEO, AUDIO)
    scene.play()
    scene.camera.key_size = 400_000
    scene.camera.until_key()
    scene.camera.pictures(4)
    backlog = scene.player.backlogs[0]
    assert scene.outbox.is_blocked
    held = len(backlog)
    scene.player.drop_track(AUDIO)
    assert 0 < len(backlog) < held
    scene.player.drop_track(VIDEO)
    assert len(backlog) == 0


async def test_a_pause_drops_what_waits_and_play_begins_at_a_random_access(scene: Scene) -> None:
    scene.use_tcp(VIDEO)
    scene.play()
    scene.camera.key_size = 400_000
    scene.camera.until_key()
    scene.camera.pictures(3)
    scene.player.pause()
    assert scene.budget.used_bytes == 0
    assert not scene.player.is_playing
    assert scene.mount.player_count == 0
    scene.play()
    assert not scene.player.backlogs[0].needs_random_access


async def test_a_pause_over_udp_ends_also_a_picture_that_is_sent_in_bursts(scene: Scene) -> None:
    """What came of it after the next PLAY would not be the packet that RTP-Info has named."""
    scene.use_udp(VIDEO)
    scene.play()
    scene.mount.push(video_unit(900_000, key=True, size=3 * BURST_BYTES))
    scene.player.pause()
    scene.received(VIDEO)
    starts = scene.player.plan(lambda: None, lambda _: None)
    scene.player.play()
    await until(lambda: (packets := scene.received(VIDEO)) and _is_first(packets, starts[VIDEO]))


def _is_first(packets: list[bytes], start: StartPoint) -> bool:
    first = RtpPacket.parse(packets[0])
    assert (first.sequence, first.timestamp) == (start.sequence, start.timestamp)
    return True


async def test_closing_twice_is_no_error(scene: Scene) -> None:
    scene.use_tcp(VIDEO)
    scene.play()
    scene.player.close()
    scene.player.close()
    assert scene.mount.player_count == 0


async def test_a_large_group_is_not_replayed_over_udp(scene: Scene) -> None:
    scene.camera.key_size = UDP_REPLAY_BYTES + 1
    scene.camera.until_key()
    scene.camera.pictures(2)
    scene.use_udp(VIDEO)
    points = scene.player.plan(lambda: None, scene.ended.append)
    assert points[VIDEO].sequence is None
    scene.player.play()
    await asyncio.sleep(0)
    assert scene.received(VIDEO) == []


@pytest.mark.parametrize("is_udp", [False, True])
async def test_a_player_of_live_begins_with_a_key_frame_and_not_before(
    scene: Scene, is_udp: bool
) -> None:
    (scene.use_udp if is_udp else scene.use_tcp)(VIDEO)
    scene.player._start = StartMode.LIVE
    scene.play()
    scene.camera.pictures(1)
    await asyncio.sleep(0)
    assert not scene.received(VIDEO)
    assert 0 not in scene.read(), "reports alone"
    scene.camera.until_key()
    first = scene.mount._senders.pictures[0].sender.next_sequence
    scene.camera.pictures(2)
    if is_udp:
        await until(lambda: (packets := scene.received(VIDEO)) and _begins(packets, first))
    else:
        scene.read()
        assert scene.sequences()[0] == first


def _begins(packets: list[bytes], sequence: int) -> bool:
    assert RtpPacket.parse(packets[0]).sequence == sequence
    return True


async def test_the_cached_pictures_leave_slowly_over_udp(scene: Scene) -> None:
    """At full speed most of them would be lost in the network."""
    scene.camera.until_key()
    scene.camera.key_size = 8 * BURST_BYTES
    scene.camera.pictures(2)
    scene.use_udp(VIDEO)
    scene.play()
    assert 0 < scene.player.sums.bytes_sent <= 2 * CATCH_UP_BURST < BURST_BYTES


async def test_bye_is_for_udp_alone(scene: Scene) -> None:
    scene.use_udp(VIDEO)
    scene.play()
    scene.player.say_bye()

    def heard_bye() -> bool:
        datagrams = _drain(scene.pairs[VIDEO].rtcp)
        return any(isinstance(p, Bye) for data in datagrams for p in parse_compound(data))

    await until(heard_bye)


# ---------------------------------------------------------------- RTCP


def block(ssrc: int, lost: int) -> ReportBlock:
    return ReportBlock(ssrc, lost, 3, 4711, 90, 0, 0)


REPORTERS: list[Callable[[ReportBlock], ReceiverReport | SenderReport]] = [
    lambda report: ReceiverReport(7, (report,)),
    lambda report: SenderReport(7, 0, 0, 0, 0, (report,)),
]


@pytest.mark.parametrize("make", REPORTERS)
async def test_the_last_report_of_each_track_is_kept(
    scene: Scene, make: Callable[[ReportBlock], ReceiverReport | SenderReport]
) -> None:
    ssrc = scene.mount.ssrc(VIDEO, AudioChoice.AUTO)
    assert not scene.player.inbound.take_rtcp(VIDEO, make(block(ssrc, 10)).serialize())
    assert not scene.player.inbound.take_rtcp(VIDEO, make(block(ssrc, 20)).serialize())
    assert not scene.player.inbound.take_rtcp(VIDEO, make(block(ssrc ^ 1, 99)).serialize())
    assert scene.player.feedback.reports[VIDEO].fraction_lost == 20
    assert AUDIO not in scene.player.feedback.reports


@pytest.mark.parametrize("is_udp", [True, False])
async def test_lasting_loss_over_udp_is_told_with_what_to_do(
    scene: Scene, caplog: pytest.LogCaptureFixture, is_udp: bool
) -> None:
    (scene.use_udp if is_udp else scene.use_tcp)(VIDEO)
    report = ReceiverReport(7, (block(scene.player.ssrc(VIDEO), 64),)).serialize()
    for _ in range(5):
        scene.player.inbound.take_rtcp(VIDEO, report)
    told = [one.getMessage() for one in caplog.records if "over UDP" in one.getMessage()]
    assert len(told) == is_udp
    assert all("loses 25 % of its packets over UDP; have it use TCP" in text for text in told)


async def test_players_that_ask_for_a_key_frame_are_counted_and_go_on(scene: Scene) -> None:
    scene.use_udp(VIDEO)
    loss = PictureLossIndication(7, scene.player.ssrc(VIDEO)).serialize()
    for _ in range(3):
        assert not scene.player.inbound.take_rtcp(VIDEO, ReceiverReport(7).serialize() + loss)
    assert scene.player.feedback.pictures_lost == 3


async def test_bye_is_noticed_behind_a_report(scene: Scene) -> None:
    assert scene.player.inbound.take_rtcp(
        VIDEO, ReceiverReport(7).serialize() + Bye((7,)).serialize()
    )


async def test_what_is_no_rtcp_is_refused(scene: Scene) -> None:
    with pytest.raises(RemoteProtocolError):
        scene.player.inbound.take_rtcp(VIDEO, b"\x80\xc9\xff\xff")


async def test_losses_are_told_once_per_episode(scene: Scene) -> None:
    scene.use_tcp(VIDEO)
    scene.play()
    assert scene.player.note_losses() == 0
    scene.player.backlogs[0].await_random_access()
    scene.camera.picture(key=False)
    assert scene.player.note_losses() == 1
    assert scene.player.note_losses() == 0
