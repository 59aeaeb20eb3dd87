"""Players that are moved between main and sub: one session, whole pictures, numbers that run on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from neolink.clock import ManualClock
from neolink.hub.standin import StandInSettings
from neolink.hub.stream import Stream
from neolink.media.events import EventKind
from neolink.media.tracks import AudioTrack, StreamKind, VideoTrack
from neolink.rtp.depacketizers.nal_units import ReceivedAccessUnit
from neolink.rtp.rtcp import ReceiverReport, ReportBlock
from neolink.rtsp_server.delivery.outbox import Lane
from neolink.rtsp_server.mounts import metadata as metadata_module
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import AUDIO, METADATA, VIDEO, Parcel
from neolink.rtsp_server.server import RtspServer
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import MountSettings
from support.media import AAC, H264, H265, L16, Camera
from support.onvif import Message, documents, messages
from support.rtsp_bench import make_settings
from support.rtsp_client import RtspClient
from support.waiting import until

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
FPS = 25
MAIN_SIZE = 60_000
"""Of a picture: what a player that does not read leaves in our queue, not in the system's."""

SUB_TRACK = replace(H264, width=320, height=180)
RECEIVE_BUFFER = 4096


class Side:
    """One stream of the camera, which sends only while it is wanted."""

    def __init__(self, kind: StreamKind, clock: ManualClock, settings: MountSettings) -> None:
        self.stream = Stream(f"porch/{kind}", clock=clock, grace_s=0.01, on_demand=self._demand)
        self.mount = Mount(kind, self.stream, settings, clock)
        self.camera = Camera(self.stream)
        self.is_wanted = False
        self.is_there = True
        self.demands: list[bool] = []

    def _demand(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted
        self.demands.append(is_wanted)
        if is_wanted:
            self.camera.frames += -self.camera.frames % self.camera.gop  # begins with a key frame

    def step(self) -> None:
        if self.is_wanted and self.is_there:
            self.camera.picture()
        else:
            self.camera.pts += 90_000 // self.camera.fps


class Scene:
    """A server with the two streams of one camera, and a clock that moves with their pictures."""

    def __init__(
        self,
        *,
        is_adaptive: bool = False,
        sub_video: VideoTrack = SUB_TRACK,
        audio: AudioTrack | None = None,
        sub_audio: AudioTrack | None = None,
        is_sub_known: bool = False,
    ) -> None:
        self.clock = ManualClock()
        settings = MountSettings(camera="porch", setup_timeout_s=0.2, is_adaptive=is_adaptive)
        self.main = Side(MAIN, self.clock, settings)
        self.clock.advance(0.37)
        self.sub = Side(SUB, self.clock, settings)
        self.main.camera.audio, self.sub.camera.audio = audio, sub_audio or audio
        self.main.camera.size = self.main.camera.key_size = MAIN_SIZE
        self.sub.camera.video = sub_video
        self.sub.camera.pts = 7_000_000
        self.mounts = {("porch", MAIN): self.main.mount, ("porch", SUB): self.sub.mount}
        self.server = RtspServer(make_settings(), self.mounts, self.clock)
        self.server.open()
        self.running = asyncio.create_task(self.server.run())
        self.clients: list[RtspClient] = []
        self._steps = 0
        for side in (self.main, *([self.sub] if is_sub_known else [])):
            with side.stream.hold():
                for _ in range(30):
                    self.clock.advance(1 / FPS)
                    side.camera.picture()

    async def watch(
        self, path: str = "porch/auto", *tracks: int, transport: str = "tcp"
    ) -> RtspClient:
        url = f"rtsp://127.0.0.1:{self.server.port}/{path}"
        client = RtspClient(url, receive_buffer=RECEIVE_BUFFER)
        self.clients.append(client)
        await client.connect()
        if transport != "udp":
            return await client.watch(*tracks)
        await client.watch(*tracks, transport="udp")
        lane = self.player.lanes._udp
        assert lane is not None
        await until(lambda: lane._timer is None)  # cached pictures leave in real time
        return client

    async def pass_time(self, seconds: float) -> None:
        """Let the camera send for so long, whether the player reads or not."""
        for _ in range(round(seconds * FPS)):
            self._steps += 1
            self.clock.advance(1 / FPS)
            self.main.step()
            self.sub.step()
            if self._steps % 6 == 0:
                self.server.adapt()
            if self._steps % FPS == 0:
                self.server.sweep()
            await asyncio.sleep(0)

    async def pass_behind(self, client: RtspClient, seconds: float) -> None:
        """Let the camera send for so long to a player that takes just enough not to be closed."""
        for _ in range(round(seconds)):
            client.resume_reading()
            await asyncio.sleep(0)
            client.stop_reading()
            await self.pass_time(1.0)

    async def pass_reading(self, seconds: float) -> None:
        """Let the camera send for so long to players that take all at once."""
        for _ in range(round(seconds * FPS)):
            await self.pass_time(1 / FPS)
            await until(lambda: not any(map(queued, self.server.players())))
            await asyncio.sleep(0.0005)

    @property
    def player(self) -> Player:
        (player,) = self.server.players()
        return player

    async def go_down(self) -> None:
        """Have the players stop reading until they are moved, then read all that waits."""
        for client in self.clients:
            client.stop_reading()
        for _ in range(20):
            await self.pass_time(0.24)
            if all(player.kind is SUB for player in self.server.players()):
                break
        for client in self.clients:
            client.resume_reading()
        await until(lambda: not any(map(queued, self.server.players())))
        assert {player.kind for player in self.server.players()} == {SUB}

    async def go_up(self) -> None:
        for _ in range(120):
            await self.pass_reading(0.24)
            if all(player.kind is MAIN for player in self.server.players()):
                break
        assert {player.kind for player in self.server.players()} == {MAIN}

    async def close(self) -> None:
        for client in self.clients:
            await client.close()
        self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)
        for side in (self.main, self.sub):
            side.stream.close()
            assert side.mount.player_count == 0
            assert side.stream._holds == 0
        context = self.server.context
        assert not context.players
        assert (context.budget.used_bytes, context.malformed_rtcp) == (0, 0)
        for client in self.clients:
            assert not client.faults


