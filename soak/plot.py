"""Line plots as SVG text, without any library. Pure.

One x axis in minutes or hours, one y axis from zero (or from near the data), a few series, and
marks: thin vertical lines where something happened.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Series", "line_plot"]

WIDTH, HEIGHT = 900, 300
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 44, 44
MOST_POINTS = 1200
"""More are thinned out; peaks and dips stay."""

COLOURS = ("#1f6fb4", "#d95f02", "#1b9e77", "#7b5ea7", "#c0392b", "#666666")

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """A named line; x are seconds."""

    name: str
    points: Sequence[Point]


def line_plot(
    title: str,
    series: Sequence[Series],
    *,
    unit: str = "",
    from_zero: bool = True,
    until_s: float = 0.0,
    marks: Sequence[float] = (),
    marks_name: str = "fault",
) -> str:
    """Return a whole SVG document. The x axis reaches to the last point, or to ``until_s``."""
    points = [point for one in series for point in one.points]
    longest_s = max(until_s, *(x for x, _ in points), 1.0)
    x_unit, x_scale = ("h", 3600.0) if longest_s > 3 * 3600 else ("min", 60.0)
    lowest = min((y for _, y in points), default=0.0)
    highest = max((y for _, y in points), default=1.0)
    y_ticks = ticks(min(0.0, lowest) if from_zero else lowest, highest)
    x_ticks = ticks(0.0, longest_s / x_scale)
    low, high = y_ticks[0], y_ticks[-1]

    def place(point: Point) -> Point:
        x = LEFT + point[0] / longest_s * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - (point[1] - low) / (high - low) * (HEIGHT - TOP - BOTTOM)
        return x, y

    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    font = 'font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold">{escape(title)}</text>',
    ]
    for value in y_ticks:
        y = place((0.0, value))[1]
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "#e3e3e3"))
        parts.append(_text(LEFT - 6, y + 4, f"{value:g}", "end"))
    for value in x_ticks:
        x = place((value * x_scale, low))[0]
        if x <= WIDTH - RIGHT + 1:
            parts.append(_line(x, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 4, "#888888"))
            parts.append(_text(x, HEIGHT - BOTTOM + 18, f"{value:g}", "middle"))
    parts.append(_text(WIDTH - RIGHT, HEIGHT - 8, x_unit, "end"))
    parts.append(_text(LEFT - 6, TOP - 10, unit, "end"))
    for at_s in marks:
        if at_s <= longest_s:
            x = place((at_s, low))[0]
            parts.append(_line(x, TOP, x, HEIGHT - BOTTOM, "#f0b9b9"))
    parts += [
        _polyline([place(point) for point in thin_out(one.points)], colour)
        for one, colour in zip(series, _colours(len(series)), strict=True)
    ]
    parts.append(_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#888888"))
    parts += _legend(series, marks_name if marks else "")
    return "\n".join([*parts, "</svg>", ""])


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round values that span ``low`` to ``high``, at least two.

    Less than a millionth of the values is no extent: the plane then spans a tenth of them.
    """
    if high - low <= max(1e-6, abs(low) * 1e-6):
        high = low + max(1.0, abs(low) * 0.1)
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def thin_out(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """Keep the lowest and the highest point of each stretch, so that no peak gets lost."""
    if len(points) <= most:
        return list(points)
    stretch = math.ceil(2 * len(points) / most)
    kept: list[Point] = []
    for start in range(0, len(points), stretch):
        part = points[start : start + stretch]
        extremes = {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
        kept += sorted(extremes)
    return kept


def _colours(count: int) -> list[str]:
    return [COLOURS[index % len(COLOURS)] for index in range(count)]


def _legend(series: Sequence[Series], marks_name: str) -> list[str]:
    names = [(one.name, colour) for one, colour in zip(series, _colours(len(series)), strict=True)]
    if marks_name:
        names.append((marks_name, "#f0b9b9"))
    parts: list[str] = []
    x = float(LEFT)
    for name, colour in names:
        parts.append(_line(x, 32, x + 18, 32, colour, 3))
        parts.append(_text(x + 23, 36, name, "start"))
        x += 40 + 7 * len(name)
    return parts


def _polyline(points: Sequence[Point], colour: str) -> str:
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
