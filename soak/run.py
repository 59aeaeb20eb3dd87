"""One soak from start to end: three kinds of processes, the sampler, the quiet end, the report."""

import asyncio
import contextlib
import json
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from soak.bridge import HTTP_TOKEN, Bridge, read_log, running_bridge
from soak.browsers import WebVisitors, make_live_witnesses, run_live_witness
from soak.cameras import Cameras, profile_options
from soak.inside import Inside, ask
from soak.players import Visitors, make_witnesses, run_witness
from soak.processes import child, read_usage, run_module
from soak.report import write_report
from soak.schedule import KINDS, Plan, make_plan
from soak.verdict import Outcome, Record, Sample, judge, overall

__all__ = [
    "Options",
    "Probe",
    "background",
    "exit_code",
    "keep_sampling",
    "round_trips",
    "running_probe",
    "soak",
    "watch_own_pauses",
]

PLAYERS_S = 8.0
"""When players begin to come; until then the bridge is connected and has none."""

CONNECTED_S = 60.0
"""Until then it should be: the baseline is that of a bridge that is logged in to all cameras."""

QUIET_S = 50.0
"""At the end: longer than a silent session lives, and a stream without players."""

SAMPLE_S = 5.0
PROBE_S = 0.5
OWN_TICK_S = 0.2
OWN_PAUSE_S = 0.5


