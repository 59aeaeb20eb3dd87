"""The bridge as it was a moment ago: however often it is asked, reading it costs the same."""

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

    def forget(self) -> None:
        """Look anew at the next question, because something was just changed."""
        self._reading = None

    def _look(self) -> tuple[BridgeReading, BridgeHealth]:
        now_s = self._clock.monotonic_s()
        reading, health = self._reading, self._health
        if reading is None or health is None or now_s - self._read_s >= FRESH_S:
            reading = self._reading = self._view.read()
            health = self._health = self._view.health()
            self._read_s = now_s
        return reading, health
