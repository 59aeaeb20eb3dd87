"""Which GET and which POST are one tunnel: a bounded table, with any clock. Pure.

The halves themselves are the owner's; they are told here when they end.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from neolink.rtsp.tunnel import TunnelRefused

__all__ = ["MAX_WAITING", "PAIR_WITHIN_S", "REOPEN_WITHIN_S", "Half", "Pairing", "TunnelKey"]

MAX_WAITING: Final = 32
"""Tunnels of which one half has come. Who waits longest, of the host with most, makes room."""

PAIR_WITHIN_S: Final = 5.0
"""How long the first half waits for the second."""

REOPEN_WITHIN_S: Final = 30.0
"""How long a tunnel lives whose player closed the POST and has not opened another."""


class TunnelKey(NamedTuple):
    """What both halves have in common. A cookie alone proves nothing: it is sent in clear."""

    host: str
    cookie: str
    is_secure: bool = False
    """Inside TLS. A POST in clear would tell what the GET asks for in confidence."""


class Half(Protocol):
    """One connection of a tunnel."""

    def end(self, reason: str) -> None:
        """Close it; ``reason`` is for the log."""


GetT = TypeVar("GetT", bound=Half)
PostT = TypeVar("PostT", bound=Half)


@dataclass(slots=True)
class _Tunnel(Generic[GetT, PostT]):
    since_s: float
    """When it began, or when it lost its POST."""
    get: GetT | None = None
    post: PostT | None = None
    was_whole: bool = False


class Pairing(Generic[GetT, PostT]):
    """Tunnels by key. Times are seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._tunnels: dict[TunnelKey, _Tunnel[GetT, PostT]] = {}  # the oldest first
        self.opened = 0
        """Tunnels that became whole."""
        self.evicted = 0
        """Halves that made room for others."""
        self.expired = 0
        """Tunnels whose other half did not come in time."""

    def __len__(self) -> int:
        return len(self._tunnels)

    @property
    def waiting(self) -> int:
        """Tunnels that were never whole."""
        return sum(1 for _ in self._waiting())

    def post_count(self, host: str) -> int:
        """Return how many POSTs of a host belong to a GET: each pair is one player."""
        return sum(
            key.host == host and tunnel.get is not None and tunnel.post is not None
            for key, tunnel in self._tunnels.items()
        )

    def open_get(self, key: TunnelKey, get: GetT, now_s: float) -> PostT | None:
        """Enter a GET; return the POST that waits for it. Raises TunnelRefused 400.

        A cookie that is in use is refused: a stranger must not take a tunnel over.
        """
        tunnel = self._find(key, now_s)
        if tunnel.get is not None:
            raise TunnelRefused(400, "This x-sessioncookie is in use.")
        tunnel.get = get
        self._note_whole(tunnel)
        return tunnel.post

    def open_post(self, key: TunnelKey, post: PostT, now_s: float) -> GetT | None:
        """Enter a POST; return the GET that waits for it. One that was there before ends."""
        tunnel = self._find(key, now_s)
        before, tunnel.post = tunnel.post, post
        self._note_whole(tunnel)
        if before is not None:
            before.end("another POST of this tunnel has come")
        return tunnel.get

    def close_get(self, key: TunnelKey, get: GetT) -> None:
        """Learn that a GET is gone, and the tunnel with it. A foreign one is ignored."""
        tunnel = self._tunnels.get(key)
        if tunnel is not None and tunnel.get is get:
            del self._tunnels[key]
            if tunnel.post is not None:
                tunnel.post.end("the GET of this tunnel is gone")

    def close_post(self, key: TunnelKey, post: PostT, now_s: float) -> None:
        """Learn that a POST is gone; its GET waits for another. A foreign one is ignored."""
        tunnel = self._tunnels.get(key)
        if tunnel is None or tunnel.post is not post:
            return
        tunnel.post, tunnel.since_s = None, now_s
        if tunnel.get is None:
            del self._tunnels[key]

    def expire(self, now_s: float) -> None:
        """End what has waited too long for its other half."""
        for key, tunnel in list(self._tunnels.items()):
            limit_s = REOPEN_WITHIN_S if tunnel.was_whole else PAIR_WITHIN_S
            if tunnel.get is not None and tunnel.post is not None:
                continue
            if now_s - tunnel.since_s >= limit_s:
                self.expired += 1
                self._end(key, f"the other half of the tunnel did not come within {limit_s:g} s")

    def _find(self, key: TunnelKey, now_s: float) -> _Tunnel[GetT, PostT]:
        tunnel = self._tunnels.get(key)
        if tunnel is None:
            if self.waiting >= MAX_WAITING:
                self._make_room()
            tunnel = self._tunnels[key] = _Tunnel(now_s)
        return tunnel

    def _note_whole(self, tunnel: _Tunnel[GetT, PostT]) -> None:
        is_whole = tunnel.get is not None and tunnel.post is not None
        self.opened += is_whole and not tunnel.was_whole
        tunnel.was_whole |= is_whole

    def _make_room(self) -> None:
        """End the oldest of the host that has most waiting: a flood harms nobody else."""
        hosts = Counter(key.host for key in self._waiting())
        ((host, _),) = hosts.most_common(1)
        self.evicted += 1
        oldest = next(key for key in self._waiting() if key.host == host)
        self._end(oldest, "made room: too many tunnels wait for their other half")

    def _waiting(self) -> Iterator[TunnelKey]:
        return (key for key, tunnel in self._tunnels.items() if not tunnel.was_whole)

    def _end(self, key: TunnelKey, reason: str) -> None:
        tunnel = self._tunnels.pop(key)
        for half in (tunnel.get, tunnel.post):
            if half is not None:
                half.end(reason)
