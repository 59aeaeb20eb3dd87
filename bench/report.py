"""The report as Markdown and as JSON, and the tables that documents quote. Pure.

``docs/performance.md`` holds a pair of marker lines; what stands between them is written from
``report.json`` and never by hand.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bench.figures import Figure, Reach, Section

__all__ = ["BEGIN", "END", "fill_in", "merge", "parse", "render", "serialize", "targets_table"]

BEGIN = "<!-- bench:begin (written by python -m bench --write-docs) -->"
END = "<!-- bench:end -->"
FORMAT = 1

_VERDICTS = {True: "reached", False: "**not reached**", None: "not measured"}


def serialize(sections: Sequence[Section], machine: Mapping[str, str]) -> str:
    """Return ``report.json``."""
    data = {
        "format": FORMAT,
        "machine": dict(machine),
        "sections": [section.to_json() for section in sections],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse(text: str) -> tuple[list[Section], dict[str, str]]:
    """Read ``report.json``: sections and machine. Raises ValueError for another format."""
    data: dict[str, Any] = json.loads(text)
    if data.get("format") != FORMAT:
        raise ValueError(f"report.json has format {data.get('format')!r}, not {FORMAT}")
    return [Section.from_json(one) for one in data["sections"]], data["machine"]


def merge(old: Sequence[Section], new: Sequence[Section], order: Sequence[str]) -> list[Section]:
    """Return all sections in this order, the new ones in place of the old."""
    newest = {section.key: section for section in (*old, *new)}
    return [newest[key] for key in order if key in newest]


def render(sections: Sequence[Section], machine: Mapping[str, str]) -> str:
    """Return ``report.md``."""
    lines = [
        "# What neolink costs",
        "",
        "Written by `python -m bench`. Each figure is the median of its runs with the least and",
        "the most; what stands beside it was measured in the same run, on the same machine.",
        "",
        *_machine_lines(machine),
        "",
        "## What was to be reached",
        "",
        *targets_table(sections),
        "",
    ]
    for section in sections:
        lines += _section_lines(section)
    return "\n".join(lines)


def targets_table(sections: Sequence[Section]) -> list[str]:
    """Return the figures that have an aim, one line for each aim."""
    lines = ["| what | measured | to reach | beside it | |", "|---|---|---|---|---|"]
    for figure in (figure for section in sections for figure in section.figures):
        lines += [
            f"| {figure.what} | {_spread(figure)} {figure.unit} | {_aim(figure, reach)} | "
            f"{_beside(figure, reach.beside)} | {_VERDICTS[figure.has_reached(reach)]} |"
            for reach in figure.reach
        ]
    return lines


def fill_in(document: str, sections: Sequence[Section], machine: Mapping[str, str]) -> str:
    """Return a document with the tables between its marker lines.

    Raises ValueError for a document without the markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document needs the lines {BEGIN} and {END}")
    lines = ["", *_machine_lines(machine), "", *targets_table(sections), ""]
    for section in sections:
        lines += [f"### {section.title}", "", *_table(section.figures), ""]
        lines += [f"![{one.title}](../bench/{one.key}.svg)\n" for one in section.charts]
        lines += [f"![{name}](../bench/{name}.svg)\n" for name in section.drawings]
    return "\n".join([before + BEGIN, *lines, END]) + after


def _machine_lines(machine: Mapping[str, str]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine.items())]


def _section_lines(section: Section) -> list[str]:
    lines = [f"## {section.title}", "", section.method, ""]
    lines += [*_table(section.figures), ""] if section.figures else []
    lines += [f"![{chart.title}]({chart.key}.svg)\n" for chart in section.charts]
    lines += [f"![{name}]({name}.svg)\n" for name in section.drawings]
    lines += [f"- {note}" for note in section.notes]
    lines += [""] if section.notes else []
    if section.conditions:
        taken = ", ".join(f"{name} {value}" for name, value in section.conditions.items())
        lines += [f"*{taken}*", ""]
    return lines


def _table(figures: Sequence[Figure]) -> list[str]:
    lines = [
        "| what | unit | median | least | most | runs | beside it |",
        "|---|---|---|---|---|---|---|",
    ]
    for figure in figures:
        runs = figure.spread
        beside = "; ".join(_beside(figure, one.name) for one in figure.beside)
        note = f" ({figure.note})" if figure.note else ""
        lines.append(
            f"| {figure.what}{note} | {figure.unit} | {_number(runs.middle)} | "
            f"{_number(runs.least)} | {_number(runs.most)} | {len(runs.runs)} | {beside} |"
        )
    return lines


def _aim(figure: Figure, reach: Reach) -> str:
    return reach.text if reach.beside else f"{reach.text} {figure.unit}"


def _beside(figure: Figure, name: str) -> str:
    ratio = figure.ratio(name)
    for other in figure.beside:
        if other.name == name:
            value = f"{name} {_number(other.spread.middle)}"
            if ratio is None:
                return value
            is_dearer = ratio >= 1
            words = f"ours {_number(ratio)}" if is_dearer else f"it {_number(1 / ratio)}"
            return f"{value} ({words} times)"
    return ""


def _spread(figure: Figure) -> str:
    runs = figure.spread
    return f"{_number(runs.middle)} ({_number(runs.least)} to {_number(runs.most)})"


def _number(value: float) -> str:
    """Three digits that mean something, without an exponent."""
    size = abs(value)
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3g}"
