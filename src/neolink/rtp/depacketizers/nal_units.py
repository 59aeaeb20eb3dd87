"""What the depacketizers of H.264 and H.265 share: NAL units of one access unit, put together.

The codecs differ in how they read one payload; see ``read`` of :class:`NalDepacketizer`.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from neolink.errors import RemoteProtocolError
from neolink.rtp.depacketizers.sequence import Arrival, SequenceTracker
from neolink.rtp.packet import RtpPacket

__all__ = [
    "MAX_ACCESS_UNIT_LENGTH",
    "AccessUnitAssembly",
    "NalDepacketizer",
    "ReceivedAccessUnit",
    "split_aggregate",
]

MAX_ACCESS_UNIT_LENGTH = 16 << 20
"""Bytes above which a sender is not believed."""

_PIECE_COST = 64  # memory of a piece besides its bytes: tiny pieces must not escape the bound

_LENGTH = struct.Struct(">H")
_START = 0x80
_END = 0x40


@dataclass(frozen=True, slots=True)
class ReceivedAccessUnit:
    """All NAL units of one timestamp, without start codes, parameter sets included."""

    timestamp: int
    nal_units: tuple[bytes, ...]


class AccessUnitAssembly:
    """The access unit under way: its whole NAL units, and the fragments of the last one."""

    def __init__(self) -> None:
        self.nal_units: list[bytes] = []
        self._fragments: list[bytes] = []
        self._length = 0

    def append(self, nal: bytes) -> None:
        """Add a whole NAL unit. Raises RemoteProtocolError inside a fragmented one."""
        if self._fragments:
            raise RemoteProtocolError("RTP: a NAL unit begins before the fragmented one has ended")
        self._grow(nal)
        self.nal_units.append(nal)

    def append_fragment(self, flags: int, header: bytes, fragment: bytes) -> None:
        """Add a fragment; ``flags`` holds S and E of the FU header, ``header`` the unit's own.

        Raises RemoteProtocolError where S and E contradict each other or what came before.
        """
        starts, ends = bool(flags & _START), bool(flags & _END)
        if not fragment or (starts and ends):
            raise RemoteProtocolError(f"RTP: fragment of {len(fragment)} bytes with flags {flags}")
        if starts == bool(self._fragments):
            raise RemoteProtocolError("RTP: fragments of a NAL unit are out of order")
        self._grow(fragment)
        if starts:
            self._fragments.append(header)
        self._fragments.append(fragment)
        if ends:
            self.nal_units.append(b"".join(self._fragments))
            self._fragments.clear()

    def finish(self, timestamp: int) -> list[ReceivedAccessUnit]:
        """Return the access unit, if there is one and its last NAL unit is whole; start anew."""
        whole = bool(self.nal_units) and not self._fragments
        units = [ReceivedAccessUnit(timestamp, tuple(self.nal_units))] if whole else []
        self.clear()
        return units

    def clear(self) -> None:
        """Drop the access unit under way."""
        self.nal_units.clear()
        self._fragments.clear()
        self._length = 0

    def _grow(self, data: bytes) -> None:
        self._length += len(data) + _PIECE_COST
        if self._length > MAX_ACCESS_UNIT_LENGTH:
            raise RemoteProtocolError(f"RTP: access unit of over {MAX_ACCESS_UNIT_LENGTH} bytes")


class NalDepacketizer:
    """Packets of one video source in, whole access units out.

    ``read`` adds the NAL units of one payload to the assembly. An access unit that a lost packet
    may have belonged to is dropped; ``dropped_packets`` counts what arrived of those.
    """

    def __init__(self, read: Callable[[bytes, AccessUnitAssembly], None]) -> None:
        self.dropped_packets = 0
        self._read = read
        self._sequence = SequenceTracker()
        self._assembly = AccessUnitAssembly()
        self._timestamp = 0

    @property
    def lost_packets(self) -> int:
        """Packets missing in the sequence so far."""
        return self._sequence.lost_packets

    def push(self, packet: RtpPacket) -> list[ReceivedAccessUnit]:
        """Take the next packet and return the access units that it completes: none, one or two.

        Raises RemoteProtocolError for a payload that makes no sense; the access unit is dropped
        and the next packet may follow.
        """
        arrival = self._sequence.place(packet)
        if arrival in {Arrival.TOO_LATE, Arrival.UNUSABLE}:
            return self._drop(arrival)
        units: list[ReceivedAccessUnit] = []
        if arrival is Arrival.STARTS:
            units = self._assembly.finish(self._timestamp)
        self._timestamp = packet.timestamp
        try:
            self._read(packet.payload, self._assembly)
        except RemoteProtocolError:
            self._sequence.damage()
            self._drop(Arrival.UNUSABLE)
            raise
        if packet.marker:
            units += self._assembly.finish(packet.timestamp)
        return units

    def _drop(self, arrival: Arrival) -> list[ReceivedAccessUnit]:
        self.dropped_packets += 1
        if arrival is Arrival.UNUSABLE:
            self._assembly.clear()
        return []


def split_aggregate(payload: bytes, offset: int, assembly: AccessUnitAssembly) -> None:
    """Add the length-prefixed NAL units that begin at ``offset``; at least one.

    Raises RemoteProtocolError where a length exceeds the payload or is 0.
    """
    while True:
        start = offset + _LENGTH.size
        if start > len(payload):
            raise RemoteProtocolError("RTP: aggregation packet ends inside a length")
        (length,) = _LENGTH.unpack_from(payload, offset)
        offset = start + length
        if not length or offset > len(payload):
            raise RemoteProtocolError(
                f"RTP: aggregated NAL unit of {length} bytes, {len(payload) - start} left"
            )
        assembly.append(payload[start:offset])
        if offset == len(payload):
            return
