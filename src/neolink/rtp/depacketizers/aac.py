"""RTP payloads to AAC access units: MPEG4-GENERIC in mode AAC-hbr (RFC 3640 section 3.3.6).

Several access units in one packet, or one in several packets; interleaving is not understood.
"""

import struct

from neolink.errors import RemoteProtocolError
from neolink.rtp.depacketizers.audio import ReceivedAudio
from neolink.rtp.depacketizers.sequence import Arrival, SequenceTracker
from neolink.rtp.packet import RtpPacket

__all__ = ["AacDepacketizer"]

_SAMPLES_PER_UNIT = 1024
_HEADER_BITS = 16
_UINT16 = struct.Struct(">H")


class AacDepacketizer:
    """Packets of one AAC source in, whole access units out."""

    def __init__(self, samples_per_unit: int = _SAMPLES_PER_UNIT) -> None:
        self._samples_per_unit = samples_per_unit
        self._sequence = SequenceTracker()
        self._fragments: list[bytes] = []
        self._length = 0

    @property
    def lost_packets(self) -> int:
        """Packets missing in the sequence so far."""
        return self._sequence.lost_packets

    def push(self, packet: RtpPacket) -> list[ReceivedAudio]:
        """Take the next packet and return the access units that it completes.

        Raises RemoteProtocolError for a payload that makes no sense; a fragmented unit under
        way is dropped and the next packet may follow.
        """
        arrival = self._sequence.place(packet)
        if arrival is Arrival.TOO_LATE:
            return []
        if arrival is not Arrival.CONTINUES:
            self._drop_fragments()
        try:
            return self._read(packet, usable=arrival is not Arrival.UNUSABLE)
        except RemoteProtocolError:
            self._drop_fragments()
            self._sequence.damage()
            raise

    def _read(self, packet: RtpPacket, *, usable: bool) -> list[ReceivedAudio]:
        """Whole units are good whatever was lost around them, fragments only without a gap."""
        sizes, offset = _unit_sizes(packet.payload)
        if len(sizes) == 1 and sizes[0] > len(packet.payload) - offset:
            return self._append_fragment(sizes[0], packet, offset) if usable else []
        units: list[ReceivedAudio] = []
        for index, size in enumerate(sizes):
            data = packet.payload[offset : offset + size]
            if len(data) < size:
                raise RemoteProtocolError(f"AAC unit of {size} bytes, {len(data)} left")
            timestamp = packet.timestamp + index * self._samples_per_unit & 0xFFFFFFFF
            units.append(ReceivedAudio(timestamp, data))
            offset += size
        return units

    def _append_fragment(self, size: int, packet: RtpPacket, offset: int) -> list[ReceivedAudio]:
        fragment = packet.payload[offset:]
        self._fragments.append(fragment)
        self._length += len(fragment)
        missing = size - self._length
        if not fragment or missing < 0 or (packet.marker and missing):
            raise RemoteProtocolError(f"AAC fragments of {self._length} bytes for a unit of {size}")
        if missing:
            return []
        unit = ReceivedAudio(packet.timestamp, b"".join(self._fragments))
        self._drop_fragments()
        return [unit]

    def _drop_fragments(self) -> None:
        self._fragments.clear()
        self._length = 0


def _unit_sizes(payload: bytes) -> tuple[list[int], int]:
    """Return the sizes in the AU headers, and where the first access unit begins."""
    if len(payload) < _UINT16.size:
        raise RemoteProtocolError(f"AAC payload of {len(payload)} bytes, no AU headers")
    (bits,) = _UINT16.unpack_from(payload)
    count, rest = divmod(bits, _HEADER_BITS)
    end = _UINT16.size * (1 + count)
    if rest or not count or end > len(payload):
        raise RemoteProtocolError(f"AAC AU headers of {bits} bits in {len(payload)} bytes")
    headers = struct.unpack_from(f">{count}H", payload, _UINT16.size)
    if any(header & 0x07 for header in headers) or not all(headers):
        raise RemoteProtocolError("AAC access units are interleaved or empty")
    return [header >> 3 for header in headers], end
