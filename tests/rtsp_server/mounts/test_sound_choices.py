"""What a player is told of the sound is what it gets, for each choice and what a camera sends."""

import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import cast

import pytest

from neolink.clock import ManualClock
from neolink.convert.targets import target_of
from neolink.errors import Unsupported
from neolink.hub.stream import Stream
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack, StreamKind
from neolink.rtp.formats import AudioChoice
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import SenderReport, parse_compound
from neolink.rtsp.sdp import MediaDescription, parse
from neolink.rtsp_server.mounts import sounds
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO, Parcel
from neolink.rtsp_server.mounts.seat import Seat
from neolink.rtsp_server.requests.description import describe
from neolink.rtsp_server.settings import MountSettings, StartMode
from support.codecs import needs_codecs
from support.media import AAC, L16, Camera, aac_units
from support.waiting import until


class Player:
    """A lane that keeps the packets of each track."""

    def __init__(self) -> None:
        self.packets: dict[int, list[RtpPacket]] = {VIDEO: [], AUDIO: []}
        self.reports: dict[int, list[SenderReport]] = {VIDEO: [], AUDIO: []}

    def push(self, parcel: Parcel) -> None:
        self.packets[parcel.track] += map(RtpPacket.parse, parcel.batch.datagrams())

    def push_aside(self, parcel: Parcel) -> None:
        raise AssertionError(parcel)

    def push_rtcp(self, track: int, packet: bytes) -> None:
        self.reports[track] += [
            one for one in parse_compound(packet) if isinstance(one, SenderReport)
        ]


