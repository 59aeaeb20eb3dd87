"""One line that says how everything does: for systemd, the log and ``neolink health``."""

from collections import Counter

from neolink.health.values import BridgeHealth, HealthState
from neolink.health.words import counted

__all__ = ["summary"]

LONGEST = 200


def summary(health: BridgeHealth) -> str:
    """Return ``4 cameras: 3 ok, 1 offline (garden: unreachable)``."""
    counts = Counter(camera.health.state for camera in health.cameras)
    states = [f"{counts[state]} {_spoken(state)}" for state in HealthState if counts[state]]
    line = counted(len(health.cameras), "camera") + (f": {', '.join(states)}" if states else "")
    if health.reasons:
        line += f" ({'; '.join(health.reasons)})"
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _spoken(state: HealthState) -> str:
    return state.replace("_", " ")
