"""A watched stream rests without motion: when, what readers see, and that it always wakes up."""

import asyncio
from collections.abc import Iterator
from random import Random

import pytest

from neolink.clock import ManualClock
from neolink.errors import LocalProtocolError
from neolink.hub.demand import Demand, DemandEvent, DemandState
from neolink.hub.pause import PauseMode, PauseRule, PauseSettings
from neolink.hub.splash import splash_track, splash_unit
from neolink.hub.standin import StandInSettings
from neolink.hub.stream import Hold, Stream
from neolink.media.tracks import Presentation, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from support.media import H264, H265, L16, Camera
from support.waiting import until

INTERVAL_S = 0.005
LOOK_S = 5.0
SEQUENCES = 10_000


class Viewer:
    """A sink that keeps pictures."""

    def __init__(self) -> None:
        self.pictures: list[AccessUnit] = []
        self.sounds = 0
        self.ends = 0

    def push(self, unit: MediaUnit) -> None:
        if isinstance(unit, AudioFrame):
            self.sounds += 1
        else:
            self.pictures.append(unit)

    def presentation_changed(self, presentation: Presentation) -> None:
        raise AssertionError(presentation)

    def source_stopped(self) -> None:
        pass

    def source_ended(self) -> None:
        self.ends += 1


class Scene:
    """A stream that pauses without motion, its camera, a viewer, and what the camera was asked."""

    def __init__(
        self,
        mode: PauseMode = PauseMode.NONE,
        *,
        is_enabled: bool = True,
        interval_s: float = INTERVAL_S,
        video: VideoTrack = H264,
    ) -> None:
        self.clock = ManualClock()
        stand_in = StandInSettings(is_enabled=is_enabled, interval_s=interval_s)
        self.stream = Stream(
            "porch/main", clock=self.clock, stand_in=stand_in, on_demand=self._wanted, grace_s=60
        )
        self.stream.on_pause = self._paused
        self.stream.pause_settings = PauseSettings(on_motion=True, mode=mode)
        self.viewer = Viewer()
        self.stream.subscribe(self.viewer)
        self.camera = Camera(self.stream, video, L16)
        self.flows = False
        self.starts = 0
        self.stops = 0

    def look(self) -> None:
        """Show pictures for a little longer than the first look; the last of them pauses."""
        self.camera.pictures(3)
        self.clock.advance(LOOK_S)
        assert state_of(self.stream) is DemandState.LIVE
        self.camera.pictures(1)

    def close(self) -> None:
        self.stream.close()

    def _wanted(self, is_wanted: bool) -> None:
        self._flow(is_wanted)

    def _paused(self, is_paused: bool) -> None:
        assert self.stream.state is not DemandState.IDLE
        self._flow(not is_paused)

    def _flow(self, flows: bool) -> None:
        self.starts += flows and not self.flows
        self.stops += self.flows and not flows
        self.flows = flows


def state_of(stream: Stream) -> DemandState:
    return stream.state


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.close()


# ---------------------------------------------------------------- the rule
def test_the_rule_knows_motion_and_the_first_look_and_nothing_else() -> None:
    rule = PauseRule(PauseSettings(on_motion=True))
    assert not rule.should_rest(1e9), "before the first picture"
    rule.picture_came(100.0)
    rule.picture_came(104.0)
    assert not rule.should_rest(104.9)
    assert rule.should_rest(105.0)
    rule.is_motion = True
    assert not rule.should_rest(200.0)
    rule.is_motion = False
    assert rule.should_rest(200.0)
    rule.joined()
    assert not rule.should_rest(200.0)
    rule.picture_came(200.0)
    assert not rule.should_rest(204.9)
    assert rule.should_rest(205.0)


def test_without_on_motion_nothing_rests() -> None:
    rule = PauseRule(PauseSettings())
    rule.picture_came(0.0)
    assert not rule.should_rest(1e9)


def test_the_first_look_takes_five_seconds_and_motion_holds_for_one() -> None:
    settings = PauseSettings()
    assert (settings.first_look_s, settings.motion_timeout_s) == (5.0, 1.0)


# ---------------------------------------------------------------- a stream that pauses
async def test_after_the_first_look_the_camera_rests_and_readers_see_its_last_key_frame(
    scene: Scene,
) -> None:
    with scene.stream.hold():
        key, *_ = scene.camera.pictures(3)
        assert scene.flows
        scene.clock.advance(LOOK_S)
        last = scene.camera.picture()
        assert state_of(scene.stream) is DemandState.PAUSED
        assert (scene.starts, scene.stops) == (1, 1)
        assert scene.viewer.pictures[3].nal_units == last.nal_units
        assert len(scene.viewer.pictures) == 5, "a stand-in at once, without a hold"
        await until(lambda: scene.stream.stand_ins >= 3)
        stand_ins = scene.viewer.pictures[4:]
        assert all(unit.nal_units == key.nal_units for unit in stand_ins)
        assert all(unit.is_random_access for unit in stand_ins)


