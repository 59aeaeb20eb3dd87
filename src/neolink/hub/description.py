"""What a stream is described as: learnt from its units, waited for, remembered over a restart."""

import asyncio
import logging
from dataclasses import replace

from neolink.errors import DeadlineExceeded
from neolink.hub.learning import Learning, needs_new_description
from neolink.hub.memory import Memory, Remembered
from neolink.log import bind_stream
from neolink.media.tracks import Presentation
from neolink.media.units import AccessUnit, MediaUnit

__all__ = ["Description"]

_LOG = logging.getLogger(__name__)


class Description:
    """The presentation of one stream, as far as it is known."""

    def __init__(self, name: str, memory: Memory) -> None:
        self.presentation: Presentation | None = None
        self.version = 1
        self.bitrate_bps: float | None = None
        """What the camera is set to send, video and sound; None while it did not tell."""
        self.recalled_key: AccessUnit | None = None
        """The key frame that was remembered from an earlier run."""
        self._name = name
        self._memory = memory
        self._known = asyncio.Event()
        self._has_learnt = False
        self._is_closed = False
        self._recall()
        self._learning = Learning(self.presentation)

    def restart(self) -> None:
        """Learn anew: the source stopped, and may come back different."""
        self._learning = Learning(self.presentation)

    def learn(self, unit: MediaUnit) -> bool:
        """Take a unit of the camera; return whether readers must describe the stream again."""
        found = self._learning.push(unit)
        if found is None:
            return False
        before = self.presentation
        if before is not None and found.audio is None:
            found = replace(found, audio=before.audio)  # a muted track stays described
        self._has_learnt = True
        if found == before:
            return False
        self.presentation = found
        self.version += 1
        self._known.set()
        if before is None or not needs_new_description(before, found):
            return False
        bind_stream(_LOG, self._name).info("the tracks changed, players must describe again")
        return True

    def note_bitrate(self, bitrate_bps: float | None) -> None:
        """Learn what the camera is set to send."""
        if bitrate_bps != self.bitrate_bps:
            self.bitrate_bps = bitrate_bps
            self.version += 1

    async def wait(self, timeout_s: float) -> None:
        """Wait until the presentation is known, or nobody will learn it any more.

        Raises DeadlineExceeded.
        """
        try:
            async with asyncio.timeout(timeout_s):
                await self._known.wait()
        except TimeoutError:
            raise DeadlineExceeded(
                f"{self._name}: no picture within {timeout_s:g} s of asking the camera"
            ) from None

    def memorize(self, key: AccessUnit | None) -> None:
        """Remember the tracks with a key frame, if the camera showed any in this run."""
        if self._is_closed:
            return  # another stream may go by the name
        if self._has_learnt and self.presentation is not None and key is not None:
            self._memory.save(self._name, Remembered(self.presentation, key))

    def close(self) -> None:
        """Let go of everybody who waits; nothing is remembered from now on."""
        self._is_closed = True
        self._known.set()

    def _recall(self) -> None:
        remembered = self._memory.load(self._name)
        if remembered is not None:
            self.presentation = remembered.presentation
            self.recalled_key = remembered.key
            self._known.set()
