"""The run's own machinery, with a sampler that is not real."""

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from soak.__main__ import parse_options
from soak.crowd import Player
from soak.inside import Inside
from soak.processes import Usage, child, read_usage
from soak.report import plots, render
from soak.run import Probe, background, keep_sampling, round_trips
from soak.schedule import make_plan
from soak.stress import Phase, judge_phase
from soak.stress import render as render_stress
from soak.verdict import Check, Record, Sample, judge


async def test_every_sample_is_in_the_file_at_once(tmp_path: Path) -> None:
    taken: list[Sample] = []
    enough = asyncio.Event()

    async def look() -> Sample:
        if len(taken) == 3:
            enough.set()
            await asyncio.Event().wait()
        return Sample(at_s=float(len(taken)), rss_mib=60, descriptors=9, threads=1, cpu_s=0)

    path = tmp_path / "samples.jsonl"
    task = asyncio.create_task(keep_sampling(look, taken, path, interval_s=0))
    await enough.wait()
    assert [json.loads(line)["at_s"] for line in path.read_text().splitlines()] == [0, 1, 2]
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_child_is_measured_and_ends_in_order(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    async with child(command, stderr=tmp_path / "log") as process:
        assert await process.read_line() == "up"
        usage = read_usage(process.pid)
        assert usage.rss_mib > 1
        assert usage.descriptors >= 3
        assert usage.threads == 1
        await process.write_line("")
        ended = await process.stop()
    assert not process.is_running
    assert not ended.was_killed


async def test_a_child_never_outlives_its_block(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "input()"]
    with pytest.raises(ZeroDivisionError):
        async with child(command, stderr=tmp_path / "log") as process:
            raise ZeroDivisionError
    assert not process.is_running


async def test_a_child_that_ends_too_early_is_quoted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "exit('no such camera')"]
    async with child(command, stderr=tmp_path / "log") as process:
        with pytest.raises(RuntimeError, match=r"ended with 1: no such camera$"):
            await process.read_line()


def test_the_report_tells_of_checks_witnesses_and_faults() -> None:
    plan = make_plan(1, 2, 300)
    sample = Sample(
        at_s=5,
        rss_mib=60,
        descriptors=9,
        threads=1,
        cpu_s=1,
        gaps_s=(0.04, 0.07, 0.05),
        inside=Inside(
            tasks=40, loop_lag_s=0, connected=2, pool_mib=1, queued_mib=0, drops={"damaged": 3}
        ),
    )
    record = Record(episodes=plan.episodes, active_s=300)
    record.samples = [replace(sample, at_s=5.0 * n, cpu_s=0.5 * n) for n in range(1, 60)]
    record.was_interrupted = True
    text = render(plan, record, judge(record), [("visits begun", "12")])
    assert text.startswith("# Soak report: FAIL")
    assert "interrupted" in text
    assert "| visits begun | 12 |" in text
    assert {"tasks.svg", "loop-lag.svg", "drops.svg"} <= plots(plan, record).keys()
    assert ">damaged<" in plots(plan, record)["drops.svg"]
    for name, svg in plots(plan, record).items():
        assert f"![{name}]({name})" in text
        assert svg.startswith("<svg")


def test_the_report_says_when_something_is_not_shown() -> None:
    plan = make_plan(1, 2, 300)
    checks = [Check("memory", is_passed=True, detail="noise", is_shown=False)]
    text = render(plan, Record(), checks, [])
    assert text.startswith("# Soak report: NOT SHOWN\n")
    assert "| **NOT SHOWN** | memory | noise |" in text


async def test_what_fails_in_the_background_ends_the_block() -> None:
    async def fail() -> None:
        raise OSError("the bridge is gone")

    with pytest.raises(ExceptionGroup) as caught:
        async with background(fail()):
            await asyncio.Event().wait()
    assert caught.group_contains(OSError)


def test_strict_is_an_option() -> None:
    assert not parse_options([], {}).is_strict
    assert parse_options(["--strict"], {}).is_strict


@pytest.mark.parametrize(
    ("arguments", "environment", "seconds"),
    [
        ([], {}, 1200),
        ([], {"MINUTES": "3"}, 180),
        ([], {"HOURS": "24"}, 86_400),
        (["--minutes", "5"], {"HOURS": "24"}, 300),
        (["--hours", "0.5"], {"MINUTES": "3"}, 1800),
    ],
)
def test_options_win_over_the_environment(
    arguments: list[str], environment: dict[str, str], seconds: float
) -> None:
    assert parse_options(arguments, environment).seconds == seconds


def test_the_slowest_round_trip_is_of_the_time_since_the_last_look() -> None:
    probe = Probe()
    for line in ("1.0", "9.0"):
        probe.note(line)
    assert probe.take_slowest() == 9.0
    assert probe.take_slowest() == 0.0
    assert round_trips([3.0, 1.0, 2.0]) == "2.0 / 3.0 / 3.0 ms"


# ---------------------------------------------------------------- stress
USAGE = Usage(rss_mib=60, descriptors=60, threads=1, cpu_s=1.0)
PHASE = Phase(
    players=2,
    seconds=20,
    sent=500,
    pictures=(500, 499),
    gone=0,
    round_trips_ms=(1.0, 2.0),
    before=USAGE,
    after=replace(USAGE, cpu_s=5.0),
)


def test_a_good_phase_passes_and_each_fault_fails_one_check() -> None:
    assert all(check.is_passed for check in judge_phase(PHASE))
    assert PHASE.cpu_percent == 20
    for bad in (
        replace(PHASE, pictures=(500, 470)),
        replace(PHASE, gone=1),
        replace(PHASE, round_trips_ms=(101.0,)),
        replace(PHASE, round_trips_ms=()),
        replace(PHASE, sent=0),
    ):
        checks = judge_phase(bad)
        assert sum(not check.is_passed for check in checks) == 1
        assert render_stress([bad], checks).startswith("# Stress report: FAIL")


def test_markers_are_counted_however_the_bytes_arrive() -> None:
    def packet(channel: int, *, marker: bool) -> bytes:
        body = bytes((0x80, 0x60 | marker << 7)) + bytes(20)
        return b"$" + bytes((channel,)) + len(body).to_bytes(2, "big") + body

    stream = (
        b"RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n"
        + packet(0, marker=False)
        + packet(0, marker=True)
        + packet(1, marker=True)
        + b"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n"
        + packet(0, marker=True)
    )
    for size in (1, 3, 7, len(stream)):
        player = Player(control=None, session="s")  # type: ignore[arg-type]  # no socket is used
        for start in range(0, len(stream), size):
            player.take_stream(stream[start : start + size])
        assert player.pictures == 2
