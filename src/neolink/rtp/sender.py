"""Numbers a track's packets and serializes each media unit once for all players.

Hot path: runs once for every unit of every camera, whatever the number of players. Headers are
packed by precompiled structs and everything is joined in one allocation; media bytes are copied
exactly once. Of a cut NAL unit only the number differs from packet to packet, so that little more
than that is made for each. No packet objects. No sending and no clock: NTP time is an argument.
"""

import struct
from collections.abc import Sequence
from typing import Generic

from neolink.media.units import AccessUnit
from neolink.rtp.batch import INTERLEAVED_HEADER_LENGTH, PacketBatch
from neolink.rtp.formats import PayloadFormat, UnitT
from neolink.rtp.payload import (
    DEFAULT_MAX_PAYLOAD,
    HEADER_LENGTH,
    MAX_PAYLOAD,
    MIN_PAYLOAD,
    Fragments,
    Payload,
)
from neolink.rtp.rtcp import Bye, ReceiverReport, Sdes, SdesChunk, SenderReport

__all__ = ["RtpSender", "ntp_time"]

_NTP_EPOCH_S = 2_208_988_800  # seconds from 1900 to 1970 (RFC 3550 section 4)
_VERSION = 0x8000
_MARKER = 0x80
_OVERHEAD = INTERLEAVED_HEADER_LENGTH + HEADER_LENGTH

# "$" and channel, length, version to payload type, sequence, timestamp and SSRC as one number.
_pack_header = struct.Struct(">HHHHQ").pack
# The same in pieces, where many packets have most of it in common.
_pack_start = struct.Struct(">HHH").pack
_pack_numbered = struct.Struct(">6sH").pack
_pack_source = struct.Struct(">Q").pack

_Parts = list[bytes | memoryview]
_PARTS = 3  # of each packet: two of its headers, then the media


