"""From connecting to the first picture that can be decoded, with a key frame every 10 s only."""

import asyncio
import itertools
import random
import socket
import time
from dataclasses import dataclass

from soak.cameras import HOST

from bench import media, stage
from bench.figures import Beside, Figure, Reach, Section, spread
from bench.load import play
from bench.native import MissingTool
from bench.scenario import Context, say
from bench.stage import Served
from neolink.media.nal import join_annex_b
from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.packet import RtpPacket

__all__ = ["measure"]

KBPS = 4000
GOP = 10 * media.FRAME_RATE
DEADLINE_S = 15.0
WARM_S = 2.0
PEER = "gst-rtsp-server"
_IDR, _SPS, _PPS = 5, 7, 8

_METHOD = (
    "The stream runs, with a key frame every 10 s, and is watched by somebody else. A player "
    "connects, sends DESCRIBE, SETUP and PLAY, and has all packets of the first picture that is a "
    "key frame with its parameter sets. They come at random moments of the group of pictures. "
    "Whether that picture decodes is tried afterwards ({decoder}). gst-rtsp-server sends what "
    "comes next, so that its players wait for the next key frame. The floor is a connection and "
    "three round trips to a server that answers at once."
)


@dataclass(frozen=True, slots=True)
class _First:
    took_ms: float
    annex_b: bytes


async def measure(context: Context) -> Section:
    """Measure the bridge, the peer and the floor."""
    folder, clip = context.folder, media.clip(KBPS, GOP)
    pictures = folder / "pictures"
    media.write_pictures(pictures, clip.access_units)
    notes: list[str] = []
    async with (
        stage.cameras(folder, 1, kbps=KBPS, gop=GOP) as cameras,
        stage.bridge(folder, cameras.ports) as server,
    ):
        ours = await _joins(context, server, "cam0/main")
    beside = [Beside("three round trips", spread([await _round_trips() for _ in ours]))]
    try:
        async with stage.gst_server(folder, pictures) as server:
            peers = await _joins(context, server, "cam")
            beside.append(Beside(PEER, spread([one.took_ms for one in peers])))
    except MissingTool as missing:
        notes.append(f"Without {PEER}: {missing}.")
    for other in beside:
        say(f"{other.name}: {other.spread.middle:.1f} ms")
    say(f"ours: {', '.join(f'{one.took_ms:.1f}' for one in ours)} ms")
    decoded = [_decodes(one.annex_b) for one in ours]
    tried = "no decoder is installed" if None in decoded else "PyAV"
    if None not in decoded:
        notes.append(f"{sum(map(bool, decoded))} of {len(decoded)} first pictures decoded.")
    return Section(
        key="first-picture",
        title="The first picture",
        method=_METHOD.format(decoder=tried),
        figures=(
            Figure(
                key="first-picture",
                what="connect to first decodable picture, GOP of 10 s",
                unit="ms",
                spread=spread([one.took_ms for one in ours]),
                beside=tuple(beside),
                reach=(Reach(most=100),),
            ),
        ),
        notes=tuple(notes),
    )


async def _joins(context: Context, server: Served, path: str) -> list[_First]:
    chance = random.Random(5)  # the same moments each time

    async def join(after_s: float) -> _First:
        await asyncio.sleep(after_s)
        return await asyncio.to_thread(_join, server.port, path)

    async with stage.players(context.folder, server, 1):
        await asyncio.sleep(WARM_S)
        moments = [chance.uniform(0.0, GOP / media.FRAME_RATE) for _ in range(context.runs)]
        return list(await asyncio.gather(*map(join, moments)))


def _join(port: int, path: str) -> _First:
    """Play until the first whole key frame. Runs in a thread."""
    begin_s = time.perf_counter()
    sock = play(HOST, port, path).sock
    sock.settimeout(DEADLINE_S)
    reader, data = H264Depacketizer(), b""
    try:
        while time.perf_counter() - begin_s < DEADLINE_S:
            data += sock.recv(1 << 18)
            packets, data = _cut(data)
            for unit in itertools.chain.from_iterable(map(reader.push, packets)):
                if {_IDR, _SPS, _PPS} <= {nal[0] & 0x1F for nal in unit.nal_units}:
                    took_ms = 1000 * (time.perf_counter() - begin_s)
                    return _First(took_ms, join_annex_b(unit.nal_units))
    finally:
        sock.close()
    raise RuntimeError(f"no key frame within {DEADLINE_S:g} s")


def _cut(data: bytes) -> tuple[list[RtpPacket], bytes]:
    """Return the whole video packets, and what is left; the answer to PLAY is skipped."""
    packets = []
    while len(data) >= 4:
        if data[:1] == b"$":
            end = 4 + int.from_bytes(data[2:4], "big")
            if len(data) < end:
                break
            if data[1] == 0:
                packets.append(RtpPacket.parse(data[4:end]))
        else:
            end = data.find(b"\r\n\r\n") + 4
            if end < 4:
                break
        data = data[end:]
    return packets, data


def _decodes(annex_b: bytes) -> bool | None:
    """Tell whether a picture can be seen; None without a decoder."""
    try:
        import av  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    decoder = av.CodecContext.create("h264", "r")
    packets = (av.Packet(annex_b), None)
    return bool(list(itertools.chain.from_iterable(decoder.decode(one) for one in packets)))


async def _round_trips() -> float:
    """Connect to a server that answers, and ask three times: what no server can do without."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            writer.write(b"RTSP/1.0 200 OK\r\n\r\n")
        writer.close()

    def ask(port: int) -> float:
        begin_s = time.perf_counter()
        with socket.create_connection((HOST, port), timeout=DEADLINE_S) as sock:
            for _ in range(3):
                sock.sendall(b"OPTIONS * RTSP/1.0\r\n\r\n")
                sock.recv(1024)
            return 1000 * (time.perf_counter() - begin_s)

    async with await asyncio.start_server(answer, HOST, 0) as server:
        return await asyncio.to_thread(ask, server.sockets[0].getsockname()[1])
