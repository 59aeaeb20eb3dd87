"""What the scenarios share: a bridge in a hurry, what a player saw, what the process holds.

A scenario runs for real: simulated cameras, a bridge, strict players, sockets. What the product
waits for is shortened (:class:`Pace` for the hub, settings for the rest), never the clock.
"""

import asyncio
import gc
import os
import re
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

from neolink.app import Bridge, BridgeSettings
from neolink.camera.settings import CameraSettings
from neolink.media.nal import split_annex_b
from neolink.media.tracks import VideoCodec
from neolink.rtp.depacketizers.h264 import H264Depacketizer
from neolink.rtp.depacketizers.h265 import H265Depacketizer
from neolink.rtsp_server.settings import MountSettings, RtspSettings
from neolink.simulator.clips import Clip
from support.bridge import HOST, RunningBridge
from support.rtsp_client import RtspClient

__all__ = [
    "MIB",
    "PRODUCT",
    "Pace",
    "Picture",
    "Resources",
    "Viewer",
    "before_live",
    "bridged",
    "hurry",
    "lost_between",
    "numbers_of",
    "tasks_named",
    "until_soon",
    "watching",
]

MIB = 1024 * 1024
POLL_S = 0.01
QUIET_S = 0.3
SETTLING_S = 10.0
_WRAP = 1 << 32
_PAGE = os.sysconf("SC_PAGE_SIZE")


async def until_soon(
    condition: Callable[[], object], what: str | Callable[[], str] = "", limit_s: float = 10.0
) -> None:
    """Wait for what nobody announces; after ``limit_s`` fail and say ``what`` did not come."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110 - a value that announces nothing
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        text = what() if callable(what) else what or str(condition)
        raise AssertionError(f"not within {limit_s:g} s: {text}") from None


# ---------------------------------------------------------------- the bridge
@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Waiting times of every stream, where the product has 3 s, 8 s, 1 s and 5 s."""

    start_hold_s: float = 3.0
    lost_hold_s: float = 0.3
    interval_s: float = 0.15
    grace_s: float = 0.2


PRODUCT = Pace(start_hold_s=3.0, lost_hold_s=8.0, interval_s=1.0, grace_s=1.0)
"""The waiting times of the product, but for how soon a stream ends that nobody watches."""


def hurry(bridge: Bridge, pace: Pace) -> None:
    """Shorten what the hub waits for: no setting of a bridge reaches these."""
    for stream in bridge.streams.values():
        stream.stand_in_settings = replace(
            stream.stand_in_settings,
            start_hold_s=pace.start_hold_s,
            lost_hold_s=pace.lost_hold_s,
            interval_s=pace.interval_s,
        )
        stream._grace_s = pace.grace_s


@asynccontextmanager
async def bridged(
    *cameras: CameraSettings,
    mount: MountSettings | None = None,
    rtsp: RtspSettings | None = None,
    pace: Pace | None = None,
    host: str = HOST,
) -> AsyncIterator[RunningBridge]:
    """Run a bridge in front of cameras that the caller keeps. ``mount`` is used for each.

    It listens on ``host``; what players in a namespace reach is not loopback.
    """
    others = asyncio.all_tasks()
    mount = mount or MountSettings(camera="")
    bridge = Bridge(
        BridgeSettings(
            cameras=cameras,
            mounts=[replace(mount, camera=camera.name) for camera in cameras],
            rtsp=replace(rtsp or RtspSettings(), bind=host, port=0, rtp_port=0),
        )
    )
    hurry(bridge, pace or Pace())
    is_ready = asyncio.Event()
    running = asyncio.create_task(bridge.run(on_ready=is_ready.set), name="bridge")
    try:
        await until_soon(lambda: is_ready.is_set() or running.done(), "the bridge")
        yield RunningBridge((), bridge)
        assert not running.done(), "the bridge ended"
    finally:
        running.cancel()
        await asyncio.wait([running])
    # A camera played by the test needs a moment to notice that the bridge has gone.
    await until_soon(lambda: not asyncio.all_tasks() - others, _others_than(others), 1.0)


def _others_than(known: set[asyncio.Task[object]]) -> Callable[[], str]:
    return lambda: f"the end of {asyncio.all_tasks() - known}"


