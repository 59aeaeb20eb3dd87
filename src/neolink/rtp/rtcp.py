"""RTCP packets as values (RFC 3550 section 6, RFC 4585 section 6.3.1), and compound packets.

What carries no decision for a server (APP, XR, other feedback) is skipped, its length checked.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from neolink.errors import RemoteProtocolError

__all__ = [
    "Bye",
    "PictureLossIndication",
    "ReceiverReport",
    "ReportBlock",
    "RtcpPacket",
    "Sdes",
    "SdesChunk",
    "SenderReport",
    "interleaved_rtcp",
    "parse_compound",
]

_VERSION = 2
_SENDER_REPORT = 200
_RECEIVER_REPORT = 201
_SDES = 202
_BYE = 203
_PAYLOAD_FEEDBACK = 206
_FORMAT_PLI = 1
_CNAME = 1
_MAX_COUNT = 31  # five bits
_MAX_PACKETS = 64  # a peer sends a handful in one compound

_HEADER = struct.Struct(">BBH")
_SSRC = struct.Struct(">I")
_SENDER_INFO = struct.Struct(">IQIII")
_REPORT_BLOCK = struct.Struct(">IIIIII")
_FEEDBACK = struct.Struct(">II")
_INTERLEAVED = struct.Struct(">BBH")


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What a receiver tells of one source (section 6.4.1).

    ``fraction_lost`` counts 256ths since the previous report, ``cumulative_lost`` packets (it is
    negative when packets were duplicated), ``jitter`` ticks. ``last_sr`` is the middle 32 bits of
    the NTP time of the last sender report, ``delay_since_last_sr`` counts 65536ths of a second.
    """

    ssrc: int
    fraction_lost: int
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay_since_last_sr: int

    @classmethod
    def parse(cls, data: bytes | memoryview, offset: int = 0) -> "ReportBlock":
        """Parse the 24 bytes at ``offset``."""
        if len(data) < offset + _REPORT_BLOCK.size:
            raise RemoteProtocolError(f"RTCP report ends inside a block, at {len(data)} bytes")
        ssrc, lost, highest, jitter, last_sr, delay = _REPORT_BLOCK.unpack_from(data, offset)
        cumulative = lost & 0xFFFFFF
        return cls(
            ssrc=ssrc,
            fraction_lost=lost >> 24,
            cumulative_lost=cumulative - (cumulative >> 23 << 24),
            highest_sequence=highest,
            jitter=jitter,
            last_sr=last_sr,
            delay_since_last_sr=delay,
        )

    def serialize(self) -> bytes:
        """Return the 24 bytes."""
        return _REPORT_BLOCK.pack(
            self.ssrc,
            self.fraction_lost << 24 | self.cumulative_lost & 0xFFFFFF,
            self.highest_sequence,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        )


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR: where the media clock is, and how much was sent (section 6.4.1).

    ``ntp_time`` is a 64-bit NTP timestamp of the same instant as ``rtp_timestamp``.
    """

    ssrc: int
    ntp_time: int
    rtp_timestamp: int
    packet_count: int
    octet_count: int
    reports: tuple[ReportBlock, ...] = ()

    def serialize(self) -> bytes:
        """Return the packet."""
        info = _SENDER_INFO.pack(
            self.ssrc, self.ntp_time, self.rtp_timestamp, self.packet_count, self.octet_count
        )
        blocks = b"".join(report.serialize() for report in self.reports)
        return _serialize(_SENDER_REPORT, len(self.reports), info + blocks)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR: how well each source arrived (section 6.4.2). Empty from one that received nothing."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()

    def serialize(self) -> bytes:
        """Return the packet."""
        blocks = b"".join(report.serialize() for report in self.reports)
        body = _SSRC.pack(self.ssrc) + blocks
        return _serialize(_RECEIVER_REPORT, len(self.reports), body)


@dataclass(frozen=True, slots=True)
class SdesChunk:
    """The canonical name of one source, empty where it gave none. Other items are dropped."""

    ssrc: int
    cname: str


@dataclass(frozen=True, slots=True)
class Sdes:
    """SDES: who the sources are (section 6.5)."""

    chunks: tuple[SdesChunk, ...]

    def serialize(self) -> bytes:
        """Return the packet. Raises ValueError for a name over 255 bytes."""
        body = b"".join(map(_serialize_chunk, self.chunks))
        return _serialize(_SDES, len(self.chunks), body)


@dataclass(frozen=True, slots=True)
class Bye:
    """BYE: the sources that have ended, and why (section 6.6)."""

    sources: tuple[int, ...]
    reason: str = ""

    def serialize(self) -> bytes:
        """Return the packet. Raises ValueError for a reason over 255 bytes."""
        body = b"".join(map(_SSRC.pack, self.sources))
        if self.reason:
            text = _counted(self.reason)
            body += text + bytes(-len(text) % 4)
        return _serialize(_BYE, len(self.sources), body)


@dataclass(frozen=True, slots=True)
class PictureLossIndication:
    """PLI: a receiver cannot decode and asks for a random access point (RFC 4585 section 6.3.1)."""

    sender_ssrc: int
    media_ssrc: int

    def serialize(self) -> bytes:
        """Return the packet."""
        body = _FEEDBACK.pack(self.sender_ssrc, self.media_ssrc)
        return _serialize(_PAYLOAD_FEEDBACK, _FORMAT_PLI, body)


RtcpPacket = SenderReport | ReceiverReport | Sdes | Bye | PictureLossIndication


def parse_compound(data: bytes | memoryview) -> list[RtcpPacket]:
    """Parse all packets of one datagram or interleaved frame; unknown kinds are left out.

    Any order is accepted. Raises RemoteProtocolError, with the offset, where a packet is
    malformed: nothing of the compound is to be trusted then.
    """
    view = memoryview(data)
    packets: list[RtcpPacket] = []
    offset = 0
    for _ in range(_MAX_PACKETS):
        if offset == len(view):
            return packets
        kind, count, body, following = _split_packet(view, offset)
        parse = _PARSERS.get(kind)
        packet = parse(count, body) if parse else None
        if packet is not None:
            packets.append(packet)
        offset = following
    raise RemoteProtocolError(f"more than {_MAX_PACKETS} RTCP packets in one compound")


def interleaved_rtcp(channel: int, data: bytes) -> bytes:
    """Return a compound packet as an interleaved frame (RFC 2326 section 10.12)."""
    return _INTERLEAVED.pack(0x24, channel, len(data)) + data


def _split_packet(view: memoryview, offset: int) -> tuple[int, int, memoryview, int]:
    """Return type, count, body without padding, and the offset behind the packet."""
    if len(view) - offset < _HEADER.size:
        raise RemoteProtocolError("RTCP ends inside a header", offset=offset)
    flags, kind, words = _HEADER.unpack_from(view, offset)
    if flags >> 6 != _VERSION:
        raise RemoteProtocolError(f"RTCP version {flags >> 6}, expected 2", offset=offset)
    start = offset + _HEADER.size
    end = start + 4 * words
    if end > len(view):
        raise RemoteProtocolError(
            f"RTCP body of {4 * words} bytes, {len(view) - start} left", offset=offset
        )
    body = view[start:end]
    if flags & 0x20:
        padding = body[-1] if body else 0
        if not 1 <= padding <= len(body):
            raise RemoteProtocolError(f"RTCP padding of {padding} bytes", offset=offset)
        body = body[:-padding]
    return kind, flags & 0x1F, body, end


def _serialize(kind: int, count: int, body: bytes) -> bytes:
    if count > _MAX_COUNT:
        raise ValueError(f"{count} entries in one RTCP packet, at most {_MAX_COUNT}")
    return _HEADER.pack(_VERSION << 6 | count, kind, len(body) // 4) + body


def _counted(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) > 0xFF:
        raise ValueError(f"RTCP text of {len(encoded)} bytes, at most 255")
    return bytes((len(encoded),)) + encoded


def _serialize_chunk(chunk: SdesChunk) -> bytes:
    """Items end with at least one zero byte and fill whole words (section 6.5)."""
    item = bytes((_CNAME,)) + _counted(chunk.cname) if chunk.cname else b""
    return _SSRC.pack(chunk.ssrc) + item + bytes(4 - len(item) % 4)


def _parse_reports(count: int, body: memoryview, start: int) -> tuple[ReportBlock, ...]:
    """Profile-specific extensions may follow the blocks and are ignored (section 6.4.3)."""
    size = _REPORT_BLOCK.size
    return tuple(ReportBlock.parse(body, start + index * size) for index in range(count))


def _parse_sender_report(count: int, body: memoryview) -> SenderReport:
    _require(body, _SENDER_INFO.size, "sender report")
    ssrc, ntp_time, timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    reports = _parse_reports(count, body, _SENDER_INFO.size)
    return SenderReport(ssrc, ntp_time, timestamp, packets, octets, reports)


def _parse_receiver_report(count: int, body: memoryview) -> ReceiverReport:
    _require(body, _SSRC.size, "receiver report")
    (ssrc,) = _SSRC.unpack_from(body)
    return ReceiverReport(ssrc, _parse_reports(count, body, _SSRC.size))


def _parse_sdes(count: int, body: memoryview) -> Sdes:
    chunks: list[SdesChunk] = []
    offset = 0
    for _ in range(count):
        chunk, offset = _parse_chunk(body, offset)
        chunks.append(chunk)
    return Sdes(tuple(chunks))


def _parse_chunk(body: memoryview, offset: int) -> tuple[SdesChunk, int]:
    _require(body, offset + _SSRC.size, "SDES chunk")
    (ssrc,) = _SSRC.unpack_from(body, offset)
    offset += _SSRC.size
    cname = ""
    while offset < len(body) and body[offset]:
        _require(body, offset + 2, "SDES item")
        kind, length = body[offset], body[offset + 1]
        text, offset = offset + 2, offset + 2 + length
        _require(body, offset, "SDES item")
        if kind == _CNAME:
            cname = bytes(body[text:offset]).decode(errors="replace")
    _require(body, offset + 1, "end of SDES chunk")
    return SdesChunk(ssrc, cname), (offset + 4) // 4 * 4


def _parse_bye(count: int, body: memoryview) -> Bye:
    length = count * _SSRC.size
    _require(body, length, "BYE")
    sources = tuple(_SSRC.unpack_from(body, 4 * index)[0] for index in range(count))
    if len(body) == length:
        return Bye(sources)
    end = length + 1 + body[length]
    _require(body, end, "reason of BYE")
    return Bye(sources, bytes(body[length + 1 : end]).decode(errors="replace"))


def _parse_payload_feedback(count: int, body: memoryview) -> PictureLossIndication | None:
    _require(body, _FEEDBACK.size, "feedback")
    if count != _FORMAT_PLI:
        return None
    return PictureLossIndication(*_FEEDBACK.unpack_from(body))


def _require(body: memoryview, length: int, what: str) -> None:
    if len(body) < length:
        raise RemoteProtocolError(f"RTCP {what}: {length} bytes expected, {len(body)} received")


_PARSERS: dict[int, Callable[[int, memoryview], RtcpPacket | None]] = {
    _SENDER_REPORT: _parse_sender_report,
    _RECEIVER_REPORT: _parse_receiver_report,
    _SDES: _parse_sdes,
    _BYE: _parse_bye,
    _PAYLOAD_FEEDBACK: _parse_payload_feedback,
}
