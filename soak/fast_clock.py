"""``python -m soak.fast_clock SPEED MODULE ...``: run a module on a clock that is faster than ours.

Everything that Python reads or waits by runs at ``SPEED``: ``time``, and the timers of asyncio. The
program that runs has no part in it. What the kernel counts (CPU seconds, memory) stays real.
"""

import runpy
import selectors
import sys
import time
from collections.abc import Callable

__all__ = ["accelerate", "current_speed"]

_speed = 1.0


def current_speed() -> float:
    """How much faster than ours the clock of this process is."""
    return _speed


def accelerate(speed: float) -> None:
    """Let the clock of this process run ``speed`` times as fast; before any loop is made."""
    global _speed  # noqa: PLW0603 - the process has one clock
    _speed = speed
    for name in ("monotonic", "time", "perf_counter"):
        setattr(time, name, _faster(getattr(time, name), speed))
    setattr(time, "sleep", _sleeper(time.sleep, speed))
    setattr(selectors, "DefaultSelector", _selector(speed))  # what asyncio waits with
    sys.modules["uvloop"] = None  # type: ignore[assignment] # its timers are not Python's


def _faster(read: Callable[[], float], speed: float) -> Callable[[], float]:
    begin = read()
    return lambda: begin + (read() - begin) * speed


def _sleeper(sleep: Callable[[float], None], speed: float) -> Callable[[float], None]:
    return lambda seconds: sleep(seconds / speed)


def _selector(speed: float) -> type[selectors.BaseSelector]:
    class FastSelector(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            return super().select(timeout if timeout is None else timeout / speed)

    return FastSelector


def main() -> None:
    """Run the module that the arguments name, as ``python -m`` would."""
    _, speed, module, *rest = sys.argv
    # This module again under its importable name: there is one speed, not one for ``__main__``.
    sys.modules["soak.fast_clock"] = sys.modules[__name__]
    accelerate(float(speed))
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
