"""The last log lines of each camera, for the page: bounded, and without secrets.

A handler of the standard library. A record belongs to the camera that its logger is bound to (see
``neolink.log.bind``); one that speaks of no camera is not kept.
"""

import logging
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from neolink.log import redact

__all__ = ["Line", "RecentLines"]

LINES_PER_CAMERA = 200
MOST_CAMERAS = 1024
LONGEST_LINE = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """One line, already without secrets."""

    unix_s: float
    level: str
    logger: str
    text: str
    stream: str | None
    client: str | None
    phase: str | None


class RecentLines(logging.Handler):
    """Keeps lines from INFO on. The camera not heard of for longest makes room."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: OrderedDict[str, deque[Line]] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        values = vars(record)
        camera = values.get("camera")
        if not isinstance(camera, str):
            return
        line = Line(
            record.created,
            record.levelname,
            record.name,
            redact(record.getMessage())[:LONGEST_LINE],
            values.get("stream"),
            values.get("client"),
            values.get("phase"),
        )
        lines = self._lines.setdefault(camera, deque(maxlen=LINES_PER_CAMERA))
        self._lines.move_to_end(camera)
        lines.append(line)
        if len(self._lines) > MOST_CAMERAS:
            self._lines.popitem(last=False)

    def lines(self, camera: str, limit: int) -> Sequence[Line]:
        """Return the last lines of a camera, the oldest first."""
        return list(self._lines.get(camera, ()))[-limit:]
