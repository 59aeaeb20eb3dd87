"""One stream packetized once: what each of its players sees from the first packet on."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace

import pytest

from neolink.clock import ManualClock
from neolink.hub.demand import DemandState
from neolink.hub.stream import Stream
from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioTrack, Presentation, StreamKind
from neolink.media.units import AccessUnit
from neolink.rtp.batch import PacketBatch
from neolink.rtp.formats import AudioChoice
from neolink.rtp.packet import RtpPacket
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtp.rtcp import Bye, ReportBlock, SenderReport, parse_compound
from neolink.rtp.sender import RtpSender
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO, Parcel
from neolink.rtsp_server.mounts.replay import SQUEEZE_TICKS
from neolink.rtsp_server.mounts.seat import Seat, StartPoint
from neolink.rtsp_server.settings import MountSettings, StartMode
from support.media import AAC, H265, L16, Camera, video_unit
from support.waiting import until

AUTO = AudioChoice.AUTO
GOP = 5
STEP = 3600


class Player:
    """A lane that keeps everything, on a seat that it leaves when told to."""

    def __init__(
        self,
        mount: Mount,
        start: StartMode = StartMode.FAST,
        *,
        video: bool = True,
        audio: AudioChoice | None = None,
        sizes: Mapping[int, int] | None = None,
    ) -> None:
        self._mount = mount
        self.parcels: list[Parcel] = []
        self.rtcp: list[tuple[int, bytes]] = []
        self.order: list[str] = []
        self.ended: list[str] = []
        self.on_push: Callable[[Parcel], None] = lambda _: None
        self.seat = Seat(
            lane=self,
            wants_video=video,
            audio=audio,
            start=start,
            on_renegotiate=lambda: self._end("renegotiate"),
            on_failure=self._end,
            packet_sizes=sizes or {},
        )

    def _end(self, reason: str) -> None:
        self.ended.append(reason)
        self._mount.leave(self.seat)

    def push(self, parcel: Parcel) -> None:
        self.on_push(parcel)
        self.order.append("rtp")
        self.parcels.append(parcel)

    def push_aside(self, parcel: Parcel) -> None:
        self.push(parcel)

    def push_rtcp(self, track: int, packet: bytes) -> None:
        self.order.append("rtcp")
        self.rtcp.append((track, packet))

    def packets(self, track: int = VIDEO) -> list[RtpPacket]:
        return [
            RtpPacket.parse(datagram)
            for parcel in self.parcels
            if parcel.track == track
            for datagram in parcel.batch.datagrams()
        ]

    def timestamps(self, track: int = VIDEO) -> list[int]:
        return [parcel.batch.timestamp for parcel in self.parcels if parcel.track == track]

    def reports(self, track: int = VIDEO) -> list[SenderReport]:
        return [
            packet
            for number, data in self.rtcp
            for packet in parse_compound(data)
            if number == track and isinstance(packet, SenderReport)
        ]

    def was_told_bye(self, track: int = VIDEO) -> bool:
        return any(
            isinstance(packet, Bye)
            for number, data in self.rtcp
            for packet in parse_compound(data)
            if number == track
        )


class Scene:
    """A mount on a stream that somebody keeps alive, and its camera."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.stream = Stream("porch/main", clock=self.clock, grace_s=0.01)
        settings = MountSettings(camera="porch")
        self.mount = Mount(StreamKind.MAIN, self.stream, settings, self.clock)
        self.camera = Camera(self.stream, gop=GOP)
        self.hold = self.stream.hold()

    def join(
        self,
        start: StartMode = StartMode.FAST,
        *,
        video: bool = True,
        audio: AudioChoice | None = None,
        sizes: Mapping[int, int] | None = None,
    ) -> Player:
        player = Player(self.mount, start, video=video, audio=audio, sizes=sizes)
        self.mount.join(player.seat)
        return player

    @property
    def presentation(self) -> Presentation:
        assert self.stream.presentation is not None
        return self.stream.presentation


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    made.hold.release()
    made.stream.close()


