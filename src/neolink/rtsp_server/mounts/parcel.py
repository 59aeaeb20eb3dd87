"""One packetized unit on its way to every player of a mount: shared, never copied per player."""

from typing import Final

from neolink.rtp.batch import PacketBatch

__all__ = ["AUDIO", "BACKCHANNEL", "METADATA", "TRACK_COUNT", "VIDEO", "Parcel"]

VIDEO: Final = 0
AUDIO: Final = 1
METADATA: Final = 2
BACKCHANNEL: Final = 3
TRACK_COUNT: Final = 4
"""Track numbers: the N of ``trackID=N`` in SDP, and the index into a lane's channels."""


class Parcel:
    """A batch of RTP packets with what the queues need to know of it.

    Satisfies :class:`neolink.hub.backlog.Queueable`. ``media_s`` is the media time in seconds.
    """

    __slots__ = ("batch", "is_random_access", "is_video", "media_s", "size", "track")

    def __init__(self, batch: PacketBatch, *, track: int, media_s: float) -> None:
        self.batch = batch
        self.track = track
        self.media_s = media_s
        self.size = batch.size
        self.is_video = track == VIDEO
        self.is_random_access = batch.is_random_access
