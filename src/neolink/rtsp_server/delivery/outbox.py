"""Everything that leaves on one TCP connection: replies, RTCP and media of its sessions.

Hot path: :meth:`Lane.push` runs once per unit and player: one non-blocking ``send`` of a blob that
all players share. What the wire does not take waits in the lane's backlog, where whole groups of
pictures can still be dropped; nothing here awaits, copies or logs per unit.

Order on the wire: the blob that was begun, then replies and RTCP, then media.
"""

import logging
from collections import deque
from collections.abc import Callable

from neolink.hub.backlog import Backlog, Bounds, Budget
from neolink.rtsp_server.mounts.parcel import TRACK_COUNT, Parcel
from neolink.rtsp_server.wires.wire import Blob, SendAgain, Wire

__all__ = ["PEER_GONE", "Lane", "Outbox"]

_LOG = logging.getLogger(__name__)

MAX_BYTES_PER_TURN = 256 * 1024
"""What one connection may write per turn of the loop while it catches up."""

PEER_GONE = "the peer is gone"
"""How a reason to fail begins that is no trouble: that is how most players leave."""

_BEGUN = -1
"""Instead of a number of bytes: none yet, but the same bytes must be given again."""

MAX_CONTROL_BYTES = 1 << 20
"""Replies and RTCP that wait for a peer that does not read; more than this ends it."""


class Outbox:
    """The writing half of one connection.

    ``on_failure`` is called once, when the peer is gone or hopeless; the owner then closes.
    """

    def __init__(self, wire: Wire, on_failure: Callable[[str], None]) -> None:
        self._wire = wire
        self._give = wire.send
        self._on_failure: Callable[[str], None] | None = on_failure
        self._begun: memoryview | None = None
        self._control: deque[bytes] = deque()
        self._control_size = 0
        self._lanes: list[Lane] = []
        self.is_blocked = False
        self.bytes_sent = 0

    @property
    def is_open(self) -> bool:
        """False once the connection failed or was closed."""
        return self._on_failure is not None

    @property
    def has_backlog(self) -> bool:
        """Whether something waits for the peer to read."""
        return self.is_blocked

    @property
    def waiting_bytes(self) -> int:
        """Bytes of media that wait for the wire, in all lanes."""
        return sum(lane.backlog.size for lane in self._lanes)

    @property
    def unacknowledged_bytes(self) -> int | None:
        """Bytes that the wire took and the peer has not confirmed; None where nothing tells."""
        return self._wire.unacknowledged_bytes if self.is_open else None

    def use(self, wire: Wire) -> None:
        """Go on with a wire inside the one of before; nothing may have been written yet."""
        self._wire, self._give = wire, wire.send

    def open_lane(self, bounds: Bounds, budget: Budget) -> "Lane":
        """Return a new queue for one session's media."""
        lane = Lane(self, bounds, budget)
        self._lanes.append(lane)
        return lane

    def close_lane(self, lane: "Lane") -> None:
        """Forget a session's media; a blob that was begun is still finished."""
        lane.backlog.clear()
        if lane in self._lanes:
            self._lanes.remove(lane)

    def write(self, data: bytes) -> None:
        """Send a reply or RTCP, at once or at the next blob boundary."""
        if not self.is_open:
            return
        self._control.append(data)
        self._control_size += len(data)
        if self._control_size > MAX_CONTROL_BYTES:
            self.fail("the peer does not read replies")
        elif not self.is_blocked:
            self._on_writable()  # nearly always taken at once: no need to wait for the wire

    def close(self) -> None:
        """Stop writing; what waits is dropped. The owner closes the wire."""
        if self.is_open and self.is_blocked:  # once: its descriptor may soon be another's
            self._wire.stop_waiting()
        self._on_failure = None
        self.is_blocked = True  # lanes that are still pushed to only queue, within their bounds
        self._begun = None
        self._control.clear()
        for lane in self._lanes:
            lane.backlog.clear()

    def fail(self, reason: str) -> None:
        """End the connection: the owner learns why and closes."""
        on_failure = self._on_failure
        self.close()
        if on_failure is not None:
            on_failure(reason)

    def send(self, blob: Blob) -> int:
        """Give a blob to the wire; return how many bytes it took.

        Less than 0: none, but it is begun and may not be dropped any more.
        """
        try:
            sent = self._give(blob)
        except SendAgain:
            return _BEGUN
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            self.fail(f"{PEER_GONE}: {error.strerror or error}")
            return 0
        self.bytes_sent += sent
        return sent

    def finish_later(self, blob: Blob, sent: int) -> None:
        """Keep what ``send`` did not take of a blob that was begun, and wait for the wire."""
        self._begun = memoryview(blob)[max(sent, 0) :]
        self.block()

    def block(self) -> None:
        """Wait until the wire takes more."""
        if self.is_open and not self.is_blocked:
            self.is_blocked = True
            self._wire.wait_writable(self._on_writable)

    def _on_writable(self) -> None:
        try:
            self._write_more()
        except Exception:  # noqa: BLE001 - the loop would call again at once, and without end
            _LOG.exception("a connection failed")
            self.fail("internal error")

    def _write_more(self) -> None:
        allowance = MAX_BYTES_PER_TURN
        while allowance > 0:
            blob = self._begun or self._next_blob()
            if blob is None:
                self._go_on()
                return
            sent = max(self.send(blob), 0)
            if not self.is_open:
                return
            allowance -= sent
            self._begun = blob[sent:] if sent < len(blob) else None
            if self._begun is not None:
                break
        self.block()

    def _go_on(self) -> None:
        """Take blobs at once again: nothing waits any more."""
        if self.is_blocked:
            self._wire.stop_waiting()
            self.is_blocked = False

    def _next_blob(self) -> memoryview | None:
        if self._control:
            data = b"".join(self._control)
            self._control.clear()
            self._control_size = 0
            return memoryview(data)
        for position, lane in enumerate(self._lanes):
            if len(lane.backlog):
                self._lanes.append(self._lanes.pop(position))  # the next one's turn comes
                return lane.next_blob()
        return None


