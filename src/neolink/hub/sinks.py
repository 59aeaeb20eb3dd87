"""Who is given the units of a stream. One that fails harms neither the camera nor the others."""

import logging
from collections.abc import Callable
from typing import Protocol

from neolink.log import bind_stream
from neolink.media.tracks import Presentation
from neolink.media.units import MediaUnit

__all__ = ["Sink", "Sinks"]

_LOG = logging.getLogger(__name__)


class Sink(Protocol):
    """Somebody who is given every unit. Must return at once and never raise."""

    def push(self, unit: MediaUnit) -> None:
        """Take one unit."""

    def presentation_changed(self, presentation: Presentation) -> None:
        """Learn that the tracks changed so much that readers must describe the stream again."""

    def source_stopped(self) -> None:
        """Learn that no unit follows the last one; what comes later begins anew."""

    def source_ended(self) -> None:
        """Learn that the camera stays away and nothing stands in for it: end the sessions."""


class Sinks:
    """The sinks of one stream. Hot path: :meth:`give` runs once per unit."""

    def __init__(self, name: str) -> None:
        self.failures = 0
        self._name = name
        self._all: tuple[Sink, ...] = ()

    def add(self, sink: Sink) -> None:
        """Give ``sink`` what comes from now on."""
        self._all = (*self._all, sink)

    def remove(self, sink: Sink) -> None:
        """Give ``sink`` nothing any more."""
        self._all = tuple(other for other in self._all if other is not sink)

    def give(self, unit: MediaUnit) -> None:
        """Give one unit to all."""
        for sink in self._all:
            try:
                sink.push(unit)
            except Exception:  # noqa: BLE001 - must reach neither the camera nor other sinks
                self._note_failure()

    def tell(self, call: Callable[[Sink], None]) -> None:
        """Call something of all."""
        for sink in self._all:
            try:
                call(sink)
            except Exception:  # noqa: BLE001 - must reach neither the camera nor other sinks
                self._note_failure()

    def _note_failure(self) -> None:
        """Count the exception being handled; only the first is logged."""
        self.failures += 1
        if self.failures == 1:
            bind_stream(_LOG, self._name).exception("a reader of the stream failed")
