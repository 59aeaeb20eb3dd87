"""What every part needs to log well: context, filters, repeat limits, redaction.

No handlers are set up here and nothing is formatted: that is ``neolink.cli.logging_setup``. Hot
path: a call below the threshold costs one dictionary look-up and builds nothing.

One logger per module (``logging.getLogger(__name__)``), bound to what it speaks of::

    log = bind(logging.getLogger(__name__), camera="porch", stream=StreamKind.MAIN)
    log.info("live")            # [... INFO  neolink.hub.stream] porch::mainStream: live
"""

import logging
import re
from collections import OrderedDict
from collections.abc import Hashable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote

from neolink.clock import Clock
from neolink.media.tracks import StreamKind

__all__ = [
    "CONTEXT_FIELDS",
    "OFF",
    "TRACE",
    "BoundLogger",
    "LogFilter",
    "RepeatLimiter",
    "bind",
    "bind_stream",
    "forget_secrets",
    "redact",
    "register_secret",
]

TRACE: Final = 5
"""Below DEBUG: single packets and state changes of the smallest kind."""

OFF: Final = logging.CRITICAL + 10
"""Above every level."""

CONTEXT_FIELDS: Final = ("camera", "stream", "session", "client", "phase")
"""Attributes that a bound logger gives to its records, in the order they are written."""


# ---------------------------------------------------------------- context
class BoundLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records carry context; made by :func:`bind`."""

    def __init__(self, logger: logging.Logger, context: Mapping[str, str]) -> None:
        super().__init__(logger, context)
        self.context: Final = context

    def process(
        self,
        msg: object,
        kwargs: MutableMapping[str, Any],  # Any: the signature of the standard library
    ) -> tuple[object, MutableMapping[str, Any]]:
        """Add the context; what the call itself says in ``extra`` wins."""
        kwargs["extra"] = {**self.context, **kwargs.get("extra", {})}
        return msg, kwargs


def bind(
    logger: logging.Logger | BoundLogger,
    *,
    camera: str | None = None,
    stream: StreamKind | None = None,
    session: str | None = None,
    client: str | None = None,
    phase: str | None = None,
) -> BoundLogger:
    """Give context to a logger, or more context to a bound one; ``None`` changes nothing.

    ``client`` is the player's address, ``phase`` the step of a longer task ("login", "describe").
    """
    given = {
        "camera": camera,
        "stream": f"{stream}Stream" if stream else None,
        "session": session,
        "client": client,
        "phase": phase,
    }
    context = {name: value for name, value in given.items() if value is not None}
    if isinstance(logger, BoundLogger):
        return BoundLogger(logger.logger, {**logger.context, **context})
    return BoundLogger(logger, context)


def bind_stream(logger: logging.Logger | BoundLogger, name: str) -> BoundLogger:
    """Bind a logger to the stream that is called so: ``porch/main``."""
    camera, _, kind = name.rpartition("/")
    if camera and kind in tuple(StreamKind):
        return bind(logger, camera=camera, stream=StreamKind(kind))
    return bind(logger, camera=name)


# ---------------------------------------------------------------- filters
LEVELS: Final = {
    "off": OFF,
    "error": logging.ERROR,
    "warn": logging.WARNING,
    "warning": logging.WARNING,
    "info": logging.INFO,
    "debug": logging.DEBUG,
    "trace": TRACE,
}

OUR_NAMES: Final = {
    "neolink.rtsp": "neolink.rtsp_server",
    "neolink.common": "neolink.camera",
    "neolink_core": "neolink.camera",
}
"""Parts of the Rust program, and the part of ours that does the same work."""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which levels pass: one for all loggers, others for parts of the tree."""

    level: int = logging.INFO
    parts: tuple[tuple[str, int], ...] = ()

    @classmethod
    def parse(cls, spec: str) -> Self:
        """Read the ``RUST_LOG`` syntax: ``info``, ``neolink::rtsp=trace,warn``, ``neolink.hub``.

        A name without a level lets everything of it pass. What follows ``/`` (a text filter of
        the Rust program) is not used. Raises ValueError for an unknown level.
        """
        level = logging.INFO
        parts: dict[str, int] = {}
        for directive in spec.partition("/")[0].split(","):
            name, equals, word = (piece.strip() for piece in directive.partition("="))
            if equals:
                parts[_our_name(name)] = _level(word) if word else TRACE
            elif name.lower() in LEVELS:
                level = LEVELS[name.lower()]
            elif name.startswith("neolink"):
                parts[_our_name(name)] = TRACE
            elif name:
                raise ValueError(f"not a log level: {name!r}; allowed: {', '.join(LEVELS)}")
        return cls(level, tuple(sorted(parts.items())))

    def raised(self, steps: int) -> Self:
        """Let ``steps`` more levels pass everywhere: what ``-v`` and ``-vv`` do."""
        ladder = [OFF, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, TRACE]
        level = ladder[min(ladder.index(self.level) + steps, len(ladder) - 1)]
        return type(self)(level, self.parts)


def _level(word: str) -> int:
    if word.lower() not in LEVELS:
        raise ValueError(f"not a log level: {word!r}; allowed: {', '.join(LEVELS)}")
    return LEVELS[word.lower()]


def _our_name(name: str) -> str:
    dotted = name.replace("::", ".")
    for theirs, ours in OUR_NAMES.items():
        if dotted == theirs or dotted.startswith(theirs + "."):
            return ours
    return dotted


# ---------------------------------------------------------------- repeats
QUIET_S: Final = 30.0
"""A message that did not come for so long has ended: longer than any pause between attempts."""

LONGEST_INTERVAL_S: Final = 600.0
"""What goes on for hours is told so often."""


