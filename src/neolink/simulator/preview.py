"""One running preview: which packets go to a client when, and which of them do not fit.

No sockets, no clock, no bytes of messages. A client that does not read gets whole GOPs dropped, as
from a camera whose buffer is full; after long enough it is given up.
"""

from collections import deque
from typing import NamedTuple

from neolink.baichuan.bcmedia import AacPacket, AdpcmPacket, InfoPacket, Packet, VideoPacket
from neolink.baichuan.header import Header
from neolink.simulator.faults import Look
from neolink.simulator.source import MediaSource
from neolink.simulator.stats import StreamKey

__all__ = ["Hold", "Preview"]

_BACKLOG_S = 4.0
_LEAST_BACKLOG = 256 * 1024
_PATIENCE_S = 20.0


class Hold(NamedTuple):
    """Media is gathered for ``period_s``, then sent at once, in the order of time or not."""

    period_s: float
    has_sound_first: bool = False


class Preview:
    """The stream ``key`` as asked for with ``header``; its first picture is due at ``origin_s``.

    ``source`` shows ``look``.
    """

    def __init__(
        self,
        key: StreamKey,
        header: Header,
        handle: int,
        source: MediaSource,
        look: Look,
        origin_s: float,
    ) -> None:
        self.key = key
        self.header = header
        self.handle = handle
        self.look = look
        self.frame = -1  # index of the picture that was handed out last
        self._source = source
        self._origin_s = origin_s
        self._dub: tuple[MediaSource, float] | None = None  # the sound, where it is not source's
        self._first = deque(source.packets_due(0.0))
        self._hold_s = 0.0
        self._release_s: float | None = None
        self._blocked_since_s: float | None = None

    def info(self) -> InfoPacket:
        """Return the packet that answers the request; call it once."""
        packet = self._first.popleft()
        assert isinstance(packet, InfoPacket)
        return packet

    def packets_due(self, now_s: float, hold: Hold | None = None) -> list[Packet]:
        """Return what is due and was not returned yet; nothing while it is held back."""
        if now_s < self._origin_s or not self._is_released(now_s, hold):
            return []
        due = [*self._first, *self._media_due(now_s)]
        self._first.clear()
        if hold is not None and hold.has_sound_first:
            due.sort(key=lambda one: not _is_sound(one))
        return due

    def next_due_s(self, now_s: float) -> float:
        """Return when the next packet is due."""
        if self._release_s is not None:
            return self._release_s
        if self._first or now_s < self._origin_s:
            return self._origin_s
        due_s = now_s + self._source.next_due_s(now_s - self._origin_s)
        if self._dub is None:
            return due_s
        dub, since_s = self._dub
        return min(due_s, now_s + dub.next_due_s(now_s - since_s))

    def change(self, look: Look, source: MediaSource, frame_rate: int, now_s: float) -> None:
        """Go on with another clip, or another sound: those of ``source``, which is fresh."""
        if source.clip is not self._source.clip:
            self._source.change_clip(source.clip, frame_rate)
        if look.sound is not self.look.sound:
            self._dub = source, now_s
        self.look = look

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
        room = self._room()
        if self._blocked_since_s is None:
            if backlog <= room:
                return True
            self._blocked_since_s = now_s
            return False
        is_key = isinstance(packet, VideoPacket) and packet.is_key_frame
        if not is_key or backlog > room // 2:
            return False
        self._blocked_since_s = None
        return True

    def is_hopeless(self, now_s: float) -> bool:
        """Tell whether nothing has fitted for so long that a camera resets the connection."""
        return self._blocked_since_s is not None and now_s - self._blocked_since_s > _PATIENCE_S

    def _room(self) -> int:
        """Return how many bytes may wait; what was held back comes on top."""
        seconds = _BACKLOG_S + self._hold_s
        return max(_LEAST_BACKLOG, round(self._source.clip.bitrate_kbps * 125 * seconds))

    def _is_released(self, now_s: float, hold: Hold | None) -> bool:
        if hold is None:
            self._release_s, self._hold_s = None, 0.0
            return True
        self._hold_s = hold.period_s
        is_released = self._release_s is not None and now_s >= self._release_s
        if self._release_s is None or is_released:
            self._release_s = now_s + hold.period_s
        return is_released

    def _media_due(self, now_s: float) -> list[Packet]:
        if self._dub is None:
            return self._source.packets_due(now_s - self._origin_s)
        pictures, picture_origin_s = self._source, self._origin_s
        sounds, sound_origin_s = self._dub
        due: list[Packet] = []
        while True:
            picture_s = picture_origin_s + pictures.next_due_s(0.0)
            sound_s = sound_origin_s + sounds.next_due_s(0.0)
            if min(picture_s, sound_s) > now_s:
                return due
            if sound_s < picture_s:
                some = sounds.packets_due(sound_s - sound_origin_s)
                due += [one for one in some if _is_sound(one)]
            else:
                some = pictures.packets_due(picture_s - picture_origin_s)
                due += [one for one in some if not _is_sound(one)]


def _is_sound(packet: Packet) -> bool:
    return isinstance(packet, AacPacket | AdpcmPacket)
