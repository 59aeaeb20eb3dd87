"""The report of a soak: Markdown with plots beside it. Pure but for :func:`write_report`."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from soak.inside import Inside
from soak.live_witness import STAND_IN
from soak.plot import Series, line_plot
from soak.schedule import KINDS, Episode, Plan
from soak.verdict import Check, Outcome, Record, Sample, overall, unexplained_gaps

__all__ = ["plots", "render", "write_report"]

MOST_LINES = 30


def write_report(
    folder: Path,
    plan: Plan,
    record: Record,
    checks: Sequence[Check],
    totals: Sequence[tuple[str, str]],
) -> Path:
    """Write ``soak-report.md`` and its plots; return the report's path."""
    for name, text in plots(plan, record).items():
        (folder / name).write_text(text)
    path = folder / "soak-report.md"
    path.write_text(render(plan, record, checks, totals))
    return path


def plots(plan: Plan, record: Record) -> dict[str, str]:
    """Return the plots by file name."""
    samples = record.samples
    until_s = samples[-1].at_s if samples else 0.0
    marks = [episode.at_s for episode in plan.episodes]
    return {
        "rss.svg": line_plot(
            "Resident memory of the bridge",
            [_series("RSS", samples, "rss_mib")],
            unit="MiB",
            from_zero=False,
            until_s=until_s,
            marks=marks,
        ),
        "descriptors.svg": line_plot(
            "Descriptors, threads, players",
            [
                _series("descriptors", samples, "descriptors"),
                _series("threads", samples, "threads"),
                _series("players", samples, "players"),
            ],
            until_s=until_s,
            marks=marks,
        ),
        "tasks.svg": line_plot(
            "Tasks of the bridge's loop",
            [Series("tasks", _inside(samples, lambda one: one.tasks))],
            until_s=until_s,
            marks=marks,
        ),
        "loop-lag.svg": line_plot(
            "How late the bridge's loop was at worst in 10 s",
            [Series("lag", _inside(samples, lambda one: 1000 * one.loop_lag_s))],
            unit="ms",
            until_s=until_s,
            marks=marks,
        ),
        "drops.svg": line_plot(
            "Pictures and sounds dropped so far, by reason",
            [
                Series(
                    reason,
                    [(one.at_s, one.inside.drops.get(reason, 0)) for one in samples if one.inside],
                )
                for reason in _reasons(samples)
            ],
            until_s=until_s,
            marks=marks,
        ),
        "buffers.svg": line_plot(
            "Receive buffers, and what waits for players",
            [
                Series("receive buffers", _inside(samples, lambda one: one.pool_mib)),
                Series("waiting", _inside(samples, lambda one: one.queued_mib)),
            ],
            unit="MiB",
            until_s=until_s,
            marks=marks,
        ),
        "cpu.svg": line_plot(
            "CPU of the bridge",
            [Series("CPU", _cpu(samples))],
            unit="%",
            until_s=until_s,
            marks=marks,
        ),
        "gaps.svg": line_plot(
            "Largest gap between pictures seen by witnesses",
            [
                Series(kind.value, [(one.at_s, one.gaps_s[i]) for one in samples if one.gaps_s])
                for i, kind in enumerate(KINDS)
            ],
            unit="s",
            until_s=until_s,
            marks=marks,
        ),
        "round-trip.svg": line_plot(
            "Slowest OPTIONS round trip in 5 s",
            [_series("OPTIONS", samples, "round_trip_ms")],
            unit="ms",
            until_s=until_s,
            marks=marks,
        ),
        "reconnects.svg": line_plot(
            "Faults, logins and stream starts so far",
            [
                Series(
                    "faults",
                    [(one.at_s, float(sum(at_s <= one.at_s for at_s in marks))) for one in samples],
                ),
                _series("logins", samples, "logins"),
                _series("stream starts", samples, "starts"),
            ],
        ),
    }


def render(
    plan: Plan, record: Record, checks: Sequence[Check], totals: Sequence[tuple[str, str]]
) -> str:
    """Return the text of the report."""
    lines = [
        f"# Soak report: {overall(checks).upper()}",
        "",
        f"Seed {plan.seed}, {plan.cameras} cameras, {plan.active_s / 60:.1f} minutes of players,",
        f"{len(plan.episodes)} faults, then a quiet end. The same seed, number of cameras and",
        "length give the same faults and visits.",
        "",
        "| | check | |",
        "|---|---|---|",
        *(f"| {_word(check)} | {check.name} | {_cell(check.detail)} |" for check in checks),
        "",
        "## Totals",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in totals),
        "",
        "## Over time",
        "",
        "Pale vertical lines are faults of any camera.",
        "",
        *(f"![{name}]({name})" for name in plots(plan, record)),
        "",
        *_witness_table(record),
        *_browser_table(record),
        *_fault_table(plan, record),
        *_list("Violations of the rules", _violations(record)),
        *_list("Gaps that no fault explains", _unexplained(record)),
        *_list("Surprises of visitors", record.surprises),
        *_list("When the bridge did not tell of itself", record.silences),
        *_list("Telling lines of the bridge's log", record.log.internal),
    ]
    return "\n".join(lines) + "\n"


