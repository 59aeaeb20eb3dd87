"""Our strict client as a program of its own, in every way that the table knows.

    python -m interop.strict_player URL WAY USER SCHEMES SECONDS FD

USER is ``-`` without a login; the password comes in ``INTEROP_PASSWORD``. It reports as
``support.library_player`` does. What a server must never do ends it with a traceback.
"""

import asyncio
import os
import re
import sys
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.depacketizers.nal_units import ReceivedAccessUnit
from neolink.simulator.counter import read_counter
from support.library_player import Report
from support.rtsp_client import RtspClient
from support.tls import client_context
from support.tunnel_client import TunnelClient, WebSocketClient

VIDEO_CLOCK_HZ = 90_000
NO_UDP_S = 1.0
"""How long it waits for a datagram before it asks for TCP."""


@dataclass(frozen=True, slots=True)
class _Port:
    port: int


@dataclass(frozen=True, slots=True)
class _Served:
    server: _Port


def client_for(url: str, way: str, user: str, schemes: tuple[str, ...]) -> RtspClient:
    """Return a client, not yet connected."""
    options: dict[str, Any] = {
        "user": None if user == "-" else user,
        "password": os.environ.get("INTEROP_PASSWORD", ""),
        "prefer": schemes,
        "tls": client_context() if url.startswith("rtsps:") else None,
    }
    found = re.search(r":(\d+)/", url)
    assert found is not None
    served = _Served(_Port(int(found[1])))
    match way:
        case "http" | "https":
            return TunnelClient(url, bench=served, **options)
        case "websocket":
            return WebSocketClient(url, bench=served, **options)
        case _:
            return RtspClient(url, **options)


async def begin(client: RtspClient, way: str) -> None:
    """Describe, set all tracks up and play."""
    match way:
        case "udp" | "multicast":
            await client.watch(transport=way)
        case "fallback":
            await client.watch(transport="udp")
            await fall_back(client)
        case _:
            await client.watch()


async def fall_back(client: RtspClient) -> None:
    """Ask for TCP on the same connection where no datagram comes, as FFmpeg does."""
    try:
        async with asyncio.timeout(NO_UDP_S):
            await client.until(lambda: any(track.packets for track in client.tracks.values()))
    except TimeoutError:
        await client.pause()
        client.builder.session = None
        client.tracks.clear()
        for track in range(len(client.media)):
            assert (await client.setup(track)).status == 200
        assert (await client.play()).status == 200


async def show(client: RtspClient, report: Report) -> None:
    """Decode pictures as they arrive until enough was played."""
    track = client.tracks[0]
    depacketizer, decoder = H264Depacketizer(), VideoCodecContext.create("h264", "r")
    taken = 0
    while not report.is_over:
        seen = taken
        await client.until(lambda seen=seen: len(track.packets) > seen)  # type: ignore[misc]
        for packet in track.packets[taken:]:
            for unit in depacketizer.push(packet):
                decode(unit, decoder, report)
        taken = len(track.packets)
    assert track.gaps == 0 or track.udp is not None, "packets are missing over TCP"


def decode(unit: ReceivedAccessUnit, decoder: VideoCodecContext, report: Report) -> None:
    """Decode one picture and note its counter."""
    data = b"".join(b"\0\0\0\1" + nal for nal in unit.nal_units)
    for frame in decoder.decode(av.Packet(data)):
        luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
        report.note_picture(read_counter(luma), unit.timestamp / VIDEO_CLOCK_HZ)


async def run(url: str, way: str, user: str, schemes: str, report: Report) -> None:
    """Play as the command line says."""
    async with client_for(url, way, user, tuple(schemes.split(","))) as client:
        await begin(client, way)
        await show(client, report)
        assert (await client.teardown()).status == 200


def main() -> None:
    """Play, report."""
    url, way, user, schemes, seconds, descriptor = sys.argv[1:]
    av.logging.set_level(av.logging.WARNING)
    av.logging.restore_default_callback()
    report = Report(int(descriptor), float(seconds))
    asyncio.run(run(url, way, user, schemes, report))
    report.send()


if __name__ == "__main__":
    main()
