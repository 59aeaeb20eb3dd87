"""Who guesses passwords or tokens: how long an address waits before it may try again. Pure.

A bucket per address: some wrong logins are free, then one per interval. Addresses do not share a
bucket, so nobody can lock out another; those of one IPv6 network do, because it is one host's.
"""

from collections import OrderedDict

from neolink.listening import network_of

__all__ = ["Guesses"]

MAX_HOSTS = 4096
"""Addresses remembered; beyond it the one that was right or silent for longest is forgotten."""


class Guesses:
    """Wrong logins by address."""

    def __init__(self, *, free: int, interval_s: float) -> None:
        self._interval_s = interval_s
        self._free_s = (free - 1) * interval_s
        self._paid_until_s: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._paid_until_s)

    def wait_s(self, host: str, now_s: float) -> float:
        """Return how long a host must wait before it may try; 0: not at all."""
        paid_until_s = self._paid_until_s.get(network_of(host), now_s)
        return max(0.0, paid_until_s - now_s - self._free_s)

    def note_wrong(self, host: str, now_s: float) -> None:
        """Count one wrong login of a host."""
        network = network_of(host)
        before_s = max(now_s, self._paid_until_s.get(network, now_s))
        self._paid_until_s[network] = before_s + self._interval_s
        self._paid_until_s.move_to_end(network)
        if len(self._paid_until_s) > MAX_HOSTS:
            self._paid_until_s.popitem(last=False)

    def sweep(self, now_s: float) -> None:
        """Forget who has nothing left to wait for."""
        for network in [name for name, until_s in self._paid_until_s.items() if until_s <= now_s]:
            del self._paid_until_s[network]
