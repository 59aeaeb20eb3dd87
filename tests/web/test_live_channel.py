"""One channel and its viewers without sockets: what is shared, and who is spared whose faults."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from neolink.clock import ManualClock
from neolink.hub.backlog import Budget
from neolink.hub.demand import DemandState
from neolink.hub.pause import PauseSettings
from neolink.hub.standin import StandInSettings
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.web.access import Caller
from neolink.web.live.audience import Watcher
from neolink.web.live.channel import RESTING, Channel
from neolink.web.live.messages import LIVE, SKIPPED, binary_frame, end_frame, stand_in_frame
from neolink.web.live.viewer import Viewer
from support.live_bench import Frames
from support.media import Camera
from support.mp4_reader import read_fragments
from support.waiting import until

PATIENT = StandInSettings(start_hold_s=60.0, lost_hold_s=60.0)
WATCHER = Watcher("cam1", StreamKind.SUB, "/live", Caller(sees_all=True), "host", "host:1", "")


@dataclass(eq=False)
class FakeTransport(asyncio.Transport):
    """Keeps what is written; blocks when it is told to."""

    written: list[bytes] = field(default_factory=list)
    protocol: Any = field(default_factory=asyncio.Protocol)
    is_full: bool = False
    is_aborted: bool = False
    is_broken: bool = False

    def __hash__(self) -> int:
        return id(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self.is_broken:
            raise RuntimeError("a fault of ours")
        assert isinstance(data, bytes)
        self.written.append(data)
        if self.is_full:
            self.protocol.pause_writing()

    def drain(self) -> None:
        self.is_full = False
        self.protocol.resume_writing()

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True

    def get_protocol(self) -> asyncio.BaseProtocol:
        return asyncio.Protocol()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (0, None)

    def get_write_buffer_size(self) -> int:
        return 0

    @property
    def frames(self) -> Frames:
        """What was written, taken apart."""
        frames = Frames()
        frames.feed(b"".join(self.written))
        return frames


@pytest.fixture
async def camera() -> AsyncIterator[Camera]:
    """Return a camera whose stream lets go at once."""
    stream = Stream("cam1/sub", clock=ManualClock(), grace_s=0.0, stand_in=PATIENT)
    yield Camera(stream)
    stream.close()


@pytest.fixture
async def channel(camera: Camera) -> AsyncIterator[Channel]:
    channel = Channel(camera.stream, "cam1", StreamKind.SUB, ManualClock(), has_sound=False)
    yield channel
    channel.close()


def join(channel: Channel, transport: FakeTransport | None = None) -> tuple[Viewer, FakeTransport]:
    transport = transport or FakeTransport()
    viewer = Viewer(1, WATCHER, transport, ManualClock(), Budget())
    channel.join(viewer)
    return viewer, transport


async def test_two_hundred_viewers_get_the_same_bytes(camera: Camera, channel: Channel) -> None:
    transports = [join(channel)[1] for _ in range(200)]
    camera.pictures(10)
    first, *others = (transport.written for transport in transports)
    assert len(first) == 11  # the state, and one write for each picture
    for written in others:
        assert all(mine is theirs for mine, theirs in zip(first[2:], written[2:], strict=True))
        assert written[:2] == first[:2]


async def test_late_viewer_gets_the_bytes_that_are_there(camera: Camera, channel: Channel) -> None:
    _, early = join(channel)
    camera.pictures(4)
    _, late = join(channel)
    assert late.written[0] is LIVE
    pairs = zip(late.written[2:], early.written[2:], strict=True)
    assert all(mine is theirs for mine, theirs in pairs)
    assert late.frames.order[1] == "init"
    assert channel.cached_bytes > 0


async def test_viewer_who_is_blocked_keeps_references(camera: Camera, channel: Channel) -> None:
    viewer, transport = join(channel)
    _, free = join(channel)
    camera.pictures(1)
    transport.is_full = True
    camera.pictures(7)
    assert len(transport.written) == 3  # the one that filled the socket was taken whole
    transport.drain()
    assert transport.written[3] is free.written[3]
    assert transport.frames.order == free.frames.order
    assert (viewer.backlog.size, viewer.backlog.dropped) == (0, 0)


async def test_viewer_who_lost_pictures_is_told_before_the_next_one(
    camera: Camera, channel: Channel
) -> None:
    viewer, transport = join(channel)
    camera.fps = 1  # four seconds are too far behind
    camera.gop = 2
    camera.pictures(1)
    transport.is_full = True
    camera.pictures(7)
    assert viewer.backlog.dropped > 0
    transport.drain()
    assert transport.written[3].startswith(SKIPPED)
    order = transport.frames.order
    assert order.count("skipped") == 1
    after = order[order.index("skipped") + 1]
    assert isinstance(after, bytes)
    assert read_fragments(after)[0].samples[0].is_sync


async def test_of_the_words_that_wait_the_newest_counts(camera: Camera, channel: Channel) -> None:
    viewer, transport = join(channel)
    camera.pictures(1)
    transport.is_full = True
    camera.pictures(1)
    for word in ("one", "two", "three"):
        viewer.tell(stand_in_frame(word))
    camera.pictures(1)
    transport.drain()
    frames = transport.frames
    assert [text.get("reason") for text in frames.texts] == [None, None, "three"]
    assert isinstance(frames.order[-1], bytes)


@pytest.mark.parametrize("broken_from", [0, 1])
async def test_viewer_that_fails_harms_no_other(
    camera: Camera, channel: Channel, broken_from: int, caplog: pytest.LogCaptureFixture
) -> None:
    broken, transport = join(channel)
    _, healthy = join(channel)
    transport.is_broken = broken_from == 0
    camera.pictures(broken_from)
    transport.is_broken = True
    with caplog.at_level(logging.ERROR):
        camera.pictures(3 - broken_from)
    assert len(healthy.written) == 4
    assert transport.is_aborted
    assert broken.end_reason == "internal error"
    assert [one.message for one in caplog.records] == ["a viewer failed"]
    assert camera.stream.sink_failures == 0


async def test_nothing_is_written_after_the_end(camera: Camera, channel: Channel) -> None:
    viewer, transport = join(channel)
    ends: list[str] = []
    viewer.on_end = lambda: ends.append(viewer.end_reason)
    camera.pictures(2)
    viewer.end("enough")
    viewer.end("really")
    camera.pictures(2)
    viewer.tell(stand_in_frame("away"))
    assert transport.written[-1] == end_frame("enough")
    assert ends == ["enough"]
    viewer.abort("gone")
    assert viewer.end_reason == "enough"
    assert transport.is_aborted


async def test_viewer_behind_catches_up_in_turns(camera: Camera, channel: Channel) -> None:
    viewer, transport = join(channel)
    transport.is_full = True
    camera.size, camera.key_size = 100_000, 100_000
    camera.pictures(10)
    transport.drain()
    assert 2 < len(transport.written) < 11  # 256 KiB at once: others have their turn
    await until(lambda: not viewer.backlog.size)
    assert len(transport.written) == 11


async def test_camera_that_rests_is_explained(camera: Camera, channel: Channel) -> None:
    _, transport = join(channel)
    camera.stream.pause_settings = PauseSettings(on_motion=True, first_look_s=0.0)
    camera.stream.motion_changed(True)
    camera.pictures(50)  # it is known now
    camera.stream.motion_changed(False)
    assert camera.stream.state is DemandState.PAUSED
    assert transport.frames.texts[-1] == {"type": "stand_in", "reason": RESTING}


@pytest.mark.parametrize(
    ("length", "head"),
    [
        (125, "827d"),
        (126, "827e007e"),
        (65535, "827effff"),
        (65536, "827f0000000000010000"),
    ],
)
def test_frame_tells_its_length_by_the_standard(length: int, head: str) -> None:
    body = bytes(length)
    assert binary_frame((body[:100], body[100:])) == bytes.fromhex(head) + body


def test_words_are_messages_of_text() -> None:
    assert LIVE == b'\x81\x10{"type": "live"}'
    body = '{"type": "stand_in", "reason": "f\u00fcr jetzt"}'.encode()
    assert stand_in_frame("f\u00fcr jetzt") == bytes((0x81, len(body))) + body


async def test_viewer_is_not_stuck_while_its_socket_takes_anything(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, transport = join(channel)
    clock = ManualClock(monotonic_s=100.0)
    monkeypatch.setattr(viewer, "_clock", clock)
    sizes = iter((900, 900, 800, 800))
    monkeypatch.setattr(transport, "get_write_buffer_size", lambda: next(sizes))
    viewer.block()
    since_s = []
    for _ in range(4):
        clock.advance(5.0)
        viewer.note_progress()
        since_s.append(viewer.blocked_since_s)
    assert since_s == [100.0, 100.0, 115.0, 115.0]
