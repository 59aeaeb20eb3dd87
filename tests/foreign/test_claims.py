"""What a player has here and not everywhere, each claim as a test; the list says where the rest is.

Figures (time to the first picture, cost of a player) are measured by ``bench``, beside peers.
"""

import asyncio
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from neolink.media.tracks import StreamKind
from neolink.rtsp_server.sessions.player import Player
from neolink.rtsp_server.settings import RtspSettings
from neolink.simulator.clips import Clip
from neolink.simulator.profile import CameraProfile
from support.bridge import RunningBridge, running_bridge
from support.camera_bench import PROFILE
from support.media import L16
from support.netns import namespace
from support.overheard import Overheard, overhearing
from support.players import Playback, play
from support.rtsp_bench import Bench, start_bench, stop_bench
from support.rtsp_client import RtspClient
from support.scenario import MIB, Resources, until_soon

ROOT = Path(__file__).parents[2]
PROOFS = {
    "the first picture comes as soon with a long group of pictures": (
        "bench/first_picture.py",
        "measure",
    ),
    "a reader too slow never shows a broken picture": (
        "tests/foreign/test_claims.py",
        "test_a_reader_too_slow_never_shows_a_broken_picture",
    ),
    "a player over TCP costs a third of what it costs elsewhere": (
        "bench/fan_out.py",
        "measure_tcp",
    ),
    "GStreamer starts without delay": (
        "tests/foreign/test_claims.py",
        "test_gstreamer_starts_without_delay",
    ),
    "UDP falls back to TCP on one connection": (
        "tests/foreign/test_claims.py",
        "test_udp_falls_back_to_tcp_on_one_connection",
    ),
    "RTP-Info is honoured with query URLs": (
        "tests/foreign/test_timestamps.py",
        "test_ffmpeg_starts_where_rtp_info_says",
    ),
    "a session outlives 13 h 15 min of RTP time": (
        "tests/foreign/test_timestamps.py",
        "test_hours_of_a_session_go_by",
    ),
    "three schemes are offered together and players log in": (
        "tests/foreign/test_auth.py",
        "test_right_password_is_let_in",
    ),
    "what a player says is heard by the camera": (
        "tests/foreign/test_talk.py",
        "test_gstreamer_is_heard_at_its_pitch_and_in_time",
    ),
    "no descriptors left, slow loris, idle connections: streams go on": (
        "tests/hostile/test_players.py",
        "test_no_descriptors_left_is_survived",
    ),
    "a camera that drops keeps its readers, and a recording stays one file": (
        "tests/foreign/test_hundred_cuts.py",
        "test_players_outlive_every_cut_of_the_camera",
    ),
    "many sessions leave nothing behind": (
        "tests/foreign/test_claims.py",
        "test_many_sessions_leave_nothing_behind",
    ),
    "each mistake has its own status code": (
        "tests/rtsp_server/requests/test_status_codes.py",
        "test_status_codes",
    ),
}


