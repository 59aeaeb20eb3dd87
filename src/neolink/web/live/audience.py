"""Everybody who watches over HTTP: how many there may be, and the number of each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self

from aiohttp import web

from neolink.listening import printable
from neolink.media.tracks import StreamKind
from neolink.web.access import Caller
from neolink.web.errors import ApiError
from neolink.web.exchange import Exchange
from neolink.web.refusals import HttpRefusal

__all__ = ["Audience", "Watcher"]


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who watches what."""

    camera: str
    kind: StreamKind
    path: str
    """What was asked for, without query."""
    caller: Caller
    host: str
    address: str
    """``192.0.2.7:51000``; without a port where a proxy stands between."""
    agent: str

    @classmethod
    def of(cls, exchange: Exchange) -> Self:
        """Return who sends a request for a stream. Raises ApiError 404 for one that is none."""
        request, stream = exchange.request, exchange.stream()
        return cls(
            camera=stream.camera,
            kind=stream.kind,
            path=request.path,
            caller=exchange.caller,
            host=exchange.address,
            address=_address(request, exchange.address),
            agent=printable(request.headers.get("User-Agent", "")),
        )


class Audience:
    """Gives out places. ``refused`` counts those who got none."""

    def __init__(self, limit: int, numbers: Iterator[int], refused: Counter[str]) -> None:
        self.count = 0
        self._limit = limit
        self._numbers = numbers
        self._refused = refused

    def enter(self) -> int:
        """Take a place and return the number of who took it. Raises ApiError 503."""
        if self.count >= self._limit:
            self._refused[HttpRefusal.MAX_VIEWERS] += 1
            text = f"{self._limit} viewers watch already; that is the limit: try again later"
            headers = {"Retry-After": "5"}
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", text, headers=headers)
        self.count += 1
        return next(self._numbers)

    def leave(self) -> None:
        """Give a place back."""
        self.count -= 1


def _address(request: web.Request, host: str) -> str:
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    if not isinstance(peer, tuple) or peer[0] != host:
        return host
    return f"[{host}]:{peer[1]}" if ":" in host else f"{host}:{peer[1]}"
