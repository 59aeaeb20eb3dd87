"""Live video by WebSocket, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from neolink.clock import ManualClock
from neolink.hub.demand import DemandState
from neolink.hub.standin import StandInSettings
from neolink.media.tracks import VideoCodec
from neolink.media.units import AccessUnit
from neolink.readings import Transport
from neolink.rtsp_server.settings import Access
from neolink.web.live import route
from neolink.web.live.viewer import BOUNDS
from neolink.web.settings import HttpLimits
from support.live_bench import (
    CAMERA,
    KIND,
    LIVE_PATH,
    LiveBench,
    RawViewer,
    live_bench,
)
from support.media import AAC, H265, L16, clip_units, video_unit
from support.mp4_reader import ReadSample, read_fragments, tracks_of
from support.waiting import until
from support.web_bench import LOGIN, OPEN, FakeView

QUICK = StandInSettings(start_hold_s=0.02, lost_hold_s=0.02, interval_s=0.02)
PATIENT = StandInSettings(start_hold_s=60.0, lost_hold_s=60.0)


class Viewer:
    """A viewer that takes everything."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket

    async def text(self) -> dict[str, Any]:
        """Return the next message, which is text."""
        found: dict[str, Any] = json.loads(await self.socket.receive_str(timeout=3))
        return found

    async def data(self) -> bytes:
        return await self.socket.receive_bytes(timeout=3)

    async def init(self) -> tuple[dict[str, Any], bytes]:
        """Return the next two messages, which say what follows."""
        said = await self.text()
        assert said["type"] == "init"
        return said, await self.data()

    async def sample(self) -> ReadSample:
        """Return the next fragment's one sample."""
        (fragment,) = read_fragments(await self.data())
        (sample,) = fragment.samples
        return sample

    async def text_of(self, kind: str) -> dict[str, Any]:
        """Return the next text of a type; everything before is passed over."""
        while True:
            message = await self.socket.receive(timeout=3)
            assert message.type in (WSMsgType.TEXT, WSMsgType.BINARY)
            said = json.loads(message.data) if message.type is WSMsgType.TEXT else {}
            if said.get("type") == kind:
                return dict(said)


async def watch(bench: LiveBench, query: str = "", **options: Any) -> Viewer:
    """Begin to watch; return once the server has taken the viewer in."""
    before = bench.run.server.context.live.audience.count
    socket = await bench.run.client.ws_connect(LIVE_PATH + query, **options)
    await until(lambda: bench.run.server.context.live.audience.count == before + 1)
    await until(lambda: len(bench.run.server.players()) > before)
    return Viewer(socket)


@pytest.fixture
async def bench() -> AsyncIterator[LiveBench]:
    """Return a server whose stream waits for the camera as long as a test takes."""
    async with live_bench(stand_in=PATIENT) as one:
        yield one


# ---------------------------------------------------------------- what is shown


async def test_viewer_is_told_what_follows_and_then_shown_each_picture(bench: LiveBench) -> None:
    viewer = await watch(bench)
    units = bench.camera.pictures(7)
    assert await viewer.text() == {"type": "live"}
    said, init = await viewer.init()
    assert said == {"type": "init", "mime": 'video/mp4; codecs="avc1.64001e"', "audio": None}
    assert tracks_of(init) == {1: (b"vide", 90_000)}
    for unit in units:
        sample = await viewer.sample()
        assert sample.data[4:] == bytes(unit.nal_units[0])
        assert sample.dts + sample.shift == unit.pts
        assert sample.is_sync is unit.is_random_access


async def test_second_viewer_begins_at_the_key_frame_at_once(bench: LiveBench) -> None:
    first = await watch(bench)
    units = bench.camera.pictures(8)  # a whole group, and three of the next one
    viewer = await watch(bench)
    assert await viewer.text() == {"type": "live"}
    await viewer.init()
    samples = [await viewer.sample() for _ in range(3)]
    assert [sample.data[4:] for sample in samples] == [
        bytes(unit.nal_units[0]) for unit in units[5:]
    ]
    assert samples[0].is_sync
    assert not first.socket.closed


