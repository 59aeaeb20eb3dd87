"""One sound on its way through the codec threads and back into the loop, in order.

Hot path: :meth:`Conversion.push` runs once per frame. What is decided about failures is elsewhere.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from neolink.convert.threads import CodecThreads
from neolink.convert.transcoder import Transcoder
from neolink.errors import DeadlineExceeded
from neolink.media.units import AudioFrame

__all__ = ["Conversion"]

MAX_WAITING: Final = 64
"""Frames in front of the codec, 3 s and more; above it the oldest is dropped."""

NO_THREAD: Final = "no thread for codecs was free (too many conversions, or a limit on threads)"


class Conversion:
    """Feeds a transcoder, of which one job at a time is under way.

    ``make`` runs in a thread, with the first frame. ``deliver`` is called in the loop with each
    frame that is ready. After ``failed`` nothing is delivered any more, nor after ``close``.
    """

    def __init__(
        self,
        threads: CodecThreads,
        make: Callable[[], Transcoder],
        deliver: Callable[[AudioFrame], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self.dropped = 0
        """Frames that the codec was too slow for."""
        self.damaged = 0
        """Frames that could not be decoded."""
        self._threads = threads
        self._make = make
        self._deliver = deliver
        self._failed = failed
        self._waiting: deque[AudioFrame] = deque()
        self._coder: Transcoder | None = None
        """Touched by the job under way and by nobody else."""
        self._is_busy = False
        self._is_closed = False

    def push(self, frame: AudioFrame) -> None:
        """Take the next frame; return at once."""
        if self._is_closed:
            return
        if len(self._waiting) >= MAX_WAITING:
            if not self._is_busy:
                self._fail(DeadlineExceeded(NO_THREAD))
                return
            self._waiting.popleft()
            self.dropped += 1
        self._waiting.append(frame)
        self._go_on()

    def close(self) -> None:
        """Deliver nothing any more; a job under way is not waited for."""
        self._is_closed = True
        self._waiting.clear()

    def _go_on(self) -> None:
        if self._is_busy or self._is_closed or not self._waiting:
            return
        batch = tuple(self._waiting)
        self._is_busy = self._threads.submit(lambda: self._work(batch), self._done, self._fail)
        if self._is_busy:
            self._waiting.clear()

    def _work(self, batch: Sequence[AudioFrame]) -> tuple[list[AudioFrame], int]:
        """Run by a thread."""
        if self._coder is None:
            self._coder = self._make()
        frames = self._coder.feed(batch)
        return frames, self._coder.damaged

    def _done(self, result: tuple[list[AudioFrame], int]) -> None:
        self._is_busy = False
        frames, self.damaged = result
        for frame in frames:
            if self._is_closed:  # by what a frame before has brought about
                return
            try:
                self._deliver(frame)
            except Exception as error:  # noqa: BLE001 - told to who ordered it; the loop calls us
                self._fail(error)
        self._go_on()

    def _fail(self, error: Exception) -> None:
        if not self._is_closed:
            self.close()
            self._failed(error)
