"""How well an RTP source arrives: what a receiver report tells of it (RFC 3550, 6.4.1, A.3, A.8).

Pure: arrival times are arguments, in seconds of any clock that does not go back.
"""

from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import ReportBlock, SenderReport

__all__ = ["Reception"]

_RANGE = 1 << 16
_MAX_LOST = (1 << 23) - 1
_FARTHEST_AHEAD = 3000
_FARTHEST_BACK = 100
_UNITS_PER_S = 1 << 16


class Reception:
    """One source, counted from its first packet on."""

    def __init__(self, first: RtpPacket) -> None:
        self.ssrc = first.ssrc
        self.packets = 0
        self._base = self._highest = first.sequence
        self._jitter = 0.0
        self._transit: float | None = None
        self._reported = 0, 0
        """Expected and received packets, as of the last report."""
        self._last_sr: tuple[int, float] | None = None

    @property
    def expected(self) -> int:
        """How many packets were sent, as far as is known."""
        return self._highest - self._base + 1

    @property
    def lost(self) -> int:
        """How many are missing; negative where some came twice."""
        return self.expected - self.packets

    def note(self, packet: RtpPacket, clock_rate: int, now_s: float) -> None:
        """Count a packet. A sequence that jumps far was begun anew, and is counted so."""
        self.packets += 1
        step = (packet.sequence - self._highest) % _RANGE
        if step < _FARTHEST_AHEAD:
            self._highest += step
        elif step < _RANGE - _FARTHEST_BACK:
            self._base = self._highest = packet.sequence
            self.packets, self._reported, self._transit = 1, (0, 0), None
        transit = now_s * clock_rate - packet.timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < clock_rate:  # a second is no jitter, but a timestamp that jumped
                self._jitter += (difference - self._jitter) / 16
        self._transit = transit

    def note_report(self, report: SenderReport, now_s: float) -> None:
        """Keep what the source told of its clock, for the sender to measure the round trip."""
        if report.ssrc == self.ssrc:
            self._last_sr = report.ntp_time >> 16 & 0xFFFF_FFFF, now_s

    def report(self, now_s: float) -> ReportBlock:
        """Return what is to be told; the fraction lost is since the call before."""
        expected_before, packets_before = self._reported
        self._reported = self.expected, self.packets
        expected = self.expected - expected_before
        lost = expected - (self.packets - packets_before)
        last_sr, heard_s = self._last_sr or (0, now_s)
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=min(255, (max(0, lost) << 8) // expected) if expected > 0 else 0,
            cumulative_lost=max(-_MAX_LOST, min(_MAX_LOST, self.lost)),
            highest_sequence=self._highest & 0xFFFF_FFFF,
            jitter=min(0xFFFF_FFFF, round(self._jitter)),
            last_sr=last_sr,
            delay_since_last_sr=round((now_s - heard_s) * _UNITS_PER_S) & 0xFFFF_FFFF,
        )
