"""One writer, many readers: demand, description, and sinks that cannot hurt each other."""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from neolink.clock import ManualClock
from neolink.errors import DeadlineExceeded
from neolink.hub.demand import DemandState
from neolink.hub.stream import Stream
from neolink.media.tracks import ParameterSets, Presentation
from neolink.media.units import MediaUnit
from support.media import AAC, H264, H265, L16, Camera, publish_gop, video_unit

GRACE_S = 0.02


class Recorder:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.units: list[MediaUnit] = []
        self.changes: list[Presentation] = []
        self.log: list[MediaUnit | Presentation] = []
        self.stops = 0
        self.ends = 0

    def push(self, unit: MediaUnit) -> None:
        self.units.append(unit)
        self.log.append(unit)

    def presentation_changed(self, presentation: Presentation) -> None:
        self.changes.append(presentation)
        self.log.append(presentation)

    def source_stopped(self) -> None:
        self.stops += 1

    def source_ended(self) -> None:
        self.ends += 1


class Broken(Recorder):
    """A sink that breaks its promise never to raise."""

    def push(self, unit: MediaUnit) -> None:
        raise ValueError("a broken reader")

    def presentation_changed(self, presentation: Presentation) -> None:
        raise ValueError("a broken reader")

    def source_stopped(self) -> None:
        raise ValueError("a broken reader")

    def source_ended(self) -> None:
        raise ValueError("a broken reader")


class Watched(Stream):
    """A stream that notes what it asked of its camera."""

    def __init__(self) -> None:
        self.requests: list[bool] = []
        self.asked = asyncio.Event()
        self.clock = ManualClock()
        super().__init__("porch/main", clock=self.clock, grace_s=GRACE_S, on_demand=self._note)

    def _note(self, is_wanted: bool) -> None:
        self.requests.append(is_wanted)
        self.asked.set()

    async def until_stopped(self) -> None:
        async with asyncio.timeout(2):
            while not self.requests or self.requests[-1]:
                self.asked.clear()
                await self.asked.wait()


def state_of(stream: Stream) -> DemandState:
    return stream.state


@pytest.fixture
def stream() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.close()


# ---------------------------------------------------------------- demand


async def test_the_first_hold_asks_the_camera_once_for_ten_readers(stream: Watched) -> None:
    holds = [stream.hold() for _ in range(10)]
    assert stream.requests == [True]
    assert state_of(stream) is DemandState.STARTING
    publish_gop(stream)
    assert state_of(stream) is DemandState.LIVE
    for hold in holds[1:]:
        hold.release()
    assert state_of(stream) is DemandState.LIVE
    holds[0].release()
    assert state_of(stream) is DemandState.LINGERING
    await stream.until_stopped()
    assert stream.requests == [True, False]
    assert state_of(stream) is DemandState.IDLE


async def test_who_comes_back_within_the_grace_period_causes_no_request(stream: Watched) -> None:
    stream.hold().release()
    with stream.hold():
        await asyncio.sleep(2 * GRACE_S)  # longer than the grace period that must not end
        assert stream.requests == [True]
    await stream.until_stopped()
    assert stream.requests == [True, False]


async def test_a_hold_released_twice_counts_once(stream: Watched) -> None:
    first, second = stream.hold(), stream.hold()
    first.release()
    first.release()
    assert state_of(stream) is DemandState.STARTING
    second.release()
    assert state_of(stream) is DemandState.LINGERING


async def test_subscribing_alone_wants_nothing(stream: Watched) -> None:
    stream.subscribe(Recorder())
    assert stream.requests == []


async def test_a_lost_camera_is_still_wanted_and_sinks_learn_of_it(stream: Watched) -> None:
    sink = Recorder()
    stream.subscribe(sink)
    with stream.hold():
        publish_gop(stream)
        stream.source_lost()
        assert state_of(stream) is DemandState.HOLDING
        assert sink.stops == 1
        assert stream.requests == [True]


async def test_the_end_of_the_grace_period_tells_sinks_that_nothing_follows(
    stream: Watched,
) -> None:
    sink = Recorder()
    stream.subscribe(sink)
    stream.hold().release()
    await stream.until_stopped()
    assert sink.stops == 1


