"""What a run must show to pass. Pure: samples and records in, checks with reasons out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from soak.bridge import LogSummary
from soak.inside import Inside
from soak.live_witness import LIVE, STAND_IN, LiveWitness
from soak.processes import Ended
from soak.schedule import Episode
from soak.watch import Gap, Watch
from soak.witness import Witness

__all__ = [
    "Check",
    "Outcome",
    "Record",
    "Sample",
    "Slope",
    "fit_slope",
    "judge",
    "overall",
    "unexplained_gaps",
]

MOST_SLOPE_MIB_H = 1.0
ALLOCATOR_MIB = 1.0
"""RSS moves in steps of an arena; so much over the fitted time says nothing."""

SHORT_FIT_H = 5 / 60
SHORT_RUN_MIB = 16.0
"""The same in a run whose fit is shorter than that: things are still used for the first time."""

FLAT = 5
"""By how much descriptors and threads may differ from the baseline."""

RECOVERY_S = 30.0
"""How long after the end of a fault pictures must flow again."""

MOST_GAP_S = 1.0
"""Between pictures of a camera that is well."""

MOST_LAG_S = 1.0
"""How late the loop of the bridge may be, of real time: what ``/healthz`` bears."""

LAG_LOOKS_BACK_S = 10.0
"""A sample tells the worst of so long before it."""

TOLD_S = 10.0
"""Within this time browsers are told that a camera is away."""

LOSING = ("cut", "reboot")
"""Faults after which every stream certainly begins anew."""

MOST_STOP_S = 10.0
MOST_UDP_LOSS = 0.001
WARM_UP_SHARE = 0.2
LEAST_WARM_UP_S = 180.0
MOST_WARM_UP_S = 1800.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at everything. Times are seconds of the run, ``cpu_s`` and counters totals."""

    at_s: float
    rss_mib: float
    descriptors: int
    threads: int
    cpu_s: float
    logins: int = 0
    starts: int = 0
    players: int = 0
    round_trip_ms: float = 0.0
    """The slowest OPTIONS since the last sample."""
    gaps_s: tuple[float, ...] = ()
    """Largest gap between pictures since the last sample, for each kind of stream."""
    inside: Inside | None = None
    """What the bridge tells of itself; None when it did not answer."""


@dataclass(slots=True)
class Record:
    """Everything that a run left behind."""

    samples: list[Sample] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    browsers: list[LiveWitness] = field(default_factory=list)
    episodes: Sequence[Episode] = ()
    surprises: list[str] = field(default_factory=list)
    silences: list[str] = field(default_factory=list)
    """When and why the bridge did not tell of itself."""
    active_s: float = 0.0
    speed: float = 1.0
    """How much faster than ours the clock of the run is."""
    own_pauses: list[tuple[float, float]] = field(default_factory=list)
    """(from, to) when this process itself did not run: nothing is said about the bridge then."""
    log: LogSummary = field(default_factory=lambda: LogSummary(0, 0, ()))
    ended: Ended | None = None
    was_interrupted: bool = False
    failure: str = ""
    """Why the run could not go on: the bridge or the cameras are gone."""


class Outcome(StrEnum):
    """What comes of a check, or of all of them."""

    PASS = "pass"
    NOT_SHOWN = "NOT SHOWN"
    """Nothing speaks against it, but the run was too short or too noisy to tell."""
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to be true."""

    name: str
    is_passed: bool
    detail: str
    is_shown: bool = True
    """Whether passing says something."""

    @property
    def outcome(self) -> Outcome:
        """What came of it."""
        if not self.is_passed:
            return Outcome.FAIL
        return Outcome.PASS if self.is_shown else Outcome.NOT_SHOWN


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through samples of RSS, and how sure it is."""

    mib_per_h: float
    error_mib_per_h: float
    hours: float

    @property
    def limit_mib_per_h(self) -> float:
        """The least that counts as growth: the limit and what noise alone may show."""
        return MOST_SLOPE_MIB_H + 3 * self.error_mib_per_h + self.steps_mib / self.hours

    @property
    def steps_mib(self) -> float:
        """Growth that says nothing, however long it took."""
        return ALLOCATOR_MIB if self.hours >= SHORT_FIT_H else SHORT_RUN_MIB


