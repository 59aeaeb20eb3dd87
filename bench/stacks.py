"""Samples of a profiler, as stacks with counts: read, shortened, counted. Pure.

The form is the collapsed one of every flame graph tool: frames from the outermost to the innermost
with ``;`` between them, a blank, and how many samples saw them so.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

__all__ = ["EVENT_LOOP", "Stack", "counts_of", "parse", "shares_with", "shorten", "waits"]

Stack = tuple[str, ...]
"""Frames, the outermost first."""

EVENT_LOOP = "event loop"
"""Stands for the frames of the loop and of what started it."""

_OUTSIDE = re.compile(r" \((?:asyncio|click|loop\.c|<frozen|neolink/(?:__main__|cli/))")
_WAITING = ("epoll_", "select ")
_PLACE = re.compile(r"(?P<name>.*) \((?P<file>[^()]*?)(?::\d+)?\)")


def parse(text: str) -> Counter[Stack]:
    """Return how many samples each stack has. Raises ValueError for another form."""
    stacks: Counter[Stack] = Counter()
    for line in text.splitlines():
        frames, blank, count = line.rpartition(" ")
        if not blank or not count.isdigit():
            raise ValueError(f"no collapsed stack: {line[:80]!r}")
        stacks[tuple(frames.split(";"))] += int(count)
    return stacks


def waits(stack: Stack) -> bool:
    """Whether nothing was to be done: profilers see some of the waiting too."""
    return stack[-1].startswith(_WAITING)


def shorten(stack: Stack) -> Stack:
    """Return Python's frames inside the event loop, and the innermost frame whatever it is.

    Of C only the innermost frame is told: what is between is the interpreter at work.
    """
    inner = [frame for frame in stack if ".py" in frame and not _OUTSIDE.search(frame)]
    if stack[-1] not in inner[-1:]:
        inner.append(stack[-1])
    return EVENT_LOOP, *(_name(frame) for frame in inner)


def _name(frame: str) -> str:
    """Return a function with its file, without the line and the package that all share."""
    found = _PLACE.fullmatch(frame)
    if found is None:
        return frame
    file = found["file"].removeprefix("neolink/")
    if file == "<string>":
        return "init of a dataclass" if "__init__" in found["name"] else found["name"]
    if found["name"].startswith("0x"):
        return f"somewhere in {file}"
    return f"{found['name'].rpartition('<locals>.')[2]} ({file})"


def counts_of(stacks: Mapping[Stack, int]) -> Counter[str]:
    """Return in how many samples each function was the innermost."""
    counts: Counter[str] = Counter()
    for stack, count in stacks.items():
        counts[stack[-1]] += count
    return counts


def shares_with(stacks: Mapping[Stack, int]) -> Counter[str]:
    """Return in how many samples each function was anywhere on the stack."""
    counts: Counter[str] = Counter()
    for stack, count in stacks.items():
        for name in _once(stack):
            counts[name] += count
    return counts


def _once(stack: Stack) -> Iterator[str]:
    return iter(dict.fromkeys(stack))