Guests = tuple[Visitors, WebVisitors]
"""Those who come by RTSP, and those who come by HTTP."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    seconds: float
    seed: int
    cameras: int
    witnesses: int
    out: Path
    speed: float = 1.0
    is_strict: bool = False
    """Whether what is not shown counts as failed."""


class Probe:
    """Round trips measured by another process."""

    def __init__(self) -> None:
        self.all_ms: list[float] = []
        self._taken = 0

    def note(self, line: str) -> None:
        """Take what the process printed."""
        self.all_ms.append(float(line))

    def take_slowest(self) -> float:
        """Return the slowest since the last call, 0 if there was none."""
        fresh, self._taken = self.all_ms[self._taken :], len(self.all_ms)
        return max(fresh, default=0.0)


async def soak(options: Options) -> int:
    """Run, write the report, return the exit code. The first Ctrl-C ends the run early."""
    options.out.mkdir(parents=True, exist_ok=True)
    active_s = options.seconds - QUIET_S
    plan = make_plan(options.seed, options.cameras, active_s)
    record = Record(episodes=plan.episodes, active_s=active_s, speed=options.speed)
    record.witnesses = make_witnesses(options.witnesses, options.cameras)
    record.browsers = make_live_witnesses(options.cameras)
    totals = [] if options.speed == 1 else [("speed of the clock", f"{options.speed:g} x")]
    with _stop_event() as stop:
        try:
            totals += await _run(options, plan, record, stop)
        except* (OSError, RuntimeError) as group:
            record.failure = f"cannot go on: {_first_leaf(group)}"
    record.log = read_log((options.out / "bridge.log").read_text(errors="replace"))
    checks = judge(record)
    path = write_report(options.out, plan, record, checks, totals)
    for check in checks:
        print(f"{check.outcome:9}  {check.name}: {check.detail}")
    outcome = overall(checks)
    print(f"{outcome}. Report: {path}")
    return exit_code(outcome, is_strict=options.is_strict)


def exit_code(outcome: Outcome, *, is_strict: bool) -> int:
    """Return 1 for a run that failed and, if strict, for one that did not show everything."""
    return int(outcome is Outcome.FAIL or (is_strict and outcome is Outcome.NOT_SHOWN))


def _first_leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _run(
    options: Options, plan: Plan, record: Record, stop: asyncio.Event
) -> list[tuple[str, str]]:
    folder = options.out
    profiles = [profile_options(i, start) for i, start in enumerate(plan.clock_starts_us)]
    async with child(run_module("soak.cameras"), stderr=folder / "cameras.log") as cameras_child:
        cameras = await Cameras.start(cameras_child, profiles, plan.episodes)
        begin_s = time.monotonic()

        def now_s() -> float:
            return time.monotonic() - begin_s

        async with (
            running_bridge(folder, cameras.ports) as bridge,
            running_probe(bridge.port, folder) as probe,
        ):
            visitors = Visitors(bridge.port, now_s)
            record.surprises = visitors.surprises
            web_visitors = WebVisitors(bridge.http_port, now_s, visitors.surprises)
            guests = (visitors, web_visitors)
            sampler = Sampler(bridge, cameras, probe, guests, record, now_s)
            await _wait(stop, PLAYERS_S - now_s())
            while now_s() < CONNECTED_S and not stop.is_set():
                if await sampler.is_connected(options.cameras):
                    break
                await _wait(stop, 1.0)
            record.samples.append(await sampler.look())
            print(
                f"Bridge and {options.cameras} cameras are up; reports go to {folder}", flush=True
            )
            async with background(
                keep_sampling(sampler.look, record.samples, folder / "samples.jsonl"),
                watch_own_pauses(record.own_pauses, now_s),
            ):
                async with background(
                    *(run_witness(witness, bridge.port, now_s) for witness in record.witnesses),
                    *(run_live_witness(one, bridge.http_port, now_s) for one in record.browsers),
                    visitors.run(plan.visits),
                    web_visitors.run(plan.web_visits),
                ):
                    await _wait(stop, plan.active_s - now_s())
                record.was_interrupted = stop.is_set()
                record.active_s = now_s()
                await _wait(stop, QUIET_S)
            record.samples.append(await sampler.look())
            record.ended = await bridge.child.stop()
        return _totals(record, guests, probe, await cameras.counters())


class Sampler:
    """Looks at everything that a sample consists of."""

    def __init__(
        self,
        bridge: Bridge,
        cameras: Cameras,
        probe: Probe,
        guests: Guests,
        record: Record,
        now_s: Callable[[], float],
    ) -> None:
        self._bridge = bridge
        self._cameras = cameras
        self._probe = probe
        self._guests = guests
        self._record = record
        self._now_s = now_s

    async def look(self) -> Sample:
        """Take one sample. Raises OSError when the bridge is gone."""
        usage = read_usage(self._bridge.child.pid)
        counters = await self._cameras.counters()
        inside = await self._ask()
        now_s = self._now_s()
        is_quiet = now_s >= self._record.active_s
        gaps = dict.fromkeys(KINDS, 0.0)
        for witness in (*self._record.witnesses, *self._record.browsers):
            gaps[witness.kind] = max(gaps[witness.kind], witness.take_window(now_s))
        return Sample(
            at_s=now_s,
            rss_mib=usage.rss_mib,
            descriptors=usage.descriptors,
            threads=usage.threads,
            cpu_s=usage.cpu_s,
            logins=sum(one["logins"] for one in counters),
            starts=sum(one["starts"] for one in counters),
            players=sum(one.present for one in self._guests)
            + (0 if is_quiet else self._witnesses()),
            round_trip_ms=self._probe.take_slowest(),
            gaps_s=() if is_quiet else tuple(gaps.values()),
            inside=inside,
        )

    async def is_connected(self, cameras: int) -> bool:
        """Whether the bridge is logged in to so many cameras."""
        inside = await self._ask()
        return inside is not None and inside.connected >= cameras

    async def _ask(self) -> Inside | None:
        """Return what the bridge tells of itself; None, and a surprise, when it does not."""
        try:
            return await ask(self._bridge.http_port, HTTP_TOKEN)
        except (OSError, ValueError) as error:
            self._record.silences.append(f"{self._now_s():.1f} s: {error!r}")
            return None

    def _witnesses(self) -> int:
        watching = (*self._record.witnesses, *self._record.browsers)
        return sum(one.sessions > 0 for one in watching)


async def keep_sampling(
    look: Callable[[], Awaitable[Sample]],
    samples: list[Sample],
    path: Path,
    *,
    interval_s: float = SAMPLE_S,
) -> None:
    """Sample until cancelled; every sample is in the file at once, should we not live to tell."""
    with path.open("w") as file:
        while True:
            await asyncio.sleep(interval_s)
            sample = await look()
            samples.append(sample)
            file.write(json.dumps(asdict(sample)) + "\n")
            file.flush()


async def watch_own_pauses(
    pauses: list[tuple[float, float]],
    now_s: Callable[[], float],
    *,
    tick_s: float = OWN_TICK_S,
    pause_s: float = OWN_PAUSE_S,
) -> None:
    """Note when this process did not run: gaps then are not the bridge's."""
    before_s = now_s()
    while True:
        await asyncio.sleep(tick_s)
        at_s = now_s()
        if at_s - before_s > tick_s + pause_s:
            pauses.append((before_s, at_s))
        before_s = at_s


