"""Many players and streams share what the camera gives once: its stream and its login."""

import asyncio
from itertools import pairwise

import pytest

from neolink.baichuan.ids import MessageId
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.profile import CameraProfile
from support.bridge import PASSWORD, running_bridge
from support.players import Playback, play
from support.processes import Ended, need_programs, run_for

pytestmark = pytest.mark.foreign

SUB_SIZE = (640, 360)
LOOP = 250
SUB_LOOP = 150


async def _copy(url: str, seconds: float) -> Ended:
    """Receive with ffmpeg without decoding, as a recorder does."""
    need_programs("ffmpeg")
    command = (
        f"ffmpeg -nostdin -v warning -rtsp_transport tcp -i {url} -c copy -f mpegts pipe:{{0}}"
    )
    return await run_for(command.split(), seconds=seconds)


async def test_ten_players_cost_the_camera_one_stream() -> None:
    key = (0, StreamKind.SUB)
    async with running_bridge(CameraProfile(name="porch")) as bridge:
        camera, url = bridge.camera, bridge.url("porch", "sub")
        async with asyncio.TaskGroup() as tasks:
            copies = [tasks.create_task(_copy(url, 3)) for _ in range(5)]
            views = [
                tasks.create_task(play("pyav", url, seconds=3, size=SUB_SIZE)) for _ in range(5)
            ]
            await camera.wait_for(lambda stats: stats.frames_sent[key] > 0, 15)
            assert camera.stats.active_streams == {key: 1}
        assert all(len(copy.result().outputs[0]) > 20_000 for copy in copies)
        for view in views:
            _check_whole(view.result(), SUB_LOOP, least=40)
        assert camera.stats.video_starts == {key: 1}
        await camera.wait_for(lambda stats: stats.video_stops[key] == 1, 10)
        assert camera.stats.requests[MessageId.PREVIEW_START] == 1
        assert camera.stats.requests[MessageId.PREVIEW_STOP] == 1
        assert camera.stats.logins == 1


async def test_stream_starts_again_for_the_next_player() -> None:
    key = (0, StreamKind.SUB)
    async with running_bridge(CameraProfile(name="porch", audio="adpcm")) as bridge:
        bridge.bridge.streams["porch", StreamKind.SUB]._grace_s = 0.5
        for starts in (1, 2):
            playback = await play("pyav", bridge.url("porch", "sub"), seconds=1, size=SUB_SIZE)
            _check_whole(playback, SUB_LOOP, least=14)
            assert bridge.camera.stats.video_starts[key] == starts
            await bridge.camera.wait_for(lambda stats: not stats.active_streams, 10)


async def test_main_and_sub_use_one_login() -> None:
    async with running_bridge(CameraProfile(name="porch")) as bridge:
        main, sub = await asyncio.gather(
            play("ffmpeg", bridge.url("porch", "main")),
            play("pyav", bridge.url("porch", "sub"), size=SUB_SIZE),
        )
        stats = bridge.camera.stats
        assert stats.logins == 1
        assert stats.video_starts == {(0, StreamKind.MAIN): 1, (0, StreamKind.SUB): 1}
    _check_whole(main, LOOP, least=70)
    _check_whole(sub, SUB_LOOP, least=40)


async def test_channels_of_a_recorder_use_one_login() -> None:
    async with running_bridge(CameraProfile(name="nvr", channels=2)) as bridge:
        first, second = await asyncio.gather(
            play("ffmpeg", bridge.url("nvr-0")), play("pyav", bridge.url("nvr-1"))
        )
        stats = bridge.camera.stats
        assert stats.logins == 1
        assert stats.video_starts == {(0, StreamKind.MAIN): 1, (1, StreamKind.MAIN): 1}
    _check_whole(first, LOOP, least=70)
    _check_whole(second, LOOP, least=70)


async def test_lost_camera_does_not_disturb_the_other() -> None:
    lost = CameraProfile(name="lost", password=PASSWORD)
    other = CameraProfile(name="other", codec=VideoCodec.H265, audio="adpcm")
    key = (0, StreamKind.MAIN)
    async with running_bridge(lost, other) as bridge:
        cut, watched = bridge.cameras
        async with asyncio.TaskGroup() as tasks:
            undisturbed = tasks.create_task(play("pyav", bridge.url("other"), seconds=4))
            disturbed = tasks.create_task(play("ffmpeg", bridge.url("lost"), seconds=4))
            await watched.wait_for(lambda stats: stats.frames_sent[key] > 50, 15)
            await cut.wait_for(lambda stats: stats.frames_sent[key] > 50, 15)
            cut.cut()
            await cut.wait_for(lambda stats: stats.logins == 2, 10)
            await cut.wait_for(lambda stats: stats.video_starts[key] == 2, 10)
        assert watched.stats.logins == watched.stats.video_starts[key] == 1
    _check_whole(undisturbed.result(), LOOP, least=95)
    frames = [frame for frame in disturbed.result().frames if frame is not None]
    breaks = [at for at, (a, b) in enumerate(pairwise(frames), 1) if b != a + 1]
    assert breaks, "the session must go on with what the camera sends after the cut"
    assert breaks[0] >= 50
    assert frames[breaks[-1]] == 0  # the camera begins its clip anew
    assert len(frames) - breaks[-1] >= 20


def _check_whole(playback: Playback, loop: int, *, least: int) -> None:
    assert playback.errors == ()
    assert None not in playback.frames
    assert playback.missing(loop) == 0
    assert len(playback.frames) >= least
