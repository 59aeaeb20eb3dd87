"""One running preview: which packets go to a client when, and which of them do not fit.

No sockets, no clock, no bytes of messages. A client that does not read gets whole GOPs dropped, as
from a camera whose buffer is full; after long enough it is given up.
"""

from collections import deque

from neolink.baichuan.bcmedia import Packet, VideoPacket
from neolink.baichuan.header import Header
from neolink.simulator.source import MediaSource
from neolink.simulator.stats import StreamKey

__all__ = ["Preview"]

_BACKLOG_S = 4.0
_LEAST_BACKLOG = 256 * 1024
_PATIENCE_S = 20.0


class Preview:
    """The stream ``key`` as asked for with ``header``; its first picture is due at ``origin_s``."""

    def __init__(
        self, key: StreamKey, header: Header, handle: int, source: MediaSource, origin_s: float
    ) -> None:
        self.key = key
        self.header = header
        self.handle = handle
        self.frame = -1  # index of the picture that was handed out last
        self._source = source
        self._origin_s = origin_s
        self._first = deque(source.packets_due(0.0))
        self._backlog_limit = max(
            _LEAST_BACKLOG, round(source.clip.bitrate_kbps * 125 * _BACKLOG_S)
        )
        self._blocked_since_s: float | None = None

    def info(self) -> Packet:
        """Return the packet that answers the request; call it once."""
        return self._first.popleft()

    def packets_due(self, now_s: float) -> list[Packet]:
        """Return what is due and was not returned yet."""
        if now_s < self._origin_s:
            return []
        due = [*self._first, *self._source.packets_due(now_s - self._origin_s)]
        self._first.clear()
        return due

    def next_due_s(self, now_s: float) -> float:
        """Return when the next packet is due."""
        if self._first or now_s < self._origin_s:
            return self._origin_s
        return now_s + self._source.next_due_s(now_s - self._origin_s)

    def count(self, packet: Packet) -> int | None:
        """Take note of a packet that is due; return the counter its picture shows, if any."""
        if not isinstance(packet, VideoPacket):
            return None
        self.frame += 1
        return self._source.counter_of(self.frame)

    def fits(self, packet: Packet, backlog: int, now_s: float) -> bool:
        """Tell whether there is room for a packet behind ``backlog`` unsent bytes.

        After a packet that did not fit nothing does until half of the room is free again and a
        key frame comes.
        """
        if self._blocked_since_s is None:
            if backlog <= self._backlog_limit:
                return True
            self._blocked_since_s = now_s
            return False
        is_key = isinstance(packet, VideoPacket) and packet.is_key_frame
        if not is_key or backlog > self._backlog_limit // 2:
            return False
        self._blocked_since_s = None
        return True

    def is_hopeless(self, now_s: float) -> bool:
        """Tell whether nothing has fitted for so long that a camera resets the connection."""
        return self._blocked_since_s is not None and now_s - self._blocked_since_s > _PATIENCE_S
