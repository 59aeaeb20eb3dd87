"""The metadata track of one mount as packets: each document once, for all who take the track.

Which document is sent when is decided in ``metadata``.
"""

from neolink.hub.stream import Stream
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.media.units import MetadataDocument
from neolink.rtp.sender import RtpSender
from neolink.rtsp_server.mounts.parcel import METADATA, Parcel
from neolink.rtsp_server.mounts.reports import Reports
from neolink.rtsp_server.mounts.seats import Seats
from neolink.rtsp_server.mounts.senders import Senders

__all__ = ["Documents"]


class Documents:
    """Packetizes documents with the time that it is in the media."""

    def __init__(self, stream: Stream, seats: Seats, senders: Senders, reports: Reports) -> None:
        self._stream = stream
        self._seats = seats
        self._senders = senders
        self._reports = reports
        self._last_pts = -1

    def sender(self) -> RtpSender[MetadataDocument]:
        """Return who makes the packets, also before the first document."""
        now_pts = round(self._stream.media_now_s * VIDEO_CLOCK_RATE)
        return self._senders.document_sender(now_pts)

    def push(self, data: bytes) -> None:
        """Give one document to everybody who takes the track."""
        media_s, reports = self._stream.media_now_s, self._reports
        reports.note_origin(media_s)
        self._last_pts = max(round(media_s * VIDEO_CLOCK_RATE), self._last_pts + 1)
        batch = self.sender().packetize(MetadataDocument(data, self._last_pts))
        is_first = METADATA not in reports.last_pts
        reports.last_pts[METADATA] = (self._last_pts, VIDEO_CLOCK_RATE)
        seats = [seat for seat in self._seats.all if seat.wants_metadata]
        if is_first:
            reports.tell(seats)
        self._seats.fan_aside(Parcel(batch, track=METADATA, media_s=media_s), seats)
