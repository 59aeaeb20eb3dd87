"""``python -m bench.buffers``: buffers made afresh against buffers used again.

Three questions: the joined blob of a unit, the receive buffer of a camera's connection, and what
stays resident after very many blobs of random size. Each run of the last one is its own process.
"""

import argparse
import random
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path

from neolink.pool import BufferPool, Lease, PoolLimits

SIZES = 5_000, 40_000, 150_000, 300_000
PAYLOAD = 1400
RECEIVE_BUFFER = 256 * 1024
READS = 4_000, 40_000, 200_000
TOUCHED = 40_000
CONNECTIONS = 16
HEADER = struct.Struct(">HHHHQ")
PREFIX = b"\x7c\x05"
SMALLEST, LARGEST = 4_000, 300_000
QUEUE = 100
"""Blobs that may wait for slow readers, as 3 to 4 s of a stream do."""

SOURCE = memoryview(random.Random(1).randbytes(LARGEST + PAYLOAD))


class Shared:
    """A pooled blob with its count of readers, without which it cannot be given back."""

    __slots__ = ("lease", "readers", "view")

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.view = lease.view
        self.readers = 1

    def keep(self) -> None:
        """Add a reader."""
        self.readers += 1

    def drop(self) -> None:
        """Take a reader away."""
        self.readers -= 1
        if not self.readers:
            self.lease.release()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.buffers", description=__doc__)
    parser.add_argument("--blobs", type=int, default=100_000, help="of the memory measurement")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--resident", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.resident:
        _resident(options.resident, options.blobs)
        return
    _print_blobs(options.runs)
    _print_receiving(options.runs)
    _print_reconnects(options.runs)
    print(f"\nMiB resident, {options.blobs} blobs of {SMALLEST} to {LARGEST} bytes")
    for way in WAYS:
        command = [sys.executable, "-m", "bench.buffers", "--resident", way]
        subprocess.run([*command, "--blobs", str(options.blobs)], check=True)


# ---------------------------------------------------------------- joined blobs


def joined(payloads: list[memoryview]) -> bytes:
    """Join as the sender does: one list, one allocation."""
    parts: list[bytes | memoryview] = []
    for sequence, body in enumerate(payloads):
        parts += (HEADER.pack(0x2400, len(body) + 14, 0x8060, sequence, 1), PREFIX, body)
    return b"".join(parts)


def filled(payloads: list[memoryview], pool: BufferPool) -> Shared:
    """Write the same bytes into a lease."""
    size = sum(map(len, payloads)) + len(payloads) * (HEADER.size + len(PREFIX))
    lease = pool.acquire(size)
    assert lease is not None
    view, position = lease.view, 0
    for sequence, body in enumerate(payloads):
        HEADER.pack_into(view, position, 0x2400, len(body) + 14, 0x8060, sequence, 1)
        position += HEADER.size
        view[position : position + len(PREFIX)] = PREFIX
        position += len(PREFIX)
        end = position + len(body)
        view[position:end] = body
        position = end
    return Shared(lease)


def _payloads(size: int) -> list[memoryview]:
    return [SOURCE[start : min(start + PAYLOAD, size)] for start in range(0, size, PAYLOAD)]


def _print_blobs(runs: int) -> None:
    print("µs per blob: made, given to N readers, forgotten (medians)")
    print(f"{'bytes':>8} {'readers':>8} {'fresh join':>11} {'pooled fill':>12}")
    for size in SIZES:
        payloads = _payloads(size)
        pool = BufferPool()
        assert joined(payloads) == filled(payloads, pool).view
        for readers in (1, 50):
            fresh = _median_us(partial(_fresh_life, payloads, readers), runs)
            reused = _median_us(partial(_pooled_life, payloads, readers, pool), runs)
            print(f"{size:8} {readers:8} {fresh:11.1f} {reused:12.1f}")


def _fresh_life(payloads: list[memoryview], readers: int) -> None:
    blob = joined(payloads)
    queues = [blob for _ in range(readers)]
    queues.clear()


def _pooled_life(payloads: list[memoryview], readers: int, pool: BufferPool) -> None:
    blob = filled(payloads, pool)
    queues = []
    for _ in range(readers):
        blob.keep()
        queues.append(blob)
    for queued in queues:
        queued.drop()
    blob.drop()


# ---------------------------------------------------------------- receive buffers


