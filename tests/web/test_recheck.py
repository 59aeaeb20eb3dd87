"""A stream that only an earlier run has seen: stills have it sent for a moment, once."""

from dataclasses import replace

import pytest

from neolink.camera.status import CameraState
from neolink.clock import SystemClock
from neolink.hub.demand import DemandState
from neolink.hub.memory import Remembered
from neolink.hub.stream import Stream
from neolink.media.tracks import Presentation, StreamKind
from neolink.readings import CameraReading
from neolink.web import recheck
from neolink.web.recheck import Recheck
from support.media import H264, video_unit
from support.readings import bridge_reading, camera_reading
from support.waiting import until
from support.web_bench import FakeView, running_server

SUB = StreamKind.SUB
PATH = "/api/v1/cameras/porch/snapshot.jpg?stream=sub"


class Recalled:
    """A memory that knows every stream."""

    def load(self, name: str) -> Remembered:
        del name
        return Remembered(Presentation(H264, None), video_unit(0, key=True))

    def save(self, name: str, remembered: Remembered) -> None:
        del name, remembered


def recalled_stream() -> Stream:
    return Stream("porch/sub", clock=SystemClock(), grace_s=0.0, memory=Recalled())


async def test_it_is_asked_for_once_and_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck, "FOR_S", 0.01)
    stream, once_more = recalled_stream(), Recheck()
    wishes: list[bool] = []
    stream.on_demand = wishes.append
    once_more.look(stream)
    await until(lambda: wishes == [True, False])
    once_more.look(stream)
    assert wishes == [True, False]
    stream.close()


async def test_a_stream_that_nobody_ever_saw_is_left_alone() -> None:
    stream = Stream("porch/sub", clock=SystemClock())
    Recheck().look(stream)
    assert stream.state is DemandState.IDLE
    stream.close()


async def test_everything_is_let_go_at_the_end() -> None:
    stream, once_more = recalled_stream(), Recheck()
    once_more.look(stream)
    once_more.close()
    await until(lambda: stream.state is DemandState.IDLE)
    stream.close()


AWAKE = camera_reading("porch")


@pytest.mark.parametrize(
    ("camera", "state"),
    [
        (AWAKE, DemandState.STARTING),
        (replace(AWAKE, is_battery=True), DemandState.IDLE),
        (replace(AWAKE, state=CameraState.IDLE), DemandState.IDLE),
    ],
)
async def test_stills_ask_for_it_where_that_costs_no_battery(
    camera: CameraReading, state: DemandState
) -> None:
    stream = recalled_stream()
    view = FakeView(bridge_reading(cameras=1, given=(camera,)), jpeg=b"\xff\xd8 a \xff\xd9")
    view.streams["porch", SUB] = stream
    async with running_server(view) as run, run.client.get(PATH) as answer:
        assert answer.status == 200
        assert stream.state is state
    stream.close()
