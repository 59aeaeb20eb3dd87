"""A flame graph as SVG text, without any library and without scripts. Pure.

The outermost function is at the bottom. A box is as wide as its share of the samples; its whole
name and share are shown by browsers when the pointer rests on it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from bench.stacks import Stack

__all__ = ["draw"]

WIDTH, ROW, TOP, SIDE = 1200, 17, 34, 10
LEAST_WIDTH = 1.2
LETTER_WIDTH = 6.4
_C_COLOUR, _LOOP_COLOUR = "#9db8d9", "#cccccc"
_COLOURS = ("#f5b27a", "#f2a35e", "#f7c08f", "#eda96b")


@dataclass(slots=True)
class _Box:
    """One function on one path, with everything it called."""

    count: int = 0
    inside: dict[str, "_Box"] = field(default_factory=dict)


def draw(title: str, stacks: Mapping[Stack, int]) -> str:
    """Return a whole SVG document. Raises ValueError when there are no samples."""
    root = _Box()
    for stack, count in stacks.items():
        box = root
        box.count += count
        for name in stack:
            box = box.inside.setdefault(name, _Box())
            box.count += count
    if not root.count:
        raise ValueError("no samples")
    unit = (WIDTH - 2 * SIDE) / root.count
    rows = _depth(root, unit)
    height = TOP + rows * ROW + SIDE
    bottom = height - SIDE - ROW
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    font = 'font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{SIDE}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
        *_boxes(root, float(SIDE), bottom, unit, root.count),
    ]
    return "\n".join([*parts, "</svg>", ""])


def _depth(box: _Box, unit: float) -> int:
    wide = [one for one in box.inside.values() if one.count * unit >= LEAST_WIDTH]
    return 1 + max(_depth(one, unit) for one in wide) if wide else 0


def _boxes(box: _Box, x: float, y: int, unit: float, total: int) -> Iterator[str]:
    """Yield what was called, from left to right by name, and what that called above it."""
    for name, inside in sorted(box.inside.items()):
        width = inside.count * unit
        if width >= LEAST_WIDTH:
            yield _drawn(name, inside.count / total, x, y, width)
            yield from _boxes(inside, x, y - ROW, unit, total)
        x += width


def _drawn(name: str, share: float, x: float, y: int, width: float) -> str:
    letters = int((width - 6) / LETTER_WIDTH)
    shown = name if len(name) <= letters else name[: letters - 1] + "…" if letters > 3 else ""
    text = f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(shown)}</text>' if shown else ""
    return (
        f"<g><title>{escape(name)}: {100 * share:.1f} %</title>"
        f'<rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.5):.1f}" height="{ROW - 1}" '
        f'fill="{_colour(name)}" rx="1"/>{text}</g>'
    )


def _colour(name: str) -> str:
    if ".py" in name:
        return _COLOURS[sum(map(ord, name)) % len(_COLOURS)]
    return _C_COLOUR if "(" in name else _LOOP_COLOUR