async def test_viewer_who_comes_back_soon_begins_at_once(bench: LiveBench) -> None:
    with bench.stream.hold():  # a recorder watches too
        first = await watch(bench)
        bench.camera.pictures(3)
        await first.socket.close()
        await until(lambda: not bench.run.server.players())
        bench.run.server.sweep()
        viewer = await watch(bench)
        await viewer.text()
        await viewer.init()
        assert (await viewer.sample()).is_sync


async def test_first_viewer_begins_with_what_a_recorder_was_shown() -> None:
    view = FakeView()
    async with live_bench(stand_in=PATIENT, view=view) as bench:
        with bench.stream.hold():  # the recorder
            view.cached[CAMERA, KIND] = bench.camera.pictures(3)
            viewer = await watch(bench)
            await viewer.text()
            await viewer.init()
            samples = [await viewer.sample() for _ in range(3)]
    assert [sample.is_sync for sample in samples] == [True, False, False]


async def test_stream_is_wanted_only_while_somebody_watches(bench: LiveBench) -> None:
    states = [bench.stream.state]
    viewer = await watch(bench)
    states.append(bench.stream.state)
    assert states == [DemandState.IDLE, DemandState.STARTING]
    await viewer.socket.close()
    await until(lambda: bench.stream.state is DemandState.IDLE)


async def test_sound_comes_only_to_who_asks_for_it(bench: LiveBench) -> None:
    bench.camera.audio = AAC
    with bench.stream.hold():
        bench.camera.pictures(30)  # it is known now
        bench.camera.until_key()
        quiet, loud = await watch(bench, "?audio=0"), await watch(bench, "?audio=1")
        bench.camera.pictures(10)
    for viewer, audio in (
        (quiet, None),
        (loud, {"codec": "AAC", "clock_rate": 16_000, "channels": 1}),
    ):
        await viewer.text_of("live")
        said, init = await viewer.init()
        assert said["audio"] == audio
        assert len(tracks_of(init)) == 1 + bool(audio)
    tracks = [sample.track_id for sample in [await quiet.sample() for _ in range(10)]]
    assert tracks == [1] * 10
    heard = [fragment for _ in range(15) for fragment in read_fragments(await loud.data())]
    assert {sample.track_id for one in heard for sample in one.samples} == {1, 2}


async def test_pcm_is_shown_as_flac(bench: LiveBench) -> None:
    bench.camera.audio = L16
    viewer = await watch(bench, "?audio=1")
    bench.camera.pictures(11)
    first = await viewer.text_of("init")
    assert first["audio"] is None  # not known yet: the second group says so
    await viewer.data()
    said = await viewer.text_of("init")
    assert said["mime"] == 'video/mp4; codecs="avc1.64001e, flac"'


async def test_other_codec_is_told_before_its_key_frame(bench: LiveBench) -> None:
    viewer = await watch(bench)
    bench.camera.pictures(2)
    await viewer.text()
    await viewer.init()
    assert [(await viewer.sample()).is_sync for _ in range(2)] == [True, False]
    hevc = next(clip_units(VideoCodec.H265))
    bench.stream.publish(replace(hevc, pts=bench.camera.pts))
    said, init = await viewer.init()
    assert said["mime"].startswith('video/mp4; codecs="hvc1.1.')
    assert b"hvcC" in init
    assert (await viewer.sample()).is_sync