async def test_what_comes_after_the_stop_reaches_no_sink(stream: Watched) -> None:
    """Else it would be kept as the newest picture and shown to a player hours later."""
    sink = Recorder()
    stream.subscribe(sink)
    publish_gop(stream)
    assert sink.units == []
    assert state_of(stream) is DemandState.IDLE
    assert stream.counters.pictures == 5


async def test_closing_cancels_the_grace_period(stream: Watched) -> None:
    stream.hold().release()
    stream.close()
    await asyncio.sleep(2 * GRACE_S)
    assert stream.requests == [True]


# ---------------------------------------------------------------- sinks


async def test_every_sink_gets_every_unit_in_order_and_the_same_object(stream: Watched) -> None:
    sinks = [Recorder() for _ in range(3)]
    for sink in sinks:
        stream.subscribe(sink)
    with stream.hold():
        units = publish_gop(stream)
        stream.unsubscribe(sinks[1])
        last = video_unit(200_000)
        stream.publish(last)
    assert sinks[0].units == sinks[2].units == [*units, last]
    assert sinks[1].units == units
    assert stream.counters.received_bytes == sum(unit.size for unit in (*units, last))


async def test_a_sink_that_leaves_while_it_is_called_disturbs_nobody(stream: Watched) -> None:
    class Leaver(Recorder):
        def push(self, unit: MediaUnit) -> None:
            super().push(unit)
            stream.unsubscribe(self)

    leaver, other = Leaver(), Recorder()
    stream.subscribe(leaver)
    stream.subscribe(other)
    with stream.hold():
        units = publish_gop(stream)
    assert leaver.units == units[:1]
    assert other.units == units


