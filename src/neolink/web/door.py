"""Who may connect and stay: every connection of the HTTP server, counted and watched.

It stands between the sockets and aiohttp, which bounds neither how many connections there are nor
how long one may take to ask, nor how much it may send meanwhile. HTTP is not read here. Hot path:
``data_received`` of a guest runs once per piece of a request (what browsers send while they watch
is next to nothing).
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Final, cast

from neolink.clock import Clock
from neolink.listening import network_of
from neolink.web.headers import HEADERS
from neolink.web.jsontext import to_json
from neolink.web.refusals import HttpRefusal
from neolink.web.settings import HttpLimits

__all__ = ["Door"]

NEWCOMER_S: Final = 2.0
"""Who has not been admitted within this time makes room when there is none."""

FLUSH_S: Final = 5.0
"""How long a connection that was told to close may take to send what is left."""

MOST_ASKED: Final = 128 * 1024
"""Bytes that one may send from the begin of an answer to that of the next; a body is smaller."""


class Door:
    """Makes the protocol of each connection and keeps the limits.

    ``is_proxy`` tells of an address whether many may ask from it.
    """

    def __init__(
        self,
        limits: HttpLimits,
        clock: Clock,
        refused: Counter[str],
        make_inner: Callable[[], asyncio.Protocol],
        is_proxy: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self.limits = limits
        self._is_proxy = is_proxy
        self._clock = clock
        self._refused = refused
        self._make_inner = make_inner
        self._guests: dict[asyncio.BaseTransport, _Guest] = {}  # the oldest first
        self._per_host: Counter[str] = Counter()

    def __call__(self) -> asyncio.Protocol:
        """Make the protocol of a connection that was accepted."""
        return _Guest(self, self._make_inner)

    def __len__(self) -> int:
        """Return how many connections are open."""
        return len(self._guests)

    # -- requests ---------------------------------------------------------------------

    def begin(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that a request of a connection is being answered."""
        guest = self._guests.get(transport) if transport else None
        if guest is not None:
            guest.idle_since_s = None
            guest.asked_bytes = 0

    def finish(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that a request of a connection was answered."""
        guest = self._guests.get(transport) if transport else None
        if guest is not None:
            guest.idle_since_s = self._clock.monotonic_s()

    def upgrade(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that a connection does not speak HTTP any more; its route bounds what is sent."""
        guest = self._guests.get(transport) if transport else None
        if guest is not None:
            guest.is_upgraded = True

    def admit(self, transport: asyncio.BaseTransport | None) -> None:
        """Note that somebody who may see something asks by a connection."""
        guest = self._guests.get(transport) if transport else None
        if guest is not None:
            guest.is_admitted = True

    # -- connections ------------------------------------------------------------------

    def sweep(self) -> None:
        """Close what has been open for too long without a request."""
        now_s = self._clock.monotonic_s()
        for guest in list(self._guests.values()):
            idle_s = 0.0 if guest.idle_since_s is None else now_s - guest.idle_since_s
            if idle_s > self.limits.idle_timeout_s + FLUSH_S:
                guest.abort()
            elif idle_s > self.limits.idle_timeout_s:
                guest.close()

    def close_all(self) -> None:
        """End all connections at once."""
        for guest in list(self._guests.values()):
            guest.abort()

    def welcome(self, guest: "_Guest", transport: asyncio.Transport) -> bool:
        """Take a new connection in; False: there is no room."""
        address = _host(transport)
        host = guest.host = network_of(address)
        reason = self._reason_against(host, is_proxy=self._is_proxy(address))
        if reason:
            self._refused[reason] += 1
            return False
        guest.opened_s = guest.idle_since_s = self._clock.monotonic_s()
        self._guests[transport] = guest
        self._per_host[host] += 1
        _tune(transport)
        return True

    def forget(self, guest: "_Guest") -> None:
        """Take note that a connection has ended."""
        transport = guest.transport
        if transport is None or self._guests.pop(transport, None) is None:
            return
        self._per_host[guest.host] -= 1
        if not self._per_host[guest.host]:
            del self._per_host[guest.host]

    def cut(self, guest: "_Guest") -> None:
        """End a connection that sends more than any request needs."""
        self._refused[HttpRefusal.TOO_MUCH_SENT] += 1
        guest.abort()

    def _reason_against(self, host: str, *, is_proxy: bool) -> HttpRefusal | None:
        is_full = self._per_host[host] >= self.limits.max_connections_per_ip
        if is_full and not is_proxy:
            return HttpRefusal.MAX_CONNECTIONS_PER_IP
        if len(self._guests) >= self.limits.max_connections and not self._make_room():
            return HttpRefusal.MAX_CONNECTIONS
        return None

    def _make_room(self) -> bool:
        """End the oldest connection that was never admitted to anything."""
        now_s = self._clock.monotonic_s()
        for guest in self._guests.values():
            if not guest.is_admitted and now_s - guest.opened_s >= NEWCOMER_S:
                guest.abort()
                self.forget(guest)
                return True
        return False


class _Guest(asyncio.Protocol):
    """One connection: hands everything on to aiohttp's protocol."""

    def __init__(self, door: Door, make_inner: Callable[[], asyncio.Protocol]) -> None:
        self.host = ""
        self.is_admitted = False
        self.is_upgraded = False
        self.asked_bytes = 0
        """Since the last answer began."""
        self.opened_s = 0.0
        self.idle_since_s: float | None = None
        """None while a request is being answered."""
        self.transport: asyncio.Transport | None = None
        self._door = door
        self._make_inner = make_inner
        self._inner: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = stream = cast(asyncio.Transport, transport)
        if not self._door.welcome(self, stream):
            stream.write(_refusal())
            stream.close()
            return
        self._inner = self._make_inner()
        self._inner.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        if self._inner is None:
            return
        self.asked_bytes += len(data)
        if self.asked_bytes > MOST_ASKED and not self.is_upgraded:
            self._door.cut(self)
            return
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.forget(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)
            self._inner = None

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def _refusal() -> bytes:
    """Return the answer to who finds no room, whatever was asked."""
    error = {"code": "busy", "message": "too many connections: try again in a few seconds"}
    body = to_json({"error": error})
    headers = {
        **HEADERS,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Cache-Control": "no-store",
        "Retry-After": "5",
        "Connection": "close",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 503 Service Unavailable\r\n{lines}\r\n".encode() + body


def _host(transport: asyncio.BaseTransport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if isinstance(peer, tuple) else ""


def _tune(transport: asyncio.Transport) -> None:
    """End the wait for a peer that is gone without a word."""
    sock, option = transport.get_extra_info("socket"), getattr(socket, "TCP_USER_TIMEOUT", None)
    if sock is not None and option is not None:  # not on every platform
        sock.setsockopt(socket.IPPROTO_TCP, option, 15_000)
