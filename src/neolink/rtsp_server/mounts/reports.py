"""Sender reports of one mount: what the clock of each track is told to be, and when.

They leave once in a while, before the packets of a picture, and at once to who comes. Source: RFC
3550 section 6.4.1. How receivers answer is in ``feedback``.

Media time is the camera's, whose clock and ours never run alike, and ours may be set; so the time
of day that is told follows ours, slowly while anything flows: all tracks by the same amount.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from neolink.clock import Clock
from neolink.hub.gop import GopCache
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.media.units import AccessUnit
from neolink.rtp.rtcp import ReportBlock
from neolink.rtp.sender import ntp_time
from neolink.rtsp_server.mounts.feedback import SentReports
from neolink.rtsp_server.mounts.parcel import METADATA, VIDEO
from neolink.rtsp_server.mounts.seat import Seat
from neolink.rtsp_server.mounts.senders import AnySender, Senders

__all__ = ["Reports"]

INTERVAL_TICKS: Final = 5 * VIDEO_CLOCK_RATE
EARLY_INTERVAL_TICKS: Final = VIDEO_CLOCK_RATE // 2
EARLY_REPORTS: Final = 6
"""So many reports follow closely on a replay: GStreamer's clock for the pictures is bent by
those squeezed together, and only a report lets it find the sound again."""

DRIFT_S: Final = 0.2
"""The time of day that is told may be off by this much."""

SLEW: Final = 0.005
"""Seconds a second by which it is brought back."""

LONGEST_PASSED_S: Final = 10.0
"""More than this between two looks is a stream that stood still."""

CLOCK_SET_S: Final = 2.0
"""By more than this our clock was set; that is followed at once where the source stops anyway."""

LOOKS: Final = 7
"""The least delay of so many pictures counts, those of half a minute: a network only delays."""


class Reports:
    """The clocks of a mount's tracks. Media times are seconds, or ticks with their rate."""

    def __init__(self, senders: Senders, cache: GopCache[AccessUnit], clock: Clock) -> None:
        self.last_pts: dict[int, tuple[int, int]] = {}
        """By track: what was sent last since the source began, in ticks, and ticks a second."""
        self.due_pts = -1
        """With the picture of this time, all are told again."""
        self._senders = senders
        self._cache = cache
        self._clock = clock
        self._origin_unix_s: float | None = None
        """What the time of day was when media time was 0."""
        self._looks: deque[float] = deque(maxlen=LOOKS)
        """The same as of some pictures, each with its delay."""
        self._looked_s = 0.0
        self._may_step = False
        self._early_left = 0
        self._sent = SentReports()

    def note_origin(self, media_s: float) -> None:
        """Learn what time it is in the media, unless that is known."""
        if self._origin_unix_s is None:
            self._origin_unix_s = self._clock.unix_s() - media_s
            self._looked_s = self._clock.monotonic_s()

    def source_stopped(self) -> None:
        """Learn that nothing follows for now: what comes is reported anew."""
        self.last_pts.clear()
        self._looks.clear()
        self._may_step = True

    def come_closely(self, pts: int) -> None:
        """Have the next ones follow closely: just now cached pictures were sent up to ``pts``."""
        self._early_left = EARLY_REPORTS
        self.due_pts = min(self.due_pts, pts + EARLY_INTERVAL_TICKS)

    def tell_all(self, seats: Iterable[Seat], pts: int) -> None:
        """Tell everybody, with a picture of ``pts``; the next time is some seconds later."""
        is_early = self._early_left > 0
        self._early_left -= is_early
        self.due_pts = pts + (EARLY_INTERVAL_TICKS if is_early else INTERVAL_TICKS)
        self._follow_clock(pts / VIDEO_CLOCK_RATE)
        self.tell(seats)

    def tell(self, seats: Iterable[Seat]) -> None:
        """Tell some seats of all tracks of theirs that anything was sent of."""
        shared: dict[AnySender, bytes] = {}
        for seat in seats:
            for track, sender in self._senders.of(seat, self._cache.items):
                if track not in self.last_pts:
                    continue  # nothing was sent since the source began
                if sender not in shared:
                    shared[sender] = self._report(sender, track)
                seat.lane.push_rtcp(track, shared[sender])

    def round_trip_s(self, report: ReportBlock) -> float | None:
        """Return how long a sender report and the answer that now came to it were under way."""
        return self._sent.round_trip_s(report, self._clock.monotonic_s())

    def _follow_clock(self, media_s: float) -> None:
        """Bring the time of day that is told nearer to ours, with a picture that came just now."""
        assert self._origin_unix_s is not None  # set with the first unit
        now_s = self._clock.monotonic_s()
        passed_s, self._looked_s = min(now_s - self._looked_s, LONGEST_PASSED_S), now_s
        self._looks.append(self._clock.unix_s() - media_s)
        error_s = min(self._looks) - self._origin_unix_s
        may_step, self._may_step = self._may_step, False
        if may_step and abs(error_s) > CLOCK_SET_S:
            self._origin_unix_s += error_s
        elif abs(error_s) > DRIFT_S:
            most_s = SLEW * passed_s
            self._origin_unix_s += max(-most_s, min(error_s, most_s))

    def _report(self, sender: AnySender, track: int) -> bytes:
        if track == METADATA and VIDEO in self.last_pts:
            track = VIDEO  # documents are few, and their clock is that of the pictures
        pts, rate = self.last_pts[track]
        assert self._origin_unix_s is not None  # set with the first unit
        instant = ntp_time(self._origin_unix_s + pts / rate)
        self._sent.note(instant, self._clock.monotonic_s())
        pts = pts * sender.payload_format.pts_rate // rate  # sound may be converted
        return sender.sender_report(pts=pts, ntp_time=instant)
