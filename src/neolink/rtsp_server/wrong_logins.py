"""Who guesses passwords: wrong logins per host within a minute. Pure.

Who waits, and how long, is decided elsewhere. Missing credentials are no guess:
that is how every player begins.
"""

from typing import Final

from neolink.listening import network_of

__all__ = ["WrongLogins"]

WINDOW_S: Final = 60.0
MAX_HOSTS: Final = 4096
"""Hosts remembered; beyond it the one that began longest ago is forgotten."""


class WrongLogins:
    """Counts wrong logins by host, by subnet for IPv6. The first ``free`` a minute cost nothing."""

    def __init__(self, free: int = 5) -> None:
        self._free = free
        self._hosts: dict[str, tuple[float, int]] = {}

    def note(self, host: str, now_s: float) -> bool:
        """Count one more of a host; return whether its answer is to be delayed."""
        who = network_of(host)
        since_s, count = self._hosts.pop(who, (now_s, 0))
        if now_s - since_s > WINDOW_S:
            since_s, count = now_s, 0
        self._hosts[who] = (since_s, count + 1)
        if len(self._hosts) > MAX_HOSTS:
            del self._hosts[next(iter(self._hosts))]
        return count >= self._free