def assert_contiguous(packets: list[RtpPacket]) -> None:
    assert packets
    for before, packet in itertools.pairwise(packets):
        assert packet.sequence == before.sequence + 1 & 0xFFFF


# ---------------------------------------------------------------- shared by all


async def test_ten_players_cost_one_packetizing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    real: Callable[[RtpSender[AccessUnit], AccessUnit], PacketBatch] = RtpSender.packetize

    def counting(self: RtpSender[AccessUnit], unit: AccessUnit) -> PacketBatch:
        nonlocal calls
        calls += 1
        return real(self, unit)

    monkeypatch.setattr(RtpSender, "packetize", counting)
    players = [scene.join() for _ in range(10)]
    scene.camera.pictures(7)
    assert calls == 7
    first, *others = players
    for player in others:
        assert all(a is b for a, b in zip(player.parcels, first.parcels, strict=True))
    assert_contiguous(first.packets())


async def test_one_choice_of_sound_is_packetized_once_and_an_unused_one_never(
    scene: Scene,
) -> None:
    scene.camera.audio = L16
    scene.camera.pictures(3)
    ulaw = [scene.join(audio=AudioChoice.PCMU) for _ in range(2)]
    source = scene.join(audio=AUTO)
    scene.camera.pictures(3)
    first, second = ([p for p in player.parcels if p.track == AUDIO] for player in ulaw)
    assert first
    assert all(a is b for a, b in zip(first, second, strict=True))
    assert {packet.payload_type for packet in ulaw[0].packets(AUDIO)} == {0}
    assert {packet.payload_type for packet in source.packets(AUDIO)} == {97}
    assert {choice for choice, _ in scene.mount._senders.sounds} == {AudioChoice.PCMU, AUTO}


async def test_sources_differ_by_track_and_choice_and_are_known_before_media(
    scene: Scene,
) -> None:
    mount = scene.mount
    ssrcs = {mount.ssrc(VIDEO, AUTO)} | {mount.ssrc(AUDIO, choice) for choice in AudioChoice}
    assert len(ssrcs) == 1 + len(AudioChoice)
    assert 0 not in ssrcs
    assert mount.ssrc(VIDEO, AudioChoice.PCMU) == mount.ssrc(VIDEO, AUTO)
    player = scene.join()
    scene.camera.picture()
    assert player.packets()[0].ssrc == mount.ssrc(VIDEO, AUTO)


async def test_a_player_that_fails_is_ended_and_the_others_lose_nothing(scene: Scene) -> None:
    def fail(_: Parcel) -> None:
        raise ValueError("a bug")

    good, bad, later = scene.join(), scene.join(), scene.join()
    bad.on_push = fail
    scene.camera.pictures(3)
    assert bad.ended == ["internal error"]
    for player in (good, later):
        assert len(player.parcels) == 3
        assert player.ended == []


async def test_a_player_wants_what_it_set_up(scene: Scene) -> None:
    scene.camera.audio = L16
    scene.camera.pictures(3)
    sound, pictures = scene.join(video=False, audio=AUTO), scene.join()
    scene.camera.pictures(3)
    assert {parcel.track for parcel in sound.parcels} == {AUDIO}
    assert {parcel.track for parcel in pictures.parcels} == {VIDEO}


# ---------------------------------------------------------------- the start


@pytest.mark.parametrize("start", [StartMode.FAST, StartMode.GOP])
@pytest.mark.parametrize("cached", [1, 2, 4, 5])
async def test_the_replay_runs_straight_into_live_packets(
    scene: Scene, start: StartMode, cached: int
) -> None:
    scene.camera.pictures(GOP + cached)
    player = scene.join(start)
    assert len(player.timestamps()) == cached
    live = scene.camera.pictures(3)
    packets = player.packets()
    assert_contiguous(packets)
    assert packets[0].sequence == player.parcels[0].batch.first_sequence
    stamps = player.timestamps()
    assert all(0 < b - a & 0xFFFFFFFF < 0x80000000 for a, b in itertools.pairwise(stamps))
    assert len(stamps) == cached + len(live)


