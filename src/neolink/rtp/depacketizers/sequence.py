"""What all depacketizers share: which packets belong to one unit, and whether any was lost."""

from enum import Enum, auto

from neolink.rtp.packet import RtpPacket

__all__ = ["Arrival", "SequenceTracker"]


class Arrival(Enum):
    """What a packet's place in the sequence tells about the unit it belongs to."""

    STARTS = auto()
    """The first packet of a unit, nothing lost before it."""

    CONTINUES = auto()
    """The next packet of the unit under way."""

    TOO_LATE = auto()
    """A repetition, or overtaken by packets already seen: to be ignored."""

    UNUSABLE = auto()
    """Packets were lost that may have belonged to the same unit."""


class SequenceTracker:
    """Follows sequence, timestamp and marker of one source.

    A unit ends with its marker, or where the timestamp changes. The first packet of a stream is
    taken for the start of a unit. After a gap nothing is usable until a unit begins for certain.
    """

    def __init__(self) -> None:
        self.lost_packets = 0
        self._last: RtpPacket | None = None
        self._damaged = False

    def place(self, packet: RtpPacket) -> Arrival:
        """Judge the next packet that arrived."""
        last = self._last
        if last is None:
            self._last = packet
            return Arrival.STARTS
        step = packet.sequence - last.sequence & 0xFFFF
        if step == 0 or step >= 0x8000:
            return Arrival.TOO_LATE
        self._last = packet
        self.lost_packets += step - 1
        starts = last.marker or packet.timestamp != last.timestamp
        self._damaged = step > 1 or (self._damaged and not starts)
        if self._damaged:
            return Arrival.UNUSABLE
        return Arrival.STARTS if starts else Arrival.CONTINUES

    def damage(self) -> None:
        """Give up the unit under way: its content made no sense."""
        self._damaged = True
