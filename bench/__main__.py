"""``python -m bench``: CPU per delivered GB, start time and memory of ``neolink rtsp``.

A simulated camera, the bridge and the players are three processes on loopback; only the bridge is
measured. Beside it stands the floor of the same run: a process that only calls ``send`` once per
access unit and player.
"""

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import Player, drain, play
from bench.processes import Measured, neolink

SETTLE_S = 3.0
HOST = "127.0.0.1"


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--players", type=int, default=50)
    parser.add_argument("--kbps", type=int, default=8000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with _bridge(options.kbps) as (bridge, port):
        at_rest = bridge.rss_mib
        first_ms = [_first_picture_ms(port) for _ in range(options.runs)]
        with_one = bridge.rss_mib
        costs = [_fan_out(bridge, port, options) for _ in range(options.runs)]
    floors = [_floor(options) for _ in range(options.runs)]
    _row("bridge, CPU s per delivered GB", costs)
    _row("floor (bare send), CPU s per GB", floors)
    print(f"{'ratio of the medians':34}{statistics.median(costs) / statistics.median(floors):8.2f}")
    _row("connect to first key frame, ms", first_ms)
    print(f"{'RSS at rest, MiB':34}{at_rest:8.1f}")
    print(f"{'RSS with one camera playing, MiB':34}{with_one:8.1f}")


def _row(name: str, values: list[float]) -> None:
    low, middle, high = min(values), statistics.median(values), max(values)
    print(f"{name:34}{middle:8.2f}   (min {low:.2f}, max {high:.2f}, {len(values)} runs)")


@contextmanager
def _bridge(kbps: int) -> Iterator[tuple[Measured, int]]:
    camera_port, port, rtp_port = _free_port(), _free_port(), 0
    password = "bench-only"
    camera = [
        "simulate", "--bind", HOST, "--port", str(camera_port), "--cameras", "1",
        "--username", "admin", "--password", password, "--encryption", "none",
        "--codec", "h264", "--audio", "none", "--fps", "25", "--kbps", str(kbps), "--gop", "50",
    ]  # fmt: skip
    text = f"""
bind = "{HOST}"
bind_port = {port}
[rtsp]
rtp_port = {rtp_port}
[[cameras]]
name = "cam"
address = "{HOST}:{camera_port}"
username = "admin"
password = "{password}"
"""
    with (
        tempfile.NamedTemporaryFile("w", suffix=".toml") as file,
        neolink(camera, ready=str(camera_port)),
    ):
        file.write(text)
        file.flush()
        with neolink(["rtsp", "--config", file.name], ready="connected and logged in") as bridge:
            yield bridge, port


def _first_picture_ms(port: int) -> float:
    """Connect, play, and wait for the first interleaved bytes (a cached key frame)."""
    with _players(port, 1):  # the stream is warm, as it is for a second viewer
        time.sleep(SETTLE_S)
        begin = time.perf_counter()
        player = play(HOST, port, "cam/main")
        player.sock.setblocking(True)
        data = b""
        while b"\r\n\r\n$" not in data and not data.startswith(b"$"):
            data += player.sock.recv(65536)
        elapsed_ms = (time.perf_counter() - begin) * 1000
        player.sock.close()
    return elapsed_ms


def _fan_out(bridge: Measured, port: int, options: argparse.Namespace) -> float:
    with _players(port, options.players) as players:
        drain(players, SETTLE_S)
        before = bridge.cpu_s
        received = drain(players, options.seconds)
        return (bridge.cpu_s - before) / (received / 1e9)


@contextmanager
def _players(port: int, count: int) -> Iterator[list[Player]]:
    players = [play(HOST, port, "cam/main") for _ in range(count)]
    try:
        yield players
    finally:
        for player in players:
            player.sock.close()


def _floor(options: argparse.Namespace) -> float:
    """CPU seconds per GB of a process that only sends blobs of one access unit's size."""
    command = [
        sys.executable, "-m", "bench.floor", str(options.players), str(options.kbps),
        str(options.seconds),
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    players = [Player(socket.create_connection((HOST, port))) for _ in range(options.players)]
    received = drain(players, options.seconds)
    cpu_s = float(process.stdout.readline())
    for player in players:
        player.sock.close()
    process.communicate()
    return cpu_s / (received / 1e9)


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
