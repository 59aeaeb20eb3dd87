"""A device's life: keep-alive, losses at any point, idleness, failures of our own."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest

from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageClass, MessageId, Status
from neolink.baichuan.server import Requested
from neolink.camera import stream as stream_module
from neolink.camera import supervisor as supervisor_module
from neolink.camera.session import CameraSession
from neolink.camera.status import CameraState
from neolink.media.tracks import VIDEO_CLOCK_RATE, StreamKind
from neolink.simulator.faults import Busy, Reboot, Silence, Stall, Truncate
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.camera_bench import HOST, PROFILE, Peer, Recorder, eventually, rigged, scripted
from support.waiting import until

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB


def strictly_increasing(values: list[int]) -> bool:
    return all(later > earlier for earlier, later in pairwise(values))


def has_connected(count: int) -> Callable[[CameraStats], bool]:
    return lambda stats: stats.logins >= count


def has_lost(recorder: Recorder, count: int) -> bool:
    return recorder.losses == count


# ---------------------------------------------------------------- keep-alive
async def test_the_camera_is_pinged_at_every_interval() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with rigged(camera, wanted=False, ping_interval_s=0.05):
            await camera.wait_for(lambda stats: stats.pings >= 5)
            assert loop.time() - began_s > 0.24
            assert camera.stats.connections == 1


@pytest.mark.parametrize("status", [Status.BAD_REQUEST, Status.NOT_ALLOWED])
async def test_a_camera_that_does_not_know_pings_is_alive(status: Status) -> None:
    pings = 0

    def count(request: Requested) -> None:
        nonlocal pings
        pings += request.message_id == MessageId.PING

    async def camera(peer: Peer) -> None:
        await peer.admit()
        await peer.serve(statuses={MessageId.PING: status}, on_request=count)

    async with (
        scripted(camera) as port,
        rigged(port, wanted=False, ping_interval_s=0.01, ping_timeout_s=0.05) as rig,
    ):
        await eventually(lambda: pings >= 10)
        assert rig.camera.status.failures == 0


async def test_the_sixth_unanswered_ping_in_a_row_ends_the_connection() -> None:
    pings: list[int] = []
    logins = 0

    async def camera(peer: Peer) -> None:
        nonlocal logins
        await peer.admit()
        logins += 1
        pings.append(0)
        while True:
            request = await peer.request()
            pings[-1] += request.message_id == MessageId.PING
            # the 4th is answered: what was missed before it does not count
            if request.message_id != MessageId.PING or pings[-1] == 4:
                peer.protocol.reply(request.header)
                peer.send()

    async with (
        scripted(camera) as port,
        rigged(
            port, wanted=False, ping_interval_s=0.01, ping_timeout_s=0.03, stop_timeout_s=0.02
        ) as rig,
    ):
        await eventually(lambda: logins == 2)
        assert pings[0] == 4 + 6
        assert "6 pings in a row" in rig.camera.status.last_error


@pytest.mark.parametrize("is_whole", [True, False])
async def test_any_message_counts_as_alive_but_bytes_alone_do_not(is_whole: bool) -> None:
    """Pings are never answered, but something comes: a push, or more of an endless message."""
    pings = 0

    async def camera(peer: Peer) -> None:
        nonlocal pings
        await peer.admit()
        long = Header(MessageId.PREVIEW_START, 1_000_000, number=9, message_class=0)
        push = Header(MessageId.VIDEO_INPUT_CHANGED, message_class=0, status=200)
        if not is_whole:
            peer.send(long.serialize())
        while True:
            request = await peer.request()
            pings += request.message_id == MessageId.PING
            peer.send(push.serialize() if is_whole else b"\0")

    async with (
        scripted(camera) as port,
        rigged(
            port,
            wanted=False,
            ping_interval_s=0.005,
            ping_timeout_s=0.02,
            stop_timeout_s=0.01,
        ) as rig,
    ):
        await eventually(lambda: pings >= 10)
        assert (rig.camera.status.failures == 0) is is_whole


async def test_a_keep_alive_of_the_camera_is_answered() -> None:
    answer: asyncio.Future[Requested] = asyncio.get_running_loop().create_future()

    async def camera(peer: Peer) -> None:
        await peer.admit()
        peer.protocol.push(MessageId.UDP_KEEPALIVE, b"", number=77)
        peer.send()
        while True:
            request = await peer.request()
            if request.message_id == MessageId.UDP_KEEPALIVE:
                answer.set_result(request)

    async with scripted(camera) as port, rigged(port, wanted=False, stop_timeout_s=0.01):
        async with asyncio.timeout(3):
            header = (await answer).header
        assert (header.status, header.number) == (Status.OK, 77)
        assert header.message_class == MessageClass.REQUEST


# ---------------------------------------------------------------- losses
class Leg(asyncio.Protocol):
    """One side of a proxy: what it receives goes out on the other, up to a limit."""

    def __init__(self, limit: int = 1 << 40) -> None:
        self.other: Leg | None = None
        self.transport: asyncio.Transport | None = None
        self._limit = limit

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        assert self.other is not None
        assert self.other.transport is not None
        self.other.transport.write(data[: self._limit])
        self._limit -= len(data)
        if self._limit <= 0:
            self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end()

    def end(self) -> None:
        for leg in (self, self.other):
            if leg is not None and leg.transport is not None:
                leg.transport.close()


@asynccontextmanager
async def cutting(
    port: int, *lengths: int, came: Callable[[], None] = lambda: None
) -> AsyncIterator[int]:
    """Forward connections to a camera; the n-th is closed after so many bytes from the camera.

    ``came`` is called with each of them, before anything is forwarded.
    """
    loop = asyncio.get_running_loop()
    left = list(lengths)
    connecting: set[asyncio.Task[None]] = set()

    class Near(Leg):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            came()
            assert self.transport is not None
            self.transport.pause_reading()
            connecting.add(loop.create_task(self.join(left.pop(0) if left else 1 << 40)))

        async def join(self, limit: int) -> None:
            if not limit:
                self.end()
                return
            _, self.other = await loop.create_connection(lambda: Leg(limit), HOST, port)
            self.other.other = self
            assert self.transport is not None
            if self.transport.is_closing():
                self.end()
            else:
                self.transport.resume_reading()

    server = await loop.create_server(Near, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.gather(*connecting)


@pytest.mark.parametrize(
    "length",
    [0, 1, 10, 20, 100, 300, 2000, 3500, 4000, 20_000, 20_001, 30_000],
)
async def test_a_connection_cut_after_any_number_of_bytes_is_made_anew(length: int) -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        cutting(camera.port, length) as port,
        rigged(port, SUB) as rig,
    ):
        await eventually(lambda: rig.camera.status.failures == 1)
        before, losses = len(rig.main.units), rig.main.losses
        assert losses == (1 if before else 0)
        await rig.main.until_pictures(3)
        fresh = [unit for unit in rig.main.units[before:] if unit in rig.main.pictures]
        assert fresh[0].is_random_access
        assert strictly_increasing([unit.pts for unit in rig.main.pictures])
        assert rig.main.losses == losses
        assert rig.camera.status.state is CameraState.CONNECTED


async def test_reconnects_pause_ever_longer(caplog: pytest.LogCaptureFixture) -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()
    async with (
        SimulatedCamera(PROFILE) as camera,
        cutting(camera.port, *[3000] * 4, came=lambda: times.append(loop.time())) as port,
        rigged(port, SUB, backoff_initial_s=0.02, backoff_max_s=0.08) as rig,
    ):
        await camera.wait_for(has_connected(5))
        pauses = [later - earlier for earlier, later in pairwise(times)]
        for pause_s, least_s in zip(pauses, (0.02, 0.04, 0.08, 0.08), strict=True):
            assert pause_s > least_s * 0.9
        await rig.main.until_pictures(1)
    lost = [one for one in caplog.records if "Connection Lost" in one.message]
    assert len(lost) == 1


@pytest.mark.parametrize("fault", [Reboot, Truncate])
async def test_timestamps_count_the_time_that_the_camera_was_away(
    fault: type[Reboot | Truncate],
) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(3)
        camera.begin(fault())
        await rig.main.until(lambda: rig.main.losses == 1)
        loop = asyncio.get_running_loop()
        last, lost_s, before = rig.main.pictures[-1].pts, loop.time(), len(rig.main.pictures)
        await asyncio.sleep(0.3)
        camera.resume()
        await rig.main.until_pictures(1)
        first = rig.main.pictures[before]
        away_s = loop.time() - lost_s
        assert first.is_random_access
        assert (first.pts - last) / VIDEO_CLOCK_RATE == pytest.approx(away_s, abs=0.12)
        assert rig.main.losses == 1


async def test_each_loss_is_told_once_per_stream_that_was_running() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, MAIN, SUB) as rig:
        rig.streams[1].request(False)
        for count in range(1, 4):
            await rig.main.until_pictures(2)
            camera.cut()
            await rig.main.until(partial(has_lost, rig.main, count))
        await rig.main.until_pictures(1)
        assert [recorder.losses for recorder in rig.media] == [3, 0]
        assert camera.stats.connections == 4


async def test_a_stream_stopped_on_purpose_is_not_lost_with_the_connection_later() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(2)
        rig.stream.request(False)
        await camera.wait_for(lambda stats: not stats.active_streams)
        camera.cut()
        await camera.wait_for(lambda stats: stats.logins == 2)
        assert rig.main.losses == 0


def own_tasks() -> set[str]:
    """Names of the tasks that serve the camera."""
    return {name for one in asyncio.all_tasks() if (name := one.get_name()).startswith("porch ")}


async def test_a_hundred_losses_leave_nothing_behind() -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, SUB, backoff_initial_s=0.0, backoff_max_s=0.0) as rig,
    ):
        for count in range(1, 101):
            await camera.wait_for(has_connected(count))
            camera.cut()
        await rig.main.until_pictures(1)
        await until(lambda: own_tasks() == {"porch streams", "porch sub", "porch motion"})
        assert rig.camera.status.state is CameraState.CONNECTED


# ---------------------------------------------------------------- garbage
async def test_garbage_between_messages_is_counted_told_once_and_survived(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(2)
        (client,) = camera._device.clients
        huge = Header(MessageId.PING, 0xFFFFFFFF, message_class=MessageClass.REPLY).serialize()
        for junk in (b"\x55" * 64, huge, b"\x55" * 7):
            client._outlet.send(junk)  # type: ignore[attr-defined]  # between two messages
            await rig.main.until_pictures(2)
        assert camera.stats.logins == 1
        assert rig.main.losses == 0
        assert rig.camera.status.failures == 0
    (record,) = [one for one in caplog.records if "damaged data" in one.message]
    assert "64 bytes skipped at byte " in record.message
    assert record.__dict__["camera"] == "porch"


async def test_a_document_type_in_an_answer_is_no_more_than_a_message_skipped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><body><a>&b;</a></body>'
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB, update_time=True) as rig:
        await rig.main.until_pictures(1)
        camera.push(MessageId.BATTERY_LIST, bomb)
        await rig.main.until_pictures(2)
        assert rig.camera.status.failures == 0
    assert not [one for one in caplog.records if one.exc_info]


async def test_a_handler_that_fails_ends_the_connection_with_a_traceback_and_no_more(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(1)
        with monkeypatch.context() as patch:
            patch.setattr(rig.stream.demuxer, "_publish", lambda _: 1 / 0)
            await eventually(lambda: rig.camera.status.failures == 1)
        await rig.main.until_pictures(1)
    (record,) = [one for one in caplog.records if one.exc_info]
    assert record.message == "a message could not be handled"


# ---------------------------------------------------------------- idleness
@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "IDLE_CHECK_S", 0.01)
    monkeypatch.setattr(stream_module, "CHECK_S", 0.02)


async def test_a_camera_to_be_left_alone_is_not_connected_until_it_is_wanted(hasty: None) -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, MAIN, SUB, wanted=False, idle_disconnect=True) as rig,
    ):
        await asyncio.sleep(0.1)
        assert camera.stats.connections == 0
        assert rig.camera.status.state is CameraState.IDLE
        rig.streams[1].request(True)
        await rig.media[1].until_pictures(1)
        assert camera.stats.video_starts == {(0, SUB): 1}


async def test_an_unused_camera_is_logged_out_after_the_grace_period(
    hasty: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, SUB, idle_disconnect=True, idle_grace_s=0.2) as rig,
    ):
        await rig.main.until_pictures(2)
        await asyncio.sleep(0.3)
        assert camera.stats.open_sessions == 1  # in use
        loop = asyncio.get_running_loop()
        unused_s = loop.time()
        rig.stream.request(False)
        await camera.wait_for(lambda stats: not stats.open_connections)
        assert loop.time() - unused_s > 0.18
        assert camera.stats.requests[MessageId.LOGOUT] == 1
        await rig.until_state(CameraState.IDLE)
        assert rig.camera.status.failures == 0
        assert rig.main.losses == 0
        rig.stream.request(True)
        await rig.main.until_pictures(1)
        assert camera.stats.logins == 2
    assert "logged out: nobody has used the camera" in caplog.text


async def test_no_grace_at_all_does_not_log_out_a_camera_in_use(hasty: None) -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, SUB, idle_disconnect=True, idle_grace_s=0.0) as rig,
    ):
        await rig.main.until_pictures(3)
        assert camera.stats.logins == 1
        rig.stream.request(False)
        await camera.wait_for(lambda stats: not stats.open_connections)


async def test_a_camera_without_streams_that_is_to_be_left_alone_is_left_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, idle_disconnect=True) as rig:
        await rig.main.until_pictures(1)
        bare = supervisor_module.Camera(
            replace(rig.camera.settings, streams=()),
            (),
            clock=rig.camera._clock,
            limiter=rig.camera._limiter,
        )
        task = asyncio.create_task(bare.run())
        done, _ = await asyncio.wait([task], timeout=0.05)
        assert not done
        assert camera.stats.connections == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_unreachable_camera_that_nobody_wants_any_more_is_left_alone(
    hasty: None, unused_tcp_port: int
) -> None:
    async with rigged(unused_tcp_port, SUB, idle_disconnect=True, backoff_max_s=0.05) as rig:
        await eventually(lambda: rig.camera.status.failures >= 2)
        rig.stream.request(False)
        await rig.until_state(CameraState.IDLE)


# ---------------------------------------------------------------- the end
async def test_a_cancellation_during_the_end_of_a_connection_is_not_swallowed(
    hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The streams' stops are under way, unanswered, because of an error, when the end comes."""
    stopping = asyncio.Event()
    stop_video = CameraSession.stop_video

    async def noted(self: CameraSession, *arguments: object) -> None:
        stopping.set()
        await stop_video(self, *arguments)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(CameraSession, "stop_video", noted)
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(
            camera,
            SUB,
            ping_interval_s=0.01,
            ping_timeout_s=0.02,
            max_missed_pings=0,
            stop_timeout_s=0.2,
        ) as rig,
    ):
        await rig.main.until_pictures(1)
        camera.begin(Silence())
        async with asyncio.timeout(3):
            await stopping.wait()
            rig.task.cancel()
            await asyncio.wait([rig.task])
        assert rig.task.cancelled()
        assert camera.stats.connections == 1


