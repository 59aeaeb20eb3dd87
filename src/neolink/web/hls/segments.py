"""A movie cut into segments and parts, of which the newest are kept. Pure.

A segment begins at a key frame, unless there is none for ``MAX_SEGMENT_S``. A part is one fragment
of about half a second. RFC 8216bis sections 3 and 4.4.4.9.

Hot path: :meth:`Segments.push` runs once per unit.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.mp4.movie import Addition, Initialization, write_fragment
from neolink.mp4.samples import Sample

__all__ = ["PART_TARGET_S", "Part", "Segment", "Segments"]

PART_TARGET_S: Final = 0.5
"""No part that a playlist lists is longer."""

MIN_SEGMENT_S: Final = 1.0
"""Key frames that follow closer begin no segment."""

MAX_SEGMENT_S: Final = 12.0
GAP_S: Final = 2.0
"""After a longer break a key frame begins anew, so that the break is not shown."""

KEPT: Final = 8
"""Complete segments; a player may ask for one that a playlist has just lost."""

MAX_BYTES: Final = 32 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """A fragment."""

    data: bytes
    duration: int
    """In ticks of 90 kHz."""
    is_independent: bool
    """Whether decoding can start here."""

    @property
    def duration_s(self) -> float:
        """In seconds."""
        return self.duration / VIDEO_CLOCK_RATE


@dataclass(slots=True, eq=False)
class Segment:
    """Parts between two key frames; of the newest one more may follow."""

    number: int
    """Media sequence number: counts from 0."""
    map_number: int
    """Which initialization it needs."""
    discontinuities: int
    """How many there were before it and at its beginning."""
    unix_s: float
    """When its first picture came."""
    parts: list[Part] = field(default_factory=list)
    size: int = 0
    duration: int = 0
    """In ticks of 90 kHz, as of parts."""

    def add(self, part: Part) -> None:
        """Append a part."""
        self.parts.append(part)
        self.size += len(part.data)
        self.duration += part.duration

    @property
    def duration_s(self) -> float:
        """In seconds."""
        return self.duration / VIDEO_CLOCK_RATE

    @property
    def data(self) -> bytes:
        """The whole segment."""
        return b"".join(part.data for part in self.parts)


class Segments:
    """The newest part of a movie. ``initializations`` are those that segments need, by number."""

    def __init__(self, *, target_s: int) -> None:
        self.complete: deque[Segment] = deque()
        self.current: Segment | None = None
        self.initializations: dict[int, Initialization] = {}
        self.target_s = target_s
        """No complete segment is longer when rounded; grows only where one must be."""
        self.evicted = 0
        """Segments that were dropped early because all together were too large."""
        self._next_number = 0
        self._map_number = 0
        self._discontinuities = 0
        self._begins_anew = False
        self._sequence = 0
        self._size = 0
        self._pictures: list[Sample] = []
        self._sound: list[Sample] = []
        self._part_pts = 0
        self._last_pts = 0

    @property
    def newest(self) -> Initialization | None:
        """The initialization of what comes now."""
        return self.initializations.get(self._map_number)

    @property
    def next_part(self) -> tuple[int, int]:
        """Numbers of the segment and the part that come next."""
        current = self.current
        return (current.number, len(current.parts)) if current else (self._next_number, 0)

    def has(self, number: int, part: int | None) -> bool:
        """Whether a segment is complete, or one of its parts is there, or what follows these.

        A part beyond the last one of a segment means the first one of the next segment.
        """
        next_number, next_part = self.next_part
        if part is None:
            return number < next_number
        if number != next_number - 1:
            return (number, part) < (next_number, next_part)
        newest = self.segment(number)
        return next_part > 0 or newest is None or part < len(newest.parts)

    def segment(self, number: int) -> Segment | None:
        """Return a segment that is still kept; the newest one may not be complete."""
        if self.current is not None and self.current.number == number:
            return self.current
        return next((one for one in self.complete if one.number == number), None)

    def push(self, addition: Addition, unix_s: float) -> bool:
        """Take what a unit added; return whether a part was completed by it."""
        picture = addition.picture
        has_part = picture is not None and self._make_room_for(addition, picture, unix_s)
        if picture is not None:
            self._pictures.append(picture)
            self._last_pts = picture.dts + picture.shift
        if self._pictures:
            self._sound += addition.sound
        return has_part

    def stop(self) -> bool:
        """Complete what was begun: nothing follows it. Return whether that made a part."""
        if self.current is None:
            return False
        end = self._last_pts + self._pictures[-1].duration if self._pictures else self._last_pts
        self._end_segment(end, None)
        self._begins_anew = True
        return True

    # -- details ----------------------------------------------------------------------

    def _make_room_for(self, addition: Addition, picture: Sample, unix_s: float) -> bool:
        """End what a picture does not belong to any more; return whether a part was completed."""
        pts, made = picture.dts + picture.shift, addition.initialization
        has_part = False
        if self.current is not None:
            if picture.is_sync and pts - self._last_pts > GAP_S * VIDEO_CLOCK_RATE:
                has_part = self.stop()
            elif made is not None or self._is_segment_full(picture, pts):
                has_part = True
                self._end_segment(pts, picture.dts)
            elif pts + picture.duration - self._part_pts > PART_TARGET_S * VIDEO_CLOCK_RATE:
                has_part = True
                self._end_part(pts, picture.dts)
        if made is not None:
            self._begins_anew |= bool(self._map_number)
            self._map_number += 1
            self.initializations[self._map_number] = made
        if self.current is None:
            self._begin_segment(pts, unix_s)
        return has_part

    def _is_segment_full(self, picture: Sample, pts: int) -> bool:
        assert self.current is not None  # checked by the caller
        length = self.current.duration + pts - self._part_pts
        most_s = MIN_SEGMENT_S if picture.is_sync else MAX_SEGMENT_S
        return length >= most_s * VIDEO_CLOCK_RATE

    def _begin_segment(self, pts: int, unix_s: float) -> None:
        self._discontinuities += self._begins_anew
        self._begins_anew = False
        self.current = Segment(self._next_number, self._map_number, self._discontinuities, unix_s)
        self._next_number += 1
        self._part_pts = pts

    def _end_part(self, pts: int, dts: int | None) -> None:
        """Write what came before ``pts``; ``dts`` is that of the next picture, if there is one."""
        pictures, sound, begin = self._pictures, self._sound, self._part_pts
        self._part_pts = pts
        if self.current is None or not pictures:
            return
        self._pictures, self._sound = [], []
        if dts is not None:
            pictures[-1] = pictures[-1]._replace(duration=dts - pictures[-1].dts)
        self._sequence += 1
        data = b"".join(write_fragment(self._sequence, pictures, sound))
        self.current.add(Part(data, pts - begin, pictures[0].is_sync))
        self._size += len(data)

    def _end_segment(self, pts: int, dts: int | None) -> None:
        self._end_part(pts, dts)
        if self.current is not None:
            self.complete.append(self.current)
            self.target_s = max(self.target_s, int(self.current.duration_s + 0.5))
        self.current = None
        self._evict()

    def _evict(self) -> None:
        while len(self.complete) > KEPT or (self._size > MAX_BYTES and len(self.complete) > 1):
            self.evicted += len(self.complete) <= KEPT
            self._size -= self.complete.popleft().size
        needed = {segment.map_number for segment in self.complete} | {self._map_number}
        for number in self.initializations.keys() - needed:
            del self.initializations[number]
