"""A camera that is away: silence first, then its last picture, then the camera again."""

from collections.abc import AsyncIterator

import pytest

from neolink.clock import ManualClock
from neolink.errors import DeadlineExceeded
from neolink.hub.demand import DemandState
from neolink.hub.standin import StandInSettings
from neolink.hub.stream import Stream
from neolink.media.tracks import Presentation
from neolink.media.units import AccessUnit, MediaUnit
from support.media import L16, Camera
from support.waiting import until

HOLD_S = 0.02
INTERVAL_S = 0.005


class Viewer:
    """A sink that keeps pictures."""

    def __init__(self) -> None:
        self.pictures: list[AccessUnit] = []
        self.ends = 0

    def push(self, unit: MediaUnit) -> None:
        if isinstance(unit, AccessUnit):
            self.pictures.append(unit)

    def presentation_changed(self, presentation: Presentation) -> None:
        raise AssertionError(presentation)

    def source_stopped(self) -> None:
        pass

    def source_ended(self) -> None:
        self.ends += 1


class Scene:
    """A stream that is watched, and its camera."""

    def __init__(self, *, is_enabled: bool) -> None:
        settings = StandInSettings(
            is_enabled=is_enabled,
            start_hold_s=HOLD_S,
            lost_hold_s=HOLD_S,
            interval_s=INTERVAL_S,
        )
        self.stream = Stream("porch/main", clock=ManualClock(), stand_in=settings)
        self.viewer = Viewer()
        self.stream.subscribe(self.viewer)
        self.camera = Camera(self.stream, audio=L16)

    def close(self) -> None:
        self.stream.close()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene(is_enabled=True)
    yield made
    made.close()


@pytest.fixture
async def bare() -> AsyncIterator[Scene]:
    made = Scene(is_enabled=False)
    yield made
    made.close()


async def test_a_lost_camera_is_bridged_by_its_last_key_frame(scene: Scene) -> None:
    with scene.stream.hold():
        key, *others = scene.camera.pictures(3)
        scene.stream.source_lost()
        assert len(scene.viewer.pictures) == 3
        await until(lambda: scene.stream.stand_ins >= 3)
        stand_ins = scene.viewer.pictures[3:]
        assert all(unit.nal_units == key.nal_units for unit in stand_ins)
        assert all(unit.is_random_access for unit in stand_ins)
        times = [unit.pts for unit in scene.viewer.pictures]
        assert times == sorted(set(times))
        assert others


async def test_the_camera_that_returns_ends_the_stand_in_and_time_runs_on(scene: Scene) -> None:
    with scene.stream.hold():
        scene.camera.pictures(3)
        scene.stream.source_lost()
        await until(lambda: scene.stream.stand_ins)
        scene.camera.pts -= 2 * 3600  # the stand-in was ahead of the camera
        scene.camera.picture(key=True)
        shown = scene.stream.stand_ins
        scene.camera.pictures(4)
        assert scene.stream.state is DemandState.LIVE
        assert scene.stream.stand_ins == shown
        times = [unit.pts for unit in scene.viewer.pictures]
        assert times == sorted(set(times))


async def test_a_camera_that_returns_within_the_hold_shows_no_stand_in(scene: Scene) -> None:
    with scene.stream.hold():
        scene.camera.pictures(3)
        scene.stream.source_lost()
        scene.camera.picture(key=True)
        assert scene.stream._waiting is None
    assert scene.stream.stand_ins == 0


async def test_without_a_stand_in_sessions_end_after_the_hold(bare: Scene) -> None:
    with bare.stream.hold():
        bare.camera.pictures(3)
        bare.stream.source_lost()
        assert bare.viewer.ends == 0
        await until(lambda: bare.viewer.ends)
        assert bare.stream.stand_ins == 0


async def test_a_camera_never_seen_is_described_by_its_stand_in(scene: Scene) -> None:
    presentation = await scene.stream.describe(0.001)
    assert presentation.video is not None
    assert presentation.audio is None
    assert scene.stream.presentation is None


async def test_without_a_stand_in_a_camera_never_seen_is_not_described(bare: Scene) -> None:
    with pytest.raises(DeadlineExceeded):
        await bare.stream.describe(0.001)


async def test_nobody_watching_needs_no_stand_in(scene: Scene) -> None:
    with scene.stream.hold():
        scene.camera.pictures(2)
    scene.stream.source_lost()
    assert scene.stream._waiting is None