class Lane:
    """One session's media on a connection: a channel per track and a bounded backlog."""

    __slots__ = ("_outbox", "backlog", "bytes_sent", "channels")

    def __init__(self, outbox: Outbox, bounds: Bounds, budget: Budget) -> None:
        self._outbox = outbox
        self.backlog: Backlog[Parcel] = Backlog(bounds, budget)
        self.bytes_sent = 0
        """Media given to the wire; of a blob that was begun, all of it."""
        self.channels = [0] * TRACK_COUNT
        """Interleaved channel of RTP by track number; RTCP is on the next one."""

    def push(self, parcel: Parcel) -> None:
        """Send one parcel now, or keep it, or drop it by the backlog's policy."""
        outbox, backlog = self._outbox, self.backlog
        if outbox.is_blocked:
            backlog.push(parcel)
            return
        if backlog.needs_random_access and not backlog.admits(parcel):
            return
        batch, channel = parcel.batch, self.channels[parcel.track]
        blob = batch.buffer if channel == batch.channel else batch.interleaved(channel)
        sent = outbox.send(blob)
        if sent:
            self.bytes_sent += parcel.size
            if sent < parcel.size:
                outbox.finish_later(blob, sent)
        elif outbox.is_open:
            backlog.push(parcel)
            outbox.block()

    def push_aside(self, parcel: Parcel) -> None:
        """Send one small parcel past the backlog: it is never dropped with the pictures."""
        self.bytes_sent += parcel.size
        self._outbox.write(parcel.batch.interleaved(self.channels[parcel.track]))

    def push_rtcp(self, track: int, packet: bytes) -> None:
        """Send one RTCP compound packet on the track's second channel."""
        channel = self.channels[track] + 1
        self._outbox.write(b"$" + bytes((channel,)) + len(packet).to_bytes(2, "big") + packet)

    def next_blob(self) -> memoryview:
        """Take the oldest parcel's bytes. Raises IndexError when nothing waits."""
        parcel = self.backlog.pop()
        self.bytes_sent += parcel.size
        return memoryview(parcel.batch.interleaved(self.channels[parcel.track]))

    def close(self) -> None:
        """Drop what waits and leave the connection."""
        self._outbox.close_lane(self)
