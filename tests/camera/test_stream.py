"""Streams on a login: start, stop, refusal, silence, damage."""

import asyncio
import gc
import logging
import threading
import weakref
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from neolink.baichuan.bcmedia import InfoPacket, serialize
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.server import Requested
from neolink.baichuan.xml import parse_body
from neolink.baichuan.xml.streams import Preview
from neolink.camera import session as session_module
from neolink.camera import stream as stream_module
from neolink.camera.status import CameraState
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import Busy, Fault, LoseKeyFrames, Silence, Stall
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.camera_bench import PROFILE, Peer, Rig, eventually, rigged, scripted

MAIN, SUB, EXTERN = StreamKind.MAIN, StreamKind.SUB, StreamKind.EXTERN


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrink what a stream waits for."""
    monkeypatch.setattr(stream_module, "CHECK_S", 0.02)
    monkeypatch.setattr(stream_module, "SILENCE_S", 0.3)
    monkeypatch.setattr(stream_module, "RETRY_INITIAL_S", 0.02)
    monkeypatch.setattr(stream_module, "RETRY_MAX_S", 0.08)


def is_stopped(stats: CameraStats) -> bool:
    return not stats.active_streams and stats.video_stops == stats.video_starts


def has_started(count: int) -> Callable[[CameraStats], bool]:
    return lambda stats: stats.video_starts[0, SUB] >= count


def has_asked(count: int) -> Callable[[CameraStats], bool]:
    return lambda stats: stats.requests[MessageId.PREVIEW_START] >= count


async def test_each_start_is_stopped_under_its_own_number_and_handle() -> None:
    seen: list[tuple[int, int, int | None, int | None]] = []

    def note(request: Requested) -> None:
        if request.message_id in (MessageId.PREVIEW_START, MessageId.PREVIEW_STOP):
            preview = parse_body(request.body).get(Preview)
            assert preview is not None
            number = request.header.number
            seen.append((request.message_id, number, preview.channel_id, preview.handle))

    async def camera(peer: Peer) -> None:
        await peer.admit()
        await peer.serve(on_request=note)

    keys = ((0, MAIN), (0, SUB), (0, EXTERN), (3, MAIN))
    async with scripted(camera) as port, rigged(port, *keys) as rig:
        await eventually(lambda: len(seen) == 4)
        for stream in rig.streams:
            stream.request(False)
        await eventually(lambda: len(seen) == 8)
    starts = [one[1:] for one in seen[:4]]
    stops = [one[1:] for one in seen[4:]]
    assert {one[0] for one in seen[:4]} == {MessageId.PREVIEW_START}
    assert sorted(starts) == sorted(stops)
    assert len({number for number, _, _ in starts}) == 4
    assert len({handle for _, _, handle in starts}) == 4


async def test_all_streams_of_a_camera_run_at_once_on_one_login() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, MAIN, SUB, EXTERN) as rig:
        for recorder in rig.media:
            await recorder.until_pictures(3)
        sizes = {recorder.pictures[0].track.width for recorder in rig.media}
        assert len(sizes) == 3
        assert (camera.stats.connections, camera.stats.logins) == (1, 1)
        assert camera.stats.active_streams == {(0, kind): 1 for kind in (MAIN, SUB, EXTERN)}
        for stream in rig.streams:
            stream.request(False)
        await camera.wait_for(is_stopped)
        assert camera.stats.open_sessions == 1
        assert [recorder.losses for recorder in rig.media] == [0, 0, 0]


async def test_two_channels_of_a_recorder_share_a_login() -> None:
    profile = replace(PROFILE, channels=4)
    async with SimulatedCamera(profile) as camera, rigged(camera, (1, SUB), (3, SUB)) as rig:
        for recorder in rig.media:
            await recorder.until_pictures(3)
        assert camera.stats.logins == 1
        assert camera.stats.active_streams == {(1, SUB): 1, (3, SUB): 1}


async def test_a_stream_that_nobody_wants_is_never_started() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, MAIN, SUB, wanted=False) as rig:
        await camera.wait_for(lambda stats: stats.logins == 1)
        rig.streams[1].request(True)
        await rig.media[1].until_pictures(1)
        assert camera.stats.video_starts == {(0, SUB): 1}


async def test_a_stream_wanted_again_is_started_at_once() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        for turn in range(1, 6):
            await rig.main.until_pictures(2)
            rig.stream.request(False)
            await camera.wait_for(is_stopped)
            before = len(rig.main.pictures)
            rig.stream.request(True)
            await camera.wait_for(has_started(turn + 1), 1.0)
            await rig.main.until_pictures(1)
            assert rig.main.pictures[before].is_random_access
        assert rig.main.losses == 0
        assert camera.stats.logins == 1


async def test_a_moment_of_disinterest_does_not_stop_a_running_stream() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, SUB) as rig:
        await rig.main.until_pictures(2)
        rig.stream.request(False)
        rig.stream.request(True)
        await rig.main.until_pictures(3)
        assert camera.stats.video_starts[0, SUB] == 1


async def test_a_stream_unwanted_during_its_start_is_stopped_cleanly() -> None:
    """The camera answers the start only when it is no longer wanted."""
    is_asked, may_answer = asyncio.Event(), asyncio.Event()
    seen: list[int] = []

    async def camera(peer: Peer) -> None:
        await peer.admit()
        while True:
            request = await peer.request()
            seen.append(request.message_id)
            if request.message_id == MessageId.PREVIEW_START:
                is_asked.set()
                await may_answer.wait()
            peer.protocol.reply(request.header)
            peer.send()

    async with scripted(camera) as port, rigged(port) as rig:
        await is_asked.wait()
        rig.stream.request(False)
        may_answer.set()
        await eventually(lambda: MessageId.PREVIEW_STOP in seen)
        assert rig.camera.status.state is CameraState.CONNECTED
        rig.stream.request(True)
        await eventually(lambda: seen.count(MessageId.PREVIEW_START) == 2)
        assert rig.main.losses == 0


async def test_a_stream_refused_is_tried_again_with_growing_pauses_and_others_do_not_notice(
    hasty: None, caplog: pytest.LogCaptureFixture
) -> None:
    profile = replace(PROFILE, streams=(MAIN, SUB))
    async with SimulatedCamera(profile) as camera, rigged(camera, SUB, EXTERN) as rig:
        loop = asyncio.get_running_loop()
        times: dict[int, float] = {}

        def note(stats: CameraStats) -> bool:
            times.setdefault(stats.requests[MessageId.PREVIEW_START], loop.time())
            return has_asked(6)(stats)

        await camera.wait_for(note)  # it is called with each request
        pauses = [later - earlier for earlier, later in pairwise(times[n] for n in range(2, 7))]
        assert pauses[1] > 0.035
        assert pauses[2] > 0.075
        assert camera.stats.logins == 1
        await rig.media[0].until_pictures(3)
        assert camera.stats.video_starts == {(0, SUB): 1}
        assert [recorder.losses for recorder in rig.media] == [0, 0]
    refusals = [one for one in caplog.records if "start of externStream" in one.message]
    assert len(refusals) == 1
    assert refusals[0].__dict__["stream"] == "externStream"


async def test_a_camera_that_is_busy_for_a_while_sends_in_the_end(hasty: None) -> None:
    async with SimulatedCamera(PROFILE) as camera:
        camera.begin(Busy())
        async with rigged(camera, SUB, busy_delay_s=0.01) as rig:
            await camera.wait_for(lambda stats: stats.requests[MessageId.PREVIEW_START] >= 3)
            camera.resume()
            await rig.main.until_pictures(2)
            assert camera.stats.logins == 1


async def test_a_stream_that_falls_silent_is_started_again_on_the_same_login(hasty: None) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, MAIN, SUB) as rig:
        for recorder in rig.media:
            await recorder.until_pictures(2)
        camera.begin(Stall(stream=SUB))
        await rig.media[1].until(lambda: rig.media[1].losses == 1)
        camera.resume()
        before = len(rig.media[1].pictures)
        await rig.media[1].until_pictures(2)
        assert rig.media[1].pictures[before].is_random_access
        pts = [unit.pts for unit in rig.media[1].pictures]
        assert pts == sorted(set(pts))
        assert camera.stats.logins == 1
        assert camera.stats.video_starts[0, MAIN] == 1
        assert camera.stats.video_stops[0, SUB] >= 1
        assert rig.media[0].losses == 0
        assert rig.streams[1].stalls >= 1


async def test_three_starts_that_bring_nothing_make_a_new_login(
    hasty: None, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer to the start brings an Info packet each time; that is not video."""
    async with SimulatedCamera(PROFILE) as camera:
        camera.begin(Stall(stream=SUB))
        async with rigged(camera, SUB) as rig:
            await camera.wait_for(lambda stats: stats.logins == 2)
            assert camera.stats.video_starts[0, SUB] in (3, 4)
            assert "stays silent after 3 starts" in rig.camera.status.last_error
            camera.resume()
            await rig.main.until_pictures(1)
            assert rig.main.losses == 0