async def test_motion_brings_the_camera_back_with_one_start_and_time_runs_on(scene: Scene) -> None:
    with scene.stream.hold():
        scene.look()
        for turn in range(1, 4):
            assert state_of(scene.stream) is DemandState.PAUSED
            shown = scene.stream.stand_ins
            await until(lambda shown=shown: scene.stream.stand_ins > shown)  # type: ignore[misc]  # bound now
            scene.stream.motion_changed(True)
            assert (scene.starts, scene.stops) == (1 + turn, turn)
            assert state_of(scene.stream) is DemandState.STARTING
            scene.camera.picture(key=True)
            assert state_of(scene.stream) is DemandState.LIVE
            live = scene.camera.picture()
            assert scene.viewer.pictures[-1].nal_units == live.nal_units
            scene.stream.motion_changed(False)
        assert state_of(scene.stream) is DemandState.PAUSED
        times = [unit.pts for unit in scene.viewer.pictures]
        assert times == sorted(set(times))
    assert scene.viewer.ends == 0


async def test_while_there_is_motion_nothing_rests(scene: Scene) -> None:
    scene.stream.motion_changed(True)
    with scene.stream.hold():
        scene.camera.pictures(3)
        scene.clock.advance(10 * LOOK_S)
        scene.camera.pictures(3)
        assert state_of(scene.stream) is DemandState.LIVE
        scene.stream.motion_changed(False)
        assert state_of(scene.stream) is DemandState.PAUSED


async def test_motion_that_ends_within_the_first_look_does_not_cut_it_short(scene: Scene) -> None:
    scene.stream.motion_changed(True)
    with scene.stream.hold():
        scene.camera.pictures(3)
        scene.stream.motion_changed(False)
        scene.clock.advance(LOOK_S - 0.1)
        scene.camera.pictures(3)
        assert state_of(scene.stream) is DemandState.LIVE


async def test_a_slow_camera_is_looked_at_as_long_as_a_fast_one(scene: Scene) -> None:
    with scene.stream.hold():
        scene.clock.advance(10 * LOOK_S)
        scene.camera.pictures(3)
        assert state_of(scene.stream) is DemandState.LIVE


async def test_a_stream_that_is_not_known_yet_does_not_rest(scene: Scene) -> None:
    scene.camera.audio = None  # silence is known after a second of media
    with scene.stream.hold():
        scene.camera.picture()
        scene.clock.advance(LOOK_S)
        scene.camera.pictures(3)
        assert state_of(scene.stream) is DemandState.LIVE
        scene.camera.pictures(30)
        assert state_of(scene.stream) is DemandState.PAUSED


async def test_what_was_under_way_at_the_stop_reaches_no_reader(scene: Scene) -> None:
    with scene.stream.hold():
        scene.look()
        before, sounds = len(scene.viewer.pictures), scene.viewer.sounds
        scene.camera.pictures(3)
        scene.stream.source_lost()
        assert state_of(scene.stream) is DemandState.PAUSED
        assert len(scene.viewer.pictures) == before
        assert scene.viewer.sounds == sounds
        await until(lambda: len(scene.viewer.pictures) > before)  # the stand-in goes on
        times = [unit.pts for unit in scene.viewer.pictures]
        assert times == sorted(set(times))


async def test_who_joins_a_pause_neither_ends_it_nor_waits(scene: Scene) -> None:
    with scene.stream.hold():
        scene.look()
        with scene.stream.hold():
            assert state_of(scene.stream) is DemandState.PAUSED
            assert scene.stream.presentation == await scene.stream.describe(0.001)
        assert (scene.starts, scene.stops) == (1, 1)


async def test_the_last_one_who_leaves_a_pause_leaves_nothing_to_keep_warm(scene: Scene) -> None:
    with scene.stream.hold():
        scene.look()
    assert state_of(scene.stream) is DemandState.IDLE
    assert (scene.starts, scene.stops) == (1, 1)
    scene.stream.motion_changed(True)
    assert not scene.flows
    scene.stream.motion_changed(False)
    with scene.stream.hold():  # and the next one has a look of its own
        assert (scene.starts, scene.stops) == (2, 1)
        scene.camera.pictures(3)
        assert state_of(scene.stream) is DemandState.LIVE


async def test_a_camera_lost_while_live_is_held_and_not_paused(scene: Scene) -> None:
    with scene.stream.hold():
        scene.camera.pictures(3)
        scene.clock.advance(LOOK_S)
        scene.stream.source_lost()
        scene.stream.motion_changed(False)
        assert state_of(scene.stream) is DemandState.HOLDING
        scene.camera.picture(key=True)
        assert state_of(scene.stream) is DemandState.PAUSED
        assert scene.viewer.pictures[-1].nal_units == scene.viewer.pictures[-2].nal_units


async def test_a_pause_is_no_absence_and_ends_no_session() -> None:
    scene = Scene(is_enabled=False)
    with scene.stream.hold():
        scene.look()
        await until(lambda: scene.stream.stand_ins >= 3)
        assert scene.viewer.ends == 0
    scene.close()


