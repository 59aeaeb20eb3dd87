"""What every scenario is given, and how it is called."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Section

__all__ = ["Context", "Measure", "say"]


@dataclass(frozen=True, slots=True)
class Context:
    """How much to measure. ``folder`` is for files and logs of the run and vanishes with it."""

    folder: Path
    runs: int
    seconds: float
    """Of one run."""
    settle_s: float
    """Before the first run, so that nobody is still being served what was cached."""
    most: int
    """Players or cameras at the same time; larger sizes are left out."""

    def sizes(self, wanted: Sequence[int]) -> list[int]:
        """Return the sizes that are allowed; the largest allowed one if none is."""
        return [size for size in wanted if size <= self.most] or [self.most]


Measure = Callable[[Context], Awaitable[Section]]


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"  {text}", flush=True)
