"""What the tracks of a mount are known by: SSRCs, first timestamps, and the sizes of packets.

One row of numbers belongs to each track in each form; here is only who gets which. No packets.
"""

import secrets
from collections import Counter
from typing import Final

from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.mounts.parcel import AUDIO

__all__ = [
    "LARGEST_PACKET",
    "MOST_SIZES",
    "SMALLEST_PACKET",
    "USUAL",
    "Numbers",
    "PacketSizes",
    "first_sequence",
]

USUAL: Final = 0
"""Stands for the size of packets that nearly all players of a mount are given."""

SMALLEST_PACKET: Final = 500
LARGEST_PACKET: Final = 60_000
"""Bytes of an RTP packet, with its header, that a player may ask for."""

MOST_SIZES: Final = 4
"""Sizes beside the usual one; each costs a packetizer."""

_HALF: Final = 1 << 31


class PacketSizes:
    """The sizes that a mount sends beside the usual one: few, and each only while it is held."""

    def __init__(self) -> None:
        self._holders: Counter[int] = Counter()

    def take(self, wanted: int, usual: int) -> int:
        """Hold the size to send to a player that takes packets up to ``wanted`` bytes.

        When there are as many as may be, it is the next smaller one; where none is smaller, the
        smallest. ``USUAL`` stands for ``usual`` and need not be released.
        """
        size = min(max(wanted, SMALLEST_PACKET), LARGEST_PACKET)
        if size not in self._holders and len(self._holders) >= MOST_SIZES:
            there = {usual, *self._holders}
            size = max((one for one in there if one <= size), default=min(there))
        if size == usual:
            return USUAL
        self._holders[size] += 1
        return size

    def release(self, size: int) -> bool:
        """Hold a size no longer; return whether that was the last who did."""
        if size not in self._holders:
            return False
        self._holders[size] -= 1
        if self._holders[size]:
            return False
        del self._holders[size]
        return True


class Numbers:
    """Distinct random SSRCs by track and form, and where timestamps begin.

    Some recorders start again when two tracks have one SSRC. Packets of other sizes are another
    source of the same track: their timestamps are the same.
    """

    def __init__(self) -> None:
        self._ssrcs: dict[tuple[int, AudioChoice, int], int] = {}
        self._offsets: dict[tuple[int, AudioChoice], int] = {}

    def ssrc(self, track: int, choice: AudioChoice, size: int = USUAL) -> int:
        """Return the SSRC that a track has or will have."""
        key = (*_kind(track, choice), size)
        while key not in self._ssrcs:
            candidate = secrets.randbits(32)
            if candidate and candidate not in self._ssrcs.values():
                self._ssrcs[key] = candidate
        return self._ssrcs[key]

    def timestamp_offset(self, track: int, choice: AudioChoice, first_ticks: int) -> int:
        """Return what is added to ticks of media time for a track whose first unit is now.

        The first timestamp is random, not 0, and half of all timestamps before the wrap.
        """
        key = _kind(track, choice)
        if key not in self._offsets:
            self._offsets[key] = first_timestamp() - first_ticks
        return self._offsets[key]

    def forget_timestamps(self) -> None:
        """Begin timestamps anew with the next unit."""
        self._offsets.clear()

    def forget_track(self, track: int) -> None:
        """Give up the SSRCs of a track: what follows is another source."""
        self._ssrcs = {key: ssrc for key, ssrc in self._ssrcs.items() if key[0] != track}

    def forget_size(self, size: int) -> None:
        """Give up the SSRCs of a size that nobody holds."""
        self._ssrcs = {key: ssrc for key, ssrc in self._ssrcs.items() if key[2] != size}


def first_sequence() -> int:
    """Return a random sequence number far from the wrap, which some receivers mistake."""
    return secrets.randbelow(_HALF >> 16)


def first_timestamp() -> int:
    """Return a random timestamp: not 0, and hours before the wrap."""
    return 1 + secrets.randbelow(_HALF)


def _kind(track: int, choice: AudioChoice) -> tuple[int, AudioChoice]:
    return track, choice if track == AUDIO else AudioChoice.AUTO