@pytest.mark.parametrize("claim", PROOFS)
def test_every_claim_has_a_proof_that_exists(claim: str) -> None:
    path, name = PROOFS[claim]
    assert re.search(rf"^async def {name}\(|^def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


SUB, MAIN = StreamKind.SUB, StreamKind.MAIN
SUB_SIZE = (640, 360)


def whole(playback: Playback, clip: Clip) -> int:
    """Expect whole pictures that go on at a key frame where some are missing.

    Return how often that was.
    """
    numbers = [number for number in playback.frames if number is not None]
    assert len(numbers) == len(playback.frames), "a damaged picture"
    assert clip.is_key(numbers[0]), "it begins within a group of pictures"
    after_gaps = [b for a, b in pairwise(numbers) if b != (a + 1) % len(clip.access_units)]
    assert all(map(clip.is_key, after_gaps)), "it goes on within a group of pictures"
    return len(after_gaps)


# ---------------------------------------------------------------- a reader too slow
BITRATE_KBPS = 8000
SIZE = (800, 450)
LINK_KBPS = 3000
THROTTLED_S = 18.0


class Watched:
    """The only player of a bridge, known also after it has left."""

    def __init__(self, bridge: RunningBridge) -> None:
        self._bridge = bridge
        self.player: Player | None = None

    async def wait(self) -> None:
        def is_there() -> bool:
            self.player = next(self._bridge.bridge.rtsp.players(), None)
            return self.player is not None

        await until_soon(is_there, "the player", 20)

    @property
    def dropped(self) -> int:
        assert self.player is not None
        return self.player.sums.units_dropped


@pytest.mark.foreign
@pytest.mark.alone
@pytest.mark.parametrize("name", ["ffmpeg", "pyav"])
async def test_a_reader_too_slow_never_shows_a_broken_picture(name: str) -> None:
    profile = replace(PROFILE, bitrate_kbps=BITRATE_KBPS, size=SIZE)
    clip = profile.clip(MAIN)
    with namespace() as net:
        async with running_bridge(profile, rtsp=RtspSettings(bind=net.host)) as bridge:
            net.throttle(LINK_KBPS)
            watched = Watched(bridge)
            waiting = asyncio.create_task(watched.wait())
            url = f"rtsp://{net.host}:{bridge.bridge.rtsp.port}/porch/main"
            playback = await play(name, url, seconds=THROTTLED_S, size=SIZE, inside=net.inside)
            await waiting
    gaps = whole(playback, clip)
    print(  # noqa: T201 - the figures of a proof, shown with -s or when it fails
        f"\n{name}: {len(playback.frames)} pictures, {gaps} gaps, {watched.dropped} units dropped"
    )
    assert watched.dropped > 0, "the reader was not too slow"
    assert gaps >= 1
    assert len(playback.frames) > 3 * clip.frame_rate
    # FFmpeg gives the first picture no time of its own, and its muxer says so, more than once.
    muxer = re.compile(r"^\[nut @ .* Multiple keyframes with same PTS$|^Last message repeated")
    assert [error for error in playback.errors if not muxer.search(error)] == []


# ---------------------------------------------------------------- a start without delay
@pytest.mark.foreign
async def test_gstreamer_starts_without_delay() -> None:
    """Every answer leaves in the turn of its request, and with that to PLAY the first pictures.

    So there is no delay that a clock could show, for GStreamer as little as for ffmpeg.
    """
    begun: dict[str, list[str]] = {}
    async with running_bridge(CameraProfile(name="porch", audio="aac")) as bridge:
        with bridge.bridge.streams["porch", SUB].hold():
            await bridge.camera.wait_for(lambda stats: stats.frames_sent[0, SUB] > 5)
            for player in ("ffmpeg", "gstreamer"):
                with overhearing() as overheard:
                    playback = await play(player, bridge.url("porch", SUB), size=SUB_SIZE)
                assert playback.errors == ()
                assert all(exchange.was_at_once for exchange in overheard.exchanges)
                (played,) = overheard.of("PLAY")
                assert played.media_bytes > 1000
                begun[player] = [exchange.method for exchange in overheard.exchanges[:5]]
    assert begun["gstreamer"] == begun["ffmpeg"] == ["OPTIONS", "DESCRIBE", *2 * ["SETUP"], "PLAY"]


# ---------------------------------------------------------------- no UDP
def check_fall_back(overheard: Overheard) -> None:
    """Expect PAUSE, and TCP in a session of its own, on the connection that asked for UDP."""
    assert len(overheard.connections) == 1
    assert all(exchange.status == 200 for exchange in overheard.exchanges)
    setups = [exchange.transport for exchange in overheard.of("SETUP")]
    assert ["client_port" in one for one in setups] == [True, True, False, False]
    assert ["interleaved" in one for one in setups] == [False, False, True, True]
    (pause,) = overheard.of("PAUSE")
    new = overheard.of("SETUP")[2]
    assert pause.header("Session")
    assert not new.header("Session")
    again = overheard.of("PLAY")[1]
    assert again.header("Session") != pause.header("Session")


@pytest.mark.foreign
@pytest.mark.alone
@pytest.mark.parametrize("name", ["ffmpeg", "pyav"])
async def test_udp_falls_back_to_tcp_on_one_connection(name: str) -> None:
    profile = CameraProfile(name="porch", audio="aac", streams=(SUB,))
    clip = profile.clip(SUB)
    with namespace() as net:
        net.block_udp()
        async with running_bridge(profile, rtsp=RtspSettings(bind=net.host)) as bridge:
            url = f"rtsp://{net.host}:{bridge.bridge.rtsp.port}/porch/sub"
            with overhearing() as overheard:
                playback = await play(name, url, transport="auto", size=SUB_SIZE, inside=net.inside)
            await until_soon(lambda: not len(bridge.bridge.rtsp.context.sessions), "the end")
    check_fall_back(overheard)
    assert whole(playback, clip) == 0
    assert len(playback.frames) > 2 * clip.frame_rate
    assert [error for error in playback.errors if "retrying with TCP" not in error] == []


# ---------------------------------------------------------------- many sessions
WARM = 200
MOST_GROWTH = 8 * MIB
AT_ONCE = 20


async def play_once(bench: Bench) -> None:
    """Come, get a packet, and leave; every second one without a word."""
    async with RtspClient(bench.url()) as client:
        await client.watch()
        await client.until(lambda: bool(client.tracks[0].packets))
        if client.tracks[0].udp is None and int(client.builder.session or "0", 16) % 2:
            await client.teardown()


async def play_often(bench: Bench, count: int) -> None:
    for _ in range(count // AT_ONCE):
        bench.camera.picture(key=True)
        bench.camera.sent.clear()  # it remembers what it sent
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(play_once(bench))


@pytest.mark.parametrize(
    "count",
    [
        2000,
        pytest.param(100_000, marks=(pytest.mark.slow, pytest.mark.timeout(3600))),
    ],
)
async def test_many_sessions_leave_nothing_behind(count: int) -> None:
    """Tasks, threads and descriptors are exactly as before, memory is within some MiB."""
    bench = await start_bench(audio=L16)
    try:
        await play_often(bench, WARM)
        before = await Resources.settled()
        await play_often(bench, count)
        await before.until_again(5.0)
        grown = Resources.now().rss_bytes - before.rss_bytes
        print(f"\n{count} sessions, memory {grown / MIB:+.2f} MiB")  # noqa: T201 - as above
        assert grown < MOST_GROWTH
        assert len(bench.server.context.sessions) == 0
        assert bench.mount.player_count == 0
    finally:
        await stop_bench(bench)