async def test_settings_that_change_take_effect_at_once(scene: Scene) -> None:
    with scene.stream.hold():
        scene.look()
        scene.stream.pause_settings = PauseSettings(on_motion=False)
        assert state_of(scene.stream) is DemandState.STARTING
        scene.camera.picture(key=True)
        scene.stream.pause_settings = PauseSettings(on_motion=True)
        assert state_of(scene.stream) is DemandState.PAUSED


async def test_a_failed_change_of_state_is_told_and_pictures_go_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(self: Demand, event: DemandEvent) -> DemandState:
        raise LocalProtocolError(f"stream is {self.state}: {event} is refused")

    with scene.stream.hold():
        scene.look()
        monkeypatch.setattr(Demand, "handle", refuse)
        scene.stream.motion_changed(True)
        assert scene.flows
        last = scene.camera.picture(key=True)
        assert scene.viewer.pictures[-1].nal_units == last.nal_units
        monkeypatch.undo()
        assert [one.levelname for one in caplog.records] == ["WARNING"] * len(caplog.records) != []
        assert "stream is paused" in caplog.text


# ---------------------------------------------------------------- what is shown
@pytest.mark.parametrize(
    ("mode", "pattern"),
    [
        (PauseMode.NONE, None),
        (PauseMode.STILL, None),
        (PauseMode.BLACK, "black"),
        (PauseMode.TEST, "smpte"),
    ],
)
@pytest.mark.parametrize("video", [H264, H265], ids=["h264", "h265"])
async def test_each_mode_shows_its_picture_in_the_codec_of_the_camera(
    mode: PauseMode, pattern: str | None, video: VideoTrack
) -> None:
    scene = Scene(mode, video=video)
    with scene.stream.hold():
        scene.look()
        shown, key = scene.viewer.pictures[-1], scene.viewer.pictures[0]
        if pattern is None or video.codec is VideoCodec.H265:
            assert (shown.track, shown.nal_units) == (video, key.nal_units)
        else:
            assert shown.track is splash_track()
            assert shown.nal_units == splash_unit(pattern, None, shown.pts).nal_units
        assert scene.stream.presentation == Presentation(video, L16)
        assert scene.stream.description_version == 2
    scene.close()


# ---------------------------------------------------------------- any order of events
class Play:
    """One random sequence of what can happen to a stream; the timers fire when they are told to."""

    ACTS = (
        *("join", "leave", "picture", "picture", "picture", "sound", "lost"),
        *("motion", "still", "still", "timer", "later", "later", "grace"),
    )

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.scene = Scene(interval_s=3600.0, is_enabled=self.chance.random() < 0.8)
        self.holds: list[Hold] = []
        self.is_motion = False
        self.pauses = 0

    def run(self) -> None:
        for _ in range(self.chance.randrange(4, 40)):
            self.act(self.chance.choice(self.ACTS))
            self.check()
        self.wake()
        self.scene.close()

    def act(self, name: str) -> None:
        scene, stream = self.scene, self.scene.stream
        match name:
            case "join":
                self.holds.append(stream.hold())
            case "leave" if self.holds:
                self.holds.pop().release()
            case "picture":
                scene.camera.picture()
            case "sound":
                stream.publish(AudioFrame(L16, bytes(640), scene.camera.pts, 320))
            case "lost":
                stream.source_lost()
            case "motion" | "still":
                self.is_motion = name == "motion"
                stream.motion_changed(self.is_motion)
            case "timer" if stream._waiting is not None:
                stream._waiting.cancel()
                stream._still_away()
            case "grace" if stream._linger is not None:
                stream._linger.cancel()
                stream._grace_over()
            case "later":
                scene.clock.advance(LOOK_S)

    def check(self) -> None:
        scene, stream = self.scene, self.scene.stream
        is_paused, is_lingering = (
            stream.state is one for one in (DemandState.PAUSED, DemandState.LINGERING)
        )
        assert scene.flows == ((bool(self.holds) and not is_paused) or is_lingering)
        self.pauses += is_paused
        if is_paused:
            assert self.holds
            assert not self.is_motion
            assert stream._waiting is not None, "nothing keeps the players"
        if stream.state in (DemandState.STARTING, DemandState.HOLDING):
            assert stream._waiting is not None, "nothing ends the silence"
        times = [unit.pts for unit in scene.viewer.pictures]
        assert times == sorted(set(times))

    def wake(self) -> None:
        """Whatever was before: a reader, motion and a key frame make it live."""
        self.act("join")
        self.act("motion")
        self.check()
        picture = self.scene.camera.picture(key=True)
        assert state_of(self.scene.stream) is DemandState.LIVE
        assert self.scene.viewer.pictures[-1].nal_units == picture.nal_units


async def test_no_order_of_events_leaves_a_stream_asleep_or_at_work_for_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("WARNING")
    paused = 0
    for seed in range(SEQUENCES):
        play = Play(seed)
        try:
            play.run()
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        paused += play.pauses > 0
        if seed % 100 == 0:
            await asyncio.sleep(0)  # cancelled timers are thrown away
    assert paused > SEQUENCES / 10, "hardly any sequence paused"
    assert not caplog.records, "an event came that the table does not foresee"
