"""Where log records go and what they look like: handler, text and JSON formatters.

Called once, by the command line. Nothing else in the package touches handlers or levels.
"""

import json
import logging
import os
import time
from collections.abc import Mapping
from typing import TextIO

from neolink.log import CONTEXT_FIELDS, TRACE, LogFilter, redact

__all__ = ["JsonFormatter", "TextFormatter", "filter_from", "setup"]

ENVIRONMENT = ("NEOLINK_LOG", "RUST_LOG")
"""Variables that hold a log filter; the first one that is set wins over the file."""

LEVEL_WORDS = {logging.WARNING: "WARN", logging.CRITICAL: "ERROR", TRACE: "TRACE"}


class TextFormatter(logging.Formatter):
    """``[2025-01-30T07:00:08Z INFO  neolink.hub.stream] porch::mainStream: text``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record; its traceback follows on more lines."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        message = "".join([_subject(record), record.getMessage(), _details(record)])
        lines = [f"[{stamp} {_level_word(record):5} {record.name}] {_one_line(message)}"]
        if trace := _traceback(self, record):
            lines.append(trace)
        return redact("\n".join(lines))


class JsonFormatter(logging.Formatter):
    """One JSON object per line: ``time level logger message``, the context, ``traceback``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one record."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": _level_word(record),
            "logger": record.name,
            "message": record.getMessage(),
            **_context(record),
        }
        if trace := _traceback(self, record):
            fields["traceback"] = trace
        return json.dumps({name: redact(value) for name, value in fields.items()})


def filter_from(
    environ: Mapping[str, str], configured: str | None = None, verbosity: int = 0
) -> LogFilter:
    """Choose the filter: environment, else the file's ``level``, else info; then ``-v``.

    Raises ValueError for a filter that cannot be read.
    """
    spec = next((environ[name] for name in ENVIRONMENT if environ.get(name)), configured)
    return LogFilter.parse(spec or "info").raised(verbosity)


def setup(chosen: LogFilter, *, json_lines: bool = False, stream: TextIO | None = None) -> None:
    """Send what passes ``chosen`` to ``stream`` (standard error); replaces earlier set-ups."""
    logging.addLevelName(TRACE, "TRACE")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if json_lines else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(chosen.level)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.NOTSET)
    for name, level in chosen.parts:
        logging.getLogger(name).setLevel(level)


def setup_from_environment(verbosity: int = 0) -> None:
    """Set up before the configuration file is known; a bad filter there is ignored."""
    try:
        chosen = filter_from(os.environ, verbosity=verbosity)
    except ValueError:
        chosen = LogFilter().raised(verbosity)
    setup(chosen)


def _level_word(record: logging.LogRecord) -> str:
    return LEVEL_WORDS.get(record.levelno, record.levelname)


def _context(record: logging.LogRecord) -> dict[str, str]:
    values = vars(record)
    return {name: str(values[name]) for name in CONTEXT_FIELDS if values.get(name)}


def _subject(record: logging.LogRecord) -> str:
    context = _context(record)
    subject = "::".join(context[name] for name in ("camera", "stream") if name in context)
    return f"{subject}: " if subject else ""


def _details(record: logging.LogRecord) -> str:
    context = _context(record)
    # The phase tells where something failed; in the good news it would only be noise.
    shown = ("session", "client", *(("phase",) if record.levelno >= logging.WARNING else ()))
    words = [f"{name}={context[name]}" for name in shown if name in context]
    return f" ({' '.join(words)})" if words else ""


def _one_line(text: str) -> str:
    """Keep a peer's line breaks from forging log lines."""
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
