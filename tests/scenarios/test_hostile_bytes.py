"""Mutated packets by the thousand: only declared errors, and nobody is hurt but who sent them.

Through a running bridge with a healthy camera beside, and straight through the media parsers.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle, islice
from random import Random

import pytest

from neolink.baichuan.bcmedia import (
    AacPacket,
    AdpcmPacket,
    BcMediaReader,
    InfoPacket,
    Packet,
    VideoPacket,
    VideoTag,
    serialize,
)
from neolink.camera.video import Demuxer
from neolink.clock import ManualClock
from neolink.errors import RemoteProtocolError
from neolink.log import RepeatLimiter, bind
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator import clips
from neolink.simulator.faults import Cargo, Fault
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.tone import adpcm_blocks
from support.camera_bench import PROFILE, settings_for
from support.rtsp_client import RtspClient
from support.scenario import Viewer, bridged, lost_between, tasks_named, until_soon, watching

SUB = StreamKind.SUB
HEAD = 64
"""Where the fields of a packet are, and half of the damage."""

CAP = 1 << 20
COPIES = 20
ANSWERS_HIT = 0.05
SHORT_PAUSES = {
    "backoff_initial_s": 0.01,
    "backoff_max_s": 0.02,
    "auth_backoff_initial_s": 0.01,  # a damaged answer may well refuse a login
    "auth_backoff_max_s": 0.02,
}
MUCH = [pytest.mark.slow, pytest.mark.timeout(900)]
PORCH = replace(PROFILE, streams=(SUB,))
GARDEN = replace(PORCH, name="garden", codec=VideoCodec.H265, audio="adpcm")
HEALTHY = replace(PORCH, name="healthy")


class Mutator:
    """Damages bytes by chance: flips, cuts, repeats, insertions, numbers at their limits."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed)

    def __call__(self, data: bytes) -> bytes:
        chance = self._chance
        out = bytearray(data)
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(min(len(out), HEAD) if chance.random() < 0.5 else len(out))
            match chance.randrange(6):
                case 0 | 1:
                    out[at] ^= 1 << chance.randrange(8)
                case 2:
                    out[at] = chance.randrange(256)
                case 3:
                    del out[at : at + chance.randint(1, 200)]
                case 4:
                    out[at:at] = chance.randbytes(chance.randint(1, 200))
                case 5:
                    out[at : at + 4] = chance.choice((b"\0" * 4, b"\xff" * 4, b"\xff\xff\xff\x7f"))
            if not out:
                return b"\0"
        return bytes(out)


@dataclass(kw_only=True, eq=False)
class Mutate(Fault):
    """Every media packet comes :data:`COPIES` times, each damaged in its own way.

    With ``damages_messages`` whole messages are, their headers included, and some answers.
    """

    seed: int
    damages_messages: bool = False
    mutated: int = 0
    _mutate: Mutator = field(init=False)
    _chance: Random = field(init=False)

    def __post_init__(self) -> None:
        self._mutate = Mutator(self.seed)
        self._chance = Random(self.seed)

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        return (packet,) * COPIES

    def on_media(self, data: bytes) -> bytes:
        return data if self.damages_messages else self._damaged(data)

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes:
        is_spared = cargo is None and self._chance.random() > ANSWERS_HIT  # or no login succeeds
        return self._damaged(data) if self.damages_messages and not is_spared else data

    def _damaged(self, data: bytes) -> bytes:
        self.mutated += 1
        return self._mutate(data)


# ---------------------------------------------------------------- a running bridge
@pytest.mark.parametrize("damages_messages", [False, True])
@pytest.mark.parametrize("packets", [2_000, pytest.param(100_000, marks=MUCH)])
async def test_a_camera_that_sends_damaged_bytes_hurts_nobody_else(
    packets: int, damages_messages: bool
) -> None:
    async with AsyncExitStack() as stack:
        profiles = (PORCH, GARDEN, HEALTHY)
        cameras = [await stack.enter_async_context(SimulatedCamera(one)) for one in profiles]
        settings = [
            replace(settings_for(camera, streams=(SUB,), **SHORT_PAUSES), name=camera.profile.name)
            for camera in cameras
        ]
        running = await stack.enter_async_context(bridged(*settings))
        clip = HEALTHY.clip(SUB)
        viewer = await stack.enter_async_context(watching(running.url("healthy", "sub"), clip))
        watchers = [
            asyncio.create_task(_keep_watching(running.url(name, "sub")), name=f"watching {name}")
            for name in ("porch", "garden")
        ]
        parts = tasks_named("rtsp server", "rtsp accept", "rtsp sweep", "camera ")
        owners = {task for task in asyncio.all_tasks() if task.get_name() in parts}
        for camera in cameras[:2]:
            await camera.wait_for(lambda stats: stats.active_streams[0, SUB] == 1)
        logins = [camera.stats.logins for camera in cameras]

        faults = [Mutate(seed=seed, damages_messages=damages_messages) for seed in (1, 2)]
        for camera, fault in zip(cameras, faults, strict=False):
            camera.begin(fault)
        while sum(fault.mutated for fault in faults) < packets:
            await asyncio.sleep(0.3)
            if damages_messages:  # or one damaged length swallows all that follows
                cameras[0].cut()
                cameras[1].cut()
        if not damages_messages:
            assert logins == [camera.stats.logins for camera in cameras], "media cost a login"
        for camera in cameras[:2]:
            camera.resume()
            camera.cut()  # the last damaged length may still be waiting for its megabytes
        for watcher in watchers:
            assert not watcher.done(), watcher
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

        assert not {task for task in owners if task.done()}, "a part of the bridge ended"
        for profile in (PORCH, GARDEN):
            await _comes_back(running.url(profile.name, "sub"), profile)
        assert (lost_between(viewer.numbers, clip), viewer.track.gaps) == (0, 0)
        assert cameras[2].stats.logins == 1
        assert all(stream.sink_failures == 0 for stream in running.bridge.streams.values())


