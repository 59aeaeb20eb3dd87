"""T6: one change of a stream's state in five fails.

The log warns, players are shown what they should see all the same, a camera that nobody watches is
let go, and no exception gets anywhere.
"""

import logging
from contextlib import AsyncExitStack
from functools import partial
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError
from neolink.hub.demand import Demand, DemandEvent, DemandState
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import Refuse
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.camera_bench import PROFILE, settings_for
from support.scenario import Pace, Resources, Viewer, bridged, until_soon, watching

SUB = StreamKind.SUB
CLIP = PROFILE.clip(SUB)
FAILURE_RATE = 0.2
PACE = Pace(lost_hold_s=0.1, interval_s=0.1, grace_s=0.05)


class UnreliableDemand(Demand):
    """Refuses events by chance, which otherwise only a mistake of ours could cause."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance
        self.failures = 0
        self.changes = 0

    def handle(self, event: DemandEvent) -> DemandState:
        self.changes += 1
        if self._chance.random() < FAILURE_RATE:
            self.failures += 1
            raise LocalProtocolError(f"stream is {self.state}: {event} fails by chance")
        return super().handle(event)


@pytest.mark.parametrize(
    ("rounds", "seed"),
    [(3, 1), pytest.param(60, 2, marks=[pytest.mark.slow, pytest.mark.timeout(300)])],
)
async def test_players_see_the_camera_whatever_fails(
    rounds: int, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with AsyncExitStack() as stack:
        camera = await stack.enter_async_context(SimulatedCamera(PROFILE))
        settings = settings_for(camera, backoff_initial_s=0.02, backoff_max_s=0.05)
        running = await stack.enter_async_context(bridged(settings, pace=PACE))
        stream = running.bridge.streams["porch", SUB]
        demand = stream._demand = UnreliableDemand(Random(seed))
        await camera.wait_for(_is_logged_in)
        before = await Resources.settled()
        for _ in range(rounds):
            for transport in ("tcp", "udp"):
                async with watching(running.url("porch", "sub"), CLIP, transport) as viewer:
                    await _see_loss_and_return(camera, viewer)
                    assert viewer.track.gaps == 0
                    assert (await viewer.client.teardown()).status == 200
                await camera.wait_for(_is_at_rest)
                await until_soon(lambda: stream.state is DemandState.IDLE)
        await before.until_again()
        assert stream.sink_failures == 0
        assert demand.failures >= rounds
        told = [one for one in caplog.records if "fails by chance" in one.getMessage()]
        assert told
        for record in told:
            assert record.levelno == logging.WARNING
            assert (vars(record)["camera"], vars(record)["stream"]) == ("porch", "subStream")
            assert record.getMessage().startswith("stream is ")
            assert "going on as " in record.getMessage()


async def _see_loss_and_return(camera: SimulatedCamera, viewer: Viewer) -> None:
    await viewer.until_more(4)
    camera.begin(Refuse())
    camera.cut()
    await until_soon(lambda: viewer.numbers[-1] == viewer.numbers[-2], "a stand-in, twice")
    start = len(viewer.pictures)
    camera.resume()
    await until_soon(partial(_is_live, viewer, start), "live video")


def _is_live(viewer: Viewer, start: int) -> bool:
    return {0, 1, 2} <= {picture.number for picture in viewer.pictures[start:]}


def _is_logged_in(stats: CameraStats) -> bool:
    return stats.open_sessions == 1


def _is_at_rest(stats: CameraStats) -> bool:
    return not stats.active_streams


@given(
    st.lists(st.tuples(st.sampled_from(["join", "leave", "unit", "lost", "hold"]), st.booleans()))
)
def test_nothing_streams_without_a_reader_and_no_reader_waits_for_nothing(
    events: list[tuple[str, bool]],
) -> None:
    """Model: a count of readers. Each event may be refused; a grace period ends at once."""
    demand, readers = Demand(), 0

    def move(event: DemandEvent, *, is_refused: bool) -> None:
        if is_refused:
            demand.settle(event, is_held=readers > 0)
        else:
            demand.handle(event)

    for name, is_refused in events:
        step = partial(move, is_refused=is_refused)
        match name:
            case "join":
                readers += 1
                if readers == 1:
                    step(DemandEvent.FIRST_JOINED)
            case "leave" if readers:
                readers -= 1
                if not readers:
                    step(DemandEvent.LAST_LEFT)
                    assert demand.state is DemandState.LINGERING
                    step(DemandEvent.GRACE_OVER)
            case "unit":
                step(DemandEvent.UNIT_CAME)
                assert (demand.state is DemandState.LIVE) == (readers > 0)
            case "lost":
                step(DemandEvent.SOURCE_LOST)
            case "hold" if demand.state in (DemandState.STARTING, DemandState.HOLDING):
                step(DemandEvent.HOLD_OVER)
                assert str(demand.state) == "placeholder"
        assert demand.is_wanted == (readers > 0)
        assert demand.state is not DemandState.LINGERING


@pytest.mark.parametrize("event", list(DemandEvent))
@pytest.mark.parametrize("state", list(DemandState))
def test_an_event_that_comes_out_of_turn_never_takes_a_stream_from_its_readers(
    state: DemandState, event: DemandEvent
) -> None:
    demand = Demand()
    watched = state not in (DemandState.IDLE, DemandState.LINGERING)
    demand.state = state
    after = demand.settle(event, is_held=watched)
    assert (after not in (DemandState.IDLE, DemandState.LINGERING)) == watched
