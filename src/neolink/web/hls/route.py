"""``.../hls/index.m3u8`` and what it leads to: playlists that wait for news, and media."""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from neolink.web.errors import ApiError
from neolink.web.exchange import Exchange
from neolink.web.hls.playlist import CONTENT_TYPE, media_playlist, multivariant_playlist
from neolink.web.hls.video import Session
from neolink.web.live.audience import Watcher
from neolink.web.live.channel import away_words
from neolink.web.live.route import wanted_stream

__all__ = ["file", "index"]

FIRST_S: Final = 15.0
"""How long the first picture may take, or the first segment; longer than a group of pictures, and
than a camera that was lost is waited for."""

BLOCK_S: Final = 12.0
"""How long a request waits for what comes next."""

START_SEGMENTS: Final = 3
"""Segments in the first playlist of a player: it begins so far behind the newest one."""

LOOK_AHEAD: Final = 2
"""Segments beyond the newest one that may be waited for (RFC 8216bis section 6.2.5.2)."""

LEAST_BANDWIDTH: Final = 500_000
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_INIT: Final = re.compile(r"init-([0-9]{1,9})\.mp4", re.ASCII)
_SEGMENT: Final = re.compile(r"segment-([0-9]{1,9})\.m4s", re.ASCII)
_PART: Final = re.compile(r"part-([0-9]{1,9})-([0-9]{1,4})\.m4s", re.ASCII)


async def index(exchange: Exchange) -> web.StreamResponse:
    """Begin a session and return the multivariant playlist, once the first picture is there."""
    watcher = Watcher.of(exchange)
    stream = wanted_stream(exchange, watcher)
    session = exchange.context.hls.open(stream, watcher)

    async def answer() -> web.Response:
        segments = session.source.segments
        await _wait(session, lambda: segments.newest is not None, FIRST_S)
        made = segments.newest
        assert made is not None  # waited for
        bitrate_bps = max(2 * exchange.stream().bitrate_bps, LEAST_BANDWIDTH)
        text = multivariant_playlist(made, bitrate_bps=bitrate_bps, folder=session.name)
        return web.Response(body=text.encode(), content_type=CONTENT_TYPE)

    return await _answer(exchange, session, answer)


async def file(exchange: Exchange) -> web.StreamResponse:
    """Return what a playlist of a session names, once it is there."""
    match = exchange.request.match_info
    session = exchange.context.hls.find(match["session"], Watcher.of(exchange))
    name = match["file"]
    return await _answer(exchange, session, lambda: _file(exchange, session, name))


async def _answer(
    exchange: Exchange, session: Session, make: Callable[[], Awaitable[web.Response]]
) -> web.Response:
    """Count a request and its answer; whoever waited may have lost the permission meanwhile."""
    hls, sent = exchange.context.hls, 0
    hls.begin(session)
    try:
        response = await make()
        if not exchange.context.gate.is_still_good(exchange.caller):
            raise ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", "log in again")
        exchange.camera()
        sent = len(response.body) if isinstance(response.body, bytes) else 0
        return response
    finally:
        hls.finish(session, sent)


async def _file(exchange: Exchange, session: Session, name: str) -> web.Response:
    segments = session.source.segments
    if name == "stream.m3u8":
        return await _playlist(exchange, session)
    if found := _INIT.fullmatch(name):
        made = segments.initializations.get(int(found[1]))
        if made is not None:
            return _media(made.data)
    elif found := _SEGMENT.fullmatch(name):
        segment = segments.segment(int(found[1]))
        if segment is not None and segment is not segments.current:
            return _media(segment.data)
    elif found := _PART.fullmatch(name):
        return await _part(session, int(found[1]), int(found[2]))
    raise _gone()


async def _playlist(exchange: Exchange, session: Session) -> web.Response:
    segments = session.source.segments
    number, part = _wanted(exchange.request, "_HLS_msn"), _wanted(exchange.request, "_HLS_part")
    if part is not None and number is None:
        raise _bad("`_HLS_part` needs `_HLS_msn`")
    if number is not None and number > segments.next_part[0] + LOOK_AHEAD:
        raise _bad("`_HLS_msn` is too far ahead")
    if number is None:
        await session.source.until(lambda: len(segments.complete) >= START_SEGMENTS, FIRST_S)
        await _wait(session, lambda: bool(segments.complete), 0.0)
    else:
        wanted = number
        await _wait(session, lambda: segments.has(wanted, part), BLOCK_S)
    return web.Response(body=media_playlist(segments).encode(), content_type=CONTENT_TYPE)


async def _part(session: Session, number: int, place: int) -> web.Response:
    segments = session.source.segments
    if (number, place) == segments.next_part:  # what the playlist promises
        await _wait(session, lambda: segments.has(number, place), BLOCK_S)
    segment = segments.segment(number)
    if segment is None or place >= len(segment.parts):
        raise _gone()
    return _media(segment.parts[place].data)


async def _wait(session: Session, condition: Callable[[], bool], timeout_s: float) -> None:
    """Wait until something is there. Raises ApiError 503 when it does not come."""
    source = session.source
    is_there = await source.until(condition, timeout_s)
    if not is_there or session.end_reason:
        text = session.end_reason or source.end_reason or away_words(source.stream)
        headers = {"Retry-After": "2"}
        raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "no_picture", text, headers=headers)


def _wanted(request: web.Request, name: str) -> int | None:
    text = request.query.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise _bad(f"`{name}` is wrong; allowed: a number")
    return int(text)


def _media(data: bytes) -> web.Response:
    return web.Response(body=data, content_type="video/mp4")


def _bad(text: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "bad_request", text)


def _gone() -> ApiError:
    text = "this is not there any more, or not yet: ask for stream.m3u8 again"
    return ApiError(HTTPStatus.NOT_FOUND, "not_found", text)
