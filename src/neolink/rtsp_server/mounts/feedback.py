"""What a player tells by RTCP of how it receives, and when it was told what it answers to. Pure.

Nothing follows from it but a word in the log: only adaptive players are given less
(:mod:`neolink.rtsp_server.sessions.adaptation`).
"""

from collections import Counter
from typing import Final

from neolink.rtp.rtcp import ReportBlock

__all__ = ["Feedback", "SentReports"]

HEAVY_LOSS: Final = 0.1
LASTING_REPORTS: Final = 3
"""So many reports in a row with heavy loss are no passing trouble."""

MOST_SENT: Final = 128
"""Sender reports that answers are expected to: those of some ten seconds with many players."""

LONGEST_ROUND_TRIP_S: Final = 60.0
"""A longer one is an answer to another report, or made up."""


class SentReports:
    """When sender reports left, by the part of their NTP time that receivers send back.

    That NTP time is an instant of the media, which left some time later; the round trip that
    RFC 3550 section 6.4.1 computes from it would have that delay in it.
    """

    def __init__(self) -> None:
        self._sent_s: dict[int, float] = {}

    def note(self, ntp_time: int, now_s: float) -> None:
        """Learn that a report leaves now."""
        self._sent_s[ntp_time >> 16 & 0xFFFFFFFF] = now_s
        if len(self._sent_s) > MOST_SENT:
            del self._sent_s[next(iter(self._sent_s))]

    def round_trip_s(self, report: ReportBlock, now_s: float) -> float | None:
        """Return how long a report and its answer were under way; None where nothing tells."""
        sent_s = self._sent_s.get(report.last_sr)
        if sent_s is None:
            return None
        under_way_s = now_s - sent_s - report.delay_since_last_sr / 65536
        return max(0.0, under_way_s) if under_way_s < LONGEST_ROUND_TRIP_S else None


class Feedback:
    """The last reports of one player, by track."""

    def __init__(self) -> None:
        self.reports: dict[int, ReportBlock] = {}
        self.round_trip_s: float | None = None
        """As it was last measured; None while nothing told."""
        self.pictures_lost = 0
        """How often it asked for a key frame because it could not decode (PLI)."""
        self._heavy: Counter[int] = Counter()
        self._is_told = False

    def take(self, track: int, report: ReportBlock, round_trip_s: float | None) -> None:
        """Take a report of one track."""
        self.reports[track] = report
        if round_trip_s is not None:
            self.round_trip_s = round_trip_s
        if report.fraction_lost > HEAVY_LOSS * 256:
            self._heavy[track] += 1
        else:
            del self._heavy[track]

    def forget(self, track: int) -> None:
        """Forget a track that is no longer sent."""
        self.reports.pop(track, None)
        del self._heavy[track]

    def take_lasting_loss(self) -> float | None:
        """Return the share of packets lost, once, when it has been heavy for some reports."""
        if self._is_told:
            return None
        for track, count in self._heavy.items():
            if count >= LASTING_REPORTS:
                self._is_told = True
                return self.reports[track].fraction_lost / 256
        return None
