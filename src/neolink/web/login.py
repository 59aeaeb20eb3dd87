"""``/api/v1/session``: who am I, logging in, logging out."""

import asyncio
import json
from http import HTTPStatus
from typing import Final

from aiohttp import web

from neolink.web.access import COOKIE
from neolink.web.errors import ApiError
from neolink.web.exchange import Exchange, json_response

__all__ = ["log_in", "log_out", "who_am_i"]

SHAPES: Final = '{"user": "...", "password": "..."} or {"token": "..."}'


async def who_am_i(exchange: Exchange) -> web.StreamResponse:
    """Tell what the page must know before it shows anything."""
    caller, process = exchange.caller, exchange.context.glance.reading.process
    return json_response(
        {
            "user": caller.user,
            "needs_login": not caller.is_admitted,
            "has_session": caller.session is not None,
            "may_kick": caller.is_admitted,
            "version": process.version if caller.is_admitted else "",
        }
    )


async def log_in(exchange: Exchange) -> web.StreamResponse:
    """Begin a session; its key is in a cookie that no script can read."""
    request, gate = exchange.request, exchange.context.gate
    user, secret = _credentials(await _body(exchange))
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    if not gate.settings.needs_login:
        return response
    key = gate.log_in(exchange.address, user=user, secret=secret)
    if exchange.caller.session is not None:
        gate.sessions.end(exchange.caller.session)
    forwarded = request.headers.get("X-Forwarded-Proto", "").partition(",")[0].strip()
    response.set_cookie(
        COOKIE,
        key,
        max_age=int(gate.settings.limits.session_age_s),
        path="/",
        httponly=True,
        samesite="Strict",
        secure=request.secure or forwarded == "https",
    )
    return response


async def log_out(exchange: Exchange) -> web.StreamResponse:
    """End the session, and with it everything that it watches."""
    if exchange.caller.session is not None:
        exchange.context.gate.sessions.end(exchange.caller.session)
    response = web.Response(status=HTTPStatus.NO_CONTENT)
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return response


async def _body(exchange: Exchange) -> object:
    """Return the JSON of a body. Raises ApiError for anything else, or one that never comes."""
    request, limits = exchange.request, exchange.context.gate.settings.limits
    if request.content_type != "application/json":
        text = "send the body with Content-Type: application/json"
        raise ApiError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", text)
    try:
        async with asyncio.timeout(limits.body_timeout_s):
            data = await request.read()
        return json.loads(data)
    except TimeoutError:
        text = f"the body did not come within {limits.body_timeout_s:g} s"
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "timeout", text) from None
    except (ValueError, RecursionError, web.RequestPayloadError):
        raise _bad_request() from None


def _credentials(body: object) -> tuple[str | None, str]:
    """Return user and password, or None and the token. Raises ApiError for other shapes."""
    match body:
        case {"user": str(user), "password": str(password), **others} if not others:
            return user, password
        case {"token": str(token), **others} if not others:
            return None, token
        case _:
            raise _bad_request()


def _bad_request() -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "bad_request", f"the body must be {SHAPES}")
