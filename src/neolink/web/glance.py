"""The bridge as it was a moment ago: however often it is asked, reading it costs the same."""

import asyncio
from typing import Final

from neolink.clock import Clock
from neolink.health.values import BridgeHealth
from neolink.readings import BridgeReading
from neolink.web.view import BridgeView

__all__ = ["Glance"]

FRESH_S: Final = 0.5


class Glance:
    """Keeps the last reading and judgement for half a second."""

    def __init__(self, view: BridgeView, clock: Clock) -> None:
        self._view = view
        self._clock = clock
        self._reading: BridgeReading | None = None
        self._health: BridgeHealth | None = None
        self._read_s = 0.0

    @property
    def reading(self) -> BridgeReading:
        """Everything that is counted and measured."""
        return self._look()[0]

    @property
    def health(self) -> BridgeHealth:
        """How everything is, made with :attr:`reading`."""
        return self._look()[1]

    async def refresh(self) -> None:
        """Look anew if that is due, a piece at a time: with many cameras pictures go in between."""
        if self._is_fresh():
            return
        self._view.read()  # what follows is given the same reading
        await asyncio.sleep(0)
        self._look()
        await asyncio.sleep(0)

    def forget(self) -> None:
        """Look anew at the next question, because something was just changed."""
        self._reading = None

    def _look(self) -> tuple[BridgeReading, BridgeHealth]:
        reading, health = self._reading, self._health
        if reading is None or health is None or not self._is_fresh():
            self._read_s = self._clock.monotonic_s()
            reading = self._reading = self._view.read()
            health = self._health = self._view.health()
        return reading, health

    def _is_fresh(self) -> bool:
        age_s = self._clock.monotonic_s() - self._read_s
        return self._reading is not None and age_s < FRESH_S