async def test_a_squeezed_replay_ends_at_live_within_the_span(scene: Scene) -> None:
    scene.camera.gop = 50
    scene.camera.pictures(40)
    player = scene.join(StartMode.FAST)
    stamps = player.timestamps()
    scene.camera.picture()
    live = player.timestamps()[-1]
    assert live - stamps[-1] & 0xFFFFFFFF == STEP
    assert stamps[-1] - stamps[0] & 0xFFFFFFFF == SQUEEZE_TICKS


async def test_a_short_group_is_not_stretched(scene: Scene) -> None:
    scene.camera.pictures(2)
    stamps = scene.join(StartMode.FAST).timestamps()
    assert stamps[1] - stamps[0] & 0xFFFFFFFF == STEP


async def test_a_whole_group_keeps_its_own_times(scene: Scene) -> None:
    watching = scene.join(StartMode.LIVE)
    scene.camera.pictures(4)
    late = scene.join(StartMode.GOP)
    assert late.timestamps() == watching.timestamps()
    assert [p.batch.buffer for p in late.parcels] == [p.batch.buffer for p in watching.parcels]


async def test_live_begins_with_nothing(scene: Scene) -> None:
    scene.camera.pictures(3)
    assert scene.join(StartMode.LIVE).parcels == []


@pytest.mark.parametrize("start", list(StartMode))
async def test_rtp_info_names_the_packet_that_comes_first(scene: Scene, start: StartMode) -> None:
    scene.camera.audio = L16
    scene.join(audio=AUTO)
    scene.camera.pictures(8)
    player = Player(scene.mount, start, audio=AUTO)
    points = {track: scene.mount.start_point(track, player.seat) for track in (VIDEO, AUDIO)}
    scene.mount.join(player.seat)
    scene.camera.pictures(2)
    if start is StartMode.LIVE:
        assert set(points.values()) == {StartPoint(None, None)}
        return
    first = player.packets()[0]
    assert points[VIDEO] == StartPoint(first.sequence, first.timestamp)
    sound = player.packets(AUDIO)[0]
    assert points[AUDIO].sequence == sound.sequence


async def test_both_tracks_of_rtp_info_name_the_same_instant(scene: Scene) -> None:
    """Through the sender reports: what they map to one wall clock must agree."""
    scene.camera.audio = L16
    scene.camera.gop = 50
    scene.join(audio=AUTO)
    scene.camera.pictures(40)
    player = Player(scene.mount, audio=AUTO)
    points = {track: scene.mount.start_point(track, player.seat) for track in (VIDEO, AUDIO)}
    scene.mount.join(player.seat)

    def wall_s(track: int, rate: int) -> float:
        report, point = player.reports(track)[-1], points[track]
        assert point.timestamp is not None
        ahead = (point.timestamp - report.rtp_timestamp + 0x80000000 & 0xFFFFFFFF) - 0x80000000
        return report.ntp_time / 2**32 + ahead / rate

    assert wall_s(VIDEO, VIDEO_CLOCK_RATE) == pytest.approx(wall_s(AUDIO, 8000), abs=1 / 8000)


