"""What pushing metrics needs to know, as a frozen value. No file is read here."""

from dataclasses import dataclass

__all__ = ["StatsdSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatsdSettings:
    """Where datagrams go, and how often."""

    host: str = "127.0.0.1"
    port: int = 8125
    prefix: str = "neolink"
    """What the path of each metric begins with; it takes the place of ``neolink_``."""
    interval_s: float = 10.0
