"""Still pictures: from the camera by its own command, else from the last key frame.

Many who ask at once share one picture. Decoding is done by a pool of two threads, in front of which
only a few jobs may wait; a job that takes too long is given up, not waited for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

from neolink.clock import Clock
from neolink.errors import NeolinkError, RemoteProtocolError
from neolink.media.tracks import StreamKind
from neolink.media.units import AccessUnit
from neolink.web.pictures import jpeg_of
from neolink.web.view import BridgeView

__all__ = ["Busy", "NoPicture", "Snapshot", "Snapshots", "Source"]

FRESH_S: Final = 1.0
"""A picture is shown again for so long."""

CAMERA_TIMEOUT_S: Final = 4.0
SLOW_CAMERA_TIMEOUT_S: Final = 12.0
"""The same where there is no key frame to show instead: battery models are slow."""

CAMERA_PAUSE_S: Final = 30.0
"""A camera that gave no picture is not asked again for so long, if there is a key frame."""

DECODE_TIMEOUT_S: Final = 5.0
MAX_THREADS: Final = 2
MAX_JOBS: Final = 8
"""Being decoded or waiting for it."""

WIDTHS: Final = (160, 320, 640, 960, 1280, 1920, 2560, 3840)
"""A wish is rounded up to one of these, so that many wishes share a picture."""

OWN: Final = 0
"""In place of a width: what the camera made itself, in its own size."""

END_OF_IMAGE: Final = b"\xff\xd9"
LONGEST_TAIL: Final = 1024
"""Bytes that some cameras send behind it."""

Stream = tuple[str, StreamKind]
Key = tuple[str, StreamKind, int | None]


class Source(StrEnum):
    """Where a picture is from."""

    CAMERA = "camera"
    KEY_FRAME = "key-frame"


class NoPicture(Exception):
    """There is no picture; the text says why and what to do."""


class Busy(NoPicture):
    """There are too many wishes at the same time."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A picture that was taken."""

    jpeg: bytes
    source: Source
    age_s: float | None
    """None: of an earlier run."""


@dataclass(frozen=True, slots=True)
class _Taken:
    snapshot: Snapshot
    at_s: float

    def as_of(self, now_s: float) -> Snapshot:
        age_s = self.snapshot.age_s
        return replace(self.snapshot, age_s=None if age_s is None else age_s + now_s - self.at_s)


@dataclass(frozen=True, slots=True)
class _Failure:
    text: str
    at_s: float


