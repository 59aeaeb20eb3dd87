"""``python -m bench.metrics``: what it costs to count, to look at the counters, and to be scraped.

Two questions. How long does a scrape of many cameras and players hold the loop? The bridge is a
real one, its players are connections; no camera is asked, its pictures are published by hand. And
what does counting cost per picture, next to what a picture costs anyway: packetized once and sent
to one player over loopback? Of sender and receiver only the sender's CPU counts.
"""

import argparse
import asyncio
import gc
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from bench.load import DISCARD, Player, play
from neolink.app import Bridge, BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.clock import SystemClock
from neolink.hub.backlog import BacklogLimits, Budget
from neolink.hub.counters import StreamCounters
from neolink.hub.stream import Stream
from neolink.media.tracks import ParameterSets, StreamKind, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit
from neolink.metrics.text import render
from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.delivery.outbox import Outbox
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.seat import Seat
from neolink.rtsp_server.settings import MountSettings, RtspLimits, RtspSettings, StartMode
from neolink.rtsp_server.wires.wire import PlainWire

HOST = "127.0.0.1"
KINDS = (StreamKind.MAIN, StreamKind.SUB)
FRAME_RATE = 25
GOP = 50
TRACK = VideoTrack(
    VideoCodec.H264,
    ParameterSets(bytes.fromhex("6764001eac2b405017fcb80b50"), (b"\x68\xee\x3c\x80",)),
    640,
    360,
    float(FRAME_RATE),
)
LIMITS = RtspLimits(max_connections_per_ip=1024, max_unauthenticated=1024)


@dataclass(frozen=True, slots=True)
class Scrape:
    """One scrape, in milliseconds of CPU and bytes."""

    read_ms: float
    judge_ms: float
    render_ms: float
    longest_ms: float
    """The longest turn of the loop."""
    seen_ms: float
    """The longest time that nothing else could run, as another task of the loop saw it: by the
    clock, so that it also tells what other processes took."""
    size: int


class NoCounters(StreamCounters):
    """Counters that do not count: the call remains, the work is gone."""

    def picture_came(self, unit: AccessUnit, now_s: float) -> None:
        """Do nothing."""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench.metrics", description=__doc__)
    parser.add_argument("--cameras", type=int, default=100)
    parser.add_argument("--players", type=int, default=400)
    parser.add_argument("--kbps", type=int, default=8000)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    asyncio.run(_print_scrapes(options))
    asyncio.run(_print_hot_path(options))


def _row(name: str, values: list[float]) -> None:
    low, middle, high = min(values), statistics.median(values), max(values)
    print(f"{name:50}{middle:9.2f}   (min {low:.2f}, max {high:.2f}, {len(values)} runs)")


# ---------------------------------------------------------------- a scrape


async def _print_scrapes(options: argparse.Namespace) -> None:
    bridge = _bridge(options.cameras)
    for stream in bridge.streams.values():
        _describe(stream)
    bridge.rtsp.open()
    serving = asyncio.create_task(bridge.rtsp.run())
    try:
        players = await asyncio.to_thread(_connect, bridge, options.players)
        for stream in bridge.streams.values():  # somebody holds them, most of them
            _flow(stream)
        bridge.observer.mark()
        collection_ms = _collection_ms()  # now, not in the middle of a scrape
        scrapes = [await _scrape(bridge) for _ in range(options.runs)]
        marks = [_marked_ms(bridge) for _ in range(options.runs)]
        found = sum(len(one.players) for camera in bridge.observer.read().cameras
                    for one in camera.streams)  # fmt: skip
        for player in players:
            player.sock.close()
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
        bridge.rtsp.close()
        for stream in bridge.streams.values():
            stream.close()
    print(f"{options.cameras} cameras with {len(KINDS)} streams each, {found} players, "
          f"{scrapes[0].size / 1e6:.2f} MB of text")  # fmt: skip
    whole = [one.read_ms + one.judge_ms + one.render_ms for one in scrapes]
    _row("reading, ms of CPU", [one.read_ms for one in scrapes])
    _row("judging the health of it, ms of CPU", [one.judge_ms for one in scrapes])
    _row("text, ms of CPU", [one.render_ms for one in scrapes])
    _row("the whole scrape, ms of CPU", whole)
    _row("longest hold of the loop, ms of CPU", [one.longest_ms for one in scrapes])
    _row("... as another task saw it, ms of time", [one.seen_ms for one in scrapes])
    _row("look at the counters, once a second, ms of CPU", marks)
    _row("(a full garbage collection of this process, ms)", [collection_ms])


async def _scrape(bridge: Bridge) -> Scrape:
    """Do what ``/metrics`` does, while another task looks how long it has to wait."""
    gaps: list[float] = []
    watching = asyncio.create_task(_watch_loop(gaps))
    await asyncio.sleep(0.25)  # older than the last reading may be
    gaps.clear()
    turns, size = [], 0
    for work in _turns(bridge):
        begin = time.thread_time()
        size += work()
        turns.append(1000 * (time.thread_time() - begin))
        await asyncio.sleep(0)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    return Scrape(turns[0], turns[1], sum(turns[2:]), max(turns), 1000 * max(gaps), size)


