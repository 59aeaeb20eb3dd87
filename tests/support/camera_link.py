"""A client's engine and a simulated camera's connection, in memory: no sockets, a clock by hand."""

import asyncio
from dataclasses import dataclass, field
from itertools import pairwise

from neolink.baichuan.bcmedia import (
    AacPacket,
    AdpcmPacket,
    BcMediaReader,
    InfoPacket,
    Packet,
    VideoPacket,
    VideoTag,
)
from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.events import Event, LoggedIn, LoginRefused, MediaBytes, Reply
from neolink.baichuan.ids import MessageId, StreamType
from neolink.baichuan.login import Credentials
from neolink.baichuan.xml import Extension, parse_body, serialize_body
from neolink.baichuan.xml.streams import Preview
from neolink.baichuan.xml.system import VersionInfo
from neolink.clock import ManualClock
from neolink.simulator.camera import ClientConnection
from neolink.simulator.device import Device
from neolink.simulator.faults import Fault, make_fault
from neolink.simulator.profile import CameraProfile

__all__ = ["PASSWORD", "Bench", "FakeTransport", "Link", "assert_well", "begin", "frames"]

PASSWORD = "p&ss <wörd>"


class FakeSocket:
    def setsockopt(self, *_: int) -> None:
        """Take any option."""


class FakeTransport(asyncio.Transport):
    """Keeps what is written; ``unread`` bytes pretend that the peer does not read."""

    def __init__(self) -> None:
        super().__init__({"socket": FakeSocket()})
        self.written = bytearray()
        self.unread = 0
        self.was_aborted = False
        self.was_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.was_aborted or self.was_closed

    def close(self) -> None:
        self.was_closed = True

    def abort(self) -> None:
        self.was_aborted = True


class Link:
    """One client of a device, in memory.

    ``wire`` is every byte that the camera has sent, ``events`` what the engine made of them.
    """

    def __init__(self, device: Device, clock: ManualClock, password: str = PASSWORD) -> None:
        self.device = device
        self.clock = clock
        self.client = ClientProtocol(Credentials("admin", password))
        self.connection = ClientConnection(device)
        self.transport = FakeTransport()
        self.connection.connection_made(self.transport)
        self.media = BcMediaReader()
        self.packets: list[Packet] = []
        self.wire = bytearray()
        self.events: list[Event] = []
        self.damages = 0
        self.is_lost = False

    def exchange(self) -> list[Event]:
        """Carry bytes both ways until there are no more."""
        events: list[Event] = []
        while True:
            to_camera = self.client.data_to_send()
            to_client = bytes(self.transport.written)
            self.transport.written.clear()
            self.wire += to_client
            if not to_camera and not to_client:
                self.events += events
                return events
            if to_camera and not self.transport.is_closing():
                self.connection.data_received(to_camera)
            events += self.client.receive_data(to_client)

    def log_in(self) -> Event:
        self.client.start_login()
        events = self.exchange()
        return next(one for one in events if isinstance(one, LoggedIn | LoginRefused))

    def ask(self, message_id: int, body: bytes = b"", extension: Extension | None = None) -> Reply:
        number = self.client.request(message_id, body=body, extension=extension)
        replies = [
            one
            for one in self.exchange()
            if isinstance(one, Reply) and (one.message_id, one.number) == (message_id, number)
        ]
        return replies[0]

    def start(self, stream: StreamType = StreamType.MAIN, channel: int = 0) -> tuple[int, int]:
        """Ask for a preview; give its number and the status."""
        body = serialize_body(Preview(channel, stream.handle, stream.wire_name))
        number = self.client.request(MessageId.PREVIEW_START, body=body)
        events = self.exchange()
        self._collect(events)
        reply = next(one for one in events if isinstance(one, Reply))
        return number, reply.status

    def run(self, seconds: float, step_s: float = 0.02) -> list[Packet]:
        """Let time pass; give the media of it."""
        already = len(self.packets)
        for _ in range(round(seconds / step_s)):
            self.clock.advance(step_s)
            self.device.send_due(self.clock.monotonic_s())
            self._collect(self.exchange())
        return self.packets[already:]

    def lose(self) -> None:
        if not self.is_lost:
            self.is_lost = True
            self.connection.connection_lost(None)

    def _collect(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, MediaBytes) and event.message_id == MessageId.PREVIEW_START:
                for one in self.media.feed(event.data):
                    if isinstance(one, InfoPacket | VideoPacket | AacPacket | AdpcmPacket):
                        self.packets.append(one)
                    else:
                        self.damages += 1


@dataclass
class Bench:
    """Devices and links of a test; everything is lost at its end."""

    clock: ManualClock = field(default_factory=ManualClock)
    links: list[Link] = field(default_factory=list)

    def device(self, **options: object) -> Device:
        profile = CameraProfile(**{"password": PASSWORD, **options})  # type: ignore[arg-type]  # as given
        return Device(profile, self.clock, lambda: None)

    def link(self, device: Device, password: str = PASSWORD) -> Link:
        self.links.append(Link(device, self.clock, password))
        return self.links[-1]

    def logged_in(self, **options: object) -> Link:
        link = self.link(self.device(**options))
        assert isinstance(link.log_in(), LoggedIn)
        return link


def frames(packets: list[Packet]) -> list[VideoPacket]:
    return [one for one in packets if isinstance(one, VideoPacket)]


def begin(link: Link, name: str, **options: object) -> Fault:
    """Let something go wrong with the device of a link."""
    fault = make_fault(name, **options)
    link.device.begin(fault)
    return fault


def assert_well(bench: Bench, device: Device) -> None:
    """Demand that a new client is let in and answered, and sees and hears all there is."""
    device.send_due(bench.clock.monotonic_s())
    assert not device.faults
    link = bench.link(device)
    assert isinstance(link.log_in(), LoggedIn)
    assert parse_body(link.ask(MessageId.VERSION).body).get(VersionInfo) is not None
    link.start()
    link.run(1.1)
    info, *_ = link.packets
    assert isinstance(info, InfoPacket)
    assert (info.width, info.height, info.frame_rate) == (1280, 720, 25)
    _assert_right_pictures(frames(link.packets), bench, device)
    sounds = sum(isinstance(one, AacPacket) for one in link.packets)
    assert sounds in ((15, 16, 17) if device.profile.audio else (0,))
    assert link.damages == link.media.discarded_bytes == link.client.resynchronizations == 0
    assert link.ask(MessageId.PING).status == 200
    link.lose()


def _assert_right_pictures(pictures: list[VideoPacket], bench: Bench, device: Device) -> None:
    assert len(pictures) in (25, 26)
    first = pictures[0]
    assert first.is_key_frame
    assert first.codec is VideoTag.H264
    assert {b.microseconds - a.microseconds for a, b in pairwise(pictures)} == {40_000}
    age_s = bench.clock.monotonic_s() - device._power_on_s
    assert abs(first.microseconds / 1e6 - age_s) < 2
    assert first.posix_time is not None
    assert abs(first.posix_time - bench.clock.unix_s()) < 3
