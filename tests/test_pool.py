"""Buffers used again: within their bounds, never lent twice, given back when nobody needs them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.pool import BufferPool, Lease, PoolLimits, buffer_size

KIB = 1024
IDLE_S = 60


def acquire(pool: BufferPool, size: int) -> Lease:
    lease = pool.acquire(size)
    assert lease is not None
    return lease


@pytest.mark.parametrize(
    ("size", "held"),
    [(0, 512), (1, 512), (512, 512), (513, 1024), (1024, 1024), (1025, 2048), (16384, 16384)],
)
def test_a_lease_has_the_size_asked_for_in_a_power_of_two(size: int, held: int) -> None:
    pool = BufferPool()
    lease = acquire(pool, size)
    assert len(lease.view) == size
    assert (pool.held_bytes, pool.leased_bytes, pool.class_count) == (held, held, 1)


def test_sizes_of_one_class_share_its_buffers() -> None:
    pool = BufferPool()
    acquire(pool, 3000).release()
    acquire(pool, 4096).release()
    assert (pool.hits, pool.misses, pool.hit_rate) == (1, 1, 0.5)
    assert pool.held_bytes == 4096


def test_a_released_lease_shows_nothing_and_comes_back_only_once() -> None:
    pool = BufferPool()
    lease = acquire(pool, 4096)
    lease.release()
    lease.release()
    assert len(lease.view) == 0
    assert pool.leased_bytes == 0
    first, second = acquire(pool, 4096), acquire(pool, 4096)
    first.view[0], second.view[0] = 1, 2
    assert (first.view[0], second.view[0]) == (1, 2)


def test_a_class_lends_so_many_buffers_and_then_says_no() -> None:
    pool = BufferPool()
    leases = [acquire(pool, 4096) for _ in range(32)]
    assert pool.acquire(4096) is None
    assert (pool.misses, pool.exhausted, pool.hit_rate) == (32, 1, 0.0)
    acquire(pool, 4097)  # another class is not concerned
    leases[0].release()
    acquire(pool, 4096)


def test_the_bytes_of_all_classes_are_bounded() -> None:
    pool = BufferPool()
    leases = [acquire(pool, 16 << 20) for _ in range(4)]
    assert pool.held_bytes == 64 << 20
    assert pool.acquire(1) is None
    assert pool.exhausted == 1
    leases[0].release()
    acquire(pool, 1)  # for which the idle buffer had to go
    assert pool.held_bytes == (48 << 20) + 512


def test_a_size_beyond_the_largest_class_is_refused() -> None:
    pool = BufferPool()
    assert pool.acquire((16 << 20) + 1) is None
    assert (pool.exhausted, pool.held_bytes) == (1, 0)


def test_want_of_memory_is_exhaustion_not_an_error() -> None:
    def fail(size: int) -> bytearray:
        raise MemoryError(size)

    pool = BufferPool(allocate=fail)
    assert pool.acquire(1024) is None
    assert (pool.exhausted, pool.misses, pool.held_bytes, pool.leased_bytes) == (1, 0, 0, 0)


def test_buffers_at_rest_for_a_minute_are_given_back() -> None:
    pool = BufferPool()
    acquire(pool, 4096).release()
    assert pool.sweep(100.0) == 0  # which is when its rest begins
    assert pool.sweep(100.0 + IDLE_S - 0.1) == 0
    assert pool.sweep(100.0 + IDLE_S) == 4096
    assert (pool.held_bytes, pool.class_count) == (0, 0)


def test_a_buffer_in_use_now_and_then_is_kept_and_the_surplus_goes() -> None:
    pool = BufferPool()
    for lease in [acquire(pool, 4096) for _ in range(5)]:
        lease.release()
    for second in range(0, 90, 5):
        acquire(pool, 4096).release()
        pool.sweep(float(second))
    assert pool.held_bytes == 4096
    assert pool.misses == 5


def test_lent_buffers_do_not_rest() -> None:
    pool = BufferPool()
    lease = acquire(pool, 4096)
    pool.sweep(0.0)
    assert pool.sweep(1000.0) == 0
    lease.release()
    assert pool.sweep(1001.0) == 0


def test_frames_of_any_size_are_served_from_few_buffers() -> None:
    chance = random.Random(3)
    pool = BufferPool()
    waiting: list[Lease] = []
    for number in range(100_000):
        waiting.append(acquire(pool, chance.randint(4 * KIB, 300 * KIB)))
        if len(waiting) > chance.randrange(16):
            waiting.pop(chance.randrange(len(waiting))).release()
        if number % 125 == 0:
            pool.sweep(number / 25)
    assert pool.hit_rate > 0.95
    assert pool.class_count <= 8
    assert pool.held_bytes <= 64 << 20


@pytest.mark.parametrize(
    ("bitrate_bps", "size"), [(0, 4096), (16_384, 4096), (16_388, 4097), (8_000_000, 2_000_000)]
)
def test_a_buffer_takes_two_seconds_of_its_stream(bitrate_bps: int, size: int) -> None:
    assert buffer_size(bitrate_bps) == size


Step = tuple[str, int]
LIMITS = PoolLimits(smallest_size=64, max_classes=4, max_buffers=3, max_bytes=2000, idle_s=IDLE_S)
STEPS = st.lists(
    st.tuples(st.sampled_from(["acquire", "acquire", "release", "sweep"]), st.integers(0, 600)),
    max_size=60,
)


@settings(max_examples=150)
@given(STEPS)
def test_bounds_hold_and_no_buffer_has_two_owners(steps: list[Step]) -> None:
    pool = BufferPool(LIMITS)
    leases: list[tuple[Lease, bytes]] = []
    now_s, requests = 0, 0
    for step, number in steps:
        match step:
            case "acquire":
                requests += 1
                lease = pool.acquire(number)
                if lease is not None:
                    mark = requests.to_bytes(1) * number
                    lease.view[:] = mark
                    leases.append((lease, mark))
            case "release" if leases:
                leases.pop(number % len(leases))[0].release()
            case "sweep":
                now_s += number
                pool.sweep(now_s)
        assert all(lease.view == mark for lease, mark in leases)
        sizes = [kind.size for kind in pool._classes for _ in range(kind.count)]
        assert sum(sizes) == pool.held_bytes <= LIMITS.max_bytes
        assert sum(kind.size * kind.lent for kind in pool._classes) == pool.leased_bytes
        assert sum(kind.lent for kind in pool._classes) == len(leases)
        assert all(sizes.count(size) <= LIMITS.max_buffers for size in sizes)
        assert pool.class_count <= LIMITS.max_classes
        assert pool.hits + pool.misses + pool.exhausted == requests
    for lease, _ in leases:
        lease.release()
    pool.sweep(now_s)
    pool.sweep(now_s + IDLE_S)
    assert pool.held_bytes == pool.leased_bytes == 0
