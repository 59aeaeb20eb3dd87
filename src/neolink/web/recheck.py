"""Streams that are known only from an earlier run are asked for once more, for a moment.

A page of stills does not make a camera send. Without this it would show stills for ever of a camera
that was set to H.264 since: nobody would learn of it.
"""

import asyncio
from typing import Final

from neolink.hub.stream import Hold, Stream

__all__ = ["Recheck"]

FOR_S: Final = 4.0
"""How long a stream is asked for: longer than a group of pictures, as a rule."""


class Recheck:
    """Asks for each stream at most once in its life."""

    def __init__(self) -> None:
        self._asked: dict[Stream, Hold] = {}

    def look(self, stream: Stream) -> None:
        """Ask for a stream of which this run has seen no picture, but an earlier one has."""
        self._asked = {one: hold for one, hold in self._asked.items() if one.is_open}
        if stream.presentation is None or stream.counters.pictures or stream in self._asked:
            return
        hold = self._asked[stream] = stream.hold()
        asyncio.get_running_loop().call_later(FOR_S, hold.release)

    def close(self) -> None:
        """Let go of all of them."""
        for hold in self._asked.values():
            hold.release()
