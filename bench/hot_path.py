"""The path of a picture without sockets and clocks, for micro benches and guards to measure.

A camera's messages are made once, for real (both engines of the protocol joined in memory); a
:class:`Chain` is what the bridge does with them, up to lanes or sockets that are not there.
"""

import logging
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import cast

from neolink.baichuan.bcmedia import VideoPacket, VideoTag, serialize
from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import MediaBytes
from neolink.baichuan.ids import MessageId
from neolink.baichuan.login import Credentials
from neolink.baichuan.server import ClientAuthenticated, Requested, ServerProtocol
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.login import DeviceInfo
from neolink.baichuan.xml.streams import Preview, StreamInfoList
from neolink.camera.video import Demuxer
from neolink.clock import ManualClock
from neolink.hub.backlog import BacklogLimits, Budget
from neolink.hub.stream import Stream
from neolink.log import RepeatLimiter, bind
from neolink.media.tracks import StreamKind
from neolink.media.units import AccessUnit, MediaUnit
from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.delivery import outbox
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import Parcel
from neolink.rtsp_server.mounts.seat import Lane, Seat
from neolink.rtsp_server.settings import MountSettings, StartMode
from neolink.rtsp_server.wires.wire import PlainWire

__all__ = [
    "FRAME_RATE",
    "GOP",
    "PICTURE_BYTES",
    "Chain",
    "Collector",
    "FakeSocket",
    "Link",
    "QuietLane",
    "demuxer_to",
    "pictures",
    "tcp_lane",
    "units",
]

PICTURE_BYTES = 20_000
"""4 Mbit/s at 25 pictures a second; key frames here are no larger, so that turns are alike."""

GOP = 50
FRAME_RATE = 25
_SPS = bytes.fromhex("6764001eac2b405017fcb80b50")
_PPS = b"\x68\xee\x3c\x80"
_START = b"\x00\x00\x00\x01"
_ADMIN = Credentials("admin", "bench-only")


def pictures() -> list[bytes]:
    """Return one group of pictures in Annex B form; they have the shape of real ones.

    Each is 8 bytes shorter than the one before: a camera's are never of one size, and with equal
    ones the bridge would recognize the Extension of a message instead of decrypting it.
    """
    chance = random.Random(1)
    noise = chance.randbytes(2 * PICTURE_BYTES).replace(b"\x00", b"\x01")  # no start codes in it
    found = []
    for number in range(GOP):
        head = _START + _SPS + _START + _PPS + _START + b"\x65" if not number else _START + b"\x41"
        found.append((head + noise[number:])[: PICTURE_BYTES - 8 * number])
    return found


@dataclass(frozen=True, slots=True)
class Media:
    """A message of the camera on its way to the client."""

    wire: bytes
    packet: bytes
    """What is in it, in clear: a whole BcMedia packet."""


class Link:
    """A client that is logged in and watches, and the endless messages of its camera."""

    def __init__(self, encryption: Encryption) -> None:
        self.client = ClientProtocol(_ADMIN)
        self._server = ServerProtocol(_ADMIN, nonce="0123456789ABCDEF", encryption=encryption)
        self.client.start_login()
        self._exchange()
        preview = Preview(channel_id=0, handle=0, stream_type="mainStream")
        self.client.request(MessageId.PREVIEW_START, body=serialize_body(preview))
        (request,) = self._exchange()
        self.media = [self._message(request, *one) for one in enumerate(pictures())]

    def _exchange(self) -> list[Requested]:
        """Carry bytes both ways until nobody has anything to say."""
        requests = []
        while data := self.client.data_to_send():
            for event in self._server.receive_data(data):
                if isinstance(event, ClientAuthenticated):
                    body = serialize_body(DeviceInfo(type="ipc"), StreamInfoList())
                    self._server.accept_login(event.request, body)
                elif isinstance(event, Requested):
                    requests.append(event)
            self.client.receive_data(self._server.data_to_send())
        return requests

    def _message(self, request: Requested, number: int, picture: bytes) -> Media:
        packet = serialize(
            VideoPacket(
                is_key_frame=number == 0,
                codec=VideoTag.H264,
                data=picture,
                microseconds=number * 1_000_000 // FRAME_RATE,
                posix_time=None,
            )
        )
        self._server.send_media(request.header, packet, starts_packet=True)
        return Media(self._server.data_to_send(), packet)


