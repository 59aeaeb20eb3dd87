"""What is the matter with the bridge as a process."""

from collections.abc import Iterator

from neolink.health.causes import Cause, Finding, find
from neolink.health.past import Latches, Recent
from neolink.health.thresholds import Thresholds
from neolink.readings import ProcessReading

__all__ = ["ProcessJudge"]

MOST_PARTS = 256
"""Parts whose restarts are followed; there is one per camera and a few more."""


class ProcessJudge:
    """Judges the process."""

    def __init__(self, limits: Thresholds) -> None:
        self._limits = limits
        self._restarts: dict[str, Recent] = {}
        self._latches = Latches()

    def judge(self, process: ProcessReading, now_s: float) -> tuple[Finding, ...]:
        """Return what is the matter, the worst first."""
        self._note(process, now_s)
        found = [*self._measured(process), *self._lately(now_s)]
        return self._latches.settle(now_s, found, self._limits.clear_s)

    def _note(self, process: ProcessReading, now_s: float) -> None:
        parts = list(process.restarts.items())[:MOST_PARTS]
        self._restarts = {name: self._restarts.get(name) or Recent() for name, _ in parts}
        for name, count in parts:
            self._restarts[name].note(now_s, count)

    def _measured(self, process: ProcessReading) -> Iterator[Finding]:
        limits = self._limits
        if not process.is_ready:
            yield find(Cause.NOT_READY)
        if process.loop_lag_s >= limits.loop_lag_s:
            yield find(Cause.LOOP_LAG, lag=process.loop_lag_s)
        used, most = process.open_descriptors, process.max_descriptors
        if 0 < most * limits.full_share <= used:
            yield find(Cause.DESCRIPTORS, used=used, limit=most)
        queued, most = process.queued_bytes, process.max_queued_bytes
        if 0 < most * limits.full_share <= queued:
            yield find(Cause.QUEUE, share=queued / most)

    def _lately(self, now_s: float) -> Iterator[Finding]:
        for name, counter in self._restarts.items():
            if counter.shows(now_s, self._limits):
                yield find(Cause.RESTARTS, part=name)
                return  # one line is enough: the log has them all