def _witness_table(record: Record) -> list[str]:
    rows = [
        f"| {one.name} | {one.sessions} | {one.units} | {one.sounds} | {one.lost_packets} | "
        f"{one.violation_count} | {one.largest_gap_s:.2f} | {one.wraps} | {one.drift_s:+.2f} |"
        for one in record.witnesses
    ]
    columns = (
        "witness",
        "sessions",
        "pictures",
        "sounds",
        "lost packets",
        "violations",
        "largest gap, s",
        "RTP wraps",
        "drift, s",
    )
    return [
        "## Witnesses",
        "",
        "The last column is media time minus wall time since the session began.",
        "",
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
        *rows,
        "",
    ]


def _browser_table(record: Record) -> list[str]:
    columns = (
        "browser",
        "connections",
        "fragments",
        "pictures",
        "sounds",
        "inits",
        "skips",
        "violations",
        "largest gap, s",
        "longest silence, s",
        "told that the camera is away",
    )
    rows = [
        f"| {one.name} | {one.sessions} | {one.fragments} | {one.units} | {one.sounds} | "
        f"{one.inits} | {one.skips} | {one.violation_count} | {one.largest_gap_s:.2f} | "
        f"{one.largest_silence_s:.1f} | {sum(word.type == STAND_IN for word in one.words)} |"
        for one in record.browsers
    ]
    return [
        "## Steady browsers",
        "",
        "| " + " | ".join(columns) + " |",
        "|---" * len(columns) + "|",
        *rows,
        "",
    ]


def _fault_table(plan: Plan, record: Record) -> list[str]:
    counts = Counter(episode.name for episode in plan.episodes)
    return [
        "## Faults",
        "",
        "| fault | times |",
        "|---|---|",
        *(f"| {name} | {count} |" for name, count in sorted(counts.items())),
        "",
        "The last column is the longest time from the end of the fault to the next picture that a",
        "witness of the camera saw, where there was a gap of half a second or more.",
        "",
        "| at, s | camera | fault | lasts, s | | back after, s |",
        "|---|---|---|---|---|---|",
        *(
            f"| {one.at_s:.1f} | {one.camera} | {one.name} | {one.duration_s:.1f} | "
            f"{' '.join(f'{name}={value}' for name, value in one.options)} | "
            f"{_recovery(one, record)} |"
            for one in plan.episodes[: 10 * MOST_LINES]
        ),
        "",
    ]


def _recovery(episode: Episode, record: Record) -> str:
    """Return how long after the fault the last witness had a picture again."""
    times_s = [
        gap.to_s - episode.end_s
        for witness in record.witnesses
        if witness.camera == episode.camera
        for gap in witness.gaps
        if gap.from_s <= episode.end_s + 1 and gap.to_s >= episode.at_s
    ]
    return f"{max(0.0, *times_s):.1f}" if times_s else ""


def _violations(record: Record) -> list[str]:
    found = sorted(
        (violation.at_s, witness.name, violation.text)
        for witness in (*record.witnesses, *record.browsers)
        for violation in witness.violations
    )
    return [f"{at_s:.1f} s, {name}: {text}" for at_s, name, text in found]


def _unexplained(record: Record) -> list[str]:
    return [
        f"{gap.from_s:.1f} s, {witness.name}: {gap.length_s:.2f} s"
        for witness in (*record.witnesses, *record.browsers)
        for gap in unexplained_gaps(witness, record.episodes, record.own_pauses)
    ]


def _list(title: str, entries: Sequence[str]) -> list[str]:
    if not entries:
        return []
    more = [f"- and {len(entries) - MOST_LINES} more"] if len(entries) > MOST_LINES else []
    return [f"## {title}", "", *(f"- `{entry}`" for entry in entries[:MOST_LINES]), *more, ""]


def _series(name: str, samples: Sequence[Sample], attribute: str) -> Series:
    return Series(name, [(one.at_s, float(getattr(one, attribute))) for one in samples])


def _inside(
    samples: Sequence[Sample], read: Callable[[Inside], float]
) -> list[tuple[float, float]]:
    return [(one.at_s, read(one.inside)) for one in samples if one.inside is not None]


def _reasons(samples: Sequence[Sample]) -> list[str]:
    """Return the reasons for drops that were told, in the order of the first answer."""
    return list(
        dict.fromkeys(reason for one in samples if one.inside for reason in one.inside.drops)
    )


def _cpu(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    return [
        (after.at_s, 100 * (after.cpu_s - before.cpu_s) / (after.at_s - before.at_s))
        for before, after in pairwise(samples)
        if after.at_s > before.at_s
    ]


def _word(check: Check) -> str:
    return "pass" if check.outcome is Outcome.PASS else f"**{check.outcome}**"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
