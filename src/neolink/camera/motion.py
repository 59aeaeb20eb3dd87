"""What goes on on a channel, from the alarms its camera tells of; above all motion. Pure.

Cameras tell a change of alarms (message 33), not a state: an event that names any kind begins
motion, one that names none ends it. Two readings of such an event are in use (protocol reference,
section 3.8). The wide one is taken here: a status or an AI type other than ``none``, so that a
person, a visitor at the door or a PIR sensor counts. The narrow one asks for ``MD`` in the status,
or else ``other`` among the AI types; it misses cameras that tell of people alone.
"""

from collections.abc import Mapping
from math import inf
from typing import Final

from neolink.baichuan.xml.events import AlarmEvent, AlarmEventList
from neolink.media.events import EventKind

__all__ = ["DOUBT_S", "MotionState", "Noticed", "kinds_of"]

DOUBT_S = 30.0
"""For how long motion that began on a login that was lost is still believed on the next one."""


MAX_CHANNELS: Final = 64
"""More than any recorder has; what a device tells of others is passed over."""

_KINDS: Final[Mapping[str, EventKind]] = {
    "people": EventKind.PERSON,
    "vehicle": EventKind.VEHICLE,
    "dog_cat": EventKind.ANIMAL,
    "face": EventKind.FACE,
    "package": EventKind.PACKAGE,
    "visitor": EventKind.VISITOR,
    "tamper": EventKind.TAMPER,
}
"""By a camera's word, in the status or among the AI types; any other is motion and no more."""


def kinds_of(event: AlarmEvent) -> frozenset[EventKind]:
    """Return what goes on according to one event; motion is part of whatever it is."""
    words = event.kinds
    if not words:
        return frozenset()
    named = (_KINDS[word] for word in words if word in _KINDS)
    return frozenset((EventKind.MOTION, *named))


class Noticed:
    """What goes on on each channel of one device, as it was told last."""

    def __init__(self) -> None:
        self._active: dict[int, frozenset[EventKind]] = {}
        self._doubted: set[int] = set()

    def on(self, channel_id: int) -> frozenset[EventKind]:
        """Return what goes on on a channel; nothing where nothing was told."""
        return self._active.get(channel_id, frozenset())

    def handle(self, alarms: AlarmEventList) -> None:
        """Take what the camera tells. An event without a channel is of the first one."""
        told: dict[int, frozenset[EventKind]] = {}
        for event in alarms.events:
            channel_id = event.channel_id or 0
            if 0 <= channel_id < MAX_CHANNELS:
                told[channel_id] = told.get(channel_id, frozenset()) | kinds_of(event)
        self._active |= told
        self._doubted -= told.keys()

    def doubt(self) -> bool:
        """Learn that ends may be missed from now on, because the login is lost.

        Return whether there is anything to doubt.
        """
        self._doubted.update(channel for channel, active in self._active.items() if active)
        return bool(self._doubted)

    def end_doubted(self) -> None:
        """Believe that what was doubted, and not told again, is over."""
        for channel_id in self._doubted:
            self._active[channel_id] = frozenset()
        self._doubted.clear()


class MotionState:
    """Motion on one channel, with a hold of ``hold_s`` seconds after its end.

    Times are monotonic seconds. ``hold_s`` may be changed at any time and counts from the next end.
    """

    def __init__(self, channel_id: int, hold_s: float) -> None:
        self.channel_id = channel_id
        self.hold_s = hold_s
        self._is_alarmed = False
        self._until_s = -inf

    @property
    def until_s(self) -> float:
        """When motion is over if nothing more is told; infinity while it goes on."""
        return self._until_s

    def is_on(self, now_s: float) -> bool:
        """Tell whether there is motion, or was less than the hold ago."""
        return now_s < self._until_s

    def handle(self, alarms: AlarmEventList, now_s: float) -> None:
        """Take what the camera tells; what is not of this channel changes nothing.

        An event without a channel is of the first one.
        """
        told = [event for event in alarms.events if (event.channel_id or 0) == self.channel_id]
        if any(event.kinds for event in told):
            self._is_alarmed, self._until_s = True, inf
        elif told and self._is_alarmed:  # only the first of several ends counts
            self._is_alarmed, self._until_s = False, now_s + self.hold_s

    def doubt(self, now_s: float) -> None:
        """Learn that an end may have been missed, because the login is not the one it began on."""
        if self._is_alarmed:
            self._until_s = now_s + max(DOUBT_S, self.hold_s)