def fit_slope(points: Sequence[tuple[float, float]]) -> Slope | None:
    """Fit MiB over seconds by least squares; None for fewer than 8 points.

    The standard error is corrected for neighbours that resemble each other (first-order
    autocorrelation of the residuals): RSS wanders, it does not flicker.
    """
    count = len(points)
    if count < 8:
        return None
    hours = [at_s / 3600 for at_s, _ in points]
    mean_x = sum(hours) / count
    mean_y = sum(mib for _, mib in points) / count
    spread = sum((x - mean_x) ** 2 for x in hours)
    slope = sum((x - mean_x) * (mib - mean_y) for x, (_, mib) in zip(hours, points, strict=True))
    slope /= spread
    residuals = [
        mib - mean_y - slope * (x - mean_x) for x, (_, mib) in zip(hours, points, strict=True)
    ]
    squares = sum(residual**2 for residual in residuals)
    error = math.sqrt(squares / (count - 2) / spread)
    if squares > 0:
        neighbours = sum(a * b for a, b in pairwise(residuals))
        likeness = min(0.99, max(0.0, neighbours / squares))
        error *= math.sqrt((1 + likeness) / (1 - likeness))
    return Slope(slope, error, hours[-1] - hours[0])


def warm_up_s(active_s: float) -> float:
    """Return how much of a run is left out of the fit: 20 %, but 3 to 30 min, at most half."""
    share_s = min(MOST_WARM_UP_S, max(LEAST_WARM_UP_S, WARM_UP_SHARE * active_s))
    return min(share_s, active_s / 2)


def overall(checks: Sequence[Check]) -> Outcome:
    """Return the worst outcome."""
    found = {check.outcome for check in checks}
    worst_first = (Outcome.FAIL, Outcome.NOT_SHOWN)
    return next((outcome for outcome in worst_first if outcome in found), Outcome.PASS)


def judge(record: Record) -> list[Check]:
    """Return all checks, those that matter most first."""
    return [
        _complete(record),
        _memory(record),
        _flat("descriptors", [(one.at_s, one.descriptors) for one in record.samples]),
        _flat("threads", [(one.at_s, one.threads) for one in record.samples]),
        _flat("tasks", [(one.at_s, one.inside.tasks) for one in record.samples if one.inside]),
        _lag(record),
        _answers(record),
        _log(record.log),
        _restarts(record),
        _alive("every witness kept its one session", record.witnesses),
        _rules(
            "sequence, timestamps and entry points are right", record.witnesses, record.browsers
        ),
        _alive("every steady browser kept its one connection", record.browsers),
        _told(record),
        _moves(record),
        _gaps(record),
        _entries(record),
        _udp_loss(record),
        Check(
            "visitors were treated as documented",
            not record.surprises,
            f"{len(record.surprises)} surprises" if record.surprises else "no surprise",
        ),
        _end(record.ended),
    ]


def unexplained_gaps(
    witness: Watch, episodes: Sequence[Episode], own_pauses: Sequence[tuple[float, float]] = ()
) -> list[Gap]:
    """Return gaps that no fault of the camera explains, and no pause of this process."""
    excuses = _excuses(witness, episodes)
    excuses += [(begin - 0.5, end + 0.5) for begin, end in own_pauses]
    return [
        gap
        for gap in witness.gaps
        if gap.length_s > MOST_GAP_S
        and not any(begin <= gap.to_s and gap.to_s <= end for begin, end in excuses)
    ]


def _complete(record: Record) -> Check:
    detail = "interrupted: figures only" if record.was_interrupted else "as planned"
    is_passed = not record.was_interrupted and not record.failure
    return Check("the run was complete", is_passed, record.failure or detail)


