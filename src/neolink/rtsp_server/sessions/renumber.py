"""One numbering for a player whose media come from several mounts, one after the other. Pure.

Every mount has RTP numbers of its own; a player that is moved must not notice. Its session goes on
with the SSRCs, sequence numbers and timestamps that it began with: what the first mount sends needs
no change until the first move; what comes afterwards from any mount is copied with other headers.

Hot path of players that have been moved, and of no others: :meth:`Stay.translate`, once per unit.
"""

import struct
from dataclasses import replace
from typing import Final

from neolink.rtp.batch import INTERLEAVED_HEADER_LENGTH, PacketBatch
from neolink.rtp.payload import HEADER_LENGTH
from neolink.rtp.rtcp import (
    Bye,
    ReceiverReport,
    RtcpPacket,
    Sdes,
    SdesChunk,
    SenderReport,
    parse_compound,
)
from neolink.rtsp_server.mounts.parcel import METADATA, VIDEO, Parcel

__all__ = ["Numbering", "Stay", "Track"]

_LIMIT: Final = 1 << 32
_SEQUENCE_AT: Final = INTERLEAVED_HEADER_LENGTH + 2
_OVERHEAD: Final = INTERLEAVED_HEADER_LENGTH + HEADER_LENGTH
_read = struct.Struct(">HI").unpack_from
_write = struct.Struct(">HII").pack_into

LEAST_STEP_S: Final = 0.001
MOST_STEP_S: Final = 0.1
"""Between the last picture of one stream and the first of the next is an interval of the old one,
within these bounds: players that count in frames would take less for no step."""


