"""Pictures of a real camera reach a player with every NAL unit byte for byte.

The captured bytes go through the real demultiplexer, hub, mount and RTSP server; only the
camera's connection is missing.
"""

import asyncio
import logging
import re
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from itertools import count, groupby
from pathlib import Path
from typing import Literal

import pytest

from neolink.baichuan.bcmedia import BcMediaReader, VideoPacket
from neolink.camera.video import Demuxer
from neolink.clock import SystemClock
from neolink.errors import RemoteProtocolError
from neolink.hub.stream import Stream
from neolink.log import RepeatLimiter, bind
from neolink.media.nal import split_annex_b
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.server import RtspServer
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from support.bridge import HOST
from support.processes import need_programs, run_for
from support.rtsp_client import RtspClient

pytestmark = pytest.mark.foreign

INTERVAL_US = 62_000
"""From the captured I picture to the captured P picture."""

RECEIVE_BYTES = 400_000
"""Of the player's socket: the captured I picture has 193 kB, and its packets take more room."""

MISSED = re.compile(r"RTP: missed (\d+) packets")

CLOCK_AT = 16
"""Where the camera's clock is in a video packet (protocol reference, section 4.2)."""


def captured(samples: Path, kind: str) -> bytes:
    """Return one captured BcMedia packet, which lies in several files."""
    parts = sorted(samples.glob(f"bcmedia/{kind}_*.raw"))
    assert parts
    return b"".join(part.read_bytes() for part in parts)


def nal_units(packet: bytes) -> list[bytes]:
    """Return the NAL units of one captured BcMedia packet."""
    (found,) = BcMediaReader(strict=True).feed(packet)
    assert isinstance(found, VideoPacket)
    return [bytes(unit) for unit in split_annex_b(found.data)]


def told(units: Iterable[bytes | memoryview]) -> list[str]:
    """Return a line for each NAL unit, the same for the same bytes."""
    copies = map(bytes, units)
    return [f"{one[:1].hex()}, {len(one)} bytes, {sha256(one).hexdigest()}" for one in copies]


@asynccontextmanager
async def serving(*packets: bytes) -> AsyncIterator[str]:
    """Serve these packets over and over, as a camera would send them; yield the URL."""
    clock = SystemClock()
    stream = Stream("captured/main", clock=clock)
    mount = Mount(StreamKind.MAIN, stream, MountSettings(camera="captured"), clock)
    mounts = {("captured", StreamKind.MAIN): mount}
    server = RtspServer(RtspSettings(bind=HOST, port=0, rtp_port=0), mounts, clock)
    demuxer = _demuxer(stream, clock)
    server.open()
    tasks = [asyncio.create_task(server.run()), asyncio.create_task(_film(demuxer, packets))]
    try:
        yield f"rtsp://{HOST}:{server.port}/captured"
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        stream.close()


def _demuxer(stream: Stream, clock: SystemClock) -> Demuxer:
    def fail(error: RemoteProtocolError) -> None:
        raise AssertionError(f"captured bytes are refused: {error}")

    return Demuxer(
        stream.publish,
        clock=clock,
        log=bind(logging.getLogger(__name__), camera="captured"),
        limiter=RepeatLimiter(clock),
        strict=True,
        max_packet_length=1 << 20,
        on_failure=fail,
    )


async def _film(demuxer: Demuxer, packets: tuple[bytes, ...]) -> None:
    (start_us,) = struct.unpack_from("<I", packets[0], CLOCK_AT)
    for number in count():
        packet = bytearray(packets[number % len(packets)])
        struct.pack_into("<I", packet, CLOCK_AT, (start_us + number * INTERVAL_US) % (1 << 32))
        demuxer.feed(bytes(packet))
        await asyncio.sleep(INTERVAL_US / 1e6)


@pytest.mark.parametrize("transport", ["tcp", pytest.param("udp", marks=pytest.mark.alone)])
async def test_captured_pictures_reach_ffmpeg_byte_for_byte(samples: Path, transport: str) -> None:
    need_programs("ffmpeg")
    pictures = [captured(samples, kind) for kind in ("iframe", "pframe")]
    sent = [unit for picture in pictures for unit in nal_units(picture)]
    kinds = [kind for kind, _ in groupby(unit[0] for unit in sent)]
    assert kinds == [0x67, 0x68, 0x65, 0x41]  # SPS, PPS, slices of an IDR picture, of another
    async with serving(*pictures) as url:
        command = (
            f"ffmpeg -nostdin -v warning -rtsp_transport {transport} -buffer_size {RECEIVE_BYTES}"
            f" -i {url} -c copy -flush_packets 1 -f h264 pipe:{{0}}"
        )
        ended = await run_for(command.split(), seconds=2)
    received = told(split_annex_b(ended.outputs[0]))
    missed = sum(map(int, MISSED.findall(ended.stderr)))
    if missed:  # it was kept from reading, and its socket overflowed
        assert transport == "udp"
        assert sum(unit not in told(sent) for unit in received) <= missed
        assert received.count(told(sent)[-1]) > 1
        return
    whole = len(received) // len(sent)
    assert whole >= 8
    assert received[: whole * len(sent)] == told(sent) * whole


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_captured_pictures_reach_the_strict_client_as_whole_pictures(
    samples: Path, transport: Literal["tcp", "udp"]
) -> None:
    pictures = [captured(samples, kind) for kind in ("iframe", "pframe")]
    sent = [tuple(nal_units(picture)) for picture in pictures]
    async with serving(*pictures) as url, RtspClient(url) as client:
        await client.watch(0, transport=transport)
        track = client.tracks[0]
        await client.until(lambda: len(track.timestamps) >= 20, "20 pictures")
        received = [unit.nal_units for unit in track.video_units()]
    assert track.gaps == 0
    assert [told(picture) for picture in received[:18]] == [told(picture) for picture in sent * 9]