class Scene:
    """A mount, and a camera whose sound decodes."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.stream = Stream("porch/main", clock=self.clock, grace_s=0.01)
        self.mount = Mount(StreamKind.MAIN, self.stream, MountSettings(camera="porch"), self.clock)
        self.camera = Camera(self.stream)
        self.hold = self.stream.hold()
        self._tone = aac_units()
        self._due = next(self._tone)

    def run(self, track: AudioTrack, pictures: int) -> None:
        """Publish pictures, and sound up to each: L16 by the camera, AAC here."""
        self.camera.audio = track if track == L16 else None
        for _ in range(pictures):
            self.camera.picture()
            while track == AAC and self._due.pts * VIDEO_CLOCK_RATE // 16_000 < self.camera.pts:
                self.stream.publish(self._due)
                self._due = next(self._tone)

    def told(self, choice: AudioChoice) -> MediaDescription | None:
        presentation = self.stream.presentation
        assert presentation is not None
        text = describe(self.mount, presentation, choice, "127.0.0.1")
        return next((media for media in parse(text) if media.kind == "audio"), None)

    def join(self, choice: AudioChoice) -> tuple[Player, Seat]:
        player = Player()
        seat = Seat(player, True, choice, StartMode.FAST, lambda: None, lambda _: None)
        self.mount.join(seat)
        return player, seat


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    made.mount.sounds.keep(())
    made.hold.release()
    made.stream.close()


CASES = [
    (AAC, AudioChoice.AUTO, "MPEG4-GENERIC/16000/1", 97),
    (AAC, AudioChoice.AAC, "MPEG4-GENERIC/16000/1", 97),
    (AAC, AudioChoice.L16, "L16/16000/1", 97),
    (AAC, AudioChoice.PCMU, "PCMU/8000", 0),
    (AAC, AudioChoice.PCMA, "PCMA/8000", 8),
    (AAC, AudioChoice.OPUS, "opus/48000/2", 97),
    (L16, AudioChoice.AUTO, "L16/8000/1", 97),
    (L16, AudioChoice.L16, "L16/8000/1", 97),
    (L16, AudioChoice.AAC, "MPEG4-GENERIC/16000/1", 97),
    (L16, AudioChoice.PCMU, "PCMU/8000", 0),
    (L16, AudioChoice.PCMA, "PCMA/8000", 8),
    (L16, AudioChoice.OPUS, "opus/48000/2", 97),
]


@needs_codecs
@pytest.mark.parametrize(("track", "choice", "rtpmap", "payload_type"), CASES)
async def test_what_is_told_is_what_comes(
    scene: Scene, track: AudioTrack, choice: AudioChoice, rtpmap: str, payload_type: int
) -> None:
    scene.run(track, 30)
    told = scene.told(choice)
    assert told is not None
    assert (told.rtpmap, told.payload_type) == (rtpmap, payload_type)
    assert scene.mount.offered(choice) is choice
    if told.encoding == "MPEG4-GENERIC":
        assert told.fmtp is not None
        assert told.fmtp.endswith("config=1408")
    if told.encoding == "opus":
        assert told.fmtp == "sprop-stereo=0"
    ssrc = scene.mount.ssrc(AUDIO, choice)
    player, seat = scene.join(choice)
    scene.run(track, 30)
    await until(lambda: len(player.packets[AUDIO]) > 5)
    assert {packet.payload_type for packet in player.packets[AUDIO]} == {payload_type}
    assert {packet.ssrc for packet in player.packets[AUDIO]} == {ssrc}
    scene.mount.leave(seat)
    assert not scene.mount.sounds.conversions


@needs_codecs
@pytest.mark.parametrize(
    ("track", "choice", "rtpmap", "payload_type"),
    [case for case in CASES if target_of(*case[:2]) is not case[0]],
)
async def test_a_conversion_that_fails_gives_silence_of_what_was_told(
    scene: Scene,
    monkeypatch: pytest.MonkeyPatch,
    track: AudioTrack,
    choice: AudioChoice,
    rtpmap: str,
    payload_type: int,
) -> None:
    def fail(source: AudioTrack, target: AudioTrack) -> None:
        raise Unsupported(f"no codec from {source} to {target}")

    monkeypatch.setattr(sounds, "Transcoder", fail)
    scene.run(track, 30)
    player, _ = scene.join(choice)
    scene.run(track, 2)
    await until(lambda: scene.mount.sounds.failures == 1)
    scene.run(track, 50)
    packets, rate = player.packets[AUDIO], int(rtpmap.split("/")[1])
    assert {packet.payload_type for packet in packets} == {payload_type}
    steps = {after.timestamp - before.timestamp & 0xFFFFFFFF for before, after in pairwise(packets)}
    assert len(steps) == 1
    assert len(packets) * steps.pop() > 1.7 * rate
    assert player.reports[AUDIO]


async def test_no_sound_is_told_where_none_is_wanted(scene: Scene) -> None:
    scene.run(L16, 30)
    assert scene.told(AudioChoice.NONE) is None


def instant_s(player: Player, track: int, rate: int) -> float:
    """Return the time of day of a track's first packet, by its first report."""
    report, first = player.reports[track][0], player.packets[track][0]
    passed = (first.timestamp - report.rtp_timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
    return report.ntp_time / (1 << 32) + passed / rate


@needs_codecs
@pytest.mark.parametrize("choice", [AudioChoice.AUTO, AudioChoice.AAC, AudioChoice.OPUS])
async def test_reports_put_converted_sound_beside_its_picture(
    scene: Scene, choice: AudioChoice
) -> None:
    scene.run(L16, 30)
    player, _ = scene.join(choice)
    scene.run(L16, 30)
    await until(lambda: player.packets[AUDIO])
    rate = {AudioChoice.AUTO: 8000, AudioChoice.AAC: 16_000, AudioChoice.OPUS: 48_000}[choice]
    between_s = instant_s(player, AUDIO, rate) - instant_s(player, VIDEO, VIDEO_CLOCK_RATE)
    assert -0.1 < between_s < 0.2


@needs_codecs
@pytest.mark.parametrize("choice", [AudioChoice.AAC, AudioChoice.OPUS])
async def test_no_packet_is_earlier_than_the_start_that_was_told(
    scene: Scene, choice: AudioChoice
) -> None:
    scene.run(L16, 30)
    first, _ = scene.join(choice)
    scene.run(L16, 30)
    await until(lambda: first.packets[AUDIO])
    player = Player()
    seat = Seat(player, True, choice, StartMode.FAST, lambda: None, lambda _: None)
    told = scene.mount.start_point(AUDIO, seat)
    scene.mount.join(seat)
    scene.run(L16, 30)
    await until(lambda: player.packets[AUDIO])
    later = player.packets[AUDIO][0].timestamp - cast("int", told.timestamp)
    assert 0 <= later % (1 << 32) < 48_000


async def test_the_number_of_players_hardly_makes_coming_and_going_dearer(scene: Scene) -> None:
    """Each used to cost the square of all that are there: 25 s for the last of a thousand."""
    choices = AudioChoice.AUTO, AudioChoice.L16
    seats = [
        Seat(Player(), True, choices[number % 2], StartMode.LIVE, lambda: None, lambda _: None)
        for number in range(600)
    ]
    begin_s = time.process_time()
    for seat in seats:
        scene.mount.join(seat)
    for seat in seats:
        scene.mount.leave(seat)
    assert time.process_time() - begin_s < 2
