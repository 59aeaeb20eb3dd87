"""Real players share a multicast group: one stream on the wire, whole for each of them.

They run in a network namespace, so that the group crosses an interface as in a home. ffmpeg
records, GStreamer decodes; one comes late and one leaves early.
"""

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from neolink.app import Bridge
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.settings import MulticastSettings, RtspSettings
from neolink.simulator.clips import Clip
from neolink.simulator.server import SimulatedCamera
from support.attached import Shown, ffmpeg_recorder, gstreamer_viewer, show
from support.camera_bench import PROFILE, settings_for
from support.netns import namespace
from support.scenario import PRODUCT, bridged, until_soon

pytestmark = [pytest.mark.foreign, pytest.mark.alone, pytest.mark.timeout(120)]

SUB = StreamKind.SUB
CLIP = PROFILE.clip(SUB)
SECONDS = 6.0
MOST_LATE_S = 2.0
"""What a player that stands still when it is told to end has not read yet."""

MULTICAST = RtspSettings(multicast=MulticastSettings(is_enabled=True))


def playing(bridge: Bridge) -> int:
    players = [player for player in bridge.rtsp.players() if player.is_playing]
    assert all(player.transports == {"multicast"} for player in players)
    return len(players)


async def test_players_of_a_group_show_the_one_stream_whole(tmp_path: Path) -> None:
    with namespace() as net:
        async with AsyncExitStack() as stack:
            enter = stack.enter_async_context
            camera = await enter(SimulatedCamera(PROFILE))
            running = await enter(
                bridged(settings_for(camera), rtsp=MULTICAST, pace=PRODUCT, host=net.host)
            )
            bridge = running.bridge
            url = f"rtsp://{net.host}:{bridge.rtsp.port}/porch/sub"
            first = await enter(
                ffmpeg_recorder(
                    url, tmp_path / "first.nut", inside=net.inside, transport="udp_multicast"
                )
            )
            await until_soon(lambda: playing(bridge) == 1, "the first player", 15)
            viewer = await enter(
                gstreamer_viewer(
                    url, tmp_path / "gst.mkv", CLIP, inside=net.inside, protocol="udp-mcast"
                )
            )
            second = await enter(
                ffmpeg_recorder(
                    f"{url}?multicast",
                    tmp_path / "second.nut",
                    inside=net.inside,
                    transport="udp_multicast",
                )
            )
            await until_soon(lambda: playing(bridge) == 3, "all players", 20)
            (group,) = bridge.rtsp.context.groups
            counters = bridge.streams["porch", SUB].counters
            began, received = group.lane.bytes_sent, counters.received_bytes
            enough = counters.pictures + SECONDS * CLIP.frame_rate
            await until_soon(lambda: counters.pictures >= enough, "pictures to record", 20)
            sent, came = group.lane.bytes_sent - began, counters.received_bytes - received
            assert group.mount.player_count == 1
            assert 0.5 * came < sent < 1.5 * came, "sent more than once"
            assert await first.stop() == 255  # ffmpeg tells so that it was asked to end
            await until_soon(lambda: playing(bridge) == 2, "the TEARDOWN of the first")
            await asyncio.sleep(1.0)
            assert (first.troubles, viewer.troubles, second.troubles) == ([], [], [])
            assert await viewer.stop() == 0
            assert await second.stop() == 255
            await until_soon(lambda: not list(bridge.rtsp.context.groups), "the group's end")
    for player in (first, viewer, second):
        check(await show(player.output, may_squeeze=player.is_gstreamer), CLIP)


def check(shown: Shown, clip: Clip) -> None:
    """Expect whole pictures from a key frame on, none missing, with their sound."""
    numbers = shown.counters
    assert None not in numbers
    first = numbers[0]
    assert first is not None
    assert clip.is_key(first), "it begins within a group of pictures"
    wait_s = clip.gop / clip.frame_rate  # for a key frame: nothing is sent anew for a newcomer
    assert len(numbers) >= (SECONDS - wait_s - MOST_LATE_S) * clip.frame_rate
    length = len(clip.access_units)
    breaks = [(a, b) for a, b in pairwise(numbers) if b != ((a or 0) + 1) % length]
    assert not breaks, f"pictures are missing: {breaks}"