# ---------------------------------------------------------------- what a player sees
@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that arrived whole. ``ticks`` of 90 kHz count on where timestamps wrap.

    ``number`` is which of the clip's pictures it is, None for one of other making.
    """

    ticks: int
    number: int | None


class Viewer:
    """A player of one video track, and which pictures of the camera's clip it was shown."""

    def __init__(self, client: RtspClient, clip: Clip) -> None:
        self.client = client
        self.track = client.tracks[0]
        self.clip = clip
        self._number_of = numbers_of(clip)
        self._depacketizer = self._new_depacketizer()
        self._taken = 0
        self._pictures: list[Picture] = []

    @property
    def pictures(self) -> list[Picture]:
        """All pictures so far, in order of arrival; the same list all the time."""
        packets = self.track.packets
        while self._taken < len(packets):
            packet, before = packets[self._taken], packets[max(0, self._taken - 1)]
            if before.marker and packet.sequence != (before.sequence + 1) % 65536:
                # A depacketizer has to doubt the picture behind a gap; its bytes are compared here.
                self._depacketizer = self._new_depacketizer()
            for unit in self._depacketizer.push(packet):
                number = self._number_of(unit.nal_units)
                self._pictures.append(Picture(self._unwrapped(unit.timestamp), number))
            self._taken += 1
        return self._pictures

    @property
    def numbers(self) -> list[int | None]:
        """Which pictures these are."""
        return [picture.number for picture in self.pictures]

    @property
    def ticks(self) -> list[int]:
        """When they are to be shown."""
        return [picture.ticks for picture in self.pictures]

    async def until_more(self, count: int, limit_s: float = 5.0) -> None:
        """Wait for so many more pictures."""
        wanted = len(self.pictures) + count
        await until_soon(
            lambda: len(self.pictures) >= wanted,
            lambda: f"{wanted} pictures, there are {len(self.pictures)}",
            limit_s,
        )

    def is_key(self, picture: Picture) -> bool:
        """Whether a player can begin at a picture."""
        return picture.number is not None and self.clip.is_key(picture.number)

    def _new_depacketizer(self) -> H264Depacketizer | H265Depacketizer:
        return H264Depacketizer() if self.clip.codec is VideoCodec.H264 else H265Depacketizer()

    def _unwrapped(self, timestamp: int) -> int:
        if not self._pictures:
            return timestamp
        last = self._pictures[-1].ticks
        step = (timestamp - last) % _WRAP
        return last + (step if step < _WRAP // 2 else step - _WRAP)


def numbers_of(clip: Clip) -> Callable[[Iterable[bytes | memoryview]], int | None]:
    """Return what tells by its NAL units which of the clip's pictures one is, None for no one."""
    numbers = {
        _slices(split_annex_b(data), clip.codec): number
        for number, data in enumerate(clip.access_units)
    }
    assert len(numbers) == len(clip.access_units)
    return lambda nal_units: numbers.get(_slices(nal_units, clip.codec))


def before_live(numbers: Sequence[int | None], count: int) -> int | None:
    """Return how many pictures come before the clip's first ``count`` in a row; None: no such."""
    live = list(range(count))
    places = range(len(numbers) - count + 1)
    return next((at for at in places if list(numbers[at : at + count]) == live), None)


def lost_between(numbers: Sequence[int | None], clip: Clip) -> int:
    """Return how many of the clip's pictures are missing between those that were shown."""
    assert None not in numbers, "a picture that the camera never sent"
    length = len(clip.access_units)
    return sum(
        (later - earlier - 1) % length
        for earlier, later in pairwise(number for number in numbers if number is not None)
    )


@asynccontextmanager
async def watching(
    url: str,
    clip: Clip,
    transport: Literal["tcp", "udp"] = "tcp",
    *,
    tracks: tuple[int, ...] = (0,),
    receive_buffer: int | None = None,
) -> AsyncIterator[Viewer]:
    """Play the video of a stream (and more, if named); what no server may do fails the test."""
    async with RtspClient(url, receive_buffer=receive_buffer) as client:
        await client.watch(*tracks, transport=transport)
        yield Viewer(client, clip)


def _slices(nal_units: Iterable[bytes | memoryview], codec: VideoCodec) -> bytes:
    """Return the NAL units that carry a picture, without what is repeated for newcomers."""
    if codec is VideoCodec.H264:
        return b"".join(bytes(nal) for nal in nal_units if 1 <= nal[0] & 0x1F <= 5)
    return b"".join(bytes(nal) for nal in nal_units if nal[0] >> 1 & 0x3F < 32)


# ---------------------------------------------------------------- what the process holds
@dataclass(frozen=True, slots=True)
class Resources:
    """Tasks by name (numbers made alike), threads, open descriptors, resident memory."""

    tasks: Counter[str]
    threads: int
    descriptors: int
    rss_bytes: int

    @classmethod
    def now(cls) -> Self:
        """Count."""
        gc.collect()
        names = (re.sub(r"\d+", "N", task.get_name()) for task in asyncio.all_tasks())
        return cls(
            Counter(names),
            threading.active_count(),
            len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - a name is all there is
            int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE,
        )

    @classmethod
    async def settled(cls) -> Self:
        """Count when no task has begun or ended for a while."""
        found, since_s = cls.now(), time.monotonic()
        async with asyncio.timeout(SETTLING_S):
            while time.monotonic() - since_s < QUIET_S:
                await asyncio.sleep(POLL_S)
                before, found = found, cls.now()
                if found._counts != before._counts:
                    since_s = time.monotonic()
        return found

    async def until_again(self, limit_s: float = 10.0) -> None:
        """Wait until exactly as many tasks, threads and descriptors are there as here."""
        found = self

        def is_same() -> bool:
            nonlocal found
            found = self.now()
            return self._counts == found._counts

        await until_soon(is_same, lambda: f"{self}, there is {found}", limit_s)

    @property
    def _counts(self) -> tuple[Counter[str], int, int]:
        return self.tasks, self.threads, self.descriptors


def tasks_named(*prefixes: str) -> list[str]:
    """Return the names of running tasks that begin so."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return sorted(name for name in names if name.startswith(prefixes))
