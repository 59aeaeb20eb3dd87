"""Which mount a request path means: all spellings of stream names, any case. Pure.

``/NAME/main``, ``/NAME/mainStream``, ``/NAME`` and ``/NAME/auto`` (the best configured stream), and
the names that Reolink's own RTSP server uses (``/h264Preview_01_main``), when there is one camera.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from neolink.media.tracks import StreamKind

__all__ = ["BEST_FIRST", "Choice", "MountTable", "spellings"]

BEST_FIRST = (StreamKind.MAIN, StreamKind.SUB, StreamKind.EXTERN)
"""``/NAME`` means the first of these that is served."""

AUTO = "auto"
"""``/NAME/auto``: main or sub, whichever the player can follow."""

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Choice(Generic[M]):
    """What a path leaves open: both streams of its camera."""

    main: M
    sub: M
    is_asked_for: bool
    """Whether the path says so, and not only leaves out the stream."""


def spellings(kind: StreamKind) -> tuple[str, ...]:
    """Return the lower-case words that mean a stream in a path."""
    return (kind.value, f"{kind.value}stream")


Where = tuple[str, StreamKind, str]
"""Camera, stream, and the word in the path that named the stream, if any did."""


class MountTable(Generic[M]):
    """Mounts by path. Names match exactly first, then without regard to case."""

    def __init__(self, mounts: Mapping[tuple[str, StreamKind], M]) -> None:
        self._mounts = dict(mounts)
        self._exact = _table(mounts, str)
        self._folded = _table(mounts, str.casefold)

    def __iter__(self) -> Iterator[M]:
        """Yield every mount once."""
        return iter(self._mounts.values())

    def find(self, path: str) -> M | None:
        """Return the mount of a decoded path without its leading and trailing slash."""
        where = self._look_up(path)
        return self._mounts[where[:2]] if where else None

    def choice(self, path: str) -> Choice[M] | None:
        """Return both streams of a path that names neither; None where there are no two.

        The choice is between main and sub alone, whatever else the camera serves.
        """
        where = self._look_up(path)
        if where is None or where[2] not in {"", AUTO}:
            return None
        camera, _, word = where
        main, sub = (self._mounts.get((camera, kind)) for kind in (StreamKind.MAIN, StreamKind.SUB))
        if main is None or sub is None:
            return None
        return Choice(main, sub, is_asked_for=word == AUTO)

    def _look_up(self, path: str) -> Where | None:
        name, _, stream = path.rpartition("/")
        candidates = [(name, stream.casefold())] if name else []
        candidates.append((path, ""))
        for key in candidates:
            if (found := self._exact.get(key)) is not None:
                return found
        for name, word in candidates:
            if (found := self._folded.get((name.casefold(), word))) is not None:
                return found
        return None


def _table(
    mounts: Mapping[tuple[str, StreamKind], M], fold: Callable[[str], str]
) -> dict[tuple[str, str], Where]:
    table: dict[tuple[str, str], Where] = {}
    for kind in BEST_FIRST:
        for name, served in mounts:
            if served is kind:
                for word in ("", AUTO, *spellings(kind)):
                    table.setdefault((fold(name), word), (name, kind, word))
    only = {name for name, _ in mounts}
    if len(only) == 1:
        for name, kind in mounts:
            word = f"h264Preview_01_{kind.value}"
            table.setdefault((fold(word), ""), (name, kind, word))
    return table