class RtpSender(Generic[UnitT]):
    """One track of one stream: one SSRC, one sequence and one timestamp line for all players.

    ``first_sequence`` and ``timestamp_offset`` should be random, the sequence below 2^15.
    ``cname`` names the camera the same for all its tracks. ``channel`` is the interleaved
    channel that most players will use. Raises ValueError for a ``max_payload`` out of bounds.
    """

    def __init__(
        self,
        payload_format: PayloadFormat[UnitT],
        *,
        ssrc: int,
        first_sequence: int,
        timestamp_offset: int,
        cname: str,
        max_payload: int = DEFAULT_MAX_PAYLOAD,
        channel: int = 0,
    ) -> None:
        if not MIN_PAYLOAD <= max_payload <= MAX_PAYLOAD:
            raise ValueError(f"max_payload {max_payload} is not {MIN_PAYLOAD} to {MAX_PAYLOAD}")
        self.payload_format = payload_format
        self.ssrc = ssrc
        self.cname = cname
        self.packet_count = 0
        self.octet_count = 0
        self._sequence = first_sequence & 0xFFFF
        self._timestamp_offset = timestamp_offset
        self._max_payload = max_payload
        self._channel = channel
        self._type = _VERSION | payload_format.payload_type

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next packet."""
        return self._sequence

    def packetize(self, unit: UnitT) -> PacketBatch:
        """Serialize the next unit of the live stream and count it."""
        payloads = self.payload_format.packetize(unit, self._max_payload)
        batch = self._batch(unit, payloads, self._sequence, unit.pts)
        self._sequence = batch.next_sequence
        self.packet_count += batch.packet_count
        self.octet_count += batch.size - _OVERHEAD * batch.packet_count
        return batch

    def repacketize(self, unit: UnitT, *, first_sequence: int, pts: int) -> PacketBatch:
        """Serialize a unit again for one player, as if it had been sent at another ``pts``.

        ``pts`` is in the unit's ticks. Neither sequence nor counters of the sender move.
        """
        payloads = self.payload_format.repacketize(unit, self._max_payload)
        return self._batch(unit, payloads, first_sequence & 0xFFFF, pts)

    def timestamp(self, pts: int) -> int:
        """Return the RTP timestamp of ``pts``, which counts ticks of the format's ``pts_rate``.

        Never 0, which some players take for "unknown" in RTP-Info: one tick later instead.
        """
        payload_format = self.payload_format
        if payload_format.clock_rate != payload_format.pts_rate:
            pts = pts * payload_format.clock_rate // payload_format.pts_rate
        return (self._timestamp_offset + pts & 0xFFFFFFFF) or 1

    def sender_report(self, *, pts: int, ntp_time: int) -> bytes:
        """Return a sender report and the CNAME as one compound packet (RFC 3550 section 6.4.1).

        ``pts`` and ``ntp_time`` name the same instant of the media clock.
        """
        report = SenderReport(
            ssrc=self.ssrc,
            ntp_time=ntp_time,
            rtp_timestamp=self.timestamp(pts),
            packet_count=self.packet_count & 0xFFFFFFFF,
            octet_count=self.octet_count & 0xFFFFFFFF,
        )
        return report.serialize() + self._description()

    def bye(self) -> bytes:
        """Return an empty report, the CNAME and BYE as one compound packet (section 6.6)."""
        report = ReceiverReport(ssrc=self.ssrc)
        return report.serialize() + self._description() + Bye((self.ssrc,)).serialize()

    def _description(self) -> bytes:
        return Sdes((SdesChunk(self.ssrc, self.cname),)).serialize()

    def _batch(
        self, unit: UnitT, payloads: Sequence[Payload | Fragments], sequence: int, pts: int
    ) -> PacketBatch:
        timestamp = self.timestamp(pts)
        if self.payload_format.bytes_per_tick:
            parts = self._serialize_timed(payloads, sequence, timestamp)
        else:
            parts = self._serialize(payloads, sequence, timestamp)
        return PacketBatch(
            buffer=b"".join(parts),
            channel=self._channel,
            first_sequence=sequence,
            packet_count=len(parts) // _PARTS,
            timestamp=timestamp,
            pts=pts,
            is_random_access=unit.is_random_access if isinstance(unit, AccessUnit) else True,
            is_video=self.payload_format.is_video,
        )

    def _serialize(
        self, payloads: Sequence[Payload | Fragments], sequence: int, timestamp: int
    ) -> _Parts:
        source = timestamp << 32 | self.ssrc
        dollar, kind = 0x2400 | self._channel, self._type
        parts: _Parts = []
        left = len(payloads)
        for payload in payloads:
            left -= 1
            if not left and self.payload_format.marks_end:
                kind |= _MARKER
            number = sequence + len(parts) // _PARTS
            if isinstance(payload, Fragments):
                parts += self._cut(payload, number, kind, source)
                continue
            prefix, body = payload
            length = HEADER_LENGTH + len(prefix) + len(body)
            header = _pack_header(dollar, length, kind, number & 0xFFFF, source)
            parts += header, prefix, body
        return parts

    def _cut(self, fragments: Fragments, number: int, last_kind: int, source: int) -> _Parts:
        """Make the packets of one NAL unit; ``last_kind`` is the last one's type and marker."""
        body, size, (first, middle, last) = fragments
        dollar, overhead = 0x2400 | self._channel, HEADER_LENGTH + len(middle)
        start, common = _pack_start(dollar, overhead + size, self._type), _pack_source(source)
        middle = common + middle
        parts: _Parts = []
        for position in range(0, len(body), size):
            parts += (
                _pack_numbered(start, number & 0xFFFF),
                middle,
                body[position : position + size],
            )
            number += 1
        parts[1] = common + first
        start = _pack_start(dollar, overhead + len(parts[-1]), last_kind)
        parts[-3:-1] = _pack_numbered(start, number - 1 & 0xFFFF), common + last
        return parts

    def _serialize_timed(
        self, payloads: Sequence[Payload | Fragments], sequence: int, timestamp: int
    ) -> _Parts:
        """Audio whose position in bytes is its time: one timestamp for each payload."""
        bytes_per_tick = self.payload_format.bytes_per_tick
        parts: _Parts = []
        for number, payload in enumerate(payloads, sequence):
            packet = self._serialize([payload], number, timestamp)
            parts += packet
            timestamp = timestamp + len(packet[-1]) // bytes_per_tick & 0xFFFFFFFF
        return parts


def ntp_time(unix_s: float) -> int:
    """Return seconds since 1970 as a 64-bit NTP timestamp, modulo its era (RFC 3550 section 4)."""
    return int((unix_s + _NTP_EPOCH_S) * 2**32) & 0xFFFFFFFFFFFFFFFF
