"""What players were refused, and why: counted always, told in the log once in a while.

Whether something is refused is decided elsewhere.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from neolink.clock import Clock
from neolink.listening import network_of
from neolink.log import RepeatLimiter

__all__ = ["Refusal", "Refusals"]

_LOG = logging.getLogger(__name__)


class Refusal(StrEnum):
    """Why somebody was turned away. A limit is named as its key in the file is."""

    MAX_CLIENTS = "max_clients"
    MAX_CLIENTS_PER_CAMERA = "max_clients_per_camera"
    MAX_CONNECTIONS = "max_connections"
    MAX_CONNECTIONS_PER_IP = "max_connections_per_ip"
    MAX_UNAUTHENTICATED = "max_unauthenticated"
    MAX_SESSIONS = "max_sessions"
    """Too many sessions on one connection, or in all."""
    WRONG_LOGIN = "wrong_login"
    NO_PERMISSION = "no_permission"
    NO_CAMERA = "no_camera"
    """A path that leads nowhere."""
    NOT_READY = "not_ready"
    """A camera that was never seen, and did not show itself in time."""
    NO_GROUP = "no_group"
    """No multicast address or socket for a stream."""
    TUNNEL = "tunnel"
    """HTTP on the RTSP port that is no tunnel, or one that carries nonsense."""
    TLS_HANDSHAKE = "tls_handshake"
    """Nothing that could be encrypted came about: the wrong scheme, versions, certificates."""


class Refusals:
    """Counts by reason."""

    def __init__(self, clock: Clock) -> None:
        self._counts: Counter[str] = Counter({reason.value: 0 for reason in Refusal})
        self._limiter = RepeatLimiter(clock)

    @property
    def counts(self) -> Mapping[str, int]:
        """How often by reason; every reason is there from the beginning."""
        return self._counts

    def note(self, reason: Refusal, about: str, text: str, *, kind: str = "") -> None:
        """Count one more; log ``text``, unless this reason was just logged ``about`` the same.

        A reason has kinds where what helps differs. Never what a stranger can make up.
        """
        self._counts[reason] += 1
        held_back = self._limiter.admit((reason, network_of(about), kind))
        if held_back is None:
            return
        more: Final = f" ({held_back} more like this held back)" if held_back else ""
        _LOG.warning("%s: %s%s", about, text, more)