@asynccontextmanager
async def running_probe(
    port: int, folder: Path, *, interval_s: float = PROBE_S
) -> AsyncIterator[Probe]:
    """Measure round trips until the block ends."""
    probe = Probe()
    command = run_module("soak.probe", str(port), str(interval_s))
    async with child(command, stderr=folder / "probe.log") as process:

        async def read() -> None:
            with contextlib.suppress(RuntimeError):
                while True:
                    probe.note(await process.read_line())

        async with background(read()):
            yield probe


@asynccontextmanager
async def background(*coroutines: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run coroutines until the block ends; one that fails ends the block."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(one) for one in coroutines]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


@contextmanager
def _stop_event() -> Iterator[asyncio.Event]:
    """Give an event that the first SIGINT or SIGTERM sets; the second one cancels this task."""
    stop = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None

    def on_signal() -> None:
        if stop.is_set():
            task.cancel()
        print("Ending early: the report comes in a moment", flush=True)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        yield stop
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()


def _totals(
    record: Record, guests: Guests, probe: Probe, counters: list[dict[str, Any]]
) -> list[tuple[str, str]]:
    samples, faults = record.samples, Counter(one.name for one in record.episodes)
    visitors, web_visitors = guests
    wall_s = samples[-1].at_s - samples[0].at_s
    cpu_s = samples[-1].cpu_s - samples[0].cpu_s
    outcomes = sorted((visitors.outcomes + web_visitors.outcomes).items())
    statuses = sorted(web_visitors.statuses.items())
    return [
        ("visits begun", str(sum((visitors.begun + web_visitors.begun).values()))),
        *((f"visitors, {name}", str(count)) for name, count in outcomes),
        ("single HTTP answers", ", ".join(f"{count} x {status}" for status, count in statuses)),
        ("faults", str(sum(faults.values()))),
        ("logins on cameras", str(sum(one["logins"] for one in counters))),
        ("streams started on cameras", str(sum(one["starts"] for one in counters))),
        ("what cameras did not understand", str(sum(one["troubles"] for one in counters))),
        ("RSS first, most, last, MiB", _first_most_last([one.rss_mib for one in samples])),
        ("CPU of the bridge, mean", f"{100 * cpu_s / wall_s:.1f} %"),
        *_totals_inside(samples),
        ("OPTIONS round trip, p50 / p99 / most", round_trips(probe.all_ms)),
        (
            "visitors: connect to first media bytes, p50 / p99 / most",
            round_trips(visitors.first_bytes_ms),
        ),
        (
            "browsers: upgrade to first fragment, p50 / p99 / most",
            round_trips(web_visitors.first_picture_ms),
        ),
        ("pauses of the measuring process itself", str(len(record.own_pauses))),
    ]


def _totals_inside(samples: Sequence[Sample]) -> list[tuple[str, str]]:
    inside = [one.inside for one in samples if one.inside is not None]
    if not inside:
        return []
    drops = ", ".join(f"{count} {reason}" for reason, count in inside[-1].drops.items())
    moves = ", ".join(f"{count} {way}" for way, count in inside[-1].moves.items())
    return [
        ("loop lag, worst", f"{1000 * max(one.loop_lag_s for one in inside):.0f} ms"),
        ("receive buffers at most, MiB", f"{max(one.pool_mib for one in inside):.1f}"),
        ("waiting for players at most, MiB", f"{max(one.queued_mib for one in inside):.1f}"),
        ("pictures and sounds dropped", drops),
        ("moves of adaptive players", moves),
    ]


def _first_most_last(values: list[float]) -> str:
    return f"{values[0]:.1f}, {max(values):.1f}, {values[-1]:.1f}"


def round_trips(values_ms: Sequence[float]) -> str:
    """Return median, 99th percentile and maximum."""
    if not values_ms:
        return "none"
    ordered = sorted(values_ms)
    late = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"{ordered[len(ordered) // 2]:.1f} / {late:.1f} / {ordered[-1]:.1f} ms"
