"""One damaged length swallows all that follows: the stream is made anew, and viewers see it."""

from dataclasses import dataclass

import pytest

from neolink.camera import stream as stream_module
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import Fault
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PROFILE, settings_for
from support.scenario import bridged, until_soon, watching

SUB = StreamKind.SUB
DELTA_FRAMES = (b"01dc", b"11dc")


@dataclass(kw_only=True, eq=False)
class SwallowingLength(Fault):
    """The next delta frame claims to have 7 MB, which is below every bound."""

    was_sent: bool = False

    def on_media(self, data: bytes) -> bytes:
        if self.was_sent or data[:4] not in DELTA_FRAMES:
            return data
        self.was_sent = True
        return data[:8] + (7_000_000).to_bytes(4, "little") + data[12:]


async def test_a_length_that_swallows_the_stream_costs_a_new_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream_module, "BLIND_S", 1.0)
    monkeypatch.setattr(stream_module, "CHECK_S", 0.1)
    monkeypatch.setattr(stream_module, "RETRY_INITIAL_S", 0.05)
    async with (
        SimulatedCamera(PROFILE) as camera,
        bridged(settings_for(camera)) as running,
        watching(running.url("porch", "sub"), PROFILE.clip(SUB)) as viewer,
    ):
        await viewer.until_more(5)
        fault = SwallowingLength()
        camera.begin(fault)
        await until_soon(lambda: fault.was_sent)
        seen = len(viewer.pictures)
        await until_soon(lambda: len(set(viewer.numbers[seen:])) > 3, "live video", 15)
        assert camera.stats.video_starts[0, SUB] == 2
        assert camera.stats.logins == 1
