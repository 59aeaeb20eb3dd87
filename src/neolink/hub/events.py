"""What the camera of one stream notices: one writer, few readers, and the demand that joins them.

Nothing is asked of the camera while nobody reads. Which words of a camera mean which kind is
:mod:`neolink.camera.motion`'s business.
"""

import logging
from collections.abc import Callable

from neolink.clock import Clock
from neolink.log import bind_stream
from neolink.media.events import EventKind, EventState

__all__ = ["EventReader", "Events"]

_LOG = logging.getLogger(__name__)

EventReader = Callable[[tuple[EventState, ...]], None]
"""Is given what has changed at once; must return at once and never raise."""

ALWAYS_TOLD = (EventKind.MOTION, EventKind.PERSON, EventKind.VEHICLE, EventKind.ANIMAL)
"""Kinds whose state is told from the beginning; others once the camera has noticed them."""


class Events:
    """The states of one stream's camera.

    ``on_demand`` is called with True when the first reader comes and with False when the last one
    has left; it must return at once.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.on_demand: Callable[[bool], None] = lambda _: None
        self.reader_failures = 0
        """Exceptions of readers, which have been kept from everybody else."""
        self._name = name
        self._clock = clock
        self._active: frozenset[EventKind] = frozenset()
        now_s = clock.unix_s()
        self._states = {
            kind: EventState(kind, is_active=False, unix_s=now_s) for kind in ALWAYS_TOLD
        }
        self._readers: tuple[EventReader, ...] = ()

    @property
    def is_read(self) -> bool:
        """Whether anybody is told."""
        return bool(self._readers)

    @property
    def states(self) -> tuple[EventState, ...]:
        """What is known of each kind; what nobody asked about was over when last asked."""
        return tuple(self._states.values())

    def publish(self, active: frozenset[EventKind]) -> None:
        """Learn what goes on now, and tell what of it is new."""
        changed = active ^ self._active
        self._active = active
        if not changed:
            return
        now_s = self._clock.unix_s()
        states = tuple(
            EventState(kind, is_active=kind in active, unix_s=now_s)
            for kind in EventKind
            if kind in changed
        )
        self._states.update((state.kind, state) for state in states)
        for read in self._readers:
            self._tell(read, states)

    def subscribe(self, reader: EventReader) -> None:
        """Tell ``reader`` every change from now on."""
        self._readers = (*self._readers, reader)
        if len(self._readers) == 1:
            self.on_demand(True)

    def unsubscribe(self, reader: EventReader) -> None:
        """Tell ``reader`` nothing any more; one that is not told is ignored."""
        had_readers = bool(self._readers)
        self._readers = tuple(other for other in self._readers if other != reader)
        if had_readers and not self._readers:
            self.on_demand(False)
            self.publish(frozenset())  # nobody tells of its end

    def _tell(self, read: EventReader, states: tuple[EventState, ...]) -> None:
        try:
            read(states)
        except Exception:  # noqa: BLE001 - must reach neither the camera nor other readers
            self.reader_failures += 1
            if self.reader_failures == 1:
                bind_stream(_LOG, self._name).exception("a reader of events failed")
