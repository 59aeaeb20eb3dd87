"""Sound that a camera sends twice, one packet after the other. Pure; runs once per packet.

Sound has no time and no number, and silence repeats itself. So packets are only called repeated
where they come in pairs: twice each, and others before and after.
"""

__all__ = ["Repeats"]

CERTAIN_PAIRS = 2
"""Pairs in a row before the second of each is left out."""


class Repeats:
    """Given every packet of a stream."""

    def __init__(self) -> None:
        self._before: bytes | memoryview = b""
        self._run = 0
        """Packets that were the same, up to the newest."""
        self._pairs = 0

    def is_one(self, data: bytes | memoryview) -> bool:
        """Tell whether a packet is the one before, sent again."""
        if data != self._before:
            self._pairs = self._pairs + 1 if self._run == 2 else 0
            self._before, self._run = data, 1
            return False
        self._run += 1
        return self._run == 2 and self._pairs >= CERTAIN_PAIRS