def _turns(bridge: Bridge) -> Iterator[Callable[[], int]]:
    """Yield what is done in each turn of the loop; it returns the bytes that it made."""
    view = bridge.onlookers.view
    states: dict[str, str] = {}

    def read() -> int:
        view.read()
        return 0

    def judge() -> int:
        for camera in view.health().cameras:
            states[camera.name] = camera.health.state
        return 0

    yield read
    yield judge
    pieces = render(view.read(), states)
    left = True

    def write() -> int:
        nonlocal left
        piece = next(pieces, "")
        left = bool(piece)
        return len(piece.encode())

    while left:
        yield write


async def _watch_loop(gaps: list[float]) -> None:
    before = time.perf_counter()
    while True:
        await asyncio.sleep(0)
        now = time.perf_counter()
        gaps.append(now - before)
        before = now


def _marked_ms(bridge: Bridge) -> float:
    begin = time.thread_time()
    bridge.observer.mark()
    return 1000 * (time.thread_time() - begin)


def _collection_ms() -> float:
    begin = time.thread_time()
    gc.collect()
    return 1000 * (time.thread_time() - begin)


def _bridge(count: int) -> Bridge:
    """Return a bridge whose cameras nobody runs: their streams are fed by hand."""
    names = [f"cam{number}" for number in range(1, count + 1)]
    return Bridge(
        BridgeSettings(
            cameras=[CameraSettings(name=name, host=HOST, streams=KINDS) for name in names],
            mounts=[MountSettings(camera=name, streams=KINDS) for name in names],
            rtsp=RtspSettings(bind=HOST, port=0, rtp_port=0, limits=LIMITS),
        )
    )


def _connect(bridge: Bridge, count: int) -> list[Player]:
    """Connect players, spread over all streams; they are not drained."""
    paths = [f"{camera}/{kind}" for camera, kind in bridge.streams]
    return [play(HOST, bridge.rtsp.port, paths[number % len(paths)]) for number in range(count)]


def _describe(stream: Stream) -> None:
    with stream.hold():
        for unit in _units(30, size=400):
            stream.publish(unit)


def _flow(stream: Stream) -> None:
    for unit in _units(GOP, size=400, first=1000):
        stream.publish(unit)


# ---------------------------------------------------------------- counting


async def _print_hot_path(options: argparse.Namespace) -> None:
    units = list(_units(40 * GOP, size=options.kbps * 1000 // 8 // FRAME_RATE))
    counted, uncounted, whole = [], [], []
    for _ in range(options.runs):
        counted.append(_publish_us(units, StreamCounters(), lambda _: None))
        uncounted.append(_publish_us(units, NoCounters(), lambda _: None))
        with _player() as join:
            whole.append(_publish_us(units, NoCounters(), join))
    added = min(counted) - min(uncounted)  # what disturbs makes all of them longer
    print(f"\nCPU of one picture of {units[1].size} bytes on its way through the hub, µs")
    _row("with counters, nobody watches", counted)
    _row("without counters, nobody watches", uncounted)
    _row("without counters, packetized and sent to one player", whole)
    print(f"{'counting adds, µs, by the least of each':50}{added:9.2f}")
    print(f"{'of the whole, by the least of each':50}{100 * added / min(whole):9.2f} %")


def _publish_us(
    units: list[AccessUnit], counters: StreamCounters, join: Callable[[Mount], None]
) -> float:
    """Return the CPU of this thread for each picture published on a stream that is wanted."""
    clock = SystemClock()
    stream = Stream("bench/main", clock=clock)
    stream.counters = counters
    mount = Mount(StreamKind.MAIN, stream, MountSettings(camera="bench"), clock)
    join(mount)
    if not mount.player_count:
        stream.unsubscribe(mount)
    with stream.hold():
        stream.publish(units[0])
        begin = time.thread_time()
        for unit in units[1:]:
            stream.publish(unit)
        spent_s = time.thread_time() - begin
    stream.close()
    return 1e6 * spent_s / (len(units) - 1)


@contextmanager
def _player() -> Iterator[Callable[[Mount], None]]:
    """Give what lets one player join, over TCP; another thread throws away what it is sent."""
    with socket.create_server((HOST, 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        ours, _ = server.accept()
    ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    thread = threading.Thread(target=_discard, args=(theirs,), daemon=True)
    thread.start()
    failures: list[str] = []
    outbox = Outbox(
        PlainWire(ours, (HOST, 0)), failures.append
    )  # a blocking socket: every unit is sent whole
    lane = outbox.open_lane(BacklogLimits(), Budget())
    lane.channels[0] = 0

    def join(mount: Mount) -> None:
        mount.join(Seat(lane, True, AudioChoice.NONE, StartMode.LIVE, _ignore, failures.append))

    try:
        yield join
    finally:
        ours.close()
        thread.join()
        theirs.close()
    assert not failures, failures


def _discard(sock: socket.socket) -> None:
    while sock.recv(DISCARD, socket.MSG_TRUNC):
        pass


def _ignore() -> None:
    """Do nothing."""


def _units(count: int, *, size: int, first: int = 0) -> Iterator[AccessUnit]:
    """Yield pictures of this mean size; a key frame is five times as large as another."""
    small = size * GOP // (GOP + 4)
    key = memoryview(b"\x65" + bytes(5 * small - 1))
    other = memoryview(b"\x41" + bytes(small - 1))
    for number in range(first, first + count):
        is_key = number % GOP == 0
        yield AccessUnit(TRACK, (key if is_key else other,), 3600 * number, is_key)


if __name__ == "__main__":
    main()
