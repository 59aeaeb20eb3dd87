"""A recorder behind a network that becomes slow: main, sub while it must be, and main again.

ffmpeg records ``/porch/auto`` over TCP from inside a network namespace whose link is throttled to
1 Mbit/s while main has 8 Mbit/s. It keeps one session, and every picture of its file is whole.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from neolink.app import Bridge
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.sessions.player import Player
from neolink.simulator.counter import read_counter
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.attached import ffmpeg_recorder, show
from support.camera_bench import PROFILE, settings_for
from support.netns import namespace
from support.scenario import PRODUCT, bridged, until_soon

pytestmark = [pytest.mark.foreign, pytest.mark.alone, pytest.mark.timeout(240)]

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
MAIN_KBPS = 8000
MAIN_SIZE = (800, 450)
"""A smaller picture takes less time to be made, once."""

LINK_KBPS = 1000
DOWN_WITHIN_S = 5.0
BACK_WITHIN_S = 30.0
THROTTLED_S = 12.0
"""Long enough for a player that is clear to be tried on main, were it not for its headroom."""

LONGEST_STILL_S = 4.0
"""What waits of main when sub comes is given up: that much of time has no picture."""


async def seconds_until(condition: Callable[[], object], what: str, limit_s: float) -> float:
    began_s = time.monotonic()
    await until_soon(condition, what, limit_s)
    return time.monotonic() - began_s


# ---------------------------------------------------------------- what was recorded
@dataclass(frozen=True, slots=True)
class Stretch:
    """Pictures of one size, one after the other."""

    width: int
    counters: tuple[int | None, ...]


def stretches_of(path: Path) -> list[Stretch]:
    pictures: list[tuple[int, int | None]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            assert isinstance(frame, VideoFrame)
            luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
            pictures.append((frame.width, read_counter(luma)))
    return [
        Stretch(width, tuple(counter for _, counter in group))
        for width, group in groupby(pictures, key=lambda picture: picture[0])
    ]


def check_whole(stretch: Stretch, profile: CameraProfile) -> int:
    """Expect every picture to be readable, and to follow the one before or be a key frame.

    Return how often pictures are missing.
    """
    clip = next(c for c in map(profile.clip, (MAIN, SUB)) if c.width == stretch.width)
    numbers = [counter for counter in stretch.counters if counter is not None]
    assert len(numbers) == len(stretch.counters), "a picture that cannot be read"
    assert clip.is_key(numbers[0]), "it begins within a group of pictures"
    breaks = [b for a, b in pairwise(numbers) if b != (a + 1) % len(clip.access_units)]
    assert all(map(clip.is_key, breaks)), "it goes on within a group of pictures"
    return len(breaks)


# ---------------------------------------------------------------- the proof
async def test_a_recorder_behind_a_slow_link_gets_sub_and_then_main_again(tmp_path: Path) -> None:
    profile = replace(PROFILE, bitrate_kbps=MAIN_KBPS, size=MAIN_SIZE)
    assert profile.clip(MAIN).bitrate_kbps > 0.9 * MAIN_KBPS
    with namespace() as net:
        async with (
            SimulatedCamera(profile) as camera,
            bridged(settings_for(camera), pace=PRODUCT, host=net.host) as running,
        ):
            bridge = running.bridge
            url = f"rtsp://{net.host}:{bridge.rtsp.port}/porch/auto"
            output = tmp_path / "auto.nut"
            async with ffmpeg_recorder(url, output, inside=net.inside) as recorder:
                await until_soon(lambda: player_of(bridge) is not None, "the player", 15)
                player = player_of(bridge)
                assert player is not None
                await asyncio.sleep(4)  # pictures to record; nothing is waited for
                assert (player.kind, player.moves_down) == (MAIN, 0)

                net.throttle(LINK_KBPS)
                down_s = await seconds_until(lambda: player.kind is SUB, "sub", DOWN_WITHIN_S)
                await asyncio.sleep(THROTTLED_S)
                assert player.kind is SUB, "it went up although main cannot fit"
                net.lift()
                back_s = await seconds_until(lambda: player.kind is MAIN, "main", BACK_WITHIN_S)
                await asyncio.sleep(6)  # main must stay
                assert player.kind is MAIN

                assert player_of(bridge) is player
                assert sum(sums.players for sums in bridge.rtsp.sums().values()) == 1
                assert recorder.troubles == []
                assert await recorder.stop() == 255  # ffmpeg tells so that it was asked to end
            sums = player.sums
    shown, stretches = await show(output), await asyncio.to_thread(stretches_of, output)
    print(  # noqa: T201 - the figures of a proof, shown with -s or when it fails
        f"\nsub {down_s:.1f} s after the throttle, main {back_s:.1f} s after its end, {sums};",
        [(stretch.width, len(stretch.counters)) for stretch in stretches],
    )
    widths = [profile.clip(kind).width for kind in (MAIN, SUB, MAIN)]
    assert [stretch.width for stretch in stretches] == widths
    assert sum(check_whole(stretch, profile) for stretch in stretches) <= sums.drop_episodes
    assert sums.drop_episodes <= 1
    for times in (*shown.packet_s.values(), shown.picture_s):
        assert all(b > a for a, b in pairwise(times)), "time stood still"
    sound = shown.packet_s["audio"]
    holes = [b - a for a, b in pairwise(sound) if b - a >= 0.3]
    assert len(holes) <= sums.drop_episodes, f"the sound has holes of {holes} s"
    assert max(holes, default=0.0) < LONGEST_STILL_S
    assert max(b - a for a, b in pairwise(shown.picture_s)) < LONGEST_STILL_S


def player_of(bridge: Bridge) -> Player | None:
    """Return the only player, once it plays."""
    players = [player for player in bridge.rtsp.players() if player.is_playing]
    assert len(players) <= 1
    return players[0] if players else None