async def test_the_end_of_a_camera_stops_its_streams_and_logs_out() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, MAIN, SUB) as rig:
        for recorder in rig.media:
            await recorder.until_pictures(1)
        await rig.stop()
        assert camera.stats.video_stops == camera.stats.video_starts
        assert camera.stats.requests[MessageId.PREVIEW_STOP] == 2
        assert camera.stats.requests[MessageId.LOGOUT] == 1
        await camera.wait_for(lambda stats: not stats.open_connections)


async def test_the_end_of_a_camera_that_is_silent_takes_no_longer_than_two_answers() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB, stop_timeout_s=0.1) as rig:
        await rig.main.until_pictures(1)
        camera.begin(Silence())
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        await rig.stop()
        assert loop.time() - began_s < 0.6


async def test_a_fault_of_ours_is_seen_in_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(supervisor_module, "set_clock_if_needed", broken)
    async with SimulatedCamera(PROFILE) as camera:
        async with rigged(camera, SUB) as rig:
            await asyncio.wait([rig.task])
            assert isinstance(rig.task.exception(), ExceptionGroup)
            assert rig.camera.status.state is CameraState.WAITING
            assert "ours" in rig.camera.status.last_error
            assert rig.camera.status.failures == 1
        await camera.wait_for(lambda stats: not stats.open_connections)


