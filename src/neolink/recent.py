"""The last log lines of each camera, for the page: bounded, and without secrets.

A handler of the standard library. A record belongs to the camera that its logger is bound to (see
``neolink.log.bind``), or that the call itself names (``extra={"camera": ...}``); one that speaks
of no camera is not kept. Records below INFO are never looked at.
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
CUT = "…"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, already without secrets."""

    unix_s: float
    level: str
    logger: str
    text: str
    stream: str | None
    """As the log has it: ``mainStream``."""
    client: str | None
    phase: str | None


class RecentLines(logging.Handler):
    """Keeps lines from INFO on. The camera not heard of for longest makes room.

    Any thread may log and any may ask; a record that cannot be formatted is told as the standard
    library does, and not kept.
    """

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: OrderedDict[str, deque[Line]] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record; called with the lock held."""
        camera = vars(record).get("camera")
        if not isinstance(camera, str):
            return
        try:
            line = _line_of(record)
        except Exception:  # noqa: BLE001 - what is logged must not end who logs
            self.handleError(record)
            return
        lines = self._lines.setdefault(camera, deque(maxlen=LINES_PER_CAMERA))
        self._lines.move_to_end(camera)
        lines.append(line)
        if len(self._lines) > MOST_CAMERAS:
            self._lines.popitem(last=False)

    def lines(self, camera: str, limit: int) -> Sequence[Line]:
        """Return the last lines of a camera, at most ``limit``, the oldest first."""
        self.acquire()
        try:
            kept = list(self._lines.get(camera, ()))
        finally:
            self.release()
        return kept[-limit:] if limit > 0 else []


def _line_of(record: logging.LogRecord) -> Line:
    text = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        text += f": {type(error).__name__}: {error}"
    return Line(
        unix_s=record.created,
        level=record.levelname,
        logger=record.name,
        text=_cut(redact(" ".join(text.split()))),
        stream=_field(record, "stream"),
        client=_field(record, "client"),
        phase=_field(record, "phase"),
    )


def _field(record: logging.LogRecord, name: str) -> str | None:
    value = vars(record).get(name)
    return _cut(redact(str(value))) if value else None


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 1] + CUT
