"""``python -m bench.live``: what a viewer of a live tile costs the bridge per access unit.

The bridge is a real one; no camera is asked, its pictures are published by hand, as fast as a
camera sends them. The viewers are another process, which throws away what it gets. Only the CPU of
the bridge's process counts, all of it: publishing, writing the fragment, heartbeats, sweeps.
Beside it stands the same run without viewers, and a bare ``send`` per picture and viewer
(``bench.floor``).
"""

import argparse
import asyncio
import resource
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

from bench.load import Player, drain
from neolink.app import Bridge, BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.hub.stream import Stream
from neolink.media.tracks import VIDEO_CLOCK_RATE, ParameterSets, StreamKind, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.web.settings import HttpLimits, HttpSettings

HOST = "127.0.0.1"
KIND = StreamKind.SUB
SETTLE_S = 2.0
KEY_FACTOR = 5
MANY = 4096


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench.live", description=__doc__)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--kbps", type=int, default=256)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--watch", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watch:
        _watch(int(options.watch), options.viewers)
        return
    costs = [asyncio.run(_measure(options, options.viewers)) for _ in range(options.runs)]
    alone = [asyncio.run(_measure(options, 0)) for _ in range(options.runs)]
    floors = [_floor_us(options) for _ in range(options.runs)]
    units = options.fps * options.seconds
    base_s = statistics.median(alone)
    print(f"{options.viewers} viewers of {options.kbps} kbit/s at {options.fps} pictures a second")
    _row("bridge, % of a core", [100 * cpu_s / options.seconds for cpu_s in costs])
    _row("without viewers, % of a core", [100 * cpu_s / options.seconds for cpu_s in alone])
    each = [1e6 * (cpu_s - base_s) / units / options.viewers for cpu_s in costs]
    _row("per viewer and access unit, µs", each)
    _row("a bare send, µs", floors)


def _row(name: str, values: list[float]) -> None:
    low, middle, high = min(values), statistics.median(values), max(values)
    print(f"{name:40}{middle:9.2f}   (min {low:.2f}, max {high:.2f}, {len(values)} runs)")


async def _measure(options: argparse.Namespace, viewers: int) -> float:
    """Return the CPU seconds of the measured time."""
    bridge = _bridge()
    stream, web = bridge.streams["cam", KIND], bridge.onlookers.web
    assert web is not None  # the settings ask for it
    web.open()
    serving = asyncio.create_task(web.run())
    feeding = asyncio.create_task(_feed(stream, options))
    command = [sys.executable, "-m", "bench.live", "--watch", str(web.port)]
    command += ["--viewers", str(viewers)]
    process = subprocess.Popen(command)  # noqa: ASYNC220 - before anything is measured
    try:
        with stream.hold():
            while web.context.live.audience.count < viewers:  # noqa: ASYNC110 - a benchmark
                await asyncio.sleep(0.1)
            await asyncio.sleep(SETTLE_S)
            begin_s = _cpu_s()
            await asyncio.sleep(options.seconds)
            spent_s = _cpu_s() - begin_s
            lost = sum(player.units_dropped for player in web.context.live.players())
    finally:
        process.kill()
        process.wait()
        for task in (serving, feeding):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        stream.close()
    assert not lost, f"{lost} units were dropped: this machine is too slow for the figures"
    return spent_s


def _cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _bridge() -> Bridge:
    limits = HttpLimits(max_connections=MANY, max_connections_per_ip=MANY, max_viewers=MANY)
    return Bridge(
        BridgeSettings(
            cameras=[CameraSettings(name="cam", host=HOST, streams=(KIND,))],
            mounts=[MountSettings(camera="cam", streams=(KIND,))],
            rtsp=RtspSettings(bind=HOST, port=0, rtp_port=0),
            http=HttpSettings(bind=HOST, port=0, limits=limits),
        )
    )


async def _feed(stream: Stream, options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    for unit in _units(options.fps, options.kbps * 1000 // 8 // options.fps):
        due_s += 1 / options.fps
        await asyncio.sleep(due_s - loop.time())
        stream.publish(unit)


def _units(fps: int, size: int) -> Iterator[AccessUnit]:
    """Yield pictures of this mean size, two seconds a group."""
    sets = ParameterSets(bytes.fromhex("6764001eac2b405017fcb80b50"), (b"\x68\xee\x3c\x80",))
    track = VideoTrack(VideoCodec.H264, sets, 640, 360, float(fps))
    gop = 2 * fps
    small = size * gop // (gop + KEY_FACTOR - 1)
    number = 0
    while True:
        is_key = number % gop == 0
        nal = (b"\x65" if is_key else b"\x41") + bytes(small * (KEY_FACTOR if is_key else 1))
        yield AccessUnit(track, (memoryview(nal),), number * VIDEO_CLOCK_RATE // fps, is_key)
        number += 1


def _watch(port: int, count: int) -> None:
    """Be the viewers, until killed."""
    players = []
    for _ in range(count):
        sock = socket.create_connection((HOST, port), timeout=10)
        sock.sendall(
            f"GET /api/v1/cameras/cam/streams/{KIND}/live HTTP/1.1\r\nHost: localhost:{port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        if b" 101 " not in sock.recv(64):
            raise RuntimeError("the bridge refused a viewer")
        sock.setblocking(False)
        players.append(Player(sock))
    drain(players, 3600.0)


def _floor_us(options: argparse.Namespace) -> float:
    """Return the CPU of a bare ``send``. It sends 25 pictures a second, of the same size."""
    rate = 25
    kbps = options.kbps * rate // options.fps
    command = [sys.executable, "-m", "bench.floor"]
    command += [str(options.viewers), str(kbps), str(options.seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        players = []
        for _ in range(options.viewers):
            sock = socket.create_connection((HOST, port), timeout=10)
            sock.setblocking(False)
            players.append(Player(sock))
        try:
            drain(players, options.seconds + 1.0)
        finally:
            cpu_s = float(process.stdout.readline())
            assert process.stdin is not None
            process.stdin.close()
    return 1e6 * cpu_s / float(rate * options.seconds * options.viewers)


if __name__ == "__main__":
    main()
