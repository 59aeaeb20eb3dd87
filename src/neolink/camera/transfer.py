"""A binary answer of bounded size, collected from its parts. Nothing is sent here.

The parts may come under another number than the request's, and the end may be told or not
(protocol reference, section 3.7). So there is at most one transfer of a kind of message at a time.
"""

import asyncio

from neolink.baichuan.ids import Status
from neolink.errors import CommandRefused, RemoteProtocolError

__all__ = ["Transfer"]

_GOOD = frozenset({Status.OK, Status.LAST, Status.FINISHED})


class Transfer:
    """Collects one answer; ``done`` gives all of its bytes, or why there are none.

    ``numbers`` are those of the messages that belonged to it.
    """

    def __init__(self, name: str, max_size: int) -> None:
        self.done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.numbers: set[int] = set()
        self._name = name
        self._max_size = max_size
        self._expected: int | None = None
        self._parts: list[bytes] = []
        self._size = 0

    def expect(self, size: int | None) -> None:
        """Learn the size that the camera announced, if it did."""
        if size is not None and size > self._max_size:
            self._fail(f"announces {size} bytes")
            return
        self._expected = size
        self._finish_if_complete()

    def take(self, number: int, data: bytes) -> None:
        """Take the next part."""
        self.numbers.add(number)
        self._size += len(data)
        if self._size > self._max_size:
            self._parts.clear()
            self._fail("sends more")
            return
        self._parts.append(data)
        self._finish_if_complete()

    def end(self, number: int, status: int) -> None:
        """Learn that no part follows; without any part, the end of an earlier one is not ours."""
        if status not in _GOOD:
            self.fail(CommandRefused(self._name, status))
        elif self._size and self._expected in (None, self._size):
            self._finish()
        elif self._size:
            text = f"{self._name}: announced {self._expected} bytes, sent {self._size}"
            self.fail(RemoteProtocolError(text))
        self.numbers.add(number)

    def fail(self, error: Exception) -> None:
        """End it without a result."""
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # read here: who asked may have left

    def _fail(self, what: str) -> None:
        text = f"{self._name}: expected at most {self._max_size} bytes, but the camera {what}"
        self.fail(RemoteProtocolError(text))

    def _finish_if_complete(self) -> None:
        if self._expected and self._size >= self._expected:
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(b"".join(self._parts))
