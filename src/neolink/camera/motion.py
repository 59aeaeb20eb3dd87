"""Whether there is motion on a channel, from the alarms its camera tells of. Pure.

Cameras tell a change of alarms (message 33), not a state: an event that names any kind begins
motion, one that names none ends it. Two readings of such an event are in use (protocol reference,
section 3.8). The wide one is taken here: a status or an AI type other than ``none``, so that a
person, a visitor at the door or a PIR sensor counts. The narrow one asks for ``MD`` in the status,
or else ``other`` among the AI types; it misses cameras that tell of people alone.
"""

from math import inf

from neolink.baichuan.xml.events import AlarmEventList

__all__ = ["DOUBT_S", "MotionState"]

DOUBT_S = 30.0
"""For how long motion that began on a login that was lost is still believed on the next one."""


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