class Track:
    """The numbers of one track of a session. ``rate`` is the clock of its timestamps, in Hz."""

    __slots__ = (
        "last_timestamp",
        "next_sequence",
        "octets",
        "origin",
        "packets",
        "rate",
        "sent_before",
        "ssrc",
        "step",
        "wall",
    )

    def __init__(self, ssrc: int, rate: int) -> None:
        self.ssrc = ssrc
        self.rate = rate
        self.origin: tuple[float, int] | None = None
        """A media time of the session in seconds, and its timestamp."""
        self.next_sequence = 0
        self.last_timestamp = 0
        self.step = 0
        """From one unit to the next, in ticks."""
        self.packets = 0
        self.octets = 0
        self.sent_before = (0, 0)
        """Packets and octets in reports of the first mount, of which these are not."""
        self.wall: tuple[int, int] | None = None
        """NTP time and timestamp of the newest report."""

    def note(self, parcel: Parcel) -> None:
        """Learn what the player is sent."""
        batch = parcel.batch
        if self.origin is None:
            self.origin = (parcel.media_s, batch.timestamp)
        else:
            self.step = _difference(batch.timestamp, self.last_timestamp)
        self.last_timestamp = batch.timestamp
        self.next_sequence = batch.next_sequence
        self.packets += batch.packet_count
        self.octets += batch.size - _OVERHEAD * batch.packet_count

    def go_back_to(self, parcel: Parcel) -> None:
        """Learn that a unit that was noted, and all after it, will not be sent after all."""
        self.next_sequence = parcel.batch.first_sequence
        self.last_timestamp = (parcel.batch.timestamp - 1) % _LIMIT

    @property
    def least_step(self) -> int:
        """Ticks from the last unit of one stay to the first of the next."""
        least, most = round(LEAST_STEP_S * self.rate), round(MOST_STEP_S * self.rate)
        return min(max(self.step, least), most)

    def timestamp(self, media_s: float) -> int | None:
        """Return the timestamp of a media time of the session; None while nothing was sent."""
        if self.origin is None:
            return None
        origin_s, timestamp = self.origin
        return (timestamp + round((media_s - origin_s) * self.rate)) % _LIMIT

    def take_report(self, report: SenderReport) -> None:
        """Learn from a report of the first mount where the session is in real time."""
        self.wall = (report.ntp_time, report.rtp_timestamp)
        self.sent_before = (report.packet_count - self.packets, report.octet_count - self.octets)

    def own_report(self, report: SenderReport, timestamp_shift: int) -> SenderReport:
        """Return another mount's report in the numbers of the session."""
        timestamp = (report.rtp_timestamp + timestamp_shift) % _LIMIT
        ntp_time = report.ntp_time
        if self.wall is not None:
            ntp_before, timestamp_before = self.wall
            passed = _difference(timestamp, timestamp_before)
            ntp_time = (ntp_before + passed * _LIMIT // self.rate) % (1 << 64)
        self.wall = (ntp_time, timestamp)
        packets, octets = self.sent_before
        return replace(
            report,
            ssrc=self.ssrc,
            ntp_time=ntp_time,
            rtp_timestamp=timestamp,
            packet_count=(packets + self.packets) % _LIMIT,
            octet_count=(octets + self.octets) % _LIMIT,
        )


class Numbering:
    """The numbers of one session, by track number."""

    def __init__(self, cname: str) -> None:
        self.cname = cname
        self.tracks: dict[int, Track] = {}
        self.has_moved = False
        """Whether it still has the numbers of the mount that it began on."""


class Stay:
    """One stay of a session on one mount: from its numbers to those of the session.

    ``offset_s`` is the media time of the session minus that of the mount. Its packets may be told
    to be a little later than that, so that the first picture is not too early; the next stay does
    not begin from there, or a session with many moves would go astray.
    """

    __slots__ = ("_lead_s", "_numbering", "_shifts", "offset_s")

    def __init__(self, numbering: Numbering, offset_s: float = 0.0) -> None:
        self._numbering = numbering
        self._shifts: dict[int, tuple[int, int]] = {}
        """What is added to sequence numbers and timestamps, by track."""
        self.offset_s = offset_s
        self._lead_s = 0.0

    def translate(self, parcel: Parcel) -> Parcel | None:
        """Return what the player is to be sent for a parcel; None for sound it has had already."""
        number = parcel.track
        track = self._numbering.tracks[number]
        if not self._numbering.has_moved:
            track.note(parcel)
            return parcel
        shifts = self._shifts.get(number) or self._begin(track, parcel)
        if shifts is None:
            return None
        batch = _renumbered(parcel.batch, track.ssrc, *shifts)
        media_s = parcel.media_s + self.offset_s + self._lead_s
        moved = Parcel(batch, track=number, media_s=media_s)
        track.note(moved)
        return moved

    def translate_rtcp(self, number: int, packet: bytes) -> bytes | None:
        """Return what the player is to be sent for a compound packet of its mount.

        None for a report of a track of which nothing has come yet.
        """
        track = self._numbering.tracks[number]
        if not self._numbering.has_moved:
            for one in parse_compound(packet):
                if isinstance(one, SenderReport):
                    track.take_report(one)
            return packet
        packets = parse_compound(packet)
        _, shift = self._shifts.get(number, (0, None))
        if shift is None and any(isinstance(one, SenderReport) for one in packets):
            return None
        return b"".join(self._own(track, one, shift or 0) for one in packets)

    def _begin(self, track: Track, parcel: Parcel) -> tuple[int, int] | None:
        """Join a track's numbers to where the session has come; pictures never wait for it."""
        batch = parcel.batch
        timestamp = track.timestamp(parcel.media_s + self.offset_s + self._lead_s)
        if timestamp is None:  # nothing to go on from
            timestamp, track.next_sequence = batch.timestamp, batch.first_sequence
        elif parcel.track == VIDEO:
            missing = track.least_step - _difference(timestamp, track.last_timestamp)
            if missing > 0:
                self._lead_s = missing / track.rate
                timestamp = (timestamp + missing) % _LIMIT
        elif parcel.track == METADATA:  # each document counts, and has a timestamp of its own
            missing = 1 - _difference(timestamp, track.last_timestamp)
            timestamp = (timestamp + max(0, missing)) % _LIMIT
        elif 2 * _difference(timestamp, track.last_timestamp) < max(2, track.step):
            return None
        shifts = self._shifts[parcel.track] = (
            track.next_sequence - batch.first_sequence & 0xFFFF,
            (timestamp - batch.timestamp) % _LIMIT,
        )
        return shifts

    def _own(self, track: Track, packet: RtcpPacket, timestamp_shift: int) -> bytes:
        match packet:
            case SenderReport():
                return track.own_report(packet, timestamp_shift).serialize()
            case ReceiverReport():
                return ReceiverReport(ssrc=track.ssrc).serialize()
            case Sdes():
                return Sdes((SdesChunk(track.ssrc, self._numbering.cname),)).serialize()
            case Bye():
                return Bye((track.ssrc,)).serialize()
        raise AssertionError(f"a mount never sends {packet}")


def _renumbered(
    batch: PacketBatch, ssrc: int, sequence_shift: int, timestamp_shift: int
) -> PacketBatch:
    buffer = bytearray(batch.buffer)
    at, end = 0, len(buffer)
    while at < end:
        sequence, timestamp = _read(buffer, at + _SEQUENCE_AT)
        _write(
            buffer,
            at + _SEQUENCE_AT,
            sequence + sequence_shift & 0xFFFF,
            timestamp + timestamp_shift & 0xFFFFFFFF,
            ssrc,
        )
        at += INTERLEAVED_HEADER_LENGTH + (buffer[at + 2] << 8 | buffer[at + 3])
    return PacketBatch(
        buffer=bytes(buffer),
        channel=batch.channel,
        first_sequence=batch.first_sequence + sequence_shift & 0xFFFF,
        packet_count=batch.packet_count,
        timestamp=(batch.timestamp + timestamp_shift) % _LIMIT,
        pts=batch.pts,
        is_random_access=batch.is_random_access,
        is_video=batch.is_video,
    )


def _difference(timestamp: int, before: int) -> int:
    """Return how many ticks later a timestamp is, across the wrap (negative: earlier)."""
    return (timestamp - before + _LIMIT // 2) % _LIMIT - _LIMIT // 2
