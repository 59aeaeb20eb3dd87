"""What players ask of a server in this process, in order, while they are served as ever."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import pytest

from neolink.rtsp import message
from neolink.rtsp.message import Request, Response
from neolink.rtsp_server.requests import methods
from neolink.rtsp_server.requests.methods import Conversation

__all__ = ["Exchange", "Overheard", "overhearing"]


@dataclass(slots=True, eq=False)
class Exchange:
    """A request and its answer.

    ``scheme`` is how the player proved who it is: ``Basic``, ``MD5``, ``SHA-256`` or nothing.
    ``was_at_once`` tells that nothing was waited for: the answer left in the turn of the loop that
    took the request. ``media_bytes`` had then been sent to all players together.
    """

    connection: str
    is_secure: bool
    is_tunnelled: bool
    request: Request
    came_s: float
    """Of the monotonic clock."""
    status: int = 0
    was_at_once: bool = True
    media_bytes: int = 0

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def transport(self) -> str:
        """The ``Transport`` that was asked for."""
        return self.header("Transport")

    @property
    def scheme(self) -> str:
        kind, _, rest = self.header("Authorization").partition(" ")
        if kind != "Digest":
            return kind
        return "SHA-256" if "SHA-256" in rest else "MD5"

    def header(self, name: str) -> str:
        return self.request.headers.get(name) or ""


@dataclass(slots=True, eq=False)
class Overheard:
    """All exchanges so far."""

    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def connections(self) -> set[str]:
        """Where requests came from."""
        return {exchange.connection for exchange in self.exchanges}

    def of(self, method: str, *, status: int | None = None) -> list[Exchange]:
        """Return the exchanges of a method, those with one answer if it is named."""
        return [
            exchange
            for exchange in self.exchanges
            if exchange.method == method and status in {None, exchange.status}
        ]


_CURRENT: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def overhearing() -> Iterator[Overheard]:
    """Listen to every server of this process for the length of a block."""
    overheard = Overheard()
    handle = Conversation.handle

    async def listen(conversation: Conversation, request: Request) -> bool:
        connection = conversation._connection
        exchange = Exchange(
            connection.name,
            connection.is_secure,
            connection.is_tunnelled,
            request,
            time.monotonic(),
        )
        overheard.exchanges.append(exchange)
        _CURRENT.set(exchange)
        turn = asyncio.get_running_loop().call_soon(setattr, exchange, "was_at_once", False)
        try:
            return await handle(conversation, request)
        finally:
            turn.cancel()
            players = conversation._context.players.values()
            exchange.media_bytes = sum(player.sums.bytes_sent for player in players)

    def noting(make: Any) -> Any:
        def note(*arguments: Any, **options: Any) -> Response:
            response: Response = make(*arguments, **options)
            if (exchange := _CURRENT.get(None)) is not None:
                exchange.status = response.status
            return response

        return note

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Conversation, "handle", listen)
        patch.setattr(methods, "reply", noting(message.reply))
        patch.setattr(methods, "reply_to_error", noting(message.reply_to_error))
        yield overheard
