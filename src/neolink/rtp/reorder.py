"""Puts the packets of one RTP source back into order, over a few places. Pure.

What a gap means is for who decodes: sound fills it with silence.
"""

from neolink.rtp.packet import RtpPacket

__all__ = ["ReorderBuffer"]

_RANGE = 1 << 16
_FARTHEST = 3000
"""A packet further ahead (RFC 3550 appendix A.1) or that far behind begins a new sequence."""

_RESTART = 3
"""So many late packets that follow each other are a source that began anew, a little lower."""


class ReorderBuffer:
    """Packets in as they arrive, packets out in order of their sequence numbers.

    A missing packet is waited for until ``depth`` later ones are there; with 0 it is never waited
    for. ``late`` counts packets that came twice or after their turn: they are not given.
    """

    def __init__(self, depth: int = 5) -> None:
        self.late = 0
        self._depth = depth
        self._last_late = -1
        self._late_run = 0
        self._next: int | None = None
        self._waiting: dict[int, RtpPacket] = {}

    def push(self, packet: RtpPacket) -> list[RtpPacket]:
        """Take a packet; return those whose turn has come."""
        ahead = self._ahead(packet)
        is_late = ahead >= _RANGE - _FARTHEST or packet.sequence in self._waiting
        if is_late and not self._begins_anew(packet):
            self.late += 1
            return []
        self._late_run = 0
        ready: list[RtpPacket] = []
        if is_late or ahead > _FARTHEST:  # the source began anew
            ready = [self._waiting.pop(number) for number in self._in_order()]
            self._next = packet.sequence
        self._waiting[packet.sequence] = packet
        while self._waiting and (self._next in self._waiting or len(self._waiting) > self._depth):
            number = self._in_order()[0]
            ready.append(self._waiting.pop(number))
            self._next = (number + 1) % _RANGE
        return ready

    def _ahead(self, packet: RtpPacket) -> int:
        if self._next is None:
            self._next = packet.sequence
        return (packet.sequence - self._next) % _RANGE

    def _begins_anew(self, packet: RtpPacket) -> bool:
        follows = packet.sequence == (self._last_late + 1) % _RANGE
        self._late_run = self._late_run + 1 if follows else 1
        self._last_late = packet.sequence
        return self._late_run >= _RESTART

    def _in_order(self) -> list[int]:
        following = self._next or 0
        return sorted(self._waiting, key=lambda number: (number - following) % _RANGE)
