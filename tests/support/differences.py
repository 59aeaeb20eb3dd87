"""A pytest plugin: two large values that differ are compared quickly, and their difference is cut.

In CI pytest shows every difference, and looks for the most legible way to tell it. For a picture of
some hundred kilobytes that takes hours; the time-out that breaks into it may end the whole run,
because what it breaks into has no line number (``INTERNALERROR``, CPython 3.11).
"""

import difflib
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

import pytest

__all__ = ["pytest_configure", "pytest_unconfigure"]

MOST_LINES: Final = 200
"""Of each value, in a comparison by all means; and of what is shown of a larger one."""

_patch = pytest.MonkeyPatch()


def pytest_configure() -> None:
    """Begin to keep comparisons short."""
    _patch.setattr(difflib, "ndiff", _kept_short(difflib.ndiff))


def pytest_unconfigure() -> None:
    """End that."""
    _patch.undo()


def _kept_short(compare: Callable[..., Iterator[str]]) -> Callable[..., Iterator[str]]:
    def compare_shortly(
        a: Sequence[str],
        b: Sequence[str],
        *options: Any,  # Any: the signature of difflib
        **named: Any,
    ) -> Iterator[str]:
        if max(len(a), len(b)) <= MOST_LINES:
            return compare(a, b, *options, **named)
        lines = difflib.unified_diff(a, b, n=0, lineterm="")
        return chain(islice(lines, MOST_LINES), [f"(cut: {len(a)} and {len(b)} lines)"])

    return compare_shortly