def units() -> list[AccessUnit]:
    """Return the group of pictures as the hub gets them."""
    found: list[MediaUnit] = []
    demuxer = demuxer_to(found.append, ManualClock())
    for media in Link(Encryption.NONE).media:
        demuxer.feed(media.packet)
    return cast("list[AccessUnit]", found)


def demuxer_to(publish: Callable[[MediaUnit], None], clock: ManualClock) -> Demuxer:
    """Return a demuxer as a camera's stream has it."""
    return Demuxer(
        publish,
        clock=clock,
        log=bind(logging.getLogger(__name__), camera="bench"),
        limiter=RepeatLimiter(clock),
        strict=False,
        max_packet_length=8 << 20,
        on_failure=_raise,
    )


class FakeSocket:
    """Takes everything at once and counts it; ``last`` is the very object that was sent."""

    def __init__(self) -> None:
        self.bytes_sent = 0
        self.last: object = None

    def fileno(self) -> int:
        """Return what no selector is ever asked to watch."""
        return -1

    def send(self, data: bytes) -> int:
        """Take it."""
        self.last = data
        self.bytes_sent += len(data)
        return len(data)


class QuietLane(outbox.Lane):
    """The lane of a TCP player without sender reports: they come every 5 s, and by the loop."""

    __slots__ = ()

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Forget it."""


def tcp_lane(sock: FakeSocket) -> QuietLane:
    """Return the lane of a TCP player whose socket is never full. Needs a running loop."""
    wire = PlainWire(sock, ("bench", 0))  # type: ignore[arg-type] # a socket as far as needed
    box = outbox.Outbox(wire, _fail)
    return QuietLane(box, BacklogLimits(), Budget())


class Collector:
    """A lane that keeps the last parcel."""

    def __init__(self) -> None:
        self.last: Parcel | None = None

    def push(self, parcel: Parcel) -> None:
        """Keep it."""
        self.last = parcel

    def push_aside(self, parcel: Parcel) -> None:
        """Keep it too."""
        self.last = parcel

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Forget it."""


class Chain:
    """All that happens to a picture between the socket of a camera and those of players.

    Needs a running loop. ``turn`` takes one more picture through it, a group after the other.
    """

    def __init__(self, encryption: Encryption, lanes: Sequence[Lane]) -> None:
        self.clock = ManualClock()
        self.stream = Stream("cam/main", clock=self.clock)
        self.mount = Mount(StreamKind.MAIN, self.stream, MountSettings(camera="cam"), self.clock)
        for lane in lanes:
            seat = Seat(lane, True, AudioChoice.NONE, StartMode.LIVE, _ignore, _fail)
            self.mount.join(seat)
        if not lanes:
            self._hold = self.stream.hold()
        link = Link(encryption)
        self._client = link.client
        self._demuxer = demuxer_to(self.stream.publish, self.clock)
        self._wires: Iterator[bytes] = cycle([media.wire for media in link.media])

    def turn(self) -> None:
        """Take one picture through."""
        self.clock.advance(1 / FRAME_RATE)
        for event in self._client.receive_data(next(self._wires)):
            if isinstance(event, MediaBytes):  # the first comes with the reply to the request
                self._demuxer.feed(event.data)

    def close(self) -> None:
        """Cancel the stream's timers."""
        self.stream.close()


def _ignore() -> None:
    """Do nothing."""


def _fail(reason: str) -> None:
    raise AssertionError(reason)


def _raise(error: Exception) -> None:
    raise error
