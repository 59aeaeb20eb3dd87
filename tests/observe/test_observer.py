"""Readings of a bridge whose cameras the test plays, on a clock that it moves."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from neolink.app import Bridge, BridgeSettings
from neolink.camera.failures import LossCause, Phase
from neolink.camera.settings import CameraSettings
from neolink.camera.status import CameraState
from neolink.clock import ManualClock
from neolink.errors import LoginRefusal
from neolink.hub.demand import DemandState
from neolink.media.tracks import StreamKind
from neolink.observe.observer import FRESH_S
from neolink.readings import BridgeReading, CameraReading, PlayerReading, StreamReading
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from support.media import AAC, Camera
from support.readings import player_reading

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
PASSWORD = "sesame-7f3a"


class Scene:
    """A bridge that does not run: nothing connects, and time passes when it is told to."""

    def __init__(self, *names: str, disabled: tuple[str, ...] = ()) -> None:
        self.clock = ManualClock()
        cameras = [
            CameraSettings(name=name, host="192.0.2.7", password=PASSWORD, streams=(MAIN, SUB))
            for name in names or ("porch",)
        ]
        self.settings = BridgeSettings(
            cameras=cameras,
            mounts=[MountSettings(camera=camera.name) for camera in cameras],
            rtsp=RtspSettings(bind="127.0.0.1", port=0, rtp_port=0),
            disabled=disabled,
        )
        self.bridge = Bridge(self.settings, self.clock)
        self.observer = self.bridge.observer
        self.stream = self.bridge.streams["porch", MAIN]
        self.sender = Camera(self.stream, audio=AAC)

    def read(self) -> BridgeReading:
        self.clock.advance(2 * FRESH_S)
        return self.observer.read()

    def camera(self) -> CameraReading:
        return self.read().cameras[0]

    def main(self) -> StreamReading:
        return self.camera().streams[0]

    def flow(self, seconds: int, fps: int = 25) -> None:
        """Let pictures come in time, and the observer look once a second."""
        for _ in range(seconds):
            for _ in range(fps):
                self.sender.picture()
                self.clock.advance(1 / fps)
            self.observer.mark()


@pytest.fixture
def scene() -> Iterator[Scene]:
    one = Scene()
    yield one
    for stream in one.bridge.streams.values():
        stream.close()


# ---------------------------------------------------------------- the reading itself
async def test_a_fresh_reading_is_given_again_and_an_old_one_is_not(scene: Scene) -> None:
    first = scene.observer.read()
    scene.clock.advance(FRESH_S / 2)
    assert scene.observer.read() is first
    scene.clock.advance(FRESH_S)
    second = scene.observer.read()
    assert second is not first
    assert second.monotonic_s - first.monotonic_s == pytest.approx(1.5 * FRESH_S)


async def test_a_camera_that_is_switched_off_is_told_as_such() -> None:
    scene = Scene("porch", "attic", disabled=("cellar",))
    cameras = scene.read().cameras
    assert [(one.name, one.is_enabled, len(one.streams)) for one in cameras] == [
        ("porch", True, 2),
        ("attic", True, 2),
        ("cellar", False, 0),
    ]


async def test_no_reading_holds_a_secret(scene: Scene) -> None:
    assert PASSWORD not in repr(scene.read())


async def test_the_time_of_the_start_stays_and_follows_a_step_of_the_clock(scene: Scene) -> None:
    began_s = scene.read().process.began_unix_s
    scene.clock.advance(3600)
    assert scene.read().process.began_unix_s == began_s
    scene.clock._unix_s += 0.4
    assert scene.read().process.began_unix_s == began_s, "clocks are trimmed all the time"
    scene.clock._unix_s += 86_400
    assert scene.read().process.began_unix_s == pytest.approx(began_s + 86_400.4)


# ---------------------------------------------------------------- cameras
async def test_what_the_login_does_is_told(scene: Scene) -> None:
    status = scene.bridge.cameras[0].status
    now_s = scene.clock.monotonic_s()
    status.state, status.since_s = CameraState.AUTH_FAILED, now_s
    status.refusal, status.last_error, status.last_error_s = (
        LoginRefusal.WRONG_CREDENTIALS,
        "no",
        now_s,
    )
    status.failures, status.next_attempt_s = 3, now_s + 30
    status.reconnects[LossCause.LOGIN_REFUSED] = 3
    status.errors[Phase.LOGIN] = 3
    camera = scene.camera()
    assert (camera.state, camera.refusal) == (
        CameraState.AUTH_FAILED,
        LoginRefusal.WRONG_CREDENTIALS,
    )
    assert camera.next_attempt_in_s == pytest.approx(30 - 2 * FRESH_S)
    assert camera.state_for_s == camera.last_error_age_s == pytest.approx(2 * FRESH_S)
    assert camera.address == "192.0.2.7:9000"
    assert set(camera.reconnects) == {cause.value for cause in LossCause}
    assert camera.reconnects["login_refused"] == camera.errors["login"] == 3
    assert set(camera.errors) == {phase.value for phase in Phase}


async def test_a_retry_that_is_due_is_not_told_as_of_the_past(scene: Scene) -> None:
    scene.bridge.cameras[0].status.next_attempt_s = scene.clock.monotonic_s() - 1
    assert scene.camera().next_attempt_in_s == 0


async def test_awake_time_runs_while_logged_in_and_outlasts_the_login(scene: Scene) -> None:
    status = scene.bridge.cameras[0].status
    status.logged_in(scene.clock.monotonic_s())
    scene.clock.advance(60)
    assert scene.camera().awake_s == pytest.approx(60 + 2 * FRESH_S)
    status.login_ended(scene.clock.monotonic_s())
    awake_s = scene.camera().awake_s
    scene.clock.advance(60)
    assert scene.camera().awake_s == awake_s
    status.logged_in(scene.clock.monotonic_s())
    scene.clock.advance(10)
    assert scene.camera().awake_s == pytest.approx(awake_s + 10 + 2 * FRESH_S)


async def test_failures_of_streams_are_told_with_their_camera(scene: Scene) -> None:
    source = scene.bridge._devices[0].sources["porch", MAIN]
    source.errors, source.media_errors, source.demuxer.damages = 2, 3, 4
    camera = scene.camera()
    assert (camera.errors["stream"], camera.errors["media"]) == (2, 7)


# ---------------------------------------------------------------- streams
async def test_a_stream_that_flows_is_told_with_its_rates(scene: Scene) -> None:
    with scene.stream.hold():
        scene.flow(12)
        main = scene.main()
    assert main.state is DemandState.LIVE
    assert main.fps == pytest.approx(25, rel=0.06)
    assert main.pictures == 12 * 25
    assert main.key_frames == 60
    assert main.gop_s == pytest.approx(0.2)
    assert main.nominal_fps == 15
    assert main.av_drift_s == pytest.approx(0.0, abs=0.1)
    assert main.bitrate_bps == pytest.approx(main.received_bytes * 8 / 12, rel=0.1)
    assert main.frame_gaps.count == 12 * 25 - 1
    assert main.setup_times.count == 1
    assert main.cached_bytes > 0
    assert main.last_picture_age_s == pytest.approx(2 * FRESH_S + 0.04)


async def test_a_stream_that_nobody_wants_has_no_rate(scene: Scene) -> None:
    with scene.stream.hold():
        scene.flow(5)
    scene.stream._grace_over()
    main = scene.main()
    assert (main.state, main.fps, main.bitrate_bps) == (DemandState.IDLE, 0.0, 0.0)
    assert main.pictures == 125


async def test_sound_that_stopped_long_ago_drifts_no_more(scene: Scene) -> None:
    with scene.stream.hold():
        scene.flow(2)
        assert scene.main().av_drift_s is not None
        scene.sender.audio = None
        scene.flow(12)
        assert scene.main().av_drift_s is None


async def test_what_was_never_seen_is_not_known(scene: Scene) -> None:
    main = scene.main()
    assert main.presentation is None
    assert (main.nominal_fps, main.gop_s, main.av_drift_s) == (None, None, None)
    assert (main.last_picture_age_s, main.last_key_frame_age_s) == (None, None)


async def test_the_past_is_kept_in_steps_of_two_seconds(scene: Scene) -> None:
    began_s = scene.clock.unix_s()
    with scene.stream.hold():
        scene.flow(10, fps=20)
    history = scene.observer.history("porch", MAIN)
    assert [point.unix_s - began_s for point in history] == pytest.approx([2, 4, 6, 8, 10])
    assert [point.fps for point in history] == pytest.approx([20] * 5, rel=0.05)
    assert scene.observer.history("porch", SUB) == ()
    assert scene.observer.history("attic", MAIN) == ()


async def test_a_stream_that_is_made_anew_has_no_past() -> None:
    scene = Scene()
    with scene.stream.hold():
        scene.flow(4)
        assert scene.observer.history("porch", MAIN)
        camera = replace(scene.settings.cameras[0], host="192.0.2.8")
        await scene.bridge.reload(replace(scene.settings, cameras=[camera]))
        scene.observer.mark()
    assert scene.observer.history("porch", MAIN) == ()
    assert scene.main().pictures == 0


# ---------------------------------------------------------------- players
async def test_players_are_told_with_their_streams_and_their_losses_outlast_them(
    scene: Scene,
) -> None:
    watching: list[PlayerReading] = []
    scene.observer.extra_players = lambda: watching
    watching = [
        player_reading(1, units_dropped=4, queued_bytes=100),
        player_reading(2, kind=SUB, units_dropped=1),
    ]
    main, sub = scene.camera().streams
    assert [one.number for one in main.players] == [1]
    assert (main.dropped["slow_player"], sub.dropped["slow_player"]) == (4, 1)
    watching = [player_reading(1, units_dropped=9)]
    scene.observer.mark()
    watching = []
    scene.observer.mark()
    main, sub = scene.camera().streams
    assert (main.players, main.dropped["slow_player"]) == ((), 9)


async def test_what_is_turned_away_by_others_than_rtsp_is_told_too(scene: Scene) -> None:
    scene.observer.extra_refused = lambda: {"http_max_connections": 3}
    refused = scene.read().process.refused
    assert refused["http_max_connections"] == 3
    assert refused["max_clients"] == 0


async def test_what_waits_for_players_is_in_the_past(scene: Scene) -> None:
    scene.observer.extra_players = lambda: [
        player_reading(1, queued_bytes=70),
        player_reading(2, queued_bytes=30),
    ]
    with scene.stream.hold():
        scene.flow(2)
    assert [point.queued_bytes for point in scene.observer.history("porch", MAIN)] == [100]


async def test_moves_of_players_are_the_cameras_and_never_go_back(scene: Scene) -> None:
    watching: list[PlayerReading] = []
    scene.observer.extra_players = lambda: watching
    for kind, down, up in ((MAIN, 0, 0), (SUB, 1, 0), (MAIN, 1, 1), (SUB, 2, 1)):
        watching = [player_reading(1, kind=kind, is_adaptive=True, moves_down=down, moves_up=up)]
        assert scene.camera().moves == {"down": down, "up": up}
    watching = []
    assert scene.camera().moves == {"down": 2, "up": 1}


async def test_sums_of_a_camera_that_is_gone_are_forgotten() -> None:
    scene = Scene("porch", "attic")
    scene.observer.extra_players = lambda: [player_reading(1, "attic", units_dropped=4)]
    scene.observer.mark()
    assert scene.observer._drops.of(("attic", MAIN)) == 4
    scene.observer.extra_players = tuple
    scene.observer.mark()
    settings = replace(
        scene.settings, cameras=scene.settings.cameras[:1], mounts=scene.settings.mounts[:1]
    )
    await scene.bridge.reload(settings)
    scene.observer.mark()
    assert scene.observer._drops.of(("attic", MAIN)) == 0


async def test_talk_and_metadata_and_what_belongs_to_no_player_are_told(scene: Scene) -> None:
    mount = scene.bridge.mounts["porch", MAIN]
    intercom, context = mount.intercom, scene.bridge.rtsp.context
    assert intercom is not None
    intercom.counters.interrupted = 3
    speaker = scene.bridge.cameras[0].speakers[0]
    speaker.talks, speaker.failures, speaker.blocks_sent, speaker.blocks_dropped = 5, 1, 90, 2
    mount.metadata.documents, mount.metadata.changes_dropped = 7, 4
    mount.sounds.failures, mount.sounds.silent_frames, mount.silence.frames = 1, 30, 12
    scene.stream.events.reader_failures = 1
    context.udp_peers.strangers, context.malformed_rtcp, context.tunnels.websockets = 8, 6, 9
    reading = scene.read()
    camera, main = reading.cameras[0], reading.cameras[0].streams[0]
    assert camera.talk is not None
    assert camera.talk.packets["interrupted"] == 3
    assert (camera.talk.talks, camera.talk.failures) == (5, 1)
    assert (camera.talk.blocks_sent, camera.talk.blocks_dropped) == (90, 2)
    assert (main.documents, main.changes_dropped, main.conversions_failed) == (7, 4, 1)
    assert (main.silent_frames, main.sink_failures) == (42, 1)
    events = reading.process.rtsp_events
    assert (events["udp_stranger"], events["rtcp_malformed"], events["websocket"]) == (8, 6, 9)