class Snapshots:
    """Takes pictures and keeps each for a second."""

    def __init__(
        self,
        view: BridgeView,
        clock: Clock,
        decode: Callable[[AccessUnit, int | None], bytes] = jpeg_of,
    ) -> None:
        self._view = view
        self._clock = clock
        self._decode = decode
        self._taken: dict[Key, _Taken] = {}
        self._under_way: dict[Key, asyncio.Future[_Taken]] = {}
        self._decoding: WeakValueDictionary[Stream, asyncio.Lock] = WeakValueDictionary()
        self._failed: dict[Stream, _Failure] = {}
        self._jobs = 0
        self._pool: ThreadPoolExecutor | None = None

    async def take(
        self, camera: str, kind: StreamKind, *, width: int | None, key_frame_age_s: float | None
    ) -> Snapshot:
        """Return a picture that is at most a second old, if the camera sends any.

        ``key_frame_age_s`` is the age of the stream's last key frame. Raises NoPicture.
        """
        own, wanted = (camera, kind, OWN), (camera, kind, _rounded_up(width))
        kept = self._kept(own) or self._kept(wanted)
        if kept is not None:
            return kept
        key_frame = self._view.key_frame(camera, kind)
        why_not = self._why_not_asked((camera, kind), key_frame)
        if not why_not:
            limit_s = CAMERA_TIMEOUT_S if key_frame else SLOW_CAMERA_TIMEOUT_S
            try:
                return await self._share(own, lambda: self._from_camera(camera, kind, limit_s))
            except NoPicture as error:
                why_not = str(error)
        if key_frame is None:
            raise NoPicture(f"no picture: {why_not}; and the stream has not shown any yet")
        return await self._share(
            wanted, lambda: self._from_key_frame(wanted, key_frame, key_frame_age_s)
        )

    def sweep(self) -> None:
        """Forget pictures that are not shown any more: each may have megabytes."""
        now_s = self._clock.monotonic_s()
        for old in [key for key, taken in self._taken.items() if now_s - taken.at_s > FRESH_S]:
            del self._taken[old]

    def close(self) -> None:
        """Let go of the threads; what they still do is not waited for."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    # -- sharing ----------------------------------------------------------------------

    def _kept(self, key: Key) -> Snapshot | None:
        self.sweep()
        taken = self._taken.get(key)
        return taken.as_of(self._clock.monotonic_s()) if taken else None

    async def _share(self, key: Key, make: Callable[[], Awaitable[Snapshot]]) -> Snapshot:
        """Make a picture, unless somebody is at it: then wait for that one."""
        under_way = self._under_way.get(key)
        if under_way is not None:
            taken = await asyncio.shield(under_way)
            return taken.as_of(self._clock.monotonic_s())
        future = self._under_way[key] = asyncio.get_running_loop().create_future()
        try:
            snapshot = await make()
        except BaseException as error:
            is_ours = isinstance(error, NoPicture)
            future.set_exception(error if is_ours else NoPicture("the request was given up"))
            future.exception()  # maybe nobody else waits
            raise
        else:
            taken = self._taken[key] = _Taken(snapshot, self._clock.monotonic_s())
            future.set_result(taken)
            return snapshot
        finally:
            del self._under_way[key]

    # -- by the camera ----------------------------------------------------------------

    def _why_not_asked(self, stream: Stream, key_frame: AccessUnit | None) -> str:
        """Return why a camera is left alone for now; empty: it is asked."""
        failure = self._failed.get(stream)
        if failure is None:
            return ""
        pause_s = CAMERA_PAUSE_S if key_frame is not None else FRESH_S
        is_over = self._clock.monotonic_s() - failure.at_s >= pause_s
        return "" if is_over else failure.text

    async def _from_camera(self, camera: str, kind: StreamKind, limit_s: float) -> Snapshot:
        try:
            async with asyncio.timeout(limit_s):
                jpeg = await self._view.snapshot(camera, kind)
            if END_OF_IMAGE not in jpeg[-LONGEST_TAIL:]:
                raise RemoteProtocolError(f"the camera sent {len(jpeg)} bytes of a cut picture")
        except TimeoutError:
            text = f"the camera sent none within {limit_s:g} s"
            raise self._failure((camera, kind), text) from None
        except NeolinkError as error:
            raise self._failure((camera, kind), str(error)) from None
        self._failed.pop((camera, kind), None)
        return Snapshot(jpeg, Source.CAMERA, 0.0)

    def _failure(self, stream: Stream, text: str) -> NoPicture:
        now_s = self._clock.monotonic_s()
        old = [one for one, at in self._failed.items() if now_s - at.at_s >= CAMERA_PAUSE_S]
        for one in old:
            del self._failed[one]
        self._failed[stream] = _Failure(text, now_s)
        return NoPicture(text)

    # -- from a key frame -------------------------------------------------------------

    async def _from_key_frame(self, key: Key, unit: AccessUnit, age_s: float | None) -> Snapshot:
        """Decode one picture of a stream at a time, so that one stream cannot take all threads."""
        camera, kind, width = key
        began_s = self._clock.monotonic_s()
        turn = self._decoding.setdefault((camera, kind), asyncio.Lock())
        try:
            async with asyncio.timeout(DECODE_TIMEOUT_S), turn:
                jpeg = await self._decoded(unit, width)
        except TimeoutError:
            raise Busy("the picture took too long to make: ask again in a second") from None
        waited_s = self._clock.monotonic_s() - began_s
        return Snapshot(jpeg, Source.KEY_FRAME, None if age_s is None else age_s + waited_s)

    async def _decoded(self, unit: AccessUnit, width: int | None) -> bytes:
        if self._jobs >= MAX_JOBS:
            raise Busy("too many pictures are being made: ask again in a second")
        self._pool = self._pool or ThreadPoolExecutor(MAX_THREADS, "neolink jpeg")
        self._jobs += 1
        job = self._pool.submit(self._decode, unit, width)
        # counted until the thread is free again, however early we stop waiting
        job.add_done_callback(partial(self._job_done, asyncio.get_running_loop()))
        try:
            return await asyncio.wrap_future(job)
        except NeolinkError as error:
            raise NoPicture(str(error)) from None

    def _job_done(self, loop: asyncio.AbstractEventLoop, job: Future[bytes]) -> None:
        """Run by the thread that did the job."""
        del job
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(self._count_down)

    def _count_down(self) -> None:
        self._jobs -= 1


def _rounded_up(width: int | None) -> int | None:
    return next((step for step in WIDTHS if width is not None and step >= width), None)
