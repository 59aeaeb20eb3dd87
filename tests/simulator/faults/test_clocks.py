"""Clocks that jump, stand still and wrap, and times of day that are wrong."""

from itertools import pairwise

import pytest

from neolink.simulator.faults import PosixJump
from support.camera_link import Bench, assert_well, begin, frames

DAY_S = 86_400


@pytest.mark.parametrize("seconds", [-100, 0.25, 3600, -4000, 4294.967296])
async def test_clock_jumps_by_any_amount_and_back(bench: Bench, seconds: float) -> None:
    link = bench.logged_in(audio=None)
    link.start()
    before = frames(link.run(0.5))[-1].microseconds
    fault = begin(link, "clock_jump", seconds=seconds)
    after = [one.microseconds for one in frames(link.run(0.12))]
    assert len(after) == 3
    jump = round(seconds * 1e6)
    assert [(one - before - jump) % (1 << 32) for one in after] == [40_000, 80_000, 120_000]
    link.device.end(fault)
    assert frames(link.run(0.04))[0].microseconds == before + 160_000
    assert_well(bench, link.device)


async def test_clock_stands_still_and_is_right_again(bench: Bench) -> None:
    link = bench.logged_in(audio=None)
    link.start()
    before = frames(link.run(0.5))[-1].microseconds
    fault = begin(link, "clock_standstill")
    assert {one.microseconds for one in frames(link.run(1.0))} == {before + 40_000}
    link.device.end(fault)
    assert frames(link.run(0.04))[0].microseconds == before + 26 * 40_000
    assert_well(bench, link.device)


@pytest.mark.parametrize("is_running", [False, True])
async def test_clock_wraps_when_it_is_told_to(bench: Bench, is_running: bool) -> None:
    link = bench.logged_in(audio=None)
    if is_running:
        link.start()
        link.run(3.0)
    fault = begin(link, "clock_wrap", after_s=1.0)
    if not is_running:
        link.start()
    times = [one.microseconds for one in frames(link.run(2.2))]
    wraps = [index for index, (a, b) in enumerate(pairwise(times)) if b < a]
    assert len(wraps) == 1
    assert 23 <= wraps[0] <= 25
    assert {(b - a) % (1 << 32) for a, b in pairwise(times)} == {40_000}
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_all_streams_wrap_together(bench: Bench) -> None:
    device = bench.device(audio=None)
    links = [bench.link(device) for _ in range(2)]
    for link in links:
        link.log_in()
        begin(link, "clock_wrap", after_s=100.0) if link is links[0] else None
        link.start()
    links[0].run(0.5)
    links[1].run(0.04)
    first, second = (frames(link.packets) for link in links)
    assert first[0].microseconds == second[0].microseconds


@pytest.mark.parametrize("seconds", [DAY_S, -DAY_S])
async def test_time_of_day_jumps_and_the_clock_does_not(bench: Bench, seconds: int) -> None:
    link = bench.logged_in(audio=None)
    link.start()
    link.run(2.0)
    fault = begin(link, "posix_jump", seconds=seconds)
    link.run(2.2)
    first, second, *_ = (one for one in frames(link.packets) if one.is_key_frame)
    assert first.posix_time is not None
    assert second.posix_time == first.posix_time + 2 + seconds
    assert second.microseconds == first.microseconds + 2_000_000
    link.device.end(fault)
    assert_well(bench, link.device)


@pytest.mark.parametrize(("seconds", "told"), [(-1 << 40, 0), (1 << 40, (1 << 32) - 1)])
async def test_time_of_day_has_32_bits(bench: Bench, seconds: int, told: int) -> None:
    link = bench.logged_in()
    link.start()
    first = frames(link.run(0.2))[0]
    (moved,) = PosixJump(seconds=seconds).on_packet(first)
    assert frames([moved])[0].posix_time == told