async def test_nothing_comes_before_the_instant_that_rtp_info_names(scene: Scene) -> None:
    """Sound may be behind the pictures; a player takes what is too early for hours late."""
    scene.camera.audio = L16
    scene.join(audio=AUTO)
    scene.camera.pictures(GOP + 3)
    scene.camera.audio = None
    scene.camera.pictures(GOP + 2)
    player = Player(scene.mount, audio=AUTO)
    points = {track: scene.mount.start_point(track, player.seat) for track in (VIDEO, AUDIO)}
    scene.mount.join(player.seat)
    scene.camera.audio = L16
    scene.camera.pictures(1)
    for track in (VIDEO, AUDIO):
        timestamp = points[track].timestamp
        assert timestamp is not None
        assert 0 <= player.timestamps(track)[0] - timestamp <= VIDEO_CLOCK_RATE
        assert points[track].sequence == player.packets(track)[0].sequence


async def test_sound_that_did_not_start_promises_nothing(scene: Scene) -> None:
    scene.camera.pictures(3)
    player = Player(scene.mount, audio=AUTO)
    assert scene.mount.start_point(AUDIO, player.seat) == StartPoint(None, None)


async def test_nothing_of_a_lost_source_is_replayed(scene: Scene) -> None:
    scene.camera.pictures(3)
    scene.stream.source_lost()
    assert scene.mount.cached_bytes == 0
    assert scene.join().parcels == []


async def test_a_source_that_comes_back_runs_on_in_sequence_and_time(scene: Scene) -> None:
    player = scene.join()
    scene.camera.pictures(3)
    scene.stream.source_lost()
    scene.camera.pts += 10 * VIDEO_CLOCK_RATE
    scene.camera.picture(key=True)
    scene.camera.pictures(2)
    assert_contiguous(player.packets())
    stamps = player.timestamps()
    assert stamps[3] - stamps[2] & 0xFFFFFFFF == STEP + 10 * VIDEO_CLOCK_RATE


# ---------------------------------------------------------------- reports


async def test_a_report_follows_the_replay_with_the_true_mapping(scene: Scene) -> None:
    scene.camera.gop = 50
    scene.camera.pictures(40)
    player = scene.join(StartMode.FAST)
    assert player.order == ["rtp"] * 40 + ["rtcp"]
    report = player.reports()[0]
    assert report.rtp_timestamp == player.timestamps()[-1]


async def test_reports_come_every_five_seconds_of_media(scene: Scene) -> None:
    player = scene.join()
    scene.camera.pictures(25 * 16)
    reports = player.reports()
    assert len(reports) == 4
    gaps = {b.rtp_timestamp - a.rtp_timestamp & 0xFFFFFFFF for a, b in itertools.pairwise(reports)}
    assert gaps == {5 * VIDEO_CLOCK_RATE}
    ntp = {round((b.ntp_time - a.ntp_time) / 2**32, 6) for a, b in itertools.pairwise(reports)}
    assert ntp == {5.0}
    assert reports[-1].packet_count > reports[0].packet_count


def told_at(report: SenderReport) -> float:
    """Return the time of day that a report tells, in seconds since 1970."""
    return report.ntp_time / 2**32 - 2_208_988_800


