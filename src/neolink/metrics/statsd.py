"""A reading as StatsD datagrams: ``neolink.camera_connected.porch:1|g``. No sockets.

The names are those of the catalogue; label values follow as parts of the path, in the order of the
catalogue. Counters are sent as what was added since the last time, and not at all if that is
nothing. A distribution is sent as its sum and count. Metrics that only name things are left out,
and so are those of single players: a path stays forever in what stores them, players do not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from neolink.metrics.catalogue import CATALOGUE
from neolink.metrics.model import Labels, MetricType, Number, Scope, Value, rows
from neolink.readings import BridgeReading, Histogram

__all__ = ["MAX_DATAGRAM", "StatsdWriter", "pack"]

MAX_DATAGRAM: Final = 1432
"""Bytes that fit into one Ethernet frame on every path (as StatsD's own documents advise)."""

MAX_PART: Final = 80
"""Characters of a label value that are written."""

OURS: Final = "neolink_"


class _Place(NamedTuple):
    """A subject's labels, as part of a path and as they are: two may look alike in a path."""

    path: str
    labels: Labels


_Told = dict[tuple[Labels, str], Number]


class StatsdWriter:
    """Writes readings, and remembers counters from one to the next."""

    def __init__(self, prefix: str) -> None:
        self._prefix = ".".join(_part(part) for part in prefix.split("."))
        self._told: _Told = {}
        """What counters said in the last reading, by subject and path."""

    def write(
        self, reading: BridgeReading, health: Mapping[str, str] | None = None
    ) -> Iterator[bytes]:
        """Give datagrams; they must be taken to the end, so that no counter is told twice."""
        yield from pack(self._lines(reading, health or {}))

    def _lines(self, reading: BridgeReading, health: Mapping[str, str]) -> Iterator[str]:
        told, self._told = self._told, {}
        subjects = rows(reading, health, _place)
        for scope, metrics in CATALOGUE:
            for metric in metrics if scope is not Scope.PLAYER else ():
                name = f"{self._prefix}.{metric.name.removeprefix(OURS)}"
                for row in subjects[scope]:
                    place, labels = row.labels
                    for path, number in _values(name, place, metric.read(row.subject)):
                        if metric.type is MetricType.GAUGE:
                            yield _gauge(path, number)
                        else:
                            yield from self._added(labels, path, number, told)

    def _added(self, labels: Labels, path: str, number: Number, told: _Told) -> Iterator[str]:
        self._told[labels, path] = number
        before = told.get((labels, path), 0)
        added = number - before if number >= before else number  # it began anew
        if added:
            yield f"{path}:{_number(added)}|c"


def pack(lines: Iterable[str], size: int = MAX_DATAGRAM) -> Iterator[bytes]:
    """Join lines to datagrams of at most ``size`` bytes; a longer line is left out."""
    datagram = b""
    for line in lines:
        data = line.encode()
        if len(datagram) + 1 + len(data) > size:
            if datagram:
                yield datagram
            datagram = b""
        if not datagram:
            datagram = data if len(data) <= size else b""
        else:
            datagram += b"\n" + data
    if datagram:
        yield datagram


def _values(name: str, labels: str, value: Value) -> Iterator[tuple[str, Number]]:
    if isinstance(value, int | float):
        yield name + labels, value
    elif isinstance(value, Histogram):
        yield f"{name}_sum{labels}", value.total
        yield f"{name}_count{labels}", value.count
    elif value is not None and not isinstance(value, tuple):
        for key, number in value.items():
            yield f"{name}{labels}.{_part(key)}", number


def _gauge(path: str, number: Number) -> str:
    text = f"{path}:{_number(number)}|g"
    return f"{path}:0|g\n{text}" if number < 0 else text  # a sign alone would mean "add"


def _number(number: Number) -> str:
    if isinstance(number, int):
        return f"{number:d}"
    return f"{number:.6f}".rstrip("0").rstrip(".")


def _place(labels: Labels) -> _Place:
    return _Place("".join(f".{_part(value)}" for _, value in labels), labels)


@lru_cache(maxsize=4096)
def _part(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)[:MAX_PART] or "_"
