"""The table as Markdown, for ``docs/interop.md``, and the cells as JSON. Pure.

The document holds a pair of marker lines; what stands between them is written here and never by
hand.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from interop.cells import Cell, Verdict
from interop.ways import PLAYERS, WAYS

__all__ = ["BEGIN", "END", "fill_in", "parse", "serialize", "summary", "table"]

BEGIN = "<!-- interop:begin (written by make interop) -->"
END = "<!-- interop:end -->"
FORMAT = 1
SEQUENCES = ("tcp", "fallback", "sha256")
"""Ways whose requests are shown."""


def serialize(cells: Sequence[Cell], machine: Mapping[str, str]) -> str:
    """Return ``report.json``."""
    data = {
        "format": FORMAT,
        "machine": dict(machine),
        "cells": [cell.to_json() for cell in cells],
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def parse(text: str) -> list[Cell]:
    """Read ``report.json``. Raises ValueError for another format."""
    data: dict[str, Any] = json.loads(text)
    if data.get("format") != FORMAT:
        raise ValueError(f"report.json has format {data.get('format')!r}, not {FORMAT}")
    return [Cell.from_json(one) for one in data["cells"]]


def fill_in(document: str, cells: Sequence[Cell], machine: Mapping[str, str]) -> str:
    """Return a document with the results between its marker lines.

    Raises ValueError for a document without the markers.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document needs the lines {BEGIN} and {END}")
    lines = ["", *_machine_lines(machine), "", *table(cells), "", summary(cells), ""]
    lines += [*_troubles(cells), "### What they ask", "", *_sequences(cells)]
    return "\n".join([before + BEGIN, *lines, END]) + after


def table(cells: Sequence[Cell]) -> list[str]:
    """Return a row for each way, and below it what its footnotes say."""
    by_place = {(cell.player, cell.way): cell for cell in cells}
    notes = _footnotes(cells)
    lines = [
        "| | " + " | ".join(PLAYERS.values()) + " |",
        "|---" * (len(PLAYERS) + 1) + "|",
    ]
    for name, way in WAYS.items():
        shown = [_text(by_place.get((player, name)), notes) for player in PLAYERS]
        lines.append(f"| {way.title} | " + " | ".join(shown) + " |")
    return [*lines, "", *(f"({number}) {note}.  " for note, number in notes.items())]


def summary(cells: Sequence[Cell]) -> str:
    """Say in one line what was shown in all."""
    played = [cell for cell in cells if cell.verdict is Verdict.PLAYS]
    tried = [cell for cell in cells if cell.verdict is not Verdict.CANNOT]
    sums = {name: sum(getattr(cell, name) for cell in tried) for name in _COUNTED}
    return (
        f"{len(played)} of {len(tried)} play. Of {sums['pictures']} pictures {sums['damaged']} "
        f"were damaged and {sums['missing']} missing; "
        f"{sum(len(cell.complaints) for cell in tried)} complaint(s)."
    )


_COUNTED = ("pictures", "damaged", "missing")


def _text(cell: Cell | None, notes: Mapping[str, int]) -> str:
    if cell is None:
        return "not tried"
    match cell.verdict:
        case Verdict.CANNOT:
            return f"cannot ({notes[cell.footnote]})"
        case Verdict.FAILS:
            return "**no**"
        case Verdict.PLAYS:
            return f"yes, {cell.first_picture_s or 0:.2f} s, {len(cell.complaints)}"


def _footnotes(cells: Iterable[Cell]) -> dict[str, int]:
    notes = dict.fromkeys(cell.footnote for cell in cells if cell.footnote)
    return {note: number for number, note in enumerate(notes, 1)}


def _troubles(cells: Iterable[Cell]) -> list[str]:
    lines = [
        f"- {PLAYERS[cell.player]}, {WAYS[cell.way].title}: {text}"
        for cell in cells
        if cell.verdict is not Verdict.CANNOT
        for text in filter(None, (cell.trouble, *cell.complaints))
    ]
    return [*lines, ""] if lines else []


def _sequences(cells: Sequence[Cell]) -> list[str]:
    """Return the requests of some ways, once for all players that ask alike."""
    alike: dict[tuple[str, int, tuple[str, ...]], list[str]] = {}
    for cell in cells:
        if cell.way in SEQUENCES and cell.asked:
            key = (cell.way, cell.connections, cell.asked)
            alike.setdefault(key, []).append(PLAYERS[cell.player])
    lines = []
    for (way, connections, asked), players in alike.items():
        where = "one connection" if connections == 1 else f"{connections} connections"
        lines += [f"{WAYS[way].title}, {', '.join(players)}, on {where}:", "", "```"]
        lines += [_times(line, len(list(same))) for line, same in groupby(asked)]
        lines += ["```", ""]
    return lines


def _times(line: str, count: int) -> str:
    return line if count == 1 else f"{line}   ({count} times)"


def _machine_lines(machine: Mapping[str, str]) -> list[str]:
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine.items())]
