"""``/api/v1/cameras``: what there is, its recent past, its log, a still picture."""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp import web

from neolink.camera.status import CameraState
from neolink.media.tracks import StreamKind
from neolink.readings import StreamReading
from neolink.web.errors import ApiError
from neolink.web.events import AT_A_STRETCH, describe_camera
from neolink.web.exchange import Exchange, json_response
from neolink.web.snapshots import Busy, NoPicture
from neolink.web.views import line_view, samples_view

__all__ = ["camera", "cameras", "history", "log", "snapshot"]

DEFAULT_LINES: Final = 100
MAX_LINES: Final = 1000
NARROWEST: Final = 16
WIDEST: Final = 8192


async def cameras(exchange: Exchange) -> web.StreamResponse:
    """Return all cameras."""
    context = exchange.context
    await context.glance.refresh()
    reading, health = exchange.reading, context.glance.health
    shown = []
    for number, one in enumerate(reading.cameras, 1):
        shown.append(describe_camera(one, health, context.view, exchange.rtsp, reading.unix_s))
        if number % AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    return json_response({"cameras": shown})


async def camera(exchange: Exchange) -> web.StreamResponse:
    """Return one camera."""
    context, one = exchange.context, exchange.camera()
    unix_s = context.glance.reading.unix_s
    shown = describe_camera(one, context.glance.health, context.view, exchange.rtsp, unix_s)
    return json_response(shown)


async def history(exchange: Exchange) -> web.StreamResponse:
    """Return the last minutes of a stream."""
    stream = exchange.stream()
    return json_response(samples_view(exchange.context.view.history(stream.camera, stream.kind)))


async def log(exchange: Exchange) -> web.StreamResponse:
    """Return the last log lines of a camera."""
    name = exchange.camera().name
    limit = _number(exchange.request, "limit", 1, MAX_LINES) or DEFAULT_LINES
    lines = exchange.context.view.lines(name, limit)
    return json_response({"lines": [line_view(line) for line in lines]})


async def snapshot(exchange: Exchange) -> web.StreamResponse:
    """Return a still picture."""
    stream = _wanted_stream(exchange)
    width = _number(exchange.request, "width", NARROWEST, WIDEST)
    _recheck(exchange, stream)
    try:
        taken = await exchange.context.snapshots.take(
            stream.camera, stream.kind, width=width, key_frame_age_s=stream.last_key_frame_age_s
        )
    except NoPicture as error:
        is_busy = isinstance(error, Busy)
        raise ApiError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "busy" if is_busy else "no_picture",
            str(error),
            headers={"Retry-After": "1" if is_busy else "5"},
        ) from None
    headers = {"X-Neolink-Source": str(taken.source)}
    if taken.age_s is not None:
        headers["X-Neolink-Age-S"] = f"{taken.age_s:.3f}"
    return web.Response(body=taken.jpeg, content_type="image/jpeg", headers=headers)


def _recheck(exchange: Exchange, stream: StreamReading) -> None:
    """Have the stream seen again, unless that would cost a battery or wake a camera."""
    camera, context = exchange.camera(), exchange.context
    found = context.view.stream(stream.camera, stream.kind)
    if found and camera.state is CameraState.CONNECTED and not camera.is_battery:
        context.recheck.look(found)


def _wanted_stream(exchange: Exchange) -> StreamReading:
    """Return the stream of the query; without one the smallest that there is."""
    kind = exchange.request.query.get("stream")
    if kind is not None:
        if kind not in list(StreamKind):
            raise _bad_query("stream", f"one of {', '.join(StreamKind)}")
        return exchange.stream(kind)
    streams = {stream.kind: stream for stream in exchange.camera().streams}
    for wanted in (StreamKind.SUB, StreamKind.EXTERN, StreamKind.MAIN):
        if wanted in streams:
            return streams[wanted]
    raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "this camera has no stream")


def _number(request: web.Request, name: str, low: int, high: int) -> int | None:
    """Return a number of the query, None if it is not there. Raises ApiError 400."""
    text = request.query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise _bad_query(name, f"a number {low}..{high}")
    return int(text)


def _bad_query(name: str, allowed: str) -> ApiError:
    text = f"`{name}` is wrong; allowed: {allowed}"
    return ApiError(HTTPStatus.BAD_REQUEST, "bad_request", text)