async def test_a_fault_of_ours_does_not_swallow_a_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fault ends the connection; the end comes while the streams' stops are under way."""
    has_started, is_stopping = asyncio.Event(), asyncio.Event()
    events = {MessageId.PREVIEW_START: has_started, MessageId.PREVIEW_STOP: is_stopping}

    async def broken(*_: object, **__: object) -> None:
        await has_started.wait()
        raise ZeroDivisionError("ours")

    async def camera(peer: Peer) -> None:
        await peer.admit()
        while True:
            request = await peer.request()
            if request.message_id in events:
                events[MessageId(request.message_id)].set()

    monkeypatch.setattr(supervisor_module, "set_clock_if_needed", broken)
    async with scripted(camera) as port, rigged(port, SUB, stop_timeout_s=0.1) as rig:
        async with asyncio.timeout(3):
            await is_stopping.wait()
            rig.task.cancel()
            await asyncio.wait([rig.task])
        assert rig.task.cancelled()


async def test_a_stall_of_one_stream_does_not_touch_the_status(hasty: None) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(1)
        camera.inject(Stall(), 0.1)
        camera.inject(Busy(), 0.1)
        await rig.main.until_pictures(5)
        assert rig.camera.status.failures == 0
        assert isinstance(rig.main, Recorder)
