"""All packets of one media unit, serialized once and shared by every player.

Hot path: one batch for each unit of each track. What only some transports need (another
channel, datagrams, segmentation) is derived when first asked for and kept.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["INTERLEAVED_HEADER_LENGTH", "PacketBatch", "Segments"]

INTERLEAVED_HEADER_LENGTH = 4
_pack_interleaved = struct.Struct(">BBH").pack


@dataclass(frozen=True, slots=True)
class Segments:
    """Datagrams to send at once, side by side: all of ``size`` bytes, only the last maybe less.

    They lie in one piece, because a kernel that is given thirty has to gather them for each player.
    """

    size: int
    data: bytes

    @property
    def is_single(self) -> bool:
        """Whether it is one datagram."""
        return len(self.data) <= self.size

    def datagrams(self) -> Iterator[memoryview]:
        """Yield a view of each datagram."""
        view = memoryview(self.data)
        for begin in range(0, len(view), self.size):
            yield view[begin : begin + self.size]


@dataclass(slots=True, eq=False)
class PacketBatch:
    """The packets of one unit: never changed once built, only derived from.

    ``buffer`` holds every packet behind its 4-byte ``$`` header for ``channel`` (RFC 2326
    section 10.12). ``first_sequence`` is that of the first packet, ``timestamp`` the RTP time of
    the unit and ``pts`` the same in the unit's own ticks. ``is_random_access`` is true for
    audio, which can be joined at any frame. A unit without media gives a batch without packets.
    """

    buffer: bytes
    channel: int
    first_sequence: int
    packet_count: int
    timestamp: int
    pts: int
    is_random_access: bool
    is_video: bool
    _variants: dict[int, bytes] | None = None
    _datagrams: list[memoryview] | None = None
    _segments: dict[tuple[int, int], list[Segments]] | None = None

    @property
    def size(self) -> int:
        """Bytes of all packets with their interleaved headers."""
        return len(self.buffer)

    @property
    def next_sequence(self) -> int:
        """Sequence number of the packet that follows the last one."""
        return self.first_sequence + self.packet_count & 0xFFFF

    def interleaved(self, channel: int) -> bytes:
        """Return every packet behind its ``$`` header for ``channel`` (0 to 255)."""
        if channel == self.channel:
            return self.buffer
        if self._variants is None:
            self._variants = {}
        variant = self._variants.get(channel)
        if variant is None:
            variant = self._variants[channel] = self._restamped(channel)
        return variant

    def datagrams(self) -> list[memoryview]:
        """Return a view of each RTP packet, without its ``$`` header."""
        if self._datagrams is None:
            self._datagrams = self._split()
        return self._datagrams

    def segments(self, max_segments: int = 64, max_bytes: int = 65_000) -> list[Segments]:
        """Return the datagrams in runs that one call with ``UDP_SEGMENT`` can send.

        In a run all datagrams are as long as the first, only the last may be shorter; a run
        has at most ``max_segments`` of them and ``max_bytes`` together, but at least one.
        """
        if self._segments is None:
            self._segments = {}
        limits = max_segments, max_bytes
        runs = self._segments.get(limits)
        if runs is None:
            runs = self._segments[limits] = _runs(self.datagrams(), max_segments, max_bytes)
        return runs

    def _split(self) -> list[memoryview]:
        """Cut where the ``$`` headers say that packets start and end."""
        buffer = self.buffer
        view = memoryview(buffer)
        datagrams: list[memoryview] = []
        end = 0
        while end < len(buffer):
            start = end + INTERLEAVED_HEADER_LENGTH
            end = start + (buffer[start - 2] << 8 | buffer[start - 1])
            datagrams.append(view[start:end])
        return datagrams

    def _restamped(self, channel: int) -> bytes:
        parts: list[bytes | memoryview] = []
        for datagram in self.datagrams():
            parts += (_pack_interleaved(0x24, channel, len(datagram)), datagram)
        return b"".join(parts)


def _runs(datagrams: list[memoryview], max_segments: int, max_bytes: int) -> list[Segments]:
    lengths = [len(datagram) for datagram in datagrams]
    lengths.append(0)  # ends the last run
    runs: list[Segments] = []
    begin = 0
    while begin < len(datagrams):
        size = lengths[begin]
        room = min(max_bytes, max_segments * size) - size
        end = begin + 1
        while lengths[end] == size <= room:
            room -= size
            end += 1
        if 0 < lengths[end] < size and lengths[end] <= room:
            end += 1
        runs.append(Segments(size, b"".join(datagrams[begin:end])))
        begin = end
    return runs
