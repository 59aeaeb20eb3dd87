"""What the bridge tells of itself at ``/metrics``: tasks, lateness, drops, buffers.

The other figures of a run are seen from outside, by ``/proc`` and by players; these are not to be
seen there. Reading them is also a test: a scrape every few seconds for as long as the soak lasts.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from soak.http import ask as ask_http
from soak.http import bearer
from soak.wire import Disconnected

__all__ = ["Inside", "ask", "parse"]

TIMEOUT_S = 10.0

_LINE = re.compile(r"^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Inside:
    """One answer. Sums are over all cameras, ``drops`` so far and by reason."""

    tasks: int
    loop_lag_s: float
    """The worst of the last ten seconds."""
    connected: int
    """Cameras that it is logged in to."""
    pool_mib: float
    queued_mib: float
    drops: dict[str, int] = field(default_factory=dict)
    moves: dict[str, int] = field(default_factory=dict)
    """Of adaptive players, so far and by direction."""
    restarts: int = 0
    """Of parts of the bridge that failed by a fault of ours."""


async def ask(port: int, token: str = "") -> Inside:
    """Scrape the bridge. Raises OSError when it does not answer, ValueError for another answer."""
    try:
        answer = await ask_http(port, "/metrics", bearer(token), timeout_s=TIMEOUT_S)
    except Disconnected as error:
        raise OSError(str(error)) from None
    if answer.status != 200:
        raise ValueError(f"/metrics answers {answer.status}")
    return parse(answer.text)


def parse(text: str) -> Inside:
    """Read the text of a scrape. Raises ValueError when something is missing."""
    sums: dict[str, float] = defaultdict(float)
    drops: Counter[str] = Counter()
    moves: Counter[str] = Counter()
    for line in text.splitlines():
        if (found := _LINE.match(line)) is None:
            continue
        value = float(found["value"])
        sums[found["name"]] += value
        if found["name"] == "neolink_frames_dropped_total":
            drops[dict(_LABEL.findall(found["labels"]))["reason"]] += int(value)
        elif found["name"] == "neolink_moves_total":
            moves[dict(_LABEL.findall(found["labels"]))["direction"]] += int(value)
    missing = {"neolink_tasks", "neolink_loop_lag_seconds", "neolink_pool_bytes"} - sums.keys()
    if missing:
        raise ValueError(f"/metrics does not tell {', '.join(sorted(missing))}")
    return Inside(
        tasks=int(sums["neolink_tasks"]),
        loop_lag_s=sums["neolink_loop_lag_seconds"],
        connected=int(sums["neolink_camera_connected"]),
        pool_mib=sums["neolink_pool_bytes"] / (1 << 20),
        queued_mib=sums["neolink_queue_bytes"] / (1 << 20),
        drops=dict(drops),
        moves=dict(moves),
        restarts=int(sums["neolink_restarts_total"]),
    )