def _memory(record: Record) -> Check:
    name = "memory does not grow"
    begin_s = warm_up_s(record.active_s)
    points = [
        (one.at_s, one.rss_mib) for one in record.samples if begin_s <= one.at_s <= record.active_s
    ]
    slope = fit_slope(points)
    if slope is None:
        return Check(name, is_passed=False, detail="too few samples after the warm-up")
    is_shown = slope.mib_per_h <= MOST_SLOPE_MIB_H
    is_passed = slope.mib_per_h <= slope.limit_mib_per_h
    caveat = "passed by its noise alone, run longer: " if is_passed and not is_shown else ""
    return Check(
        name,
        is_passed,
        f"{caveat}{slope.mib_per_h:+.2f} MiB/h fitted over {slope.hours * 60:.1f} min after "
        f"{begin_s:.0f} s of warm-up; limit {slope.limit_mib_per_h:.2f} = {MOST_SLOPE_MIB_H:g} + "
        f"3 x {slope.error_mib_per_h:.2f} (standard error) + {slope.steps_mib:g} MiB of allocator "
        f"steps over that time",
        is_shown,
    )


def _flat(what: str, values: Sequence[tuple[float, int]]) -> Check:
    name = f"{what} come back to the baseline"
    if len(values) < 2:
        return Check(name, is_passed=False, detail="too few samples")
    first, last = values[0][1], values[-1][1]
    most = max(value for _, value in values)
    detail = f"{first} at the start, {most} at most, {last} at the end"
    return Check(name, abs(last - first) <= FLAT, detail)


def _lag(record: Record) -> Check:
    """Check that nothing held the loop; with a fast clock, its seconds are that much shorter."""
    limit_s = MOST_LAG_S * record.speed
    looks = [(one.inside.loop_lag_s, one.at_s) for one in record.samples if one.inside]
    told = [look for look in looks if not _was_paused(look[1], record.own_pauses)]
    if not told:
        return Check("the loop is never late", is_passed=False, detail="it was never told")
    worst_s, at_s = max(told)
    detail = f"{1000 * worst_s:.0f} ms at worst, at {at_s:.0f} s; limit {1000 * limit_s:.0f} ms"
    if left_out := len(looks) - len(told):
        detail += f"; {left_out} of {len(looks)} looks left out: this process did not run either"
    return Check("the loop is never late", worst_s <= limit_s, detail)


def _was_paused(at_s: float, own_pauses: Sequence[tuple[float, float]]) -> bool:
    """Whether this process itself did not run in the time that a sample tells of."""
    return any(begin <= at_s and end >= at_s - LAG_LOOKS_BACK_S - 1 for begin, end in own_pauses)


def _answers(record: Record) -> Check:
    count = len(record.silences)
    detail = f"{len(record.samples)} times"
    if count:
        detail = f"{count} of {len(record.samples)} times not; first: {record.silences[0]}"
    return Check("the bridge tells of itself", not count, detail)


def _log(log: LogSummary) -> Check:
    detail = f"{log.errors} errors and {log.warnings} warnings in all"
    if log.internal:
        detail += f"; first: {log.internal[0][:200]}"
    return Check("no internal error in the bridge's log", not log.internal, detail)


def _restarts(record: Record) -> Check:
    count = max((one.inside.restarts for one in record.samples if one.inside), default=0)
    return Check("no part of the bridge failed", not count, f"{count} were started again")


def _alive(name: str, watching: Sequence[Watch]) -> Check:
    ended = [one for one in watching if one.sessions != 1]
    dead = [one.name for one in watching if not one.units]
    names = ", ".join(f"{one.name}: {one.sessions} sessions" for one in ended)
    return Check(
        name,
        not ended and not dead,
        names or f"{len(watching)} of them",
    )


def _rules(name: str, witnesses: Sequence[Witness], browsers: Sequence[LiveWitness]) -> Check:
    watching: list[Watch] = [*witnesses, *browsers]
    count = sum(one.violation_count for one in watching)
    first = next((one.violations[0].text for one in watching if one.violations), "")
    units = sum(one.units for one in witnesses)
    detail = f"{count} violations in {units} pictures"
    if browsers:
        detail += f" and {sum(one.fragments for one in browsers)} fragments"
    return Check(name, not count, detail + (f"; first: {first}" if first else ""))


