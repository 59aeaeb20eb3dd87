"""Charts over a number of players or cameras, as SVG text, without any library. Pure.

The x axis is a scale of equal steps with one place for each x that occurs: 1, 10, 50, 200, 400.
"""

import math
from xml.sax.saxutils import escape

from soak.plot import COLOURS, ticks

from bench.figures import Chart

__all__ = ["draw", "log_ticks"]

WIDTH, HEIGHT = 760, 320
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 56, 50


def draw(chart: Chart) -> str:
    """Return a whole SVG document."""
    places = sorted({x for curve in chart.curves for x, _ in curve.points})
    values = [y for curve in chart.curves for _, y in curve.points] or [1.0]
    scale = log_ticks(min(values), max(values)) if chart.is_logarithmic else ticks(0.0, max(values))
    height = math.log if chart.is_logarithmic else float
    bottom, top = height(scale[0]), height(scale[-1])
    step = (WIDTH - LEFT - RIGHT) / max(1, len(places))

    def x_of(x: float) -> float:
        return LEFT + (places.index(x) + 0.5) * step

    def y_of(y: float) -> float:
        return HEIGHT - BOTTOM - (height(y) - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)

    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    font = 'font-family="sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold">{escape(chart.title)}</text>',
        _text(LEFT - 6, TOP - 12, chart.unit, "end"),
        _text(LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 10, chart.x_name, "middle"),
    ]
    for value in scale:
        parts.append(_line(LEFT, y_of(value), WIDTH - RIGHT, y_of(value), "#e3e3e3", 1))
        parts.append(_text(LEFT - 6, y_of(value) + 4, f"{value:g}", "end"))
    parts += [_text(x_of(x), HEIGHT - BOTTOM + 18, f"{x:g}", "middle") for x in places]
    legend_x = float(LEFT)
    for index, curve in enumerate(chart.curves):
        colour = COLOURS[index % len(COLOURS)]
        points = [(x_of(x), y_of(y)) for x, y in curve.points]
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        parts.append(_line(legend_x, 36, legend_x + 18, 36, colour, 3))
        parts.append(_text(legend_x + 23, 40, curve.name, "start"))
        legend_x += 44 + 6.6 * len(curve.name)
    parts.append(_line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#888888", 1))
    return "\n".join([*parts, "</svg>", ""])


def log_ticks(low: float, high: float) -> list[float]:
    """Return 1, 2 and 5 times powers of ten that span ``low`` to ``high``, at least two."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1
    steps = [factor * 10.0**power for power in range(first, last + 1) for factor in (1, 2, 5)]
    begin = max(index for index, step in enumerate(steps) if step <= low * 1.001)
    end = min(index for index, step in enumerate(steps) if step >= high * 0.999 and index > begin)
    return [round(step, 12) for step in steps[begin : end + 1]]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width:g}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
