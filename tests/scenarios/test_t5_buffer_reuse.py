"""T5: very many pictures of random size pass through the bridge, and nothing piles up.

What a camera is read into is lent by a pool, again and again; a picture is an immutable value that
is gone when its last reader has it. So: hardly a buffer is made, memory stays flat, and no picture
is kept but those of the newest group.
"""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest

from neolink.baichuan.bcmedia import AacPacket, InfoPacket, VideoPacket, VideoTag, serialize
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageId
from neolink.camera import connection as connection_module
from neolink.media.nal import join_annex_b, split_annex_b
from neolink.media.tracks import StreamKind
from neolink.media.units import AccessUnit
from neolink.pool import BufferPool
from neolink.rtp.packet import RtpPacket
from neolink.simulator import clips
from support.camera_bench import PROFILE, Peer, scripted, settings_for
from support.rtsp_client import RtspClient
from support.scenario import MIB, Resources, bridged, until_soon

MAIN = StreamKind.MAIN
GOP = 50
SMALLEST, LARGEST = 16, 60_000
WINDOW = 100
"""How many pictures the camera may be ahead of the player: nothing is to be dropped here."""

GROWTH = 32 * MIB
HIT_RATE = 0.95


@dataclass
class Progress:
    """How far the player is."""

    is_playing: asyncio.Event = field(default_factory=asyncio.Event)
    pictures: int = 0
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, data: bytes) -> None:
        """Count a packet if it ends a picture; keep nothing of it."""
        if RtpPacket.parse(data).marker:
            self.pictures += 1
            self._moved.set()

    async def until(self, pictures: int) -> None:
        async with asyncio.timeout(20):
            while self.pictures < pictures:
                self._moved.clear()
                await self._moved.wait()


@pytest.mark.parametrize(
    "pictures",
    [4_000, pytest.param(100_000, marks=[pytest.mark.slow, pytest.mark.timeout(600)])],
)
async def test_pictures_of_any_size_leave_nothing_behind(
    pictures: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, pool = Progress(), BufferPool()
    monkeypatch.setattr(connection_module, "RECEIVE_BUFFERS", pool)
    done = asyncio.Event()
    levels: list[Resources] = []

    async def film(peer: Peer) -> None:
        """Show ``pictures`` pictures after the first, as fast as they are taken."""
        header = await _until_started(peer)
        for number, picture in zip(range(pictures + 1), _pictures(Random(5)), strict=False):
            peer.protocol.send_media(header, serialize(picture), starts_packet=True)
            if number == 0:
                peer.protocol.send_media(
                    header, serialize(AacPacket(clips.aac_tone()[0])), starts_packet=True
                )
                peer.send()
                await progress.is_playing.wait()
            elif number % (WINDOW // 2) == 0:
                peer.send()
                await progress.until(number - WINDOW)
            if number in (pictures // 5, pictures):
                levels.append(Resources.now())
        peer.send()
        await progress.until(pictures + 1)
        done.set()
        await peer.until_closed()

    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(scripted(film))
        running = await stack.enter_async_context(bridged(settings_for(port, streams=(MAIN,))))
        player = await stack.enter_async_context(RtspClient(running.url("porch")))
        await player.watch(0)
        channels = player.tracks[0].granted.interleaved
        assert channels is not None
        player._channels[channels[0]] = progress.take
        progress.pictures += sum(packet.marker for packet in player.tracks[0].packets)
        progress.is_playing.set()
        await until_soon(done.is_set, lambda: f"{progress.pictures} of {pictures}", 500)

        assert progress.pictures == pictures + 1
        early, late = levels
        assert late.rss_bytes - early.rss_bytes < GROWTH
        assert not late.tasks - early.tasks, "tasks that were not there before"
        assert (late.threads, late.descriptors) == (early.threads, early.descriptors)
        assert pool.hits > 100
        assert pool.hit_rate > HIT_RATE
        assert (pool.leased_bytes, pool.exhausted) == (0, 0)
        assert pool.class_count <= pool.limits.max_classes
        assert pool.held_bytes <= pool.limits.max_bytes
        gc.collect()
        kept = sum(isinstance(one, AccessUnit) for one in gc.get_objects())
        assert 1 <= kept <= 2 * GOP


async def _until_started(peer: Peer) -> Header:
    """Log the bridge in and answer its requests until it starts the stream."""
    await peer.admit()
    while True:
        request = await peer.request()
        if request.message_id == MessageId.PREVIEW_START:
            break
        peer.protocol.reply(request.header)
        peer.send()
    info = serialize(InfoPacket(1280, 720, 25))
    peer.protocol.send_media(request.header, info, starts_packet=True)
    return request.header


def _pictures(chance: Random) -> Iterator[VideoPacket]:
    """Yield pictures of sizes that differ by three orders; each :data:`GOP`-th is a key frame."""
    clip = PROFILE.clip(MAIN)
    sets = [nal for nal in split_annex_b(clip.access_units[0]) if nal[0] & 0x1F in (7, 8)]
    for number in count():
        size = round(SMALLEST * (LARGEST / SMALLEST) ** chance.random())
        is_key = number % GOP == 0
        slice_ = (b"\x65\x88" if is_key else b"\x41\x9a") + bytes([chance.randint(1, 255)]) * size
        data = join_annex_b([*sets, slice_] if is_key else [slice_])
        yield VideoPacket(is_key, VideoTag.H264, data, number * 1000)
