"""What happened to a simulated camera, counted; and waiting for it to happen. No sockets here."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from neolink.media.tracks import StreamKind

__all__ = ["CameraStats", "StatsWatch", "StreamKey"]

StreamKey = tuple[int, StreamKind]
"""Channel and stream; a plain string such as ``"main"`` serves as the second as well."""


@dataclass(slots=True)
class CameraStats:
    """Counters of one camera since its start. ``requests`` is by message id, ``faults`` by name.

    ``frames_sent`` and ``frames_dropped`` count pictures over all clients; ``last_counter`` is the
    number shown in the picture that was sent last.
    """

    connections: int = 0
    open_connections: int = 0
    logins: int = 0
    refused_logins: int = 0
    open_sessions: int = 0
    requests: Counter[int] = field(default_factory=Counter)
    pings: int = 0
    snapshots: int = 0
    time_sets: int = 0
    pushes: int = 0
    video_starts: Counter[StreamKey] = field(default_factory=Counter)
    video_stops: Counter[StreamKey] = field(default_factory=Counter)
    active_streams: Counter[StreamKey] = field(default_factory=Counter)
    frames_sent: Counter[StreamKey] = field(default_factory=Counter)
    frames_dropped: Counter[StreamKey] = field(default_factory=Counter)
    last_counter: dict[StreamKey, int] = field(default_factory=dict)
    protocol_troubles: int = 0
    backlog_resets: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def describe(self) -> str:
        """Return the counters that people ask for, in one line."""
        parts = [
            f"{self.connections} connections ({self.open_connections} open)",
            f"{self.logins} logins, {self.refused_logins} refused",
            f"{self.requests.total()} requests ({self.pings} pings)",
        ]
        for (channel, kind), sent in sorted(self.frames_sent.items()):
            dropped = self.frames_dropped[channel, kind]
            parts.append(f"{kind} of channel {channel}: {sent} pictures sent, {dropped} dropped")
        parts += [f"{name} x{count}" for name, count in sorted(self.faults.items())]
        return "; ".join(parts)


class StatsWatch:
    """Wakes those who wait for something to be true of the counters."""

    def __init__(self, stats: CameraStats) -> None:
        self._stats = stats
        self._waiting: dict[asyncio.Future[None], Callable[[CameraStats], bool]] = {}

    def notice(self) -> None:
        """Look again; called after every change. Costs nothing while nobody waits."""
        for future, is_true in list(self._waiting.items()):
            if not future.done() and is_true(self._stats):
                future.set_result(None)

    async def wait_for(self, is_true: Callable[[CameraStats], bool], timeout_s: float) -> None:
        """Return as soon as the predicate holds. Raises TimeoutError, showing the counters."""
        if is_true(self._stats):
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = is_true
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            raise TimeoutError(f"not within {timeout_s} s; now {self._stats}") from None
        finally:
            del self._waiting[future]
