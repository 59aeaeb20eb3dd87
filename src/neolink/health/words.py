"""Durations and counts as people write them."""

from math import isfinite

__all__ = ["counted", "duration", "shortened", "times"]

LONGEST = 160

_UNITS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"))
_EXACT_UP_TO = 2.0
"""Below so many of a unit the next smaller one is used: 90 s, not 1 min."""


def duration(seconds: float) -> str:
    """Write a length of time in one unit: ``4 s``, ``90 s``, ``25 min``, ``3 h``, ``5 d``."""
    if not isfinite(seconds):
        return "ever"
    for size, name in _UNITS:
        if seconds >= _EXACT_UP_TO * size:
            return f"{int(seconds // size)} {name}"
    return f"{max(0.0, seconds):.0f} s"


def counted(number: int, what: str) -> str:
    """Write ``1 player``, ``2 players``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def times(number: int) -> str:
    """Write ``once``, ``twice``, ``3 times``."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def shortened(text: str) -> str:
    """Give a text of others as one line that is not too long."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
