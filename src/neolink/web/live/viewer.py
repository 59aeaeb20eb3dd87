"""One viewer's WebSocket: the writing half.

Hot path: :meth:`Viewer.push` runs once per unit and viewer: one ``write`` of bytes that all
viewers share. What the socket does not take at once waits in a backlog, where whole groups of
pictures can still be dropped; nothing here awaits or copies.

Order on the wire: the frame that was begun, then the newest word about the camera, then fragments.
"""

import asyncio
import fcntl
import sys
import termios
from collections.abc import Callable
from typing import Final, cast

from neolink.clock import Clock
from neolink.hub.backlog import Backlog, BacklogLimits, Budget
from neolink.readings import PlayerReading, Transport
from neolink.web.live.audience import Watcher
from neolink.web.live.messages import SKIPPED, Chunk, end_frame

__all__ = ["BOUNDS", "Viewer"]

BOUNDS: Final = BacklogLimits(max_items=500, max_bytes=16 << 20, max_delay_s=3.0)
"""What one viewer may have waiting."""

MAX_BYTES_PER_TURN: Final = 256 * 1024
"""What one viewer may be written per turn of the loop while it catches up."""


class Viewer:
    """Writes to one viewer until it is ended. Nothing of it raises."""

    def __init__(
        self,
        number: int,
        watcher: Watcher,
        transport: asyncio.Transport,
        clock: Clock,
        budget: Budget,
    ) -> None:
        self.number = number
        self.watcher = watcher
        self.backlog: Backlog[Chunk] = Backlog(BOUNDS, budget)
        self.backlog.needs_random_access = True
        self.bytes_sent = 0
        self.blocked_since_s: float | None = None
        """Since when the socket takes nothing; None while it takes all."""
        self.written_s = self._joined_s = clock.monotonic_s()
        """When something was written last."""
        self.end_reason = ""
        self.on_end: Callable[[], None] = lambda: None
        """Called when nothing more is written."""
        self._transport = transport
        self._clock = clock
        self._status = b""
        self._untold = b""
        """The newest word about the camera, if it was not written yet."""
        self._opening = b""
        self._noted_episodes = 0
        self._unsent = 0
        transport.set_write_buffer_limits(high=0)
        transport.set_protocol(_Tap(self, cast(asyncio.Protocol, transport.get_protocol())))
        if transport.get_write_buffer_size():
            self.block()

    @property
    def is_open(self) -> bool:
        """False once it was ended, or the viewer is gone."""
        return not self.end_reason and not self._transport.is_closing()

    def push(self, chunk: Chunk) -> None:
        """Write one fragment now, or keep it, or drop it by the backlog's policy."""
        backlog = self.backlog
        if self.blocked_since_s is not None or len(backlog):
            backlog.push(chunk)
        elif backlog.admits(chunk):
            self._write_chunk(chunk)

    def tell(self, status: bytes) -> None:
        """Say how the camera is, unless that was said last; of what waits the newest counts."""
        if status != self._status:
            self._status = status
            self._say(status)

    def tell_again(self) -> None:
        """Say once more how the camera is, so that a viewer knows that somebody is there."""
        self._say(self._status)

    def end(self, reason: str) -> None:
        """Say why nothing more comes, behind what was begun."""
        if not self.is_open:
            return
        self._transport.write(end_frame(reason))
        self._finish(reason)

    def abort(self, reason: str) -> None:
        """Cut off a viewer who takes nothing."""
        if not self.end_reason:
            self._finish(reason)
        self._transport.abort()

    def note_progress(self) -> None:
        """Learn whether a socket that is blocked took something, however little, since last time.

        A key frame may take a slow viewer longer than one that takes nothing is borne.
        """
        before = self._unsent
        unsent = self._unsent = self._transport.get_write_buffer_size() + self._unconfirmed()
        if self.blocked_since_s is not None and unsent < before:
            self.blocked_since_s = self._clock.monotonic_s()

    def reading(self) -> PlayerReading:
        """Return what is known of the viewer."""
        backlog, watcher, now_s = self.backlog, self.watcher, self._clock.monotonic_s()
        return PlayerReading(
            number=self.number,
            camera=watcher.camera,
            kind=watcher.kind,
            path=watcher.path,
            transport=Transport.WEBSOCKET,
            address=watcher.address,
            user=watcher.caller.user,
            agent=watcher.agent,
            is_playing=self.is_open,
            connected_for_s=now_s - self._joined_s,
            bytes_sent=self.bytes_sent,
            units_dropped=backlog.dropped,
            drop_episodes=backlog.episodes,
            queued_units=len(backlog),
            queued_bytes=backlog.size,
            queue_delay_s=backlog.delay_s,
        )

    # -- the socket -------------------------------------------------------------------

    def block(self) -> None:
        """Learn that the socket takes nothing more for now."""
        self.blocked_since_s = self._clock.monotonic_s()

    def unblock(self) -> None:
        """Learn that the socket has taken everything."""
        self.blocked_since_s = None
        self._catch_up()

    def _unconfirmed(self) -> int:
        """Return what the system has that the peer has not confirmed; 0 where nothing tells."""
        try:
            sock = self._transport.get_extra_info("socket")
            answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
        except (OSError, ValueError, AttributeError):  # gone, or not of every system's sockets
            return 0
        return int.from_bytes(answer, sys.byteorder)

    def _catch_up(self) -> None:
        allowance = MAX_BYTES_PER_TURN
        while self.blocked_since_s is None and self.is_open:
            if self._untold:
                self._say(self._untold)
                continue
            if not len(self.backlog):
                return
            if allowance <= 0:
                asyncio.get_running_loop().call_soon(self._catch_up)
                return
            chunk = self.backlog.pop()
            allowance -= chunk.size
            self._write_chunk(chunk)

    def _say(self, status: bytes) -> None:
        if self.blocked_since_s is not None:
            self._untold = status
        elif status:
            self._untold = b""
            self._write(status)

    def _write_chunk(self, chunk: Chunk) -> None:
        data = chunk.data
        if chunk.opening is not self._opening:
            data = chunk.opening + data
            self._opening = chunk.opening
        if self.backlog.episodes != self._noted_episodes:
            data = SKIPPED + data
            self._noted_episodes = self.backlog.episodes
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self.end_reason or self._transport.is_closing():
            return
        self._transport.write(data)
        self.bytes_sent += len(data)
        self.written_s = self._clock.monotonic_s()

    def _finish(self, reason: str) -> None:
        self.end_reason = reason
        self.backlog.clear()
        self._untold = b""
        self.on_end()


class _Tap(asyncio.Protocol):
    """Stands between a transport and its protocol to learn when the socket takes more."""

    def __init__(self, viewer: Viewer, inner: asyncio.Protocol) -> None:
        self._viewer = viewer
        self._inner = inner

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()
        self._viewer.block()

    def resume_writing(self) -> None:
        self._inner.resume_writing()
        self._viewer.unblock()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)