def off_while_it_flows(
    scene: Scene,
    player: Player,
    seconds: int,
    *,
    second_s: float = 1.0,
    late_s: Callable[[int], float] = lambda _: 0.0,
) -> list[float]:
    """Return how far the time of day that each report tells is from ours.

    A second of the camera takes ``second_s``; its pictures come ``late_s`` after so many seconds.
    """
    scene.camera.fps, off_s = 5, []
    for number in range(5 * seconds):
        before, delay_s = len(player.rtcp), late_s(number // 5)
        scene.clock.advance(second_s / 5)
        scene.clock._unix_s += delay_s
        scene.camera.picture()
        scene.clock._unix_s -= delay_s
        if len(player.rtcp) > before:
            off_s.append(told_at(player.reports()[-1]) - scene.clock.unix_s())
    return off_s


async def test_the_time_of_day_that_is_told_follows_ours_a_little_at_a_time(scene: Scene) -> None:
    """The camera's clock is slow by 0.2 %: in ten minutes that is more than a second."""
    player = scene.join(audio=AUTO)
    scene.camera.audio = L16
    off_s = off_while_it_flows(scene, player, 600, second_s=1.002)
    assert len(off_s) >= 120
    assert max(map(abs, off_s)) < 0.3
    pictures = player.reports()[1:]  # the first was told again when sound came
    steps = [told_at(b) - told_at(a) for a, b in itertools.pairwise(pictures)]
    assert min(steps) == pytest.approx(5.0, abs=0.001)
    assert 5.01 < max(steps) < 5.026
    # Both tracks are told to be on one line all the time.
    sound = player.reports(AUDIO)
    apart = [
        told_at(a) - told_at(b) - a.rtp_timestamp / 90_000 + b.rtp_timestamp / 8000
        for a, b in zip(pictures, sound, strict=True)
    ]
    assert apart == pytest.approx([apart[0]] * len(apart), abs=0.001)


async def test_a_network_that_delays_pictures_moves_no_time_of_day(scene: Scene) -> None:
    """Of half a minute one picture in time is enough."""
    player = scene.join()
    off_while_it_flows(scene, player, 300, late_s=lambda s: 0.9 if s // 5 % 5 else 0.0)
    steps = [told_at(b) - told_at(a) for a, b in itertools.pairwise(player.reports())]
    assert steps == pytest.approx([5.0] * len(steps), abs=0.001)


async def test_a_clock_that_was_set_is_followed_at_once_where_the_source_stops(
    scene: Scene,
) -> None:
    """As of a small computer that learns the time from the network long after its start."""
    player = scene.join()
    off_while_it_flows(scene, player, 20)
    scene.clock._unix_s += 3600
    assert off_while_it_flows(scene, player, 60)[-1] == pytest.approx(-3600, abs=0.5)
    scene.stream.source_lost()
    scene.camera.until_key()
    assert off_while_it_flows(scene, player, 20) == pytest.approx([0.0] * 4, abs=0.05)


async def test_a_picture_that_comes_late_after_hours_of_rest_moves_no_time_of_day(
    scene: Scene,
) -> None:
    player = scene.join()
    off_while_it_flows(scene, player, 20)
    scene.stream.source_lost()
    scene.camera.until_key()
    scene.clock.advance(3600)
    scene.camera.pts += 3600 * VIDEO_CLOCK_RATE
    off_s = off_while_it_flows(scene, player, 1, late_s=lambda _: 1.0)
    assert off_s == pytest.approx([0.0], abs=0.06)


async def test_reports_follow_closely_on_a_replay(scene: Scene) -> None:
    """GStreamer bends its clock to the hurried pictures, and finds the sound by reports alone."""
    player = scene.join()
    scene.camera.pictures(25 * 11)
    scene.join()
    scene.camera.pictures(25 * 10)
    stamps = [report.rtp_timestamp for report in player.reports()]
    gaps_s = [(b - a) / VIDEO_CLOCK_RATE for a, b in itertools.pairwise(stamps)]
    assert gaps_s[:2] == [5.0, 5.0]
    assert gaps_s[3:9] == pytest.approx([0.52] * 6, abs=0.05)
    assert gaps_s[9:] == [5.0]


async def test_sound_before_any_picture_is_reported_too(scene: Scene) -> None:
    """A description may be known from before; then sound can be the first that comes."""
    player = scene.join(audio=AUTO)
    scene.camera.audio = L16
    scene.camera._sound_until(scene.camera.pts)
    assert len(player.reports(AUDIO)) == 1
    assert scene.stream.sink_failures == 0


async def test_bye_is_said_for_each_track(scene: Scene) -> None:
    scene.camera.audio = L16
    player = scene.join(audio=AUTO)
    scene.camera.pictures(3)
    scene.mount.say_bye(player.seat)
    assert player.was_told_bye(VIDEO)
    assert player.was_told_bye(AUDIO)


async def test_a_report_that_is_answered_tells_the_round_trip(scene: Scene) -> None:
    player = scene.join()
    scene.camera.pictures(2)
    answer = ReportBlock(1, 0, 0, 0, 0, player.reports()[-1].ntp_time >> 16 & 0xFFFFFFFF, 65_536)
    scene.clock.advance(1.25)
    assert scene.mount.round_trip_s(answer) == pytest.approx(0.25)
    assert scene.mount.round_trip_s(replace(answer, last_sr=7)) is None


# ---------------------------------------------------------------- numbers


async def test_first_numbers_are_far_from_where_they_wrap(scene: Scene) -> None:
    """However long the stream runs already: its own clock says nothing."""
    scene.camera.audio = L16
    for age_s in (10, 40_000, 400_000):
        scene.camera.pts = age_s * VIDEO_CLOCK_RATE
        scene.camera._audio_pts = None
        player = scene.join(StartMode.LIVE, audio=AudioChoice.PCMU)
        scene.camera.until_key()
        scene.camera.picture()
        for track in (VIDEO, AUDIO):
            first = player.packets(track)[0]
            assert first.sequence < 1 << 15
            assert 0 < first.timestamp <= (1 << 31) + VIDEO_CLOCK_RATE
        scene.mount.leave(player.seat)
        scene.mount.source_stopped()


async def test_numbers_begin_anew_only_where_nobody_plays(scene: Scene) -> None:
    player = scene.join()
    scene.camera.pictures(2)
    scene.mount.source_stopped()
    scene.camera.until_key()
    scene.camera.pictures(2)
    assert_contiguous(player.packets())
    assert player.timestamps() == sorted(player.timestamps())


# ---------------------------------------------------------------- sizes of packets

SMALL, LARGE = 600, 20_000


@pytest.mark.parametrize("start", list(StartMode))
async def test_packets_of_any_size_carry_the_same_pictures_at_the_same_time(
    scene: Scene, start: StartMode
) -> None:
    scene.camera.key_size = 9000
    scene.camera.pictures(GOP + 2)
    usual, small, large = (scene.join(start, sizes={VIDEO: size}) for size in (0, SMALL, LARGE))
    scene.camera.pictures(GOP + 2)
    for player, size in ((usual, 1400), (small, SMALL), (large, LARGE)):
        packets = player.packets()
        assert_contiguous(packets)
        assert max(len(packet.serialize()) for packet in packets) <= size
        assert {packet.ssrc for packet in packets} == {
            scene.mount.ssrc(VIDEO, AUTO, 0 if player is usual else size)
        }
        assert player.timestamps() == usual.timestamps()
    assert len(small.packets()) > len(usual.packets()) > len(large.packets())
    assert len({packet.ssrc for one in (usual, small, large) for packet in one.packets()}) == 3


async def test_players_of_one_size_share_its_packets(scene: Scene) -> None:
    scene.camera.audio = L16
    scene.camera.pictures(2)
    sizes = {VIDEO: SMALL, AUDIO: SMALL}
    first, second = (scene.join(StartMode.LIVE, audio=AUTO, sizes=sizes) for _ in range(2))
    scene.camera.pictures(GOP)
    assert all(a is b for a, b in zip(first.parcels, second.parcels, strict=True))
    assert max(len(packet.serialize()) for packet in first.packets(AUDIO)) <= SMALL
    assert len(first.reports()) == len(second.reports()) > 0
    assert {report.ssrc for report in first.reports()} == {scene.mount.ssrc(VIDEO, AUTO, SMALL)}


async def test_rtp_info_is_true_in_any_size(scene: Scene) -> None:
    scene.camera.pictures(GOP + 3)
    player = Player(scene.mount, sizes={VIDEO: SMALL})
    point = scene.mount.start_point(VIDEO, player.seat)
    scene.mount.join(player.seat)
    first = player.packets()[0]
    assert point == StartPoint(first.sequence, first.timestamp)


async def test_a_size_that_nobody_is_sent_is_not_made(scene: Scene) -> None:
    scene.camera.pictures(2)
    player = scene.join(sizes={VIDEO: SMALL})
    assert [pictures.size for pictures in scene.mount._senders.pictures] == [0, SMALL]
    scene.mount.leave(player.seat)
    assert [pictures.size for pictures in scene.mount._senders.pictures] == [0]


async def test_a_player_that_waits_for_the_first_picture_gets_its_size(scene: Scene) -> None:
    player = scene.join(sizes={VIDEO: SMALL})
    scene.camera.pictures(GOP)
    assert_contiguous(player.packets())
    assert max(len(packet.serialize()) for packet in player.packets()) <= SMALL


async def test_who_may_share_a_packet_is_set(scene: Scene) -> None:
    scene.mount.settings = replace(scene.mount.settings, aggregate=Aggregation.OFF)
    player = scene.join()
    scene.camera.picture(key=True)
    kinds = [packet.payload[0] & 0x1F for packet in player.packets()]
    assert kinds[:2] == [7, 8]
    assert 24 not in kinds


# ---------------------------------------------------------------- changes


async def test_another_codec_ends_sessions_with_bye_and_begins_new_sources(scene: Scene) -> None:
    scene.camera.audio = L16
    player = scene.join(audio=AUTO)
    scene.camera.pictures(3)
    before = scene.mount.ssrc(VIDEO, AUTO)
    seen = len(player.parcels)
    scene.camera.video = H265
    scene.camera.picture(key=True)
    assert player.ended == ["renegotiate"]
    assert player.was_told_bye(VIDEO)
    assert player.was_told_bye(AUDIO)
    assert len(player.parcels) == seen
    assert scene.mount.ssrc(VIDEO, AUTO) != before
    later = scene.join()
    scene.camera.picture()
    assert len(later.parcels) == 2
    assert_contiguous(later.packets())


@pytest.mark.parametrize("track", [AAC, replace(L16, clock_rate=16_000)])
async def test_sound_that_comes_back_in_another_format_is_not_sent_as_the_old_one(
    scene: Scene, track: AudioTrack
) -> None:
    scene.camera.audio = L16
    player = scene.join(audio=AUTO)
    scene.camera.pictures(3)
    seen = len(player.packets(AUDIO))
    scene.stream.source_lost()
    scene.camera.audio, scene.camera._audio_pts = track, None
    scene.camera._sound_until(scene.camera.pts)
    assert player.ended == ["renegotiate"]
    assert len(player.packets(AUDIO)) == seen


async def test_new_parameter_sets_stay_in_band(scene: Scene) -> None:
    player = scene.join()
    scene.camera.pictures(3)
    sets = replace(scene.camera.video.parameter_sets, sps=b"\x67\x64\x00\x28\xaa\xbb\xcc")
    scene.camera.video = replace(scene.camera.video, parameter_sets=sets)
    scene.camera.picture(key=True)
    assert player.ended == []
    assert any(sets.sps in packet.payload for packet in player.packets())
    assert_contiguous(player.packets())


async def test_without_codecs_a_wish_for_other_sound_is_served_as_the_camera_sends_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("neolink.rtsp_server.mounts.sounds.has_codecs", lambda: False)
    scene.camera.audio = AAC
    scene.camera.pictures(3)
    for _ in range(2):
        assert scene.mount.offered(AudioChoice.PCMU) is AudioChoice.AUTO
    _, audio = scene.mount.formats(scene.presentation, AudioChoice.PCMU)
    assert audio is not None
    assert audio.encoding_name == "MPEG4-GENERIC"
    (record,) = caplog.records
    assert "pip install 'neolink[media]'" in record.getMessage()
    assert scene.mount.offered(AudioChoice.AAC) is AudioChoice.AAC


async def test_sound_that_a_camera_stops_goes_on_as_silence_and_then_as_sound(
    scene: Scene,
) -> None:
    scene.camera.audio = L16
    scene.camera.pictures(30)
    player = scene.join(audio=AudioChoice.PCMU)
    scene.camera.pictures(25)
    scene.camera.audio = None
    scene.camera.pictures(100)
    scene.camera.audio = L16
    scene.camera._audio_pts = None
    scene.camera.pictures(50)
    packets = player.packets(AUDIO)
    assert_contiguous(packets)
    for before, packet in itertools.pairwise(packets):
        assert packet.timestamp == before.timestamp + len(before.payload)
    spoken_s = sum(len(packet.payload) for packet in packets) / 8000
    assert spoken_s == pytest.approx(175 / 25, abs=0.1)
    assert {packet.payload for packet in packets} <= {bytes([0xFF]) * n for n in range(321)}
    assert scene.mount.silence.episodes == 1


async def test_no_sound_is_described_where_none_is_wanted(scene: Scene) -> None:
    scene.camera.audio = AAC
    scene.camera.pictures(3)
    video, audio = scene.mount.formats(scene.presentation, AudioChoice.NONE)
    assert video is not None
    assert audio is None


# ---------------------------------------------------------------- demand


async def test_the_mount_wants_its_stream_while_anybody_plays(scene: Scene) -> None:
    scene.hold.release()
    players = [scene.join() for _ in range(3)]
    scene.camera.pictures(2)
    for player in players:
        assert scene.stream.state is DemandState.LIVE
        scene.mount.leave(player.seat)
        scene.mount.leave(player.seat)
    assert str(scene.stream.state) == "lingering"
    assert scene.mount.player_count == 0
    await until(lambda: scene.stream.state is DemandState.IDLE)
    assert scene.mount.cached_bytes == 0


async def test_a_player_that_fails_at_its_start_does_not_keep_the_camera_busy(
    scene: Scene,
) -> None:
    def fail(_: Parcel) -> None:
        raise ZeroDivisionError("a mistake")

    scene.camera.pictures(3)
    scene.hold.release()
    player = Player(scene.mount)
    player.on_push = fail
    with pytest.raises(ZeroDivisionError):
        scene.mount.join(player.seat)
    scene.mount.leave(player.seat)
    await until(lambda: scene.stream.state is DemandState.IDLE)


async def test_what_comes_after_the_stop_is_not_kept_for_the_next_player(scene: Scene) -> None:
    scene.hold.release()
    await until(lambda: scene.stream.state is DemandState.IDLE)
    scene.stream.publish(video_unit(0, key=True))
    assert scene.join().parcels == []


async def test_a_source_that_stays_away_ends_sessions_with_bye(scene: Scene) -> None:
    player = scene.join()
    scene.camera.pictures(3)
    scene.mount.source_ended()
    assert player.ended == ["renegotiate"]
    assert player.was_told_bye(VIDEO)
    assert scene.mount.player_count == 0


async def test_a_source_that_was_lost_and_stays_away_says_bye_too(scene: Scene) -> None:
    player = scene.join()
    scene.camera.pictures(3)
    scene.stream.source_lost()
    scene.mount.source_ended()
    assert player.was_told_bye(VIDEO)


async def test_a_picture_that_finds_no_memory_costs_no_more_than_its_group(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = scene.join(StartMode.LIVE)
    before = scene.camera.pictures(2)
    sender = scene.mount._senders.pictures[0].sender
    with monkeypatch.context() as patch:
        patch.setattr(sender, "packetize", _no_memory)
        scene.camera.picture()
    scene.camera.pictures(2)  # of the same group
    after = scene.camera.pictures(3)
    assert player.ended == []
    assert len(player.parcels) == len(before) + len(after)
    assert player.parcels[len(before)].is_random_access
    assert_contiguous(player.packets())


def _no_memory(_: AccessUnit) -> PacketBatch:
    raise MemoryError
