"""The metadata track of one mount: which document is sent when. What is in one is ``onvif``'s.

All its readers share the documents, as they share pictures. Who comes is told every state that is
known; the others hear it once more, which ONVIF allows at any time. Documents go past the queues of
pictures: a state that was dropped would be wrong until it changes again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from neolink.hub.events import Events
from neolink.log import bind_stream
from neolink.media.events import EventState

__all__ = ["MetadataFeed"]

_LOG = logging.getLogger(__name__)

KEEP_ALIVE_S = 10.0
"""After so long without a document an empty one follows, so that players see the track live."""

LEAST_PAUSE_S: Final = 0.05
"""Between two documents about changes: what changes meanwhile is told in one."""

MAX_WAITING: Final = 64
"""Changes for one document; of more the oldest go, and the newest state of each kind remains."""


class MetadataFeed:
    """Documents about one camera while anybody reads them.

    ``send`` is given each document, for all readers there are.
    """

    def __init__(
        self, name: str, camera: str, events: Events, send: Callable[[bytes], None]
    ) -> None:
        self.documents = 0
        """Sent so far, each counted once for all its readers."""
        self.changes_dropped = 0
        """Changes that were never told, because too many came at once."""
        self._name = name
        self._camera = camera
        self._events = events
        self._send = send
        self._is_read = False
        self._waiting: deque[EventState] = deque(maxlen=MAX_WAITING)
        self._sent_s = 0.0
        """When the last document left, on the loop's clock."""
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_read(self) -> bool:
        """Whether anybody reads."""
        return self._is_read

    def begin(self) -> None:
        """Tell a reader who has just come, and all others, what is known."""
        if not self._is_read:
            self._events.subscribe(self._take)
            self._is_read = True  # what is told at once is among the states below
        self._emit(self._events.states, is_beginning=True)

    def end(self) -> None:
        """Stop: nobody reads any more. More than once is no error."""
        if not self._is_read:
            return
        self._is_read = False
        self._waiting.clear()
        self._events.unsubscribe(self._take)
        self._set_timer(None)

    def _take(self, states: tuple[EventState, ...]) -> None:
        if not self._is_read:
            return
        self.changes_dropped += max(0, len(self._waiting) + len(states) - MAX_WAITING)
        self._waiting.extend(states)
        pause_s = self._sent_s + LEAST_PAUSE_S - asyncio.get_running_loop().time()
        if pause_s > 0:
            self._set_timer(pause_s)
        else:
            self.flush()

    def flush(self) -> None:
        """Tell what has changed, if anything, without waiting for more."""
        if self._waiting:
            states = tuple(self._waiting)
            self._waiting.clear()
            self._emit(states)

    def _due(self) -> None:
        """Tell what has waited, or that all is as it was."""
        self._timer = None
        if self._waiting:
            self.flush()
        else:
            self._emit(())

    def _emit(self, states: tuple[EventState, ...], *, is_beginning: bool = False) -> None:
        from neolink.onvif import metadata  # noqa: PLC0415 - most mounts have no such readers

        operation = metadata.Operation.INITIALIZED if is_beginning else metadata.Operation.CHANGED
        self._sent_s = asyncio.get_running_loop().time()
        self.documents += 1
        try:
            self._send(metadata.serialize_states(self._camera, operation, states))
        except Exception:  # noqa: BLE001 - a timer calls this; the next document may do better
            bind_stream(_LOG, self._name).exception("a metadata document was not sent")
        if self._is_read:
            self._set_timer(KEEP_ALIVE_S)

    def _set_timer(self, pause_s: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if pause_s is not None:
            self._timer = asyncio.get_running_loop().call_later(pause_s, self._due)
