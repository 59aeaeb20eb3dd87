"""Readings of a real bridge in front of simulated cameras: what happens to it is what they tell."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from functools import partial

import pytest

from neolink.camera import stream as stream_module
from neolink.camera.failures import LossCause
from neolink.camera.settings import CameraSettings
from neolink.camera.status import CameraState
from neolink.hub.demand import DemandState
from neolink.media.tracks import StreamKind
from neolink.metrics.text import render
from neolink.readings import CameraReading, PlayerReading, ProcessReading, StreamReading, Transport
from neolink.rtp.rtcp import PictureLossIndication, ReceiverReport, ReportBlock
from neolink.rtsp_server.settings import RtspLimits, RtspSettings
from neolink.simulator.faults import Cut, Fault, Garbage, Silence, Stall
from neolink.simulator.server import SimulatedCamera
from support.bridge import HOST, RunningBridge
from support.camera_bench import PROFILE, settings_for
from support.rtsp_client import RtspClient
from support.scenario import bridged, until_soon

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
FAST = replace(PROFILE, frame_rate=50)
NOWHERE = "224.0.0.1"
"""No TCP connection leads to a group address: the system refuses without sending anything."""


def camera_of(running: RunningBridge, name: str = "porch") -> CameraReading:
    cameras = running.bridge.observer.read().cameras
    return next(one for one in cameras if one.name == name)


def _process(running: RunningBridge) -> ProcessReading:
    return running.bridge.observer.read().process


def stream_of(running: RunningBridge, kind: StreamKind = MAIN) -> StreamReading:
    return next(one for one in camera_of(running).streams if one.kind is kind)


@asynccontextmanager
async def playing(
    rtsp: RtspSettings | None = None,
) -> AsyncIterator[tuple[RunningBridge, RtspClient]]:
    """Run a camera and a bridge, and one player of the main stream over TCP."""
    async with (
        SimulatedCamera(FAST) as camera,
        bridged(settings_for(camera), rtsp=rtsp) as running,
        RtspClient(running.url("porch")) as player,
    ):
        await player.watch(0)
        await player.until(lambda: len(player.tracks[0].packets) > 10)
        yield running, player


# ---------------------------------------------------------------- all is well
async def test_a_stream_that_plays_is_told_with_all_its_figures() -> None:
    async with playing() as (running, _):
        main = stream_of(running)
        await until_soon(lambda: stream_of(running).pictures >= main.pictures + 100)
        camera, main, process = camera_of(running), stream_of(running), _process(running)
        idle = stream_of(running, SUB)
    assert (camera.state, camera.connects, camera.failures) == (CameraState.CONNECTED, 1, 0)
    assert camera.model == PROFILE.model
    assert camera.awake_s > 1
    assert not any(camera.reconnects.values())
    assert main.state is DemandState.LIVE
    assert main.fps == pytest.approx(50, rel=0.25)
    assert main.nominal_fps == 25, "the pictures themselves say less than the camera"
    assert main.bitrate_bps > 100_000
    assert main.last_picture_age_s is not None
    assert main.last_picture_age_s < 1
    assert (main.starts, main.stalls, main.damages) == (1, 0, 0)
    assert main.setup_times.count == 1
    assert not any(main.dropped.values())
    assert (idle.state, idle.pictures, idle.players) == (DemandState.IDLE, 0, ())
    assert process.is_ready
    assert process.connections == 1
    assert process.tasks > 5
    assert process.pool.hits > 100
    assert process.pool.held_bytes >= process.pool.leased_bytes >= 0
    assert process.rss_bytes > 10_000_000


async def test_a_scrape_of_the_running_bridge_tells_the_same() -> None:
    async with playing() as (running, _):
        text = "".join(render(running.bridge.observer.read(), {"porch": "ok"}))
    for line in (
        'neolink_camera_connected{camera="porch"} 1',
        'neolink_stream_active{camera="porch",stream="main"} 1',
        'neolink_stream_active{camera="porch",stream="sub"} 0',
        'neolink_clients{camera="porch",stream="main"} 1',
        'neolink_player_playing{player="1",camera="porch",stream="main",transport="tcp"} 1',
    ):
        assert f"\n{line}\n" in text, line


async def test_a_loop_that_is_held_is_late() -> None:
    async with playing() as (running, _):
        before = _process(running).loop_lags.count
        await until_soon(lambda: _process(running).loop_lags.count > before)
        time.sleep(0.6)  # noqa: ASYNC251 - what it looks for
        await until_soon(lambda: _process(running).loop_lag_s > 0.3, "the lateness", 2.0)
        assert _process(running).loop_lag_s < 1.5


async def test_awake_time_stands_still_while_the_camera_is_left_alone() -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        bridged(settings_for(camera, idle_disconnect=True, idle_grace_s=0.1)) as running,
    ):
        assert camera_of(running).state is CameraState.IDLE
        assert camera_of(running).awake_s == 0
        async with RtspClient(running.url("porch")) as player:
            await player.watch(0)
            await until_soon(lambda: camera_of(running).awake_s > 0)
        await until_soon(lambda: camera_of(running).state is CameraState.IDLE, limit_s=8)
        awake_s = camera_of(running).awake_s
        await asyncio.sleep(0.3)  # nothing announces that a number stays
        assert camera_of(running).awake_s == awake_s
        assert not any(camera_of(running).reconnects.values()), "an end on purpose is no loss"


# ---------------------------------------------------------------- players
def player_of(running: RunningBridge) -> PlayerReading:
    (player,) = stream_of(running).players
    return player


async def test_a_player_over_tcp_is_told_and_one_that_leaves_is_not() -> None:
    async with playing() as (running, client):
        player = player_of(running)
        assert (player.transport, player.is_playing, player.path) == (
            Transport.TCP,
            True,
            "/porch/main",
        )
        assert player.bytes_sent > 1000
        assert player.loss is player.jitter_s is None
        assert player.address.startswith(f"{HOST}:")
        await client.teardown()
        await until_soon(lambda: not stream_of(running).players)


async def test_loss_and_jitter_are_what_the_player_reports() -> None:
    async with (
        SimulatedCamera(FAST) as camera,
        bridged(settings_for(camera)) as running,
        RtspClient(running.url("porch")) as client,
    ):
        await client.watch(0, transport="udp")
        track = client.tracks[0]
        await client.until(lambda: bool(track.packets and track.reports))
        assert player_of(running).transport is Transport.UDP
        assert player_of(running).loss is None
        block = ReportBlock(
            ssrc=track.packets[0].ssrc,
            fraction_lost=64,
            cumulative_lost=17,
            highest_sequence=track.packets[-1].sequence,
            jitter=900,
            last_sr=track.reports[-1].ntp_time >> 16 & 0xFFFFFFFF,
            delay_since_last_sr=0,
        )
        assert track.udp is not None
        assert track.granted.server_port is not None
        there = (HOST, track.granted.server_port[1])
        report = ReceiverReport(7, (block,)).serialize()
        loss = PictureLossIndication(7, block.ssrc).serialize()
        track.udp.rtcp.sendto(report + loss, there)
        await until_soon(lambda: player_of(running).loss is not None)
        player = player_of(running)
    assert (player.loss, player.lost_packets) == (0.25, 17)
    assert player.jitter_s == pytest.approx(0.01)
    assert player.round_trip_s is not None
    assert 0 <= player.round_trip_s < 20
    assert player.pictures_lost == 1


async def test_what_a_slow_player_loses_is_told_with_it_and_outlasts_it() -> None:
    limits = RtspLimits(max_bytes_per_client=200_000, max_frames=20)
    async with (
        SimulatedCamera(replace(FAST, frame_rate=200)) as camera,
        bridged(settings_for(camera), rtsp=RtspSettings(limits=limits)) as running,
        RtspClient(running.url("porch"), receive_buffer=4096) as client,
    ):
        await client.watch(0)
        client.stop_reading()
        await until_soon(lambda: player_of(running).units_dropped > 0, "a drop", 15)
        player = player_of(running)
        assert player.drop_episodes >= 1
        await until_soon(lambda: stream_of(running).dropped["slow_player"] >= player.units_dropped)
        await client.close()
        await until_soon(lambda: not stream_of(running).players)
        assert stream_of(running).dropped["slow_player"] >= player.units_dropped


async def test_who_is_turned_away_is_counted_by_the_limit() -> None:
    async with playing(RtspSettings(limits=RtspLimits(max_clients=1))) as (running, _):
        assert _process(running).refused["max_clients"] == 0
        async with RtspClient(running.url("porch")) as another:
            await another.describe()
            assert (await another.setup(0)).status == 453
        await until_soon(lambda: _process(running).refused["max_clients"] == 1)


# ---------------------------------------------------------------- why a camera is lost
@contextmanager
def port(*, backlog: int | None) -> Iterator[int]:
    """Give a port that is closed, or one whose queue of connections is full."""
    with socket.socket() as sock, socket.socket() as first, socket.socket() as second:
        sock.bind((HOST, 0))
        if backlog is not None:
            sock.listen(backlog)
            for one in (first, second):
                one.setblocking(False)
                one.connect_ex(sock.getsockname())
        yield sock.getsockname()[1]


def camera(name: str, where: SimulatedCamera | int, **changes: object) -> CameraSettings:
    quick = {"backoff_initial_s": 0.02, "backoff_max_s": 0.1, "connect_timeout_s": 0.2}
    return settings_for(where, name=name, **{**quick, **changes})


def causes_of(running: RunningBridge, name: str) -> dict[str, int]:
    return {cause: count for cause, count in camera_of(running, name).reconnects.items() if count}


async def test_a_camera_that_cannot_be_reached_is_counted_by_the_reason() -> None:
    async with SimulatedCamera(PROFILE) as alive:
        with port(backlog=None) as closed, port(backlog=0) as full:
            cameras = {
                LossCause.DNS: camera("dns", 9000, host=f"{'a' * 64}.example"),
                LossCause.REFUSED: camera("refused", closed),
                LossCause.UNREACHABLE: camera("unreachable", 9000, host=NOWHERE),
                LossCause.CONNECT_TIMEOUT: camera("connect_timeout", full),
                LossCause.LOGIN_REFUSED: camera("login_refused", alive, password="another"),
            }
            async with bridged(*cameras.values()) as running:
                for cause in cameras:
                    name = cause.value
                    await until_soon(partial(causes_of, running, name), f"a loss by {name}")
                    assert set(causes_of(running, name)) == {name}
                    reading = camera_of(running, name)
                    assert reading.failures >= 1
                    assert reading.connects == 0
                    phase = "login" if cause is LossCause.LOGIN_REFUSED else "connect"
                    assert reading.errors[phase] >= 1
                    assert reading.last_error


@pytest.mark.parametrize(
    ("cause", "fault", "changes"),
    [
        (LossCause.CONNECTION_RESET, Cut(), {}),
        (
            LossCause.SILENCE,
            Silence(),
            {
                "ping_interval_s": 0.05,
                "ping_timeout_s": 0.05,
                "max_missed_pings": 1,
                "stop_timeout_s": 0.1,
            },
        ),
        (LossCause.PROTOCOL, Garbage(every=1), {"strict": True}),
        (LossCause.STALLED_STREAM, Stall(), {}),
    ],
)
async def test_a_login_that_ends_is_counted_by_the_reason(
    cause: LossCause, fault: Fault, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"CHECK_S": 0.02, "SILENCE_S": 0.3, "RETRY_INITIAL_S": 0.02}.items():
        monkeypatch.setattr(stream_module, name, value)
    async with (
        SimulatedCamera(PROFILE) as simulated,
        bridged(camera("porch", simulated, **changes)) as running,
        RtspClient(running.url("porch")) as player,
    ):
        await player.watch(0)
        simulated.begin(fault)
        await until_soon(lambda: causes_of(running, "porch"), f"a loss by {cause}", 10)
        assert next(iter(causes_of(running, "porch"))) == cause.value
        assert camera_of(running).connects >= 1
        if cause is LossCause.STALLED_STREAM:
            assert stream_of(running).stalls >= stream_module.FRUITLESS_STARTS
            assert camera_of(running).errors["stream"] >= stream_module.FRUITLESS_STARTS


async def test_a_fault_of_ours_is_counted_as_such(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        SimulatedCamera(PROFILE) as simulated,
        bridged(camera("porch", simulated, ping_interval_s=0.05)) as running,
    ):
        await until_soon(lambda: camera_of(running).state is CameraState.CONNECTED)

        def broken(*_: object) -> None:
            raise ZeroDivisionError("ours")

        monkeypatch.setattr("neolink.camera.connection.Connection._dispatch", broken)
        await until_soon(lambda: causes_of(running, "porch"), limit_s=15)
        assert next(iter(causes_of(running, "porch"))) == LossCause.INTERNAL.value
    assert any("could not be handled" in record.message for record in caplog.records)
    caplog.clear()


def test_every_cause_has_a_simulated_fault() -> None:
    """The three tests above reach all of them."""
    early = {"dns", "refused", "unreachable", "connect_timeout", "login_refused"}
    late = {"connection_reset", "silence", "protocol", "stalled_stream", "internal"}
    assert early | late == {cause.value for cause in LossCause}