def _print_receiving(runs: int) -> None:
    print(f"\nµs per send and read, {CONNECTIONS} connections in turn")
    print(f"{'bytes':>8} {'own buffer':>11} {'lent for it':>12} {'made for it':>12}")
    for size in READS:
        own, lent, afresh = (
            _median_us(read, runs) / CONNECTIONS for read in _ways_to_receive(bytes(size))
        )
        print(f"{size:8} {own:11.1f} {lent:12.1f} {afresh:12.1f}")
    print(
        f"{'KiB held':8} {CONNECTIONS * RECEIVE_BUFFER >> 10:11} {RECEIVE_BUFFER >> 10:12} {0:12}"
    )


def _ways_to_receive(data: bytes) -> tuple[Callable[[], None], ...]:
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    views = [memoryview(bytearray(RECEIVE_BUFFER)) for _ in range(CONNECTIONS)]
    pool = BufferPool()

    def own() -> None:
        for view in views:
            theirs.send(data)
            ours.recv_into(view)

    def lent() -> None:
        for _ in views:
            theirs.send(data)
            lease = pool.acquire(RECEIVE_BUFFER)
            assert lease is not None
            ours.recv_into(lease.view)
            lease.release()

    def afresh() -> None:
        for _ in views:
            theirs.send(data)
            ours.recv_into(memoryview(bytearray(RECEIVE_BUFFER)))

    return own, lent, afresh


def _print_reconnects(runs: int) -> None:
    pool = BufferPool()

    def fresh() -> None:
        memoryview(bytearray(RECEIVE_BUFFER))[:TOUCHED] = SOURCE[:TOUCHED]

    def reused() -> None:
        lease = pool.acquire(RECEIVE_BUFFER)
        assert lease is not None
        lease.view[:TOUCHED] = SOURCE[:TOUCHED]
        lease.release()

    def bare() -> None:
        lease = pool.acquire(RECEIVE_BUFFER)
        assert lease is not None
        lease.release()

    print(f"\nµs per connection that gets a buffer and {TOUCHED} bytes, then ends")
    print(f"fresh {_median_us(fresh, runs):.1f}, pooled {_median_us(reused, runs):.1f}")
    print(f"acquire and release alone {_median_us(bare, runs):.2f}")


# ---------------------------------------------------------------- memory


def _resident(way: str, blobs: int) -> None:
    chance = random.Random(7)
    sizes = [chance.randint(SMALLEST, LARGEST) for _ in range(4096)]
    step = WAYS[way]()
    begin, peak = _rss_mib(), 0.0
    started = time.process_time()
    for number in range(blobs):
        step(sizes[number & 4095], chance.randrange(QUEUE) if number % 64 == 0 else QUEUE)
        if number % 1024 == 0:
            peak = max(peak, _rss_mib())
    cost_us = (time.process_time() - started) / blobs * 1e6
    step(SMALLEST, 0)
    print(
        f"{way:8}{begin:8.1f} at start {peak:8.1f} at most {_rss_mib():8.1f} when all is read"
        f" {cost_us:8.1f} µs each",
        flush=True,
    )


def _fresh_queue() -> Callable[[int, int], None]:
    queue: deque[bytes] = deque()

    def step(size: int, keep: int) -> None:
        queue.append(joined(_payloads(size)))
        while len(queue) > keep:
            queue.popleft()

    return step


def _pooled_queue() -> Callable[[int, int], None]:
    # Wider than the pool of the bridge: with 32 buffers a class, 100 waiting blobs exhaust it.
    pool = BufferPool(PoolLimits(max_buffers=QUEUE + 1))
    queue: deque[Shared] = deque()

    def step(size: int, keep: int) -> None:
        queue.append(filled(_payloads(size), pool))
        while len(queue) > keep:
            queue.popleft().drop()

    return step


WAYS = {"fresh": _fresh_queue, "pooled": _pooled_queue}


# ---------------------------------------------------------------- details


def _median_us(action: Callable[[], None], runs: int) -> float:
    action()
    return statistics.median(_run_us(action) for _ in range(runs))


def _run_us(action: Callable[[], None], least_s: float = 0.1) -> float:
    count = 0
    begin = time.process_time()
    while (spent := time.process_time() - begin) < least_s:
        for _ in range(16):
            action()
        count += 16
    return spent / count * 1e6


def _rss_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)


if __name__ == "__main__":
    main()