@dataclass(slots=True)
class _Repeat:
    """One message that came: when it was told and heard last, and what was held back since."""

    told_s: float
    heard_s: float
    interval_s: float
    held_back: int = 0


class RepeatLimiter:
    """Lets the same message of the same camera and stream through ever more rarely.

    Once per ``interval_s`` at first; where it goes on, the distance doubles up to
    ``LONGEST_INTERVAL_S``, so that a camera that is away for a night does not fill the log. After
    ``QUIET_S`` without it, it is new again. What was held back is told with the next one that
    passes, or by :meth:`sweep` when none comes. It remembers ``capacity`` messages and forgets
    the one not told for longest.
    """

    def __init__(self, clock: Clock, *, interval_s: float = 10.0, capacity: int = 1024) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._capacity = capacity
        self._seen: OrderedDict[Hashable, _Repeat] = OrderedDict()
        self._held: dict[Hashable, tuple[logging.Logger | BoundLogger, int, str]] = {}
        """The newest of each that was held back, as text: arguments may hold on to much."""

    def admit(self, key: Hashable) -> int | None:
        """Count one occurrence: how many were held back before it, or ``None`` to hold it back."""
        now_s = self._clock.monotonic_s()
        repeat = self._seen.get(key)
        if repeat is None:
            self._remember(key, _Repeat(now_s, now_s, self._interval_s))
            return 0
        silent_s, repeat.heard_s = now_s - repeat.heard_s, now_s
        if silent_s >= QUIET_S:
            repeat.interval_s = self._interval_s
        elif now_s - repeat.told_s < repeat.interval_s:
            repeat.held_back += 1
            return None
        else:
            repeat.interval_s = min(2 * repeat.interval_s, LONGEST_INTERVAL_S)
        held_back, repeat.held_back, repeat.told_s = repeat.held_back, 0, now_s
        self._seen.move_to_end(key)
        return held_back

    def _remember(self, key: Hashable, repeat: _Repeat) -> None:
        self._seen[key] = repeat
        if len(self._seen) > self._capacity:
            forgotten, _ = self._seen.popitem(last=False)
            self._held.pop(forgotten, None)

    def log(
        self,
        logger: logging.Logger | BoundLogger,
        level: int,
        message: str,
        *args: object,
        about: Hashable = None,
    ) -> None:
        """Log unless the same ``message`` (before formatting) was just logged; tell the count.

        ``about`` tells messages apart that differ in their arguments only.
        """
        if not logger.isEnabledFor(level):
            return
        key = (*_whose(logger), level, message, about)
        held_back = self.admit(key)
        if held_back is None:
            self._held[key] = logger, level, _formatted(message, args)
            return
        self._held.pop(key, None)
        if held_back:
            message, args = message + " (%d more like this held back)", (*args, held_back)
        logger.log(level, message, *args, stacklevel=2)
        self.sweep()

    def drop(self, logger: logging.Logger | BoundLogger) -> None:
        """Say no more of what was held back of this logger: something else tells how it ended."""
        whose = _whose(logger)
        ended = [key for key, (held, *_) in self._held.items() if _whose(held) == whose]
        for key in ended:
            del self._held[key]
            self._seen[key].held_back = 0

    def sweep(self) -> None:
        """Tell of repetitions that have ended; every few seconds is enough."""
        now_s = self._clock.monotonic_s()
        ended = [key for key in self._held if now_s - self._seen[key].heard_s >= QUIET_S]
        for key in ended:
            logger, level, text = self._held.pop(key)
            repeat = self._seen[key]
            held_back, repeat.held_back, repeat.told_s = repeat.held_back, 0, now_s
            self._seen.move_to_end(key)
            ago_s = now_s - repeat.heard_s
            text = f"{text} ({held_back} like this held back, the last {ago_s:.0f} s ago)"
            logger.log(level, "%s", text)


def _whose(logger: logging.Logger | BoundLogger) -> tuple[str, str | None, str | None]:
    context = logger.context if isinstance(logger, BoundLogger) else {}
    return logger.name, context.get("camera"), context.get("stream")


def _formatted(message: str, args: tuple[object, ...]) -> str:
    try:
        return message % args if args else message
    except (TypeError, ValueError):  # a mistake of ours; the log itself would only complain
        return message


# ---------------------------------------------------------------- secrets
REDACTED: Final = "***"

SHORTEST_SECRET: Final = 4
"""Shorter secrets are not searched for: they would blank out ordinary words and numbers."""


class _Secrets:
    """Texts that must not be written, and the pattern that finds any of them."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._compiled_texts = 0

    def clear(self) -> None:
        self.texts.clear()
        self._pattern, self._compiled_texts = None, 0

    def blank_out(self, text: str) -> str:
        # compiled late, because a configuration registers hundreds at once
        if len(self.texts) != self._compiled_texts:
            # longest first, so that a secret which contains another one vanishes as a whole
            ordered = sorted(self.texts, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None
            self._compiled_texts = len(self.texts)
        return self._pattern.sub(REDACTED, text) if self._pattern else text


_secrets = _Secrets()


def register_secret(secret: str) -> None:
    """Have :func:`redact` blank out ``secret``, also as part of a URL or of XML."""
    if len(secret) >= SHORTEST_SECRET:
        _secrets.texts |= {secret, quote(secret, safe=""), _in_xml(secret), repr(secret)[1:-1]}


def _in_xml(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def forget_secrets() -> None:
    """Forget all registered secrets (for tests, and before another configuration is loaded)."""
    _secrets.clear()


def redact(text: str) -> str:
    """Blank out every registered secret in ``text``."""
    return _secrets.blank_out(text)
