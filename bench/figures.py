"""What the suite finds, as values: runs, what stands beside them, what was to be reached. Pure.

How they are written is in ``report``; how they are measured in the modules of the scenarios.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = [
    "Beside",
    "Chart",
    "Curve",
    "Figure",
    "Reach",
    "Section",
    "Spread",
    "percentile",
    "spread",
]


@dataclass(frozen=True, slots=True)
class Spread:
    """The same thing measured several times."""

    runs: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("a spread needs at least one run")

    @property
    def least(self) -> float:
        """The smallest run."""
        return min(self.runs)

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.runs)

    @property
    def most(self) -> float:
        """The largest run."""
        return max(self.runs)


def spread(runs: Sequence[float]) -> Spread:
    """Return runs as a spread. Raises ValueError for none."""
    return Spread(tuple(float(run) for run in runs))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` (0 to 1) of the values do not exceed: the nearest rank."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    rank = -(-share * len(ordered) // 1)  # rounded up
    return ordered[min(len(ordered), max(1, int(rank))) - 1]


@dataclass(frozen=True, slots=True)
class Beside:
    """The peer or the floor of the same run, in the unit of the figure."""

    name: str
    spread: Spread


@dataclass(frozen=True, slots=True)
class Reach:
    """What a figure should be at most; with ``beside`` its ratio to that, by its name.

    A ``least`` instead is what a ratio should be at least: how many times the peer costs more.
    """

    most: float | None = None
    beside: str = ""
    least: float | None = None

    @property
    def text(self) -> str:
        """The aim in words."""
        if self.least is not None:
            return f"{self.beside} ≥ {self.least:g} times ours"
        return f"≤ {self.most:g}" + (f" times the {self.beside}" if self.beside else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured thing. ``key`` names it for documents and never changes."""

    key: str
    what: str
    unit: str
    spread: Spread
    beside: tuple[Beside, ...] = ()
    reach: tuple[Reach, ...] = ()
    note: str = ""

    def ratio(self, name: str) -> float | None:
        """How many times that of ``name`` this is, by the medians; None without such."""
        for other in self.beside:
            if other.name == name and other.spread.middle > 0:
                return self.spread.middle / other.spread.middle
        return None

    def has_reached(self, reach: Reach) -> bool | None:
        """Whether the median is where it should be; None where nothing was there to compare."""
        value: float | None = self.spread.middle
        if reach.beside:
            value = self.ratio(reach.beside)
        if value is None:
            return None
        if reach.least is not None:
            return value <= 1 / reach.least
        return reach.most is None or value <= reach.most


@dataclass(frozen=True, slots=True)
class Curve:
    """A named line of a chart."""

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A plot of a section; its file is ``key``.svg."""

    key: str
    title: str
    x_name: str
    unit: str
    curves: tuple[Curve, ...]
    is_logarithmic: bool = False
    """Of the y axis; all values must be above 0 then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All of one scenario: what was done, what came out, what to know of it."""

    key: str
    title: str
    method: str
    figures: tuple[Figure, ...] = ()
    charts: tuple[Chart, ...] = ()
    notes: tuple[str, ...] = ()
    conditions: Mapping[str, str] = field(default_factory=dict)
    """When and under which load it was taken, by name."""
    drawings: Mapping[str, str] = field(default_factory=dict)
    """SVG by the name of its file without ending; text that is already written there is empty."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON knows it."""
        return {
            "key": self.key,
            "title": self.title,
            "method": self.method,
            "figures": [_figure_to_json(one) for one in self.figures],
            "charts": [_chart_to_json(one) for one in self.charts],
            "notes": list(self.notes),
            "conditions": dict(self.conditions),
            "drawings": list(self.drawings),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` gave. Raises KeyError or ValueError for anything else."""
        return cls(
            key=data["key"],
            title=data["title"],
            method=data["method"],
            figures=tuple(_figure_from_json(one) for one in data["figures"]),
            charts=tuple(_chart_from_json(one) for one in data["charts"]),
            notes=tuple(data["notes"]),
            conditions=data["conditions"],
            drawings=dict.fromkeys(data["drawings"], ""),
        )


def _figure_to_json(figure: Figure) -> dict[str, Any]:
    return {
        "key": figure.key,
        "what": figure.what,
        "unit": figure.unit,
        "min": figure.spread.least,
        "median": figure.spread.middle,
        "max": figure.spread.most,
        "runs": list(figure.spread.runs),
        "beside": [
            {
                "name": one.name,
                "median": one.spread.middle,
                "runs": list(one.spread.runs),
                "ratio": figure.ratio(one.name),
            }
            for one in figure.beside
        ],
        "reach": [
            {
                "most": one.most,
                "beside": one.beside,
                "least": one.least,
                "is_reached": figure.has_reached(one),
            }
            for one in figure.reach
        ],
        "note": figure.note,
    }


def _figure_from_json(data: Mapping[str, Any]) -> Figure:
    return Figure(
        key=data["key"],
        what=data["what"],
        unit=data["unit"],
        spread=spread(data["runs"]),
        beside=tuple(Beside(one["name"], spread(one["runs"])) for one in data["beside"]),
        reach=tuple(Reach(one["most"], one["beside"], one["least"]) for one in data["reach"]),
        note=data["note"],
    )


def _chart_to_json(chart: Chart) -> dict[str, Any]:
    curves = [
        {"name": one.name, "points": [list(point) for point in one.points]} for one in chart.curves
    ]
    return {
        "key": chart.key,
        "title": chart.title,
        "x_name": chart.x_name,
        "unit": chart.unit,
        "is_logarithmic": chart.is_logarithmic,
        "curves": curves,
    }


def _chart_from_json(data: Mapping[str, Any]) -> Chart:
    curves = tuple(
        Curve(one["name"], tuple((float(x), float(y)) for x, y in one["points"]))
        for one in data["curves"]
    )
    return Chart(
        data["key"],
        data["title"],
        data["x_name"],
        data["unit"],
        curves,
        is_logarithmic=data["is_logarithmic"],
    )
