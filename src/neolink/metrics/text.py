"""A reading in the text format that Prometheus scrapes (version 0.0.4 of its exposition format).

It comes in pieces, so that a server can let the loop turn between them. Why it is written here and
not by a library: decision 0012. Hot path of a scrape: 20 000 lines for 100 cameras.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from neolink.metrics.catalogue import CATALOGUE
from neolink.metrics.model import Labels, Metric, Number, Value, rows
from neolink.readings import BridgeReading, Histogram

__all__ = ["CONTENT_TYPE", "render"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

PIECE_LINES: Final = 1000
"""A piece ends with the subject that fills it: one to two milliseconds of work."""

_IN_LABELS: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_IN_HELP: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})


class _Braces(NamedTuple):
    """The labels of a subject, as they are written."""

    whole: str
    """``{camera="porch"}``, or nothing."""
    begun: str
    """``{camera="porch",`` or ``{``: what more labels and a brace can follow."""


def render(reading: BridgeReading, health: Mapping[str, str] | None = None) -> Iterator[str]:
    """Give the text in pieces of whole lines.

    ``health`` has the health of cameras in a word, by name. Every metric of the catalogue is
    there with its help and type, also one that has nothing to tell at the moment.
    """
    lines: list[str] = []
    subjects = rows(reading, health or {}, _write)
    for scope, metrics in CATALOGUE:
        for metric in metrics:
            lines.append(_head(metric))
            for row in subjects[scope]:
                _add_samples(lines, metric, row.labels, metric.read(row.subject))
                if len(lines) >= PIECE_LINES:
                    yield "".join(lines)
                    lines.clear()
    if lines:
        yield "".join(lines)


def _head(metric: Metric[Any]) -> str:
    text = metric.help.translate(_IN_HELP)
    return f"# HELP {metric.name} {text}\n# TYPE {metric.name} {metric.type}\n"


def _add_samples(lines: list[str], metric: Metric[Any], braces: _Braces, value: Value) -> None:
    name = metric.name
    if isinstance(value, int | float):
        lines.append(f"{name}{braces.whole} {_number(value)}\n")
    elif isinstance(value, Histogram):
        _add_buckets(lines, name, braces, value)
    elif isinstance(value, tuple):
        named = _write(tuple(zip(metric.labels, value, strict=True)), braces.begun)
        lines.append(f"{name}{named.whole} 1\n")
    elif value is not None:
        begun = f"{name}{braces.begun}{metric.labels[0]}"
        lines += [f"{begun}={_quoted(key)}}} {_number(one)}\n" for key, one in value.items()]


def _add_buckets(lines: list[str], name: str, braces: _Braces, value: Histogram) -> None:
    count = 0
    begun = f"{name}_bucket{braces.begun}"
    for edge, more in zip(_edges(value.bounds), value.counts, strict=True):
        count += more
        lines.append(f"{begun}{edge} {count}\n")
    lines.append(f"{name}_sum{braces.whole} {_number(value.total)}\n")
    lines.append(f"{name}_count{braces.whole} {count}\n")


@lru_cache(maxsize=64)
def _edges(bounds: tuple[float, ...]) -> tuple[str, ...]:
    return (*(f'le="{float(bound)!r}"}}' for bound in bounds), 'le="+Inf"}')


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return f'"{text.translate(_IN_LABELS)}"'


def _number(value: Number) -> str:
    return repr(value) if isinstance(value, float) else f"{value:d}"


def _write(labels: Labels, begun: str = "{") -> _Braces:
    begun += "".join(f"{name}={_quoted(value)}," for name, value in labels)
    return _Braces(f"{begun[:-1]}}}" if labels else "", begun)