def queued(player: Player) -> int:
    unread = player.outbox.unacknowledged_bytes if player.outbox else 0
    return sum(len(backlog) for backlog in player.backlogs) + (unread or 0)


MakeScene = Callable[..., Scene]


@pytest.fixture
async def make_scene() -> AsyncIterator[MakeScene]:
    """Return a function that makes a scene, which is closed when the test ends."""
    scenes: list[Scene] = []

    def make(**options: Any) -> Scene:
        scenes.append(Scene(**options))
        return scenes[-1]

    yield make
    for scene in scenes:
        await scene.close()


@pytest.fixture
async def scene(make_scene: MakeScene) -> Scene:
    return make_scene(audio=L16)


def marks(units: list[ReceivedAccessUnit]) -> list[tuple[bool, int]]:
    """Return of each picture whether it is of main, and its number there."""
    slices = [unit.nal_units[-1] for unit in units]
    return [(len(one) > MAIN_SIZE // 2, int.from_bytes(one[5:9], "big")) for one in slices]


def rises(ticks: list[int]) -> bool:
    return all(0 < (after - before) % 2**32 < 2**31 for before, after in pairwise(ticks))


# ---------------------------------------------------------------- down and up
async def test_a_player_goes_to_sub_and_back_inside_its_session(scene: Scene) -> None:
    client = await scene.watch()
    await scene.pass_reading(2.0)
    assert scene.player.kind is MAIN
    player = scene.player
    await scene.go_down()
    await scene.go_up()
    await scene.pass_reading(1.0)
    assert scene.player is player
    assert (player.moves_down, player.moves_up, player.is_playing) == (1, 1, True)
    assert not client.is_closed
    video, audio = client.tracks[VIDEO], client.tracks[AUDIO]
    await client.until(lambda: len(video.packets) > 0)
    assert (video.gaps, audio.gaps) == (0, 0)
    assert rises(video.timestamps)
    assert rises(audio.timestamps)


async def test_events_are_told_over_moves_in_the_session(scene: Scene) -> None:
    client = await scene.watch("porch/auto?metadata=1", VIDEO, AUDIO, METADATA)
    track = client.tracks[METADATA]

    async def tell(*kinds: EventKind) -> list[Message]:
        seen = len(track.packets)
        for side in (scene.main, scene.sub):
            side.stream.events.publish(frozenset(kinds))
        await client.until(lambda: len(track.packets) > seen)
        return messages(documents(track.packets[seen:])[-1])

    await scene.pass_reading(1.0)
    assert [one.is_on for one in await tell(EventKind.MOTION)] == [True]
    await scene.go_down()
    assert [one.is_on for one in await tell()] == [False]
    await scene.go_up()
    assert [one.is_on for one in await tell(EventKind.MOTION)] == [True]
    assert track.gaps == 0
    assert rises(track.timestamps)


async def test_a_change_that_waits_is_told_before_a_move(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_module, "LEAST_PAUSE_S", 60)
    client = await scene.watch("porch/auto?metadata=1", VIDEO, METADATA)
    await scene.pass_reading(1.0)
    for side in (scene.main, scene.sub):
        side.stream.events.publish(frozenset((EventKind.MOTION,)))
    await scene.go_down()
    track = client.tracks[METADATA]
    await client.until(lambda: len(track.packets) > 1)
    assert messages(documents(track.packets)[-1])[0].is_on
    assert track.gaps == 0


async def test_what_is_shown_decodes_from_the_first_picture_of_each_stream(scene: Scene) -> None:
    client = await scene.watch("porch/auto", VIDEO)
    await scene.pass_reading(2.0)
    await scene.go_down()
    await scene.go_up()
    units = client.tracks[VIDEO].video_units()
    shown = marks(units)
    kinds = [is_main for is_main, _ in shown]
    turns = [n for n in range(1, len(kinds)) if kinds[n] is not kinds[n - 1]]
    assert [kinds[n] for n in (0, *turns)] == [True, False, True]
    for turn in turns:
        types = [nal[0] & 0x1F for nal in units[turn].nal_units]
        assert types == [7, 8, 5], "parameter sets, then the key frame"
    for at, ((was_main, before), (is_main, number)) in enumerate(pairwise(shown), start=1):
        assert at in turns or (was_main is is_main and number == before + 1)


async def test_the_times_of_both_streams_are_on_one_line(scene: Scene) -> None:
    """What is missing between two pictures is the time that passed, whatever their mounts say."""
    client = await scene.watch()
    await scene.pass_reading(2.0)
    first_s = scene.clock.monotonic_s()
    await client.until(lambda: client.tracks[VIDEO].timestamps != [])
    first = {n: client.tracks[n].timestamps[-1] for n in (VIDEO, AUDIO)}
    for go in (scene.go_down, scene.go_up, scene.go_down):
        await go()
        await scene.pass_reading(0.5)
        passed_s = scene.clock.monotonic_s() - first_s
        for number, rate in ((VIDEO, 90_000), (AUDIO, 8000)):
            ticks = (client.tracks[number].timestamps[-1] - first[number]) % 2**32
            assert ticks / rate == pytest.approx(passed_s, abs=0.15)


async def test_reports_go_on_with_the_line_that_they_began(scene: Scene) -> None:
    client = await scene.watch()
    await scene.pass_reading(2.0)
    await scene.go_down()
    await scene.pass_reading(5.2)
    await scene.go_up()
    await scene.pass_reading(5.2)
    for number, rate in ((VIDEO, 90_000), (AUDIO, 8000)):
        reports = client.tracks[number].reports
        assert len(reports) >= 3
        for before, after in pairwise(reports):
            ticks = (after.rtp_timestamp - before.rtp_timestamp) % 2**32
            passed_s = (after.ntp_time - before.ntp_time) / 2**32
            assert passed_s == pytest.approx(ticks / rate, abs=0.001)
            assert after.packet_count >= before.packet_count


async def test_the_camera_sends_each_stream_only_while_it_is_needed(scene: Scene) -> None:
    await scene.watch()
    await scene.pass_reading(2.0)
    assert (scene.main.is_wanted, scene.sub.is_wanted) == (True, False)
    await scene.go_down()
    await until(lambda: not scene.main.is_wanted)
    assert scene.sub.is_wanted
    await scene.go_up()
    await until(lambda: not scene.sub.is_wanted)
    assert scene.main.is_wanted
    assert scene.sub.demands == [True, False]


async def test_a_sub_stream_that_others_watch_is_entered_at_once(make_scene: MakeScene) -> None:
    """By its cached group of pictures, which is shown behind what the player has and in order."""
    scene = make_scene(is_sub_known=True)
    scene.sub.camera.gop = 1000
    await until(lambda: not scene.sub.is_wanted)
    client = await scene.watch("porch/auto", VIDEO)
    await scene.watch("porch/sub", VIDEO)
    slow, other = scene.server.players()
    await scene.pass_reading(2.0)
    client.stop_reading()
    await scene.pass_time(2.8)
    assert (slow.kind, other.kind) == (SUB, SUB)
    assert scene.sub.camera.frames < 1200, "no other key frame came"
    client.resume_reading()
    await scene.pass_reading(0.2)
    track = client.tracks[VIDEO]
    assert track.gaps == 0
    assert rises(track.timestamps)
    shown = [number for is_main, number in marks(track.video_units()) if not is_main]
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    assert shown[0] == 1000


async def test_each_move_is_told_and_counted_where_it_was_made(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "neolink")
    await scene.watch()
    await scene.pass_reading(2.0)
    before = scene.server.sums()[scene.main.mount].bytes_sent
    await scene.go_down()
    await scene.go_up()
    told = [record for record in caplog.records if "moved" in record.getMessage()]
    assert {vars(record)["client"] for record in told} == {scene.player.address}
    assert {vars(record)["camera"] for record in told} == {"porch"}
    moves = [record.getMessage() for record in told]
    assert len(moves) == 2
    assert moves[0].startswith("moved to the sub stream: 2.")
    assert moves[0].endswith(" s behind")
    assert moves[1] == "moved to the main stream: it has kept up for 6 s"
    sums = scene.server.sums()
    main, sub = sums[scene.main.mount], sums[scene.sub.mount]
    assert (main.players, main.moves_down, main.moves_up) == (1, 1, 0)
    assert (sub.players, sub.moves_down, sub.moves_up) == (0, 0, 1)
    assert main.bytes_sent > before
    assert main.bytes_sent + sub.bytes_sent == scene.player.sums.bytes_sent
    assert main.units_dropped == scene.player.sums.units_dropped > 0


async def test_a_slow_player_of_a_named_stream_stays_on_it(scene: Scene) -> None:
    client = await scene.watch("porch/main")
    await scene.pass_reading(1.0)
    client.stop_reading()
    await scene.pass_time(4.0)
    assert (scene.player.kind, scene.player.is_adaptive) == (MAIN, False)
    assert scene.sub.demands == []


@pytest.mark.parametrize("is_adaptive", [True, False])
async def test_the_bare_name_is_adaptive_where_the_file_says_so(
    make_scene: MakeScene, is_adaptive: bool
) -> None:
    scene = make_scene(is_adaptive=is_adaptive)
    await scene.watch("porch")
    assert scene.player.is_adaptive is is_adaptive
    await scene.watch("porch/main")
    assert [player.is_adaptive for player in scene.server.players()] == [is_adaptive, False]


async def test_ordinary_players_are_given_the_very_parcels_of_the_mount(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No layer and no copy between mount and lane; one that never moved has only the layer."""
    taken: list[Parcel] = []
    push = Lane.push

    def note(self: Lane, parcel: Parcel) -> None:
        taken.append(parcel)
        push(self, parcel)

    monkeypatch.setattr(Lane, "push", note)
    await scene.watch("porch/main")
    await scene.watch("porch/auto")
    ordinary, adaptive = scene.server.players()
    assert isinstance(scene.main.mount._seats.all[0].lane, Lane)
    taken.clear()
    scene.main.camera.picture()
    pictures = [parcel for parcel in taken if parcel.is_video]
    assert len(pictures) == 2
    assert pictures[0] is pictures[1]
    assert (ordinary.is_adaptive, adaptive.is_adaptive) == (False, True)


# ---------------------------------------------------------------- what stands against a move
@pytest.mark.parametrize("is_sub_known", [True, False])
async def test_another_codec_keeps_players_on_main_and_the_log_says_why_once(
    make_scene: MakeScene, is_sub_known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    scene = make_scene(sub_video=H265, is_sub_known=is_sub_known)
    client = await scene.watch()
    await scene.pass_reading(1.0)
    client.stop_reading()
    for _ in range(4):
        await scene.pass_time(5.0)
        client.resume_reading()
        await scene.pass_reading(0.2)
        client.stop_reading()
    assert (scene.player.kind, scene.player.moves_down) == (MAIN, 0)
    said = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    text = "players that cannot follow stay on this stream"
    assert [line for line in said if line.startswith(text)] == [
        f"{text}: porch/sub is H265, porch/main is H264"
    ]
    assert (True in scene.sub.demands[2 * is_sub_known :]) is not is_sub_known


async def test_another_sound_that_is_known_keeps_players_on_main(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = make_scene(audio=L16, sub_audio=AAC, is_sub_known=True)
    client = await scene.watch()
    await scene.pass_reading(1.0)
    client.stop_reading()
    await scene.pass_time(4.0)
    assert scene.player.kind is MAIN
    assert "the sound of porch/sub is not that of porch/main" in caplog.text


async def test_another_sound_does_not_keep_back_who_takes_none(make_scene: MakeScene) -> None:
    scene = make_scene(audio=L16, sub_audio=AAC, is_sub_known=True)
    await scene.watch("porch/auto", VIDEO)
    await scene.pass_reading(1.0)
    await scene.go_down()


async def test_another_sound_that_was_not_known_is_not_sent(make_scene: MakeScene) -> None:
    scene = make_scene(audio=L16, sub_audio=AAC)
    client = await scene.watch()
    await scene.pass_reading(1.0)
    await scene.go_down()
    heard = len(client.tracks[AUDIO].packets)
    await scene.pass_reading(2.0)
    assert len(client.tracks[AUDIO].packets) == heard
    await scene.go_up()
    await scene.pass_reading(1.0)
    assert len(client.tracks[AUDIO].packets) > heard
    assert rises(client.tracks[AUDIO].timestamps)


async def test_a_sub_stream_that_never_comes_is_given_up_and_main_goes_on(scene: Scene) -> None:
    client = await scene.watch()
    await scene.pass_reading(1.0)
    scene.sub.is_there = False
    await scene.pass_behind(client, 14.0)
    await until(lambda: not scene.sub.is_wanted)
    assert scene.sub.demands == [True, False]
    assert (scene.player.kind, scene.player.is_playing) == (MAIN, True)
    client.resume_reading()
    await scene.pass_reading(1.0)
    assert rises(client.tracks[VIDEO].timestamps)


async def test_a_stand_in_is_no_picture_to_go_to(scene: Scene) -> None:
    client = await scene.watch("porch/auto", VIDEO)
    await scene.pass_reading(1.0)
    scene.sub.is_there = False
    scene.sub.stream.stand_in_settings = StandInSettings(start_hold_s=0.0, interval_s=0.005)
    client.stop_reading()
    await scene.pass_time(4.0)
    assert scene.sub.is_wanted
    await until(lambda: scene.sub.stream.stand_ins > 2)
    assert (scene.player.kind, scene.player.moves_down) == (MAIN, 0)
    scene.sub.is_there = True
    await scene.pass_time(0.5)
    assert scene.player.kind is SUB


async def test_a_camera_that_stays_away_moves_nobody(scene: Scene) -> None:
    client = await scene.watch()
    await scene.pass_reading(1.0)
    client.stop_reading()
    await scene.pass_time(0.9)
    scene.main.stream.source_lost()
    scene.main.is_there = False
    await scene.pass_time(5.0)
    assert scene.sub.demands == []


# ---------------------------------------------------------------- sessions that end or change
async def test_pause_on_sub_and_play_goes_on_from_main_with_the_same_numbers(scene: Scene) -> None:
    client = await scene.watch("porch/auto", VIDEO)
    await scene.pass_reading(2.0)
    await scene.go_down()
    assert (await client.pause()).status == 200
    await until(lambda: not scene.sub.is_wanted)
    await scene.pass_time(1.0)
    last = client.tracks[VIDEO].packets[-1]
    response = await client.play()
    assert response.status == 200
    info = response.headers.get("RTP-Info") or ""
    assert "trackID=0" in info
    assert "seq=" not in info
    assert scene.player.kind is MAIN
    await scene.pass_reading(1.0)
    following = client.tracks[VIDEO].packets[client.tracks[VIDEO].play_from]
    assert following.sequence == (last.sequence + 1) % 65536
    assert rises(client.tracks[VIDEO].timestamps)
    assert scene.server.sums()[scene.main.mount].players == 1


@pytest.mark.parametrize("when", ["on sub", "waiting"])
@pytest.mark.parametrize("how", ["teardown", "gone", "kick", "unmounted"])
async def test_the_end_of_a_session_leaves_nothing_on_either_stream(
    scene: Scene, when: str, how: str
) -> None:
    client = await scene.watch()
    await scene.pass_reading(1.0)
    if when == "on sub":
        await scene.go_down()
    else:
        scene.sub.is_there = False
        client.stop_reading()
        await scene.pass_time(4.0)
        assert scene.sub.mount.player_count == 1
        client.resume_reading()
    match how:
        case "teardown":
            assert (await client.teardown()).status == 200
        case "gone":
            await client.close()
        case "kick":
            assert scene.server.kick(scene.player.number)
        case "unmounted":
            mount = scene.main.mount if when == "waiting" else scene.sub.mount
            scene.server.end_sessions(mount, "the stream is no longer served")
    await until(lambda: not list(scene.server.players()))
    assert (scene.main.mount.player_count, scene.sub.mount.player_count) == (0, 0)
    await until(lambda: not scene.main.is_wanted and not scene.sub.is_wanted)


async def test_a_sub_stream_that_is_unmounted_lets_players_that_wait_there_stay_on_main(
    scene: Scene,
) -> None:
    client = await scene.watch()
    await scene.pass_reading(1.0)
    scene.sub.is_there = False
    client.stop_reading()
    await scene.pass_time(4.0)
    assert scene.sub.mount.player_count == 1
    scene.server.end_sessions(scene.sub.mount, "the stream is no longer served")
    scene.server.reload(scene.server.settings, {("porch", MAIN): scene.main.mount})
    assert scene.sub.mount.player_count == 0
    await scene.pass_behind(client, 15.0)
    assert (scene.player.kind, scene.player.is_playing) == (MAIN, True)
    client.resume_reading()
    await scene.pass_reading(1.0)
    scene.sub.is_there = True


async def test_sound_that_is_torn_down_while_a_player_waits_does_not_come_back(
    scene: Scene,
) -> None:
    client = await scene.watch()
    await scene.pass_reading(1.0)
    scene.sub.is_there = False
    client.stop_reading()
    await scene.pass_time(4.0)
    client.resume_reading()
    assert (await client.teardown(AUDIO)).status == 200
    heard = len(client.tracks[AUDIO].packets)
    scene.sub.is_there = True
    await scene.pass_reading(12.0)
    await scene.go_down()
    await scene.pass_reading(1.0)
    assert len(client.tracks[AUDIO].packets) == heard
    assert client.tracks[VIDEO].gaps == 0 or rises(client.tracks[VIDEO].timestamps)


async def test_a_fault_in_one_players_moves_ends_that_session_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = await scene.watch(), await scene.watch()
    first, second = scene.server.players()
    monkeypatch.setattr(first, "adapt", lambda _: 1 / 0)
    scene.server.adapt()
    await broken.until_closed()
    assert list(scene.server.players()) == [second]
    assert not other.is_closed
    assert "ZeroDivisionError" in caplog.text


# ---------------------------------------------------------------- UDP
async def report_loss(client: RtspClient, scene: Scene, loss: float) -> None:
    """Send a receiver report of the video, as the player that lost so much."""
    track = client.tracks[VIDEO]
    assert track.udp is not None
    assert track.granted.ssrc is not None
    assert track.granted.server_port is not None
    block = ReportBlock(
        ssrc=track.granted.ssrc,
        fraction_lost=round(loss * 256),
        cumulative_lost=0,
        highest_sequence=0,
        jitter=0,
        last_sr=0,
        delay_since_last_sr=0,
    )
    before = scene.player.feedback.reports.get(VIDEO)
    data = ReceiverReport(ssrc=1, reports=(block,)).serialize()
    track.udp.rtcp.sendto(data, ("127.0.0.1", track.granted.server_port[1]))
    await until(lambda: scene.player.feedback.reports.get(VIDEO) is not before)


async def test_by_udp_reports_of_loss_move_a_player_and_reports_of_none_bring_it_back(
    scene: Scene,
) -> None:
    scene.main.camera.size = scene.main.camera.key_size = 8000
    client = await scene.watch("porch/auto", VIDEO, transport="udp")
    await scene.pass_time(1.0)
    await report_loss(client, scene, 0.1)
    await scene.pass_time(5.0)
    assert scene.player.kind is MAIN
    await report_loss(client, scene, 0.1)
    await scene.pass_time(2.0)
    assert scene.player.kind is SUB
    for _ in range(6):
        await report_loss(client, scene, 0.0)
        await scene.pass_time(5.0)
    assert (scene.player.kind, scene.player.moves_up) == (MAIN, 1)
    await client.until(lambda: len(client.tracks[VIDEO].packets) > 0)
    assert rises(client.tracks[VIDEO].timestamps)


async def test_a_udp_player_that_reports_nothing_is_never_moved(scene: Scene) -> None:
    scene.main.camera.size = scene.main.camera.key_size = 8000
    await scene.watch("porch/auto", VIDEO, transport="udp")
    await scene.pass_time(30.0)
    assert (scene.player.kind, scene.sub.demands) == (MAIN, [])


async def test_who_comes_back_from_a_pause_to_another_codec_must_describe_it(scene: Scene) -> None:
    client = await scene.watch("porch/auto", VIDEO)
    assert (await client.pause()).status == 200
    with scene.main.stream.hold():
        scene.main.camera.video = H265
        scene.main.camera.until_key()
        scene.main.camera.pictures(3)
    assert (await client.play()).status == 454
    assert not list(scene.server.players())


@pytest.mark.parametrize("when", ["on sub", "in the pause", "on sub, and it came back"])
async def test_who_was_moved_and_comes_back_to_another_codec_must_describe_it(
    scene: Scene, when: str
) -> None:
    client = await scene.watch("porch/auto", VIDEO)
    await scene.pass_reading(2.0)
    await scene.go_down()
    if "came back" in when:
        await scene.go_up()
    if when == "on sub":
        become_another(scene.main)
    assert (await client.pause()).status == 200
    if when != "on sub":
        become_another(scene.main)
    assert (await client.play()).status == 454
    assert not list(scene.server.players())


async def test_who_is_on_the_only_stream_that_is_left_must_describe_another_codec(
    scene: Scene,
) -> None:
    client = await scene.watch("porch/auto", VIDEO)
    await scene.pass_reading(2.0)
    await scene.go_down()
    assert scene.player.switcher is not None
    scene.player.switcher._find_streams = lambda: None
    for _ in range(2):
        assert (await client.pause()).status == 200
        assert (await client.play()).status == 200
    assert scene.player.kind is SUB
    assert (await client.pause()).status == 200
    become_another(scene.sub)
    assert (await client.play()).status == 454


async def test_another_codec_of_sub_is_nothing_to_who_goes_on_from_main(scene: Scene) -> None:
    client = await scene.watch("porch/auto", VIDEO)
    await scene.pass_reading(2.0)
    await scene.go_down()
    assert (await client.pause()).status == 200
    become_another(scene.sub)
    assert (await client.play()).status == 200
    assert scene.player.kind is MAIN


def become_another(side: Side) -> None:
    """Have a stream go on with another codec, while others than players watch it."""
    with side.stream.hold():
        side.camera.video = H265
        side.camera.until_key()
        side.camera.pictures(3)
