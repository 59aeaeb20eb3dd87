"""What a key frame tells of the network: how much of it is still on its way a picture later."""

from itertools import count

import pytest

from neolink.rtp.formats import video_format
from neolink.rtp.sender import RtpSender
from neolink.rtsp_server.mounts.parcel import VIDEO, Parcel
from neolink.rtsp_server.sessions.headroom import Headroom
from support.media import H264, video_unit

NEEDED = 1_000_000.0
FRAME_S = 1 / 15


class Line:
    """A player behind a line of a given speed; the confirmations come ``late_s`` later."""

    def __init__(self, bytes_per_s: float | None, late_s: float = 0.0) -> None:
        self.now_s = 0.0
        self.bytes_per_s = bytes_per_s
        self.late_s = late_s
        self.sent: list[tuple[float, int]] = []
        self.headroom = Headroom(self._waiting, lambda: self.now_s, NEEDED)
        sender = RtpSender(
            video_format(H264), ssrc=1, first_sequence=0, timestamp_offset=0, cname="c"
        )
        units = (
            video_unit(n * 6000, key=n % 30 == 0, size=30_000 if n % 30 == 0 else 800)
            for n in count()
        )
        self.parcels = (
            Parcel(sender.packetize(unit), track=VIDEO, media_s=unit.pts / 90_000) for unit in units
        )

    def pictures(self, number: int, frame_s: float = FRAME_S) -> bool:
        for _ in range(number):
            parcel = next(self.parcels)
            self.headroom.note(parcel)
            self.sent.append((self.now_s, parcel.size))
            self.now_s += frame_s
        return self.headroom.is_seen

    def _waiting(self) -> int | None:
        """Return what is not confirmed: the line takes one after the other."""
        if self.bytes_per_s is None:
            return None
        free_s, waiting = 0.0, 0.0
        for at_s, size in self.sent:
            began_s = max(free_s, at_s)
            free_s = began_s + size / self.bytes_per_s
            confirmed_s = self.now_s - self.late_s
            done = min(1.0, max(0.0, (confirmed_s - began_s) / (free_s - began_s)))
            waiting += size * (1 - done)
        return round(waiting)


@pytest.mark.parametrize(
    ("bytes_per_s", "late_s", "is_seen"),
    [
        (125_000, 0.0, False),
        (250_000, 0.0, False),
        (10_000_000, 0.0, True),
        (10_000_000, 0.03, True),
        (10_000_000, 0.1, False),
        (None, 0.0, False),
    ],
)
def test_a_key_frame_that_is_gone_with_the_next_picture_shows_headroom(
    bytes_per_s: float | None, late_s: float, is_seen: bool
) -> None:
    assert Line(bytes_per_s, late_s).pictures(40) is is_seen


def test_every_key_frame_tells_anew() -> None:
    line = Line(125_000)
    assert not line.pictures(30)
    line.bytes_per_s = 10_000_000
    assert line.pictures(2)
    line.bytes_per_s = 125_000
    line.sent.clear()
    assert line.pictures(28)
    assert not line.pictures(2)


def test_a_group_of_pictures_sent_at_once_is_one_burst() -> None:
    line = Line(125_000)
    assert not line.pictures(20, frame_s=0.0)
    assert not line.pictures(2)
    assert line.headroom._burst is None
