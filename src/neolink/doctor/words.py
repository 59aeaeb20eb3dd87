"""Numbers, names and foreign text in the words of findings. Pure.

Secrets are blanked out of foreign text alone: blanks in our own words would tell a password that
is such a word.
"""

from collections.abc import Iterable
from datetime import timedelta

from neolink.log import redact

__all__ = ["and_join", "foreign", "place", "printable", "rate", "span"]

MINUTE_S, HOUR_S = 60, 3600


def and_join(words: Iterable[str], last: str = "and") -> str:
    """Join like a person does: ``a, b and c``."""
    *others, final = list(words) or [""]
    return f"{', '.join(others)} {last} {final}" if others else final


def place(host: str, port: int) -> str:
    """Return ``host:port``, with brackets around IPv6."""
    host = printable(host)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def foreign(text: str, limit: int = 60) -> str:
    """Make what a camera or its neighbours say safe to show, without secrets."""
    return printable(redact(text), limit)


def printable(text: str, limit: int = 60) -> str:
    """Make text of the configuration safe to show: one line, nothing a terminal obeys, cut."""
    line = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(line.split())
    return line if len(line) <= limit else f"{line[: limit - 3].rstrip()}..."


def span(seconds: float) -> str:
    """Return a duration as people say it, two units at most."""
    if seconds < 0.0995:
        return f"{max(1, round(seconds * 1000))} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.0f} s"
    whole = timedelta(seconds=round(seconds))
    minutes, hours = whole.seconds // MINUTE_S % 60, whole.seconds // HOUR_S
    if whole.days > 365:
        return f"{whole.days // 365} years"
    if whole.days:
        return f"{whole.days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def rate(kbps: float) -> str:
    """Return a bit rate."""
    return f"{kbps / 1000:.1f} Mbit/s" if kbps >= 1000 else f"{kbps:.0f} kbit/s"
