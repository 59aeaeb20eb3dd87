"""Which mount a request path means: all spellings of stream names, any case. Pure.

``/NAME/main``, ``/NAME/mainStream``, ``/NAME`` (the best configured stream), and the names that
Reolink's own RTSP server uses (``/h264Preview_01_main``), when there is one camera.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from neolink.media.tracks import StreamKind

__all__ = ["BEST_FIRST", "MountTable", "spellings"]

BEST_FIRST = (StreamKind.MAIN, StreamKind.SUB, StreamKind.EXTERN)
"""``/NAME`` means the first of these that is served."""

M = TypeVar("M")


def spellings(kind: StreamKind) -> tuple[str, ...]:
    """Return the lower-case words that mean a stream in a path."""
    return (kind.value, f"{kind.value}stream")


class MountTable(Generic[M]):
    """Mounts by path. Names match exactly first, then without regard to case."""

    def __init__(self, mounts: Mapping[tuple[str, StreamKind], M]) -> None:
        self._mounts = tuple(mounts.values())
        self._exact = _table(mounts, str)
        self._folded = _table(mounts, str.casefold)

    def __iter__(self) -> Iterator[M]:
        """Yield every mount once."""
        return iter(self._mounts)

    def find(self, path: str) -> M | None:
        """Return the mount of a decoded path without its leading and trailing slash."""
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
) -> dict[tuple[str, str], M]:
    table: dict[tuple[str, str], M] = {}
    for kind in BEST_FIRST:
        for (name, served), mount in mounts.items():
            if served is kind:
                table.setdefault((fold(name), ""), mount)
                for word in spellings(kind):
                    table.setdefault((fold(name), word), mount)
    only = {name for name, _ in mounts}
    if len(only) == 1:
        for (_, kind), mount in mounts.items():
            table.setdefault((fold(f"h264Preview_01_{kind.value}"), ""), mount)
    return table