async def _keep_watching(url: str) -> None:
    """Play, and play again whenever the bridge ends the session, as it may."""
    while True:
        async with RtspClient(url) as client:
            with suppress(ConnectionError):
                if (await client.describe()).status == 200 and client.media:
                    for track in range(len(client.media)):
                        assert (await client.setup(track)).status == 200
                    assert (await client.play()).status == 200
                while not client.is_closed:  # noqa: ASYNC110 - until the bridge ends it
                    await asyncio.sleep(0.05)
        await asyncio.sleep(0.05)


async def _comes_back(url: str, profile: CameraProfile) -> None:
    """See the camera as it is again, now that it sends what it should."""
    clip = profile.clip(SUB)
    async with asyncio.timeout(30):
        while True:
            async with RtspClient(url) as client:
                described = await client.describe()
                assert described.status == 200
                if client.media[0].encoding == profile.codec.value.upper():
                    break
            await asyncio.sleep(0.1)
    async with watching(url, clip) as viewer:
        await until_soon(partial(_is_moving, viewer), lambda: f"live video; {viewer.numbers}", 8.0)


def _is_moving(viewer: Viewer) -> bool:
    last = viewer.numbers[-4:]
    return len(last) == 4 and None not in last and lost_between(last, viewer.clip) == 0


# ---------------------------------------------------------------- the parsers alone
COUNTS = [20_000, pytest.param(1_000_000, marks=MUCH)]


@pytest.mark.parametrize("packets", COUNTS)
def test_mutated_packets_get_nothing_but_declared_errors_out_of_the_reader(packets: int) -> None:
    tolerant = BcMediaReader(max_packet_length=CAP)
    strict = BcMediaReader(strict=True, max_packet_length=CAP)
    taken = refused = 0
    for data in _mutated(packets):
        taken += len(tolerant.feed(data))
        assert tolerant.retained_bytes <= CAP + HEAD * 1024
        try:
            strict.feed(data)
        except RemoteProtocolError:
            refused += 1
            strict.reset()
    assert taken > packets / 100, "too damaged to test anything behind the first field"
    assert refused > packets / 100


@pytest.mark.parametrize("packets", COUNTS)
def test_mutated_packets_get_nothing_but_damage_out_of_the_demuxer(packets: int) -> None:
    """The same through access units, parameter sets, sound and time: nothing is raised."""
    clock = ManualClock()
    units: list[object] = []
    demuxer = Demuxer(
        units.append,
        clock=clock,
        log=bind(logging.getLogger(__name__)),
        limiter=RepeatLimiter(clock),
        strict=False,
        max_packet_length=CAP,
        on_failure=lambda error: pytest.fail(str(error)),
    )
    published = 0
    for data in _mutated(packets):
        clock.advance(0.02)
        demuxer.feed(data)
        published += len(units)
        units.clear()
    assert published > packets / 100
    assert demuxer.damages > packets / 100


def _mutated(count: int) -> Iterator[bytes]:
    mutate = Mutator(count)
    for data in islice(cycle(_packets()), count):
        yield mutate(data)


def _packets() -> list[bytes]:
    """Every kind of packet there is, as cameras send them."""
    tone, blocks = clips.aac_tone(), adpcm_blocks()
    packets: list[Packet] = [InfoPacket(640, 360, 15)]
    for codec in VideoCodec:
        clip = clips.load(codec, SUB)
        for number in range(2 * clip.gop):
            data, is_key = clip.access_units[number], clip.is_key(number)
            packets.append(
                VideoPacket(is_key, VideoTag(codec.value), data, number * 66_667, number or None)
            )
            packets.append(AacPacket(tone[number % len(tone)]))
            packets.append(AdpcmPacket(blocks[number % len(blocks)]))
    return [serialize(packet) for packet in packets]