async def test_a_failing_sink_harms_nobody(
    stream: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    good = Recorder()
    stream.subscribe(Broken())
    stream.subscribe(good)
    camera = Camera(stream, audio=L16)
    with caplog.at_level(logging.ERROR), stream.hold():
        camera.pictures(3)
        camera.video = H265
        camera.pictures(3)
        stream.source_lost()
    assert good.units == camera.sent
    assert len(good.changes) == 1
    assert good.stops == 1
    assert stream.sink_failures == len(camera.sent) + 2
    assert len(caplog.records) == 1


# ---------------------------------------------------------------- description


async def test_describe_starts_an_unknown_stream_and_lets_go(stream: Watched) -> None:
    describing = asyncio.create_task(stream.describe(2))
    await stream.asked.wait()
    Camera(stream, audio=L16).pictures(2)
    assert await describing == Presentation(H264, L16)
    assert state_of(stream) is DemandState.LINGERING


async def test_describe_of_a_known_stream_asks_no_camera(stream: Watched) -> None:
    with stream.hold():
        Camera(stream, audio=L16).pictures(2)
    await stream.until_stopped()
    assert await stream.describe(0.001) == Presentation(H264, L16)
    assert stream.requests == [True, False]


async def test_many_who_describe_at_once_cause_one_request(stream: Watched) -> None:
    describing = [asyncio.create_task(stream.describe(2)) for _ in range(10)]
    await stream.asked.wait()
    Camera(stream, audio=AAC).pictures(3)
    answers = await asyncio.gather(*describing)
    assert answers == [Presentation(H264, AAC)] * 10
    assert stream.requests == [True]


async def test_describe_gives_up_at_its_deadline_and_lets_go(stream: Watched) -> None:
    with pytest.raises(DeadlineExceeded, match=r"porch/main: no picture within 0.01 s"):
        await stream.describe(0.01)
    assert state_of(stream) is DemandState.LINGERING
    await stream.until_stopped()


async def test_describe_that_is_cancelled_lets_go(stream: Watched) -> None:
    describing = asyncio.create_task(stream.describe(10))
    await stream.asked.wait()
    describing.cancel()
    await asyncio.gather(describing, return_exceptions=True)
    assert state_of(stream) is DemandState.LINGERING


async def test_a_stream_without_sound_is_described_after_a_silent_second(stream: Watched) -> None:
    camera = Camera(stream, fps=25)
    with stream.hold():
        camera.pictures(25)
        assert stream.presentation is None
        camera.picture()
        assert stream.presentation == Presentation(H264, None)


async def test_a_muted_track_stays_described(stream: Watched) -> None:
    sink = Recorder()
    stream.subscribe(sink)
    camera = Camera(stream, audio=AAC)
    with stream.hold():
        camera.pictures(3)
        stream.source_lost()
        camera.audio = None
        camera.pictures(60)
    assert stream.presentation == Presentation(H264, AAC)
    assert sink.changes == []


async def test_sound_that_appears_late_concerns_only_later_players(stream: Watched) -> None:
    sink = Recorder()
    stream.subscribe(sink)
    camera = Camera(stream)
    with stream.hold():
        camera.pictures(30)
        version = stream.description_version
        camera.audio = L16
        camera.picture()
    assert stream.presentation == Presentation(H264, L16)
    assert stream.description_version == version + 1
    assert sink.changes == []


async def test_new_parameter_sets_change_the_description_but_not_the_sessions(
    stream: Watched,
) -> None:
    sink = Recorder()
    stream.subscribe(sink)
    camera = Camera(stream, audio=L16)
    with stream.hold():
        camera.pictures(3)
        version = stream.description_version
        sets = ParameterSets(b"\x67\x64\x00\x28\x01", H264.parameter_sets.pps)
        camera.video = replace(H264, parameter_sets=sets, width=1280, height=720)
        camera.picture(key=True)
        camera.pictures(3)
    assert stream.presentation == Presentation(camera.video, L16)
    assert stream.description_version == version + 1
    assert sink.changes == []


async def test_another_size_is_logged_also_where_it_changes_all_the_time(
    stream: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    camera = Camera(stream)
    sizes = ((640, 360), (1280, 720))

    def told() -> list[str]:
        return [text for text in caplog.messages if text.startswith("pictures are")]

    with stream.hold():
        camera.pictures(30)
        for number in range(1, 12):
            width, height = sizes[number % 2]
            sets = ParameterSets(b"\x67\x64\x00%c" % number, H264.parameter_sets.pps)
            camera.video = replace(H264, parameter_sets=sets, width=width, height=height)
            camera.picture(key=True)
        usual = "pictures are 1280x720 now and were 640x360; players go on, in the same session"
        assert told() == [usual]
        stream.clock.advance(11)
        sets = ParameterSets(b"\x67\x64\x00\x63", H264.parameter_sets.pps)
        camera.video = replace(camera.video, parameter_sets=sets)
        camera.picture(key=True)
        assert told() == [usual], "other parameter sets are no other size"
        camera.video = H264
        camera.picture(key=True)
    (last,) = told()[1:]
    assert last.startswith("pictures are 640x360 now and were 1280x720; ")
    assert last.endswith(" (10 more like this held back)")


@pytest.mark.parametrize("is_lost_between", [False, True])
async def test_another_codec_is_told_before_its_first_picture(
    stream: Watched, is_lost_between: bool
) -> None:
    """Also after a loss: who describes the stream then must not get the old codec."""
    sink = Recorder()
    stream.subscribe(sink)
    camera = Camera(stream, audio=L16)
    with stream.hold():
        camera.pictures(3)
        if is_lost_between:
            stream.source_lost()
        camera.video, camera.audio = H265, None
        picture = camera.picture(key=True)
    assert sink.log[-2:] == [Presentation(H265, L16), picture]
    assert stream.presentation == Presentation(H265, L16)


async def test_another_sound_format_must_be_described_again(stream: Watched) -> None:
    sink = Recorder()
    stream.subscribe(sink)
    camera = Camera(stream, audio=L16)
    with stream.hold():
        camera.pictures(3)
        camera.audio = AAC
        camera.pictures(3)
    assert sink.changes == [Presentation(H264, AAC)]


async def test_an_equal_track_in_a_new_object_changes_nothing(stream: Watched) -> None:
    sink = Recorder()
    stream.subscribe(sink)
    camera = Camera(stream, audio=L16)
    with stream.hold():
        camera.pictures(3)
        version = stream.description_version
        camera.video, camera.audio = replace(H264), replace(L16)
        camera.pictures(3)
    assert stream.description_version == version
    assert sink.changes == []
