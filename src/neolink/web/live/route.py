"""``/api/v1/cameras/NAME/streams/KIND/live``: one viewer's WebSocket, from upgrade to close."""

import asyncio
import logging
from http import HTTPStatus
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from neolink.hub.stream import Stream
from neolink.log import bind
from neolink.web.errors import ApiError
from neolink.web.exchange import Exchange
from neolink.web.live.audience import Watcher
from neolink.web.live.viewer import Viewer

__all__ = ["live", "wanted_stream"]

_LOG = logging.getLogger(__name__)

MAX_MESSAGE: Final = 1024
"""Bytes of what a viewer may send: it has nothing to say but pongs and goodbye."""

HEARTBEAT_S: Final = 20.0
"""How often a viewer that is silent is asked whether it is there; it has half as long to answer."""

CLOSE_S: Final = 2.0
"""How long a goodbye may take."""

_CHOICES: Final = {None: False, "0": False, "1": True}


async def live(exchange: Exchange) -> web.StreamResponse:
    """Show a stream until the viewer leaves or may not watch any more."""
    watcher = Watcher.of(exchange)
    stream = wanted_stream(exchange, watcher)
    has_sound = _wants_sound(exchange.request)
    audience = exchange.context.live.audience
    socket = web.WebSocketResponse(
        compress=False, max_msg_size=MAX_MESSAGE, heartbeat=HEARTBEAT_S, timeout=CLOSE_S
    )
    if not socket.can_prepare(exchange.request):
        text = "this address is for WebSockets: ask with Upgrade: websocket"
        headers = {"Upgrade": "websocket"}
        raise ApiError(HTTPStatus.UPGRADE_REQUIRED, "upgrade_required", text, headers=headers)
    number = audience.enter()
    try:
        await socket.prepare(exchange.request)
        await _show(exchange, socket, stream, (number, watcher), has_sound=has_sound)
    finally:
        audience.leave()
    return socket


def wanted_stream(exchange: Exchange, watcher: Watcher) -> Stream:
    """Return the stream itself. Raises ApiError 503 while it is not served."""
    stream = exchange.context.view.stream(watcher.camera, watcher.kind)
    if stream is None:
        text = "this stream is not served now: it is being changed, try again"
        headers = {"Retry-After": "2"}
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "not_served", text, headers=headers)
    return stream


def _wants_sound(request: web.Request) -> bool:
    choice = request.query.get("audio")
    if choice not in _CHOICES:
        raise ApiError(HTTPStatus.BAD_REQUEST, "bad_request", "`audio` is wrong; allowed: 0, 1")
    return _CHOICES[choice]


async def _show(
    exchange: Exchange,
    socket: web.WebSocketResponse,
    stream: Stream,
    who: tuple[int, Watcher],
    *,
    has_sound: bool,
) -> None:
    context, transport = exchange.context, exchange.request.transport
    if transport is None:
        return  # gone already
    number, watcher = who
    viewer = Viewer(number, watcher, transport, context.clock, context.live.budget)
    log = bind(_LOG, camera=watcher.camera, stream=watcher.kind, client=watcher.address)
    channel = context.live.channel(stream, watcher, has_sound=has_sound)
    try:
        async with asyncio.timeout(None) as limit:
            viewer.on_end = lambda: limit.reschedule(0.0)
            channel.join(viewer)
            log.debug("watches in a browser")
            await _listen(socket, viewer)
    except TimeoutError:
        log.info("the viewer was ended: %s", viewer.end_reason)
    finally:
        channel.leave(viewer)
        viewer.backlog.clear()
        log.debug("left after %d bytes", viewer.bytes_sent)
    await _say_goodbye(socket, transport)


async def _listen(socket: web.WebSocketResponse, viewer: Viewer) -> None:
    """Wait until the viewer leaves; pings are answered meanwhile."""
    message = await socket.receive()
    if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
        viewer.end("a viewer has nothing to say")
        await asyncio.sleep(0)


async def _say_goodbye(socket: web.WebSocketResponse, transport: asyncio.Transport) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code=WSCloseCode.GOING_AWAY)
    except (TimeoutError, ConnectionError):
        transport.abort()