async def test_video_that_cannot_be_written_ends_with_words(
    bench: LiveBench, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = await watch(bench)
    bench.stream.publish(video_unit(0, key=True, track=H265))  # its parameter sets are nonsense
    said = await viewer.text_of("end")
    assert said["reason"].startswith("this video cannot be shown: ")
    assert len([one for one in caplog.records if "cannot be shown" in one.message]) == 1
    assert bench.stream.sink_failures == 0


# ---------------------------------------------------------------- the camera is away


async def test_stand_in_is_told_with_its_reason_and_so_is_the_return() -> None:
    async with live_bench(stand_in=QUICK) as bench:
        viewer = await watch(bench)
        bench.camera.pictures(3)
        assert await viewer.text() == {"type": "live"}
        bench.stream.source_lost()
        said = await viewer.text_of("stand_in")
        assert said["reason"] == "Starting: Waiting for the camera's first picture."
        assert (await viewer.sample()).is_sync  # the last picture again
        bench.camera.picture(key=False)  # does not follow the stand-in
        bench.camera.picture(key=True)
        assert await viewer.text_of("live") == {"type": "live"}
        while not (sample := await viewer.sample()).data[4:].startswith(b"\x65" + bytes(2)):
            assert sample.is_sync
        bench.camera.picture(key=False)
        assert not (await viewer.sample()).is_sync


async def test_camera_that_was_never_seen_is_explained() -> None:
    async with live_bench(stand_in=QUICK) as bench:
        viewer = await watch(bench)
        assert (await viewer.text())["type"] == "stand_in"
        said, _ = await viewer.init()
        assert said["mime"].startswith('video/mp4; codecs="avc1.')


async def test_viewer_is_ended_where_nothing_stands_in() -> None:
    settings = replace(QUICK, is_enabled=False)
    async with live_bench(stand_in=settings) as bench:
        viewer = await watch(bench)
        said = await viewer.text_of("end")
        assert said["reason"].startswith("Starting: ")


async def test_silent_viewer_hears_again_how_the_camera_is() -> None:
    clock = ManualClock()
    async with live_bench(stand_in=PATIENT, clock=clock) as bench:
        viewer = await watch(bench)
        for _ in range(2):
            clock.advance(5.0)
            bench.run.server.sweep()
            assert (await viewer.text())["type"] == "stand_in"
        bench.camera.pictures(1)
        assert await viewer.text() == {"type": "live"}


async def test_return_is_told_also_where_only_silence_had_told_of_the_loss() -> None:
    clock = ManualClock()
    async with live_bench(stand_in=PATIENT, clock=clock) as bench:
        viewer = await watch(bench)
        bench.camera.pictures(3)
        assert await viewer.text() == {"type": "live"}
        bench.stream.source_lost()  # held, as long as nothing stands in for it
        clock.advance(5.0)
        bench.run.server.sweep()
        assert (await viewer.text_of("stand_in"))["reason"]
        bench.camera.picture(key=True)
        assert await viewer.text_of("live") == {"type": "live"}


# ---------------------------------------------------------------- slow viewers


def flood(bench: LiveBench, pictures: int) -> None:
    bench.camera.size, bench.camera.key_size = 50_000, 200_000
    bench.camera.pictures(pictures)


async def blocked(bench: LiveBench) -> None:
    """Publish until the viewer takes nothing more."""
    while not bench.run.server.players()[0].queued_units:
        flood(bench, 5)
        await asyncio.sleep(0)


async def test_slow_viewer_loses_whole_groups_and_is_told(bench: LiveBench) -> None:
    viewer = await RawViewer.connect(bench)
    await until(bench.run.server.players)
    await blocked(bench)
    while not bench.run.server.players()[0].units_dropped:
        flood(bench, 5)
    reading = asyncio.create_task(_read_on(viewer))
    await until(lambda: not bench.run.server.players()[0].queued_units)
    last = bench.camera.picture()
    await until(partial(_has_come, viewer, _tail(last)))
    order = viewer.frames.order
    assert order.count("skipped") >= 1
    expected = 1
    for before, message in pairwise(order[2:]):
        if isinstance(message, str):
            continue
        (fragment,) = read_fragments(message)
        is_resumed = before == "skipped"
        assert fragment.sequence > expected if is_resumed else fragment.sequence == expected
        assert fragment.samples[0].is_sync or not is_resumed
        expected = fragment.sequence + 1
    assert bench.run.server.players()[0].drop_episodes >= 1
    viewer.close()
    reading.cancel()


def _tail(unit: AccessUnit) -> bytes:
    return bytes(unit.nal_units[-1][-5:])


def _has_come(viewer: RawViewer, tail: bytes) -> bool:
    return bool(viewer.frames.media) and viewer.frames.media[-1].endswith(tail)


async def _read_on(viewer: RawViewer) -> None:
    while await viewer.read():
        pass


async def test_viewer_who_never_reads_is_bounded_and_ended() -> None:
    clock = ManualClock()
    async with live_bench(stand_in=PATIENT, clock=clock) as bench:
        viewer = await RawViewer.connect(bench)
        server = bench.run.server
        await until(server.players)
        await blocked(bench)
        most = 0
        for _ in range(100):
            flood(bench, 5)
            most = max(most, server.players()[0].queued_bytes)
        assert 0 < most <= BOUNDS.max_bytes
        assert server.context.live.budget.used_bytes == server.players()[0].queued_bytes
        clock.advance(9.0)
        server.sweep()
        assert server.players()
        clock.advance(1.5)
        server.sweep()
        await until(lambda: not server.players())
        await until(lambda: bench.stream.state is DemandState.IDLE)
        assert server.context.live.stuck == 1
        assert server.context.live.budget.used_bytes == 0
        assert server.connections == 0
        viewer.close()


async def test_others_are_not_held_up_by_a_viewer_who_does_not_read(bench: LiveBench) -> None:
    slow, quick = await RawViewer.connect(bench), await RawViewer.connect(bench)
    await until(lambda: len(bench.run.server.players()) == 2)
    reading = asyncio.create_task(_read_on(quick))
    for _ in range(40):
        flood(bench, 5)
        tail = _tail(bench.camera.picture())
        await until(partial(_has_come, quick, tail))
    dropped = {player.units_dropped > 0 for player in bench.run.server.players()}
    assert dropped == {True, False}
    assert "skipped" not in quick.frames.order
    slow.close()
    quick.close()
    reading.cancel()


async def test_viewer_who_answers_no_ping_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(route, "HEARTBEAT_S", 0.05)
    async with live_bench(stand_in=PATIENT) as bench:
        viewer = await RawViewer.connect(bench)
        async with asyncio.timeout(3):
            while await viewer.read():
                pass
        assert viewer.frames.pings == 1
        await until(lambda: not bench.run.server.players())
        viewer.close()


# ---------------------------------------------------------------- endings


async def test_kicked_viewer_is_told_and_closed(bench: LiveBench) -> None:
    viewer = await watch(bench)
    (player,) = bench.run.server.players()
    assert not bench.run.server.kick(player.number + 1)
    assert bench.run.server.kick(player.number)
    assert await viewer.text() == {"type": "end", "reason": "ended by an operator"}
    message = await viewer.socket.receive(timeout=3)
    assert message.type is WSMsgType.CLOSE
    await until(lambda: not bench.run.server.players())
    assert not bench.run.server.kick(player.number)


async def test_viewer_whose_permission_is_withdrawn_is_ended() -> None:
    view = FakeView(access_by_camera={CAMERA: Access(anonymous=False, users=frozenset({"viewer"}))})
    async with live_bench(LOGIN, stand_in=PATIENT, view=view) as bench:
        async with bench.run.client.get(LIVE_PATH) as refused:
            assert refused.status == 401
        assert await bench.run.log_in("viewer") == 204
        viewer = await watch(bench)
        assert bench.run.server.players()[0].user == "viewer"
        bench.run.server.sweep()
        view.access_by_camera[CAMERA] = Access(anonymous=False)
        bench.run.server.sweep()
        said = await viewer.text_of("end")
        assert "permission withdrawn" in said["reason"]


async def test_viewer_whose_login_ends_is_ended() -> None:
    async with live_bench(LOGIN, stand_in=PATIENT) as bench:
        assert await bench.run.log_in("viewer") == 204
        viewer = await watch(bench)
        bench.run.server.reload(replace(bench.run.server.settings, users={}))
        bench.run.server.sweep()
        assert (await viewer.text_of("end"))["reason"].startswith("permission withdrawn")


async def test_viewers_of_a_stream_that_is_replaced_are_ended(bench: LiveBench) -> None:
    viewer = await watch(bench)
    bench.run.view.streams.clear()
    bench.run.server.sweep()
    assert (await viewer.text_of("end"))["reason"] == "the stream was replaced or removed"
    await until(lambda: not bench.run.server.players())
    await until(lambda: bench.stream.state is DemandState.IDLE)


async def test_viewers_are_told_that_the_bridge_stops() -> None:
    async with live_bench(stand_in=PATIENT) as bench:
        viewer = await watch(bench)
        bench.run.server.context.live.close()
        assert (await viewer.text_of("end"))["reason"] == "the bridge stops"


async def test_viewer_who_talks_is_ended(bench: LiveBench) -> None:
    viewer = await watch(bench)
    await viewer.socket.send_str("hello")
    assert (await viewer.text_of("end"))["reason"] == "a viewer has nothing to say"
    await until(lambda: not bench.run.server.players())


@pytest.mark.parametrize("size", [2000, 2_000_000])
async def test_long_message_of_a_viewer_is_not_taken(bench: LiveBench, size: int) -> None:
    viewer = await watch(bench)
    with suppress(ConnectionError):  # closed while it was sent
        await viewer.socket.send_bytes(bytes(size))
    await until(lambda: not bench.run.server.players())


async def test_viewer_who_vanishes_leaves_nothing_behind(
    bench: LiveBench, caplog: pytest.LogCaptureFixture
) -> None:
    viewer = await RawViewer.connect(bench)
    await until(bench.run.server.players)
    bench.camera.pictures(5)
    viewer.close()  # with bytes unread: the peer is told by a reset
    await until(lambda: bench.camera.pictures(1) and not bench.run.server.players())
    await until(lambda: bench.stream.state is DemandState.IDLE)
    assert bench.stream.sink_failures == 0
    assert [one for one in caplog.records if one.levelname in ("ERROR", "WARNING")] == []


# ---------------------------------------------------------------- who may come


async def test_who_is_one_too_many_is_told_so() -> None:
    settings = replace(OPEN, limits=HttpLimits(max_viewers=1))
    async with live_bench(settings, stand_in=PATIENT) as bench:
        viewer = await watch(bench)
        with pytest.raises(WSServerHandshakeError) as refusal:
            await bench.run.client.ws_connect(LIVE_PATH)
        assert refusal.value.status == 503
        assert refusal.value.headers is not None
        assert refusal.value.headers["Retry-After"] == "5"
        assert bench.run.server.refused["http_max_viewers"] == 1
        await viewer.socket.close()
        await until(lambda: not bench.run.server.players())
        await watch(bench)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (LIVE_PATH, 426, "upgrade_required"),
        (f"{LIVE_PATH}?audio=2", 400, "bad_request"),
        (LIVE_PATH.replace("sub", "extern"), 404, "not_found"),
        (LIVE_PATH.replace(CAMERA, "nobody"), 404, "not_found"),
        (LIVE_PATH.replace("sub", "main"), 503, "not_served"),
    ],
)
async def test_refusal_says_why(bench: LiveBench, path: str, status: int, code: str) -> None:
    async with bench.run.client.get(path) as answer:
        assert answer.status == status
        assert (await answer.json())["error"]["code"] == code


async def test_page_of_a_stranger_gets_no_video(bench: LiveBench) -> None:
    with pytest.raises(WSServerHandshakeError) as refusal:
        await bench.run.client.ws_connect(LIVE_PATH, origin="http://elsewhere.example")
    assert refusal.value.status == 403


async def test_viewer_is_counted_as_a_player(bench: LiveBench) -> None:
    viewer = await watch(bench, "?audio=1", headers={"User-Agent": "browser\n\x1b[31m"[:7]})
    bench.camera.pictures(2)
    await viewer.text_of("init")
    (player,) = bench.run.server.players()
    assert (player.camera, player.kind, player.path) == (CAMERA, "sub", LIVE_PATH)
    assert player.transport is Transport.WEBSOCKET
    assert (player.user, player.agent, player.number) == (None, "browser", 1)
    assert player.address.startswith("127.0.0.1:")
    assert player.is_playing
    assert player.bytes_sent > 3000
