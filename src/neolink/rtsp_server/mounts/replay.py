"""What a player who comes late is given first: the cached group of pictures, and where it starts.

The pictures are packetized again with the sequence numbers that they had, so that they run straight
into the live packets.
"""

from typing import Final

from neolink.hub.gop import GopCache
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.media.units import AccessUnit
from neolink.rtsp_server.mounts.documents import Documents
from neolink.rtsp_server.mounts.parcel import AUDIO, METADATA, VIDEO, Parcel
from neolink.rtsp_server.mounts.reports import Reports
from neolink.rtsp_server.mounts.seat import Seat, StartPoint
from neolink.rtsp_server.mounts.senders import Pictures, Senders
from neolink.rtsp_server.mounts.sounds import Sounds
from neolink.rtsp_server.settings import StartMode

__all__ = ["SQUEEZE_TICKS", "Replay"]

SQUEEZE_TICKS: Final = VIDEO_CLOCK_RATE * 150 // 1000
"""In ``fast`` mode the cached pictures are shown within this much time before live."""

UNKNOWN: Final = StartPoint(None, None)


class Replay:
    """The start of each player of one mount."""

    def __init__(
        self,
        cache: GopCache[AccessUnit],
        senders: Senders,
        reports: Reports,
        sounds: Sounds,
        documents: Documents,
    ) -> None:
        self._cache = cache
        self._senders = senders
        self._reports = reports
        self._sounds = sounds
        self._documents = documents

    def send(self, seat: Seat) -> None:
        """Give a seat the cached pictures, if it wants any and there are some."""
        pictures = self._senders.pictures_for(seat, self._cache.items)
        if pictures is None or seat.start is StartMode.LIVE:
            return
        self._push(seat, pictures)
        if len(self._cache.items) > 1:
            self._reports.come_closely(self._cache.items[-1].pts)

    def start_point(self, track: int, seat: Seat) -> StartPoint:
        """Tell where a seat that is about to join will start on a track."""
        pictures = self._senders.pictures_for(seat, self._cache.items)
        if pictures is None or not self._cache.items or seat.start is StartMode.LIVE:
            return UNKNOWN
        pts = self._start_pts(seat)
        if track == VIDEO:
            return StartPoint(pictures.group_sequence, pictures.sender.timestamp(pts))
        if track == METADATA:
            documents = self._documents.sender()
            return StartPoint(documents.next_sequence, documents.timestamp(pts))
        sender = self._senders.sound_for(seat)
        if sender is None or AUDIO not in self._reports.last_pts:
            return UNKNOWN
        pts = pts * sender.payload_format.pts_rate // VIDEO_CLOCK_RATE
        return StartPoint(sender.next_sequence, sender.timestamp(pts))

    def _start_pts(self, seat: Seat) -> int:
        """Return the instant that all tracks of a seat start from, none with anything earlier.

        Players take what is before it for hours later. The sound may be a little behind.
        """
        pts, last_pts = self._shown_pts(seat)[0], self._reports.last_pts
        if self._senders.sound_for(seat) is None or AUDIO not in last_pts:
            return pts
        sound_pts, rate = last_pts[AUDIO]
        delay_s = self._sounds.delay_s(seat.audio) if seat.audio else 0.0
        return min(pts, int((sound_pts / rate - delay_s) * VIDEO_CLOCK_RATE))

    def _shown_pts(self, seat: Seat) -> list[int]:
        """Return when each of the cached pictures is to be shown."""
        cached = self._cache.items
        if seat.start is StartMode.GOP or len(cached) < 2:
            return [item.pts for item in cached]
        last, steps = cached[-1].pts, len(cached) - 1
        span = min(SQUEEZE_TICKS, last - cached[0].pts)
        return [last - span * (steps - i) // steps for i in range(steps + 1)]

    def _push(self, seat: Seat, pictures: Pictures) -> None:
        sender, sequence = pictures.sender, pictures.group_sequence
        for unit, pts in zip(self._cache.items, self._shown_pts(seat), strict=True):
            batch = sender.repacketize(unit, first_sequence=sequence, pts=pts)
            sequence = batch.next_sequence
            seat.lane.push(Parcel(batch, track=VIDEO, media_s=pts / VIDEO_CLOCK_RATE))