async def test_what_describes_the_stream_is_no_fruit_even_if_it_comes_later(hasty: None) -> None:
    logins = 0

    async def camera(peer: Peer) -> None:
        nonlocal logins
        await peer.admit()
        logins += 1
        while True:
            request = await peer.request()
            peer.protocol.reply(request.header)
            peer.send()
            if request.message_id == MessageId.PREVIEW_START:
                await asyncio.sleep(0.05)
                info = serialize(InfoPacket(640, 360, 15))
                peer.protocol.send_media(request.header, info, starts_packet=True)
                peer.send()

    async with scripted(camera) as port, rigged(port) as rig:
        await eventually(lambda: logins == 2)
        assert rig.stream.starts in (3, 4)


async def test_a_start_that_is_never_answered_ends_neither_the_login_nor_the_other_stream(
    hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So behaves a camera in privacy mode. What might start late is stopped first."""
    monkeypatch.setattr(session_module, "START_TIMEOUT_S", 0.15)
    starts: list[tuple[int, int]] = []
    logins = 0

    def note(request: Requested) -> None:
        if request.message_id in (MessageId.PREVIEW_START, MessageId.PREVIEW_STOP):
            starts.append((request.message_id, request.header.number))

    async def camera(peer: Peer) -> None:
        nonlocal logins
        await peer.admit()
        logins += 1
        await peer.serve(MessageId.PREVIEW_START, on_request=note)

    async with scripted(camera) as port, rigged(port, ping_interval_s=0.05) as rig:
        await eventually(lambda: len(starts) >= 4)
        assert logins == 1
        assert rig.camera.status.state is CameraState.CONNECTED
        await eventually(lambda: logins == 2)
    assert [kind for kind, _ in starts[:4]] == [
        MessageId.PREVIEW_START,
        MessageId.PREVIEW_STOP,
    ] * 2
    assert starts[0][1] == starts[1][1] != starts[2][1] == starts[3][1]


async def test_a_camera_that_is_silent_altogether_is_left_after_one_unanswered_start(
    hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "START_TIMEOUT_S", 0.15)
    async with (
        SimulatedCamera(PROFILE) as camera,
        rigged(camera, SUB, first_reply_timeout_s=0.1, stop_timeout_s=0.05) as rig,
    ):
        await rig.main.until_pictures(1)
        camera.begin(Silence())
        await rig.until_state(CameraState.WAITING)
        assert "no answer to PREVIEW_START" in rig.camera.status.last_error
        camera.resume()
        await rig.main.until_pictures(1)
        assert rig.main.losses == 1


FAST = replace(PROFILE, audio="adpcm", frame_rate=100)
"""Its main stream has a key frame twice a second."""


class Junk(Fault):
    """Every other packet of a stream is overwritten."""

    NAME = "junk"
    count = 0

    def on_media(self, data: bytes) -> bytes:
        self.count += 1
        return b"\x55" * len(data) if self.count % 2 else data


async def test_strict_damage_restarts_that_stream_and_nothing_else(hasty: None) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, MAIN, SUB, strict=True) as rig:
        for recorder in rig.media:
            await recorder.until_pictures(2)
        camera.begin(Junk(stream=SUB))
        await rig.media[1].until(lambda: rig.media[1].losses == 1)
        camera.resume()
        before = len(rig.media[1].pictures)
        await rig.media[1].until_pictures(2)
        assert rig.media[1].pictures[before].is_random_access
        assert camera.stats.logins == 1
        assert camera.stats.video_starts[0, SUB] >= 2
        assert camera.stats.video_starts[0, MAIN] == 1
        assert rig.media[0].losses == 0


async def test_a_stream_that_broke_and_rests_holds_on_to_no_login(hasty: None) -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, strict=True) as rig:
        await rig.main.until_pictures(1)
        assert rig.camera._session is not None
        login = weakref.ref(rig.camera._session)
        camera.begin(Junk())
        await rig.main.until(lambda: rig.main.losses == 1)
        rig.stream.request(False)
        camera.cut()
        await eventually(lambda: camera.stats.logins == 2)
        await eventually(lambda: gc.collect() >= 0 and login() is None)


async def test_tolerant_damage_restarts_nothing(hasty: None) -> None:
    async with SimulatedCamera(FAST) as camera, rigged(camera, MAIN) as rig:
        await rig.main.until_pictures(2)
        camera.begin(Junk())
        await eventually(lambda: rig.stream.demuxer.damages >= 2)
        camera.resume()
        await rig.main.until_pictures(3)
        assert camera.stats.video_starts[0, MAIN] == 1
        assert rig.main.losses == 0


async def test_pictures_without_their_key_frame_are_not_shown(hasty: None) -> None:
    async with SimulatedCamera(FAST) as camera:
        camera.begin(LoseKeyFrames())
        async with rigged(camera, MAIN) as rig:
            await rig.main.until(lambda: len(rig.main.sounds) > 3)
            assert not rig.main.pictures
            camera.resume()
            await rig.main.until_pictures(1)
            assert rig.main.pictures[0].is_random_access


async def test_media_under_way_at_a_stop_is_swallowed() -> None:
    stopped = asyncio.Event()

    async def camera(peer: Peer) -> None:
        await peer.admit()
        header = None
        while not stopped.is_set():
            request = await peer.request()
            peer.protocol.reply(request.header)
            if request.message_id == MessageId.PREVIEW_START:
                header = request.header
            if request.message_id == MessageId.PREVIEW_STOP and header is not None:
                info = serialize(InfoPacket(640, 360, 15))
                for _ in range(5):
                    peer.protocol.send_media(header, info, starts_packet=True)
                stopped.set()
            peer.send()
        await peer.serve()

    async with scripted(camera) as port, rigged(port) as rig:
        await eventually(lambda: rig.stream.starts == 1)
        rig.stream.request(False)
        await stopped.wait()
        rig.stream.request(True)
        await eventually(lambda: rig.stream.starts == 2)
        assert rig.camera.status.state is CameraState.CONNECTED
        assert rig.stream.demuxer.last_bytes_s is None


@pytest.mark.parametrize("moment", ["login", "start", "running", "stop"])
async def test_a_cancelled_camera_is_released_at_whatever_moment(moment: str) -> None:
    """The fixture sees to it that neither a task nor a socket is left."""
    reached, ended = asyncio.Event(), asyncio.Event()
    seen: list[int] = []
    mute = {"start": MessageId.PREVIEW_START, "stop": MessageId.PREVIEW_STOP}.get(moment)

    async def camera(peer: Peer) -> None:
        try:
            if moment == "login":
                await peer.event()
                reached.set()
                await peer.until_closed()
                return
            await peer.admit()
            while True:
                request = await peer.request()
                seen.append(request.message_id)
                if request.message_id == MessageId.PREVIEW_STOP and moment == "stop":
                    reached.set()
                if request.message_id == MessageId.PREVIEW_START and moment == "start":
                    reached.set()
                if request.message_id == mute:
                    continue
                peer.protocol.reply(request.header)
                peer.send()
        finally:
            ended.set()

    async def begin(rig: Rig) -> None:
        if moment == "running":
            await eventually(lambda: rig.stream.starts == 1)
            reached.set()
        if moment == "stop":
            await eventually(lambda: rig.stream.starts == 1)
            rig.stream.request(False)
        await reached.wait()

    async with scripted(camera) as port, rigged(port, stop_timeout_s=0.1) as rig:
        async with asyncio.timeout(3):
            await begin(rig)
            began_s = asyncio.get_running_loop().time()
            await rig.stop()
            assert asyncio.get_running_loop().time() - began_s < 1.0
            await ended.wait()
    if moment != "login":
        assert seen[-1] == MessageId.LOGOUT
        assert seen.count(MessageId.PREVIEW_STOP) == 1
        assert seen.count(MessageId.PREVIEW_START) == 1


def test_the_pauses_are_those_that_are_promised() -> None:
    assert stream_module.SILENCE_S == 10.0
    assert (stream_module.RETRY_INITIAL_S, stream_module.RETRY_MAX_S) == (1.0, 30.0)
    assert stream_module.FRUITLESS_STARTS == 3


async def test_statuses_other_than_400_are_refusals_too(
    hasty: None, caplog: pytest.LogCaptureFixture
) -> None:
    async def camera(peer: Peer) -> None:
        await peer.admit()
        await peer.serve(statuses={MessageId.PREVIEW_START: Status.NOT_ALLOWED})

    async with scripted(camera) as port, rigged(port) as rig:
        await eventually(lambda: "the camera answered 405" in caplog.text)
        assert rig.camera.status.state is CameraState.CONNECTED
    assert [one.levelno for one in caplog.records if "405" in one.message] == [logging.WARNING]


@pytest.mark.parametrize(
    ("level", "is_loaded"), [(Encryption.FULL_AES, True), (Encryption.AES, False)]
)
async def test_what_decrypts_media_is_loaded_once_and_beside_the_loop(
    level: Encryption, is_loaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    ends: list[bool] = []

    def prepare() -> None:
        begun.set()
        ends.append(may_end.wait(3))

    monkeypatch.setattr(session_module, "prepare", prepare)
    monkeypatch.setattr(session_module, "is_prepared", lambda: bool(ends))
    profile = replace(PROFILE, encryption=level)
    async with SimulatedCamera(profile) as camera, rigged(camera, SUB) as rig:
        if is_loaded:
            await eventually(begun.is_set)
            may_end.set()
        await rig.media[0].until_pictures(3)
        camera.cut()
        await camera.wait_for(has_started(2))
    assert ends == [True] * is_loaded
