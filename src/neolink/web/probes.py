"""What machines ask: is it alive, is it ready, how is everything, and all numbers."""

import asyncio
from http import HTTPStatus

from aiohttp import web

from neolink.health.thresholds import THRESHOLDS
from neolink.metrics.text import CONTENT_TYPE, render
from neolink.web.exchange import Exchange, json_response
from neolink.web.views import health_view

__all__ = ["health", "healthz", "metrics", "readyz"]


async def healthz(exchange: Exchange) -> web.StreamResponse:
    """Tell whether the process does its work."""
    lag_s = exchange.context.glance.reading.process.loop_lag_s
    if lag_s < THRESHOLDS.loop_lag_s:
        return _text(HTTPStatus.OK, "ok")
    return _text(HTTPStatus.SERVICE_UNAVAILABLE, f"everything is late by {lag_s:.1f} s")


async def readyz(exchange: Exchange) -> web.StreamResponse:
    """Tell whether players can connect."""
    if exchange.context.glance.reading.process.is_ready:
        return _text(HTTPStatus.OK, "ready")
    return _text(HTTPStatus.SERVICE_UNAVAILABLE, "not ready: the ports are not open yet")


async def health(exchange: Exchange) -> web.StreamResponse:
    """Tell how everything is, and why."""
    await exchange.context.glance.refresh()
    found = exchange.health
    status = HTTPStatus.OK if found.is_healthy else HTTPStatus.SERVICE_UNAVAILABLE
    return json_response(health_view(found, exchange.reading), status)


async def metrics(exchange: Exchange) -> web.StreamResponse:
    """Give all numbers to Prometheus, a piece at a time: pictures go in between."""
    exchange.context.view.read()  # in a turn of its own; what follows is given the same reading
    await asyncio.sleep(0)
    states = {camera.name: camera.health.state for camera in exchange.health.cameras}
    response = web.StreamResponse(headers={"Content-Type": CONTENT_TYPE})
    await response.prepare(exchange.request)
    if exchange.request.method == "HEAD":
        return response
    for piece in render(exchange.reading, states):
        await response.write(piece.encode("utf-8", "replace"))
        await asyncio.sleep(0)
    return response


def _text(status: HTTPStatus, text: str) -> web.Response:
    return web.Response(status=status, text=text + "\n")
