"""Every fault of a camera gets its state and its words within 15 s, and all is well after it.

Some twenty cameras stand behind one bridge at once, each with a fault of its own; the thresholds
are the real ones, but for the minute that events are remembered.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from neolink.app import Bridge
from neolink.health.thresholds import Thresholds
from neolink.health.values import CameraHealth, HealthState
from neolink.health.watch import HealthWatch
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import (
    AccountLocked,
    Burst,
    Busy,
    ClockJump,
    ClockStandstill,
    Cut,
    Duplicate,
    Fault,
    Garbage,
    KeepaliveFlood,
    LoseKeyFrames,
    Mute,
    Privacy,
    Reboot,
    Refuse,
    SessionLimit,
    Silence,
    Stall,
    Trickle,
    Truncate,
    WrongMagic,
    WrongPadding,
    WrongPassword,
)
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PASSWORD, settings_for
from support.scenario import Pace, bridged

SUB = StreamKind.SUB
OK, DEGRADED, OFFLINE = HealthState.OK, HealthState.DEGRADED, HealthState.OFFLINE
AUTH_FAILED = HealthState.AUTH_FAILED

SOON_S = 15.0
"""From a fault, or from its end, to what is said of it; events are remembered beyond that."""

WARM_UP_S = 5.0
"""Two groups of pictures: what is usual is known then."""

LOOK_EVERY_S = 0.25
STEADY_S = 1.5
QUIET_S = 8.0

SHORT_MEMORY = Thresholds(memory_s=12.0)
PACE = Pace(start_hold_s=3.0, lost_hold_s=8.0, interval_s=1.0, grace_s=5.0)
"""As the product has them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A fault, and what is to be said of it."""

    name: str
    make: Callable[[], Fault]
    state: HealthState = OK
    words: str = ""
    is_cut_off: bool = False
    """Whether connections are reset when it begins; some faults are felt only by new ones."""
    is_watched: bool = True
    profile: CameraProfile = field(default=CameraProfile(password=PASSWORD, info_delay_s=0.0))


FAULTS = (
    Case("refuse", Refuse, OFFLINE, "unreachable for", is_cut_off=True),
    Case("reboot", Reboot, OFFLINE, "unreachable for"),
    Case("unseen", Reboot, OFFLINE, "unreachable for", is_watched=False),
    Case(
        "no login",
        lambda: Cut(where="before_login", times=0),
        OFFLINE,
        "somebody answers, but no login for",
        is_cut_off=True,
    ),
    Case(
        "cut",
        lambda: Cut(where="in_frame", times=3),
        DEGRADED,
        "the connection was lost 3 times in the last minute",
    ),
    Case("truncate", Truncate, DEGRADED, "the connection was lost"),
    Case("silence", Silence, OFFLINE, "the camera has stopped answering"),
    Case("hung", Silence, OFFLINE, "the camera has stopped answering", is_watched=False),
    Case("stall", Stall, OFFLINE, "connected, but no picture for"),
    Case("burst", lambda: Burst(period_s=2.5), DEGRADED, "no picture for over 1 s"),
    Case("trickle", lambda: Trickle(bytes_per_s=15_000), DEGRADED, "pictures a second"),
    Case("lose_key_frames", LoseKeyFrames, DEGRADED, "no key frame for"),
    Case("garbage", lambda: Garbage(where="inside", every=2), DEGRADED, "damaged media"),
    Case("mute", Mute, DEGRADED, "no sound for"),
    Case(
        "wrong_password",
        WrongPassword,
        AUTH_FAILED,
        "check `username` and `password`",
        is_cut_off=True,
    ),
    Case("account_locked", AccountLocked, AUTH_FAILED, "locked the account", is_cut_off=True),
    Case("session_limit", SessionLimit, OFFLINE, "as many logins as it allows", is_cut_off=True),
    Case("busy", Busy, OFFLINE, "does not give this stream", is_cut_off=True),
    Case("privacy", Privacy, OFFLINE, "is the lens covered (privacy mode)"),
)

HARMLESS = (
    Case("clock_jump", ClockJump),
    Case("clock_standstill", ClockStandstill),
    Case("wrong_padding", WrongPadding),
    Case("keepalive_flood", KeepaliveFlood),
    Case("garbage between", Garbage),
    Case("wrong_magic", WrongMagic),
    Case("duplicate", Duplicate),
)
"""Faults that no viewer notices: nothing is to be said of them."""


ON_THE_PATH = ("neolink.camera", "neolink.hub")
"""Whose log lines name their camera, each of them."""

Judgement = Callable[[CameraHealth], bool]


class Looker:
    """Judges the bridge again and again, and lets others wait for what it finds."""

    def __init__(self, bridge: Bridge, limits: Thresholds) -> None:
        self._bridge = bridge
        self._watch = HealthWatch(limits)
        self._looked = asyncio.Condition()
        self._now: dict[str, CameraHealth] = {}

    async def run(self) -> None:
        while True:
            health = self._watch.update(self._bridge.observer.read())
            self._now = {camera.name: camera for camera in health.cameras}
            async with self._looked:
                self._looked.notify_all()
            await asyncio.sleep(LOOK_EVERY_S)

    def of(self, name: str) -> CameraHealth:
        return self._now[name]

    async def until(self, name: str, is_so: Judgement, limit_s: float) -> None:
        """Wait until a camera is called as wanted."""
        try:
            async with asyncio.timeout(limit_s), self._looked:
                await self._looked.wait_for(lambda: name in self._now and is_so(self._now[name]))
        except TimeoutError:
            raise AssertionError(f"{name}: not within {limit_s:g} s, but {self.of(name)}") from None

    async def stays(self, name: str, is_so: Judgement, seconds: float) -> None:
        """Fail if a camera is called otherwise within some seconds."""
        loop = asyncio.get_running_loop()
        ends_s = loop.time() + seconds
        while loop.time() < ends_s:
            async with self._looked:
                await self._looked.wait()
            assert is_so(self._now[name]), f"{name}: {self._now[name]}"


@asynccontextmanager
async def watched(
    cases: Sequence[Case], limits: Thresholds = SHORT_MEMORY
) -> AsyncIterator[tuple[Looker, dict[str, SimulatedCamera]]]:
    """Run a bridge before a camera for each case, and watch those that are to be watched."""
    async with AsyncExitStack() as stack:
        cameras = {
            case.name: await stack.enter_async_context(
                SimulatedCamera(replace(case.profile, name=case.name))
            )
            for case in cases
        }
        settings = [
            settings_for(
                camera,
                name=name,
                streams=(SUB,),
                auth_backoff_initial_s=1.0,
                auth_backoff_max_s=1.0,
            )
            for name, camera in cameras.items()
        ]
        running = await stack.enter_async_context(bridged(*settings, pace=PACE))
        for case in cases:
            if case.is_watched:
                stack.enter_context(running.bridge.streams[case.name, SUB].hold())
        looker = Looker(running.bridge, limits)
        looking = asyncio.create_task(looker.run(), name="looker")
        try:
            yield looker, cameras
        finally:
            looking.cancel()
            await asyncio.wait([looking])


def is_well(health: CameraHealth) -> bool:
    return health.health.state is OK and not health.health.reasons


@pytest.mark.parametrize(
    "limits", [SHORT_MEMORY, pytest.param(Thresholds(), marks=pytest.mark.slow)]
)
async def test_each_fault_has_its_state_and_words_within_15_s_and_an_end(
    limits: Thresholds, caplog: pytest.LogCaptureFixture
) -> None:
    async with watched(FAULTS, limits) as (looker, cameras):
        back_s = SOON_S + limits.memory_s
        follow = [_follow(case, cameras[case.name], looker, back_s) for case in FAULTS]
        _none_failed(await asyncio.gather(*follow, return_exceptions=True))
    told = [record for record in caplog.records if record.name.startswith(ON_THE_PATH)]
    assert {vars(record).get("camera") for record in told} == {case.name for case in FAULTS}


async def test_a_fault_that_nobody_notices_is_not_cried_out() -> None:
    async with watched(HARMLESS) as (looker, cameras):
        follow = [_ignore(case, cameras[case.name], looker) for case in HARMLESS]
        _none_failed(await asyncio.gather(*follow, return_exceptions=True))


async def _follow(case: Case, camera: SimulatedCamera, looker: Looker, back_s: float) -> None:
    """Let the fault begin, see it told, let it end, see that told too."""

    def is_told(health: CameraHealth) -> bool:
        told = any(case.words in reason for reason in health.health.reasons)
        return health.health.state is case.state and told

    await looker.until(case.name, is_well, SOON_S)
    await looker.stays(case.name, is_well, WARM_UP_S)
    camera.begin(case.make())
    if case.is_cut_off:
        camera.cut()
    await looker.until(case.name, is_told, SOON_S)
    if case.state is not DEGRADED:
        found = looker.of(case.name)
        assert found.streams[SUB].state is case.state or not case.is_watched, found
        assert found.health.doing, found
        await looker.stays(case.name, is_told, STEADY_S)
    camera.resume()
    await looker.until(case.name, is_well, back_s if case.state is DEGRADED else SOON_S)


async def _ignore(case: Case, camera: SimulatedCamera, looker: Looker) -> None:
    """Let the fault begin, and see that nothing is said of it."""
    await looker.until(case.name, is_well, SOON_S)
    await looker.stays(case.name, is_well, WARM_UP_S)
    camera.begin(case.make())
    await looker.stays(case.name, is_well, QUIET_S)
    assert camera.stats.faults[case.make().NAME], "it never began"


def _none_failed(ends: Sequence[BaseException | None]) -> None:
    texts = [f"{type(end).__name__}: {end}" for end in ends if end is not None]
    assert not texts, "\n".join(texts)