def _told(record: Record) -> Check:
    """Check that browsers are told in time that a camera is away, and that it is back."""
    name = "browsers are told that a camera is away, and back"
    told, back, wrong = 0, 0, list[str]()
    slack_s = 0.5 * record.speed
    for browser in record.browsers:
        for one in record.episodes:
            if one.camera != browser.camera or not one.interrupts or not browser.words:
                continue
            due_s, back_s = one.at_s + TOLD_S + slack_s, one.end_s + RECOVERY_S
            if one.name in LOSING and one.duration_s > TOLD_S + slack_s:
                is_told = any(
                    browser.word_at(at_s) == STAND_IN
                    for at_s in (
                        due_s,
                        *(w.at_s for w in browser.words if one.at_s < w.at_s < due_s),
                    )
                )
                told += is_told
                if not is_told:
                    wrong.append(f"{browser.name} not told of the fault at {one.at_s:.0f} s")
            if back_s < record.active_s:
                is_back = browser.word_at(back_s) == LIVE
                back += is_back
                if not is_back:
                    wrong.append(f"{browser.name} not told that it is back at {back_s:.0f} s")
    detail = f"{told} times that it is away, {back} times that it is live after a fault"
    if wrong:
        detail = f"{len(wrong)} times not; first: {wrong[0]}"
    return Check(name, not wrong, detail, is_shown=told > 0 and back > 0)


def _moves(record: Record) -> Check:
    """Check that a player that reads less than main has is sent sub."""
    name = "players that may be moved are"
    inside = [one.inside for one in record.samples if one.inside is not None]
    moves = inside[-1].moves if inside else {}
    down, up = moves.get("down", 0), moves.get("up", 0)
    return Check(name, is_passed=True, detail=f"{down} down, {up} up", is_shown=down > 0)


def _gaps(record: Record) -> Check:
    limit_s = MOST_GAP_S * max(1.0, record.speed)  # the seconds of a fast clock are shorter
    bad = [
        (gap, witness)
        for witness in (*record.witnesses, *record.browsers)
        for gap in unexplained_gaps(witness, record.episodes, record.own_pauses)
        if gap.length_s > limit_s
    ]
    detail = f"none over {limit_s:g} s but within a fault and {RECOVERY_S:g} s after it"
    if bad:
        gap, witness = max(bad, key=lambda pair: pair[0].length_s)
        detail = (
            f"{len(bad)} without a reason; the worst {gap.length_s:.1f} s at {gap.from_s:.0f} s "
            f"on {witness.name}"
        )
    return Check("pictures flow while a camera is well", not bad, detail)


def _entries(record: Record) -> Check:
    """Check that a camera that was lost for certain comes back with something that decodes."""
    blind = resumed = 0
    for witness in (*record.witnesses, *record.browsers):
        losses_s = [
            one.at_s
            for one in record.episodes
            if one.camera == witness.camera and one.name in LOSING
        ]
        for gap in witness.gaps:
            if any(gap.from_s <= at_s + 0.5 and at_s <= gap.to_s for at_s in losses_s):
                resumed += gap.resumed_at_random_access
                blind += not gap.resumed_at_random_access
    return Check(
        "a camera that was lost comes back with a key frame",
        not blind,
        f"{resumed} times with one, {blind} times without",
    )


def _udp_loss(record: Record) -> Check:
    """Check what UDP loses while cameras are well: after a fault pictures may come in a burst."""
    packets = lost = in_faults = 0
    for witness in record.witnesses:
        if not witness.is_udp:
            continue
        packets += witness.packets
        excuses = _excuses(witness, record.episodes)
        for at_s, missing in witness.losses:
            is_excused = any(begin <= at_s <= end for begin, end in excuses)
            in_faults += missing * is_excused
            lost += missing * (not is_excused)
    return Check(
        "UDP loses nearly nothing on loopback",
        lost <= MOST_UDP_LOSS * max(1, packets),
        f"{lost} of {packets + lost} packets; {in_faults} more around faults",
    )


def _excuses(witness: Watch, episodes: Sequence[Episode]) -> list[tuple[float, float]]:
    return [
        (one.at_s - 0.5, one.end_s + RECOVERY_S)
        for one in episodes
        if one.camera == witness.camera and one.interrupts
    ]


def _end(ended: Ended | None) -> Check:
    name = "SIGTERM ends the bridge in order"
    if ended is None:
        return Check(name, is_passed=False, detail="it was never asked")
    how = "had to be killed" if ended.was_killed else f"exit code {ended.exit_code}"
    is_passed = ended.exit_code == 0 and not ended.was_killed and ended.took_s <= MOST_STOP_S
    return Check(name, is_passed, f"{how} after {ended.took_s:.1f} s")
