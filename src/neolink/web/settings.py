"""What the HTTP server needs to know, as frozen values. No file is read here."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["HttpLimits", "HttpSettings", "Network", "is_loopback"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """What one listener spends at most."""

    max_connections: int = 512
    """Open connections in all."""

    max_connections_per_ip: int = 128
    """Open connections from one address. A wall of 64 tiles in one browser needs 71.

    Those of a proxy are only counted in all.
    """

    max_viewers: int = 400
    """Who may watch live video over HTTP at a time, by WebSocket and HLS together."""

    max_viewer_bytes: int = 128 << 20
    """What may wait for all viewers together."""

    idle_timeout_s: float = 15.0
    """How long a connection may be open without a complete request."""

    answer_timeout_s: float = 30.0
    """How long an ordinary answer may take, from the request to its last byte."""

    body_timeout_s: float = 5.0
    """How long the body of a request may take to arrive."""

    max_body: int = 16 * 1024
    """Bytes of the body of a request."""

    free_logins: int = 8
    """Wrong logins at a stretch that cost an address nothing."""

    login_interval_s: float = 10.0
    """How often an address may be wrong after that."""

    max_sessions: int = 1000
    """Browsers that are logged in; beyond it the one unused for longest is logged out."""

    session_idle_s: float = DAY_S / 2
    """How long a login lives unused; an open page uses it all the time."""

    session_age_s: float = 30 * DAY_S
    """How long a login lives at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The listener: where, for whom, within which limits."""

    bind: str = "127.0.0.1"
    """Address to listen on."""

    port: int = 8080
    """TCP port to listen on; 0 lets the system choose."""

    needs_login: bool = False
    """False: everybody who reaches it may see and do everything. Only on loopback."""

    token: str | None = field(default=None, repr=False)
    """Whoever sends it as bearer token may see and do everything."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Password by name of those who may log in. They see what each camera lets them."""

    proxies: tuple[Network, ...] = ()
    """Where proxies ask from, whose ``X-Forwarded-For`` is believed."""

    limits: HttpLimits = field(default_factory=HttpLimits)
    """What the listener spends at most."""


def is_loopback(host: str) -> bool:
    """Tell whether an address (or ``localhost``) is only this machine's."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
