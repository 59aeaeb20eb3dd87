"""``/api/v1/events``: one listener's connection (server-sent events, HTML standard section 9.2)."""

import asyncio
from typing import Final

from aiohttp import web

from neolink.web.events import Listener
from neolink.web.exchange import Exchange

__all__ = ["stream_events"]

HEARTBEAT_S: Final = 15.0
CHECK_S: Final = 1.0
"""How often it is asked whether the caller may still listen."""

WRITE_TIMEOUT_S: Final = 10.0


async def stream_events(exchange: Exchange) -> web.StreamResponse:
    """Tell the news until the listener leaves or may not listen any more."""
    context, caller = exchange.context, exchange.caller
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    )
    await response.prepare(exchange.request)
    listener = await context.events.join(
        exchange.host.name, lambda camera: context.gate.may_watch(caller, camera)
    )
    try:
        await _tell(exchange, response, listener)
    finally:
        context.events.leave(listener)
    return response


async def _tell(exchange: Exchange, response: web.StreamResponse, listener: Listener) -> None:
    clock, transport = exchange.context.clock, exchange.request.transport
    written_s = clock.monotonic_s()
    while transport is not None and not transport.is_closing():
        if not exchange.context.gate.is_still_good(exchange.caller):
            return
        news = listener.take()
        if not news and clock.monotonic_s() - written_s >= HEARTBEAT_S:
            news = b": still here\n\n"
        if news:
            if not await _write(response, news):
                transport.abort()
                return
            written_s = clock.monotonic_s()
        try:
            async with asyncio.timeout(CHECK_S):
                await listener.has_news.wait()
        except TimeoutError:
            pass


async def _write(response: web.StreamResponse, news: bytes) -> bool:
    """Send something; False if the listener does not take it."""
    try:
        async with asyncio.timeout(WRITE_TIMEOUT_S):
            await response.write(news)
    except TimeoutError:
        return False
    return True
