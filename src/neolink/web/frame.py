"""What is the same for every request: its deadline, the checks before it, the shape of errors."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web

from neolink.log import RepeatLimiter
from neolink.web.door import Door
from neolink.web.errors import ApiError, error_response
from neolink.web.exchange import Context, Exchange
from neolink.web.hosts import HostName, parse_host
from neolink.web.routes import Route

__all__ = ["HEADERS", "Frame", "Handler", "add_headers"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""What aiohttp calls for a request."""

_LOG = logging.getLogger(__name__)

HEADERS: Final = {
    "Server": "neolink",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
        " media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'; manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""In every answer."""

_SAFE: Final = frozenset({"GET", "HEAD"})
_DEADLINE: Final = web.RequestKey("deadline", asyncio.Timeout)

_WORDS: Final = {
    HTTPStatus.NOT_FOUND: ("not_found", "there is nothing at this address"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method_not_allowed", "this address has other methods"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too_large", "the body is too large"),
}


class Frame:
    """Runs every request of one server."""

    def __init__(self, context: Context, door: Callable[[], Door]) -> None:
        self._context = context
        self._door = door
        self._limiter = RepeatLimiter(context.clock)
        self._running: set[asyncio.Task[object]] = set()

    async def end(self, timeout_s: float) -> None:
        """Break off every answer; one that does not end in time is left alone."""
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)

    def enter(self, route: Route) -> Handler:
        """Return what aiohttp calls for a route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            if route.is_endless:
                request[_DEADLINE].reschedule(None)
            return await route.handle(self._admit(request, route))

        return handle

    async def run(
        self,
        request: web.Request,
        handle: Handler,
    ) -> web.StreamResponse:
        """Answer one request completely, within its time."""
        door, transport, task = self._door(), request.transport, asyncio.current_task()
        assert task is not None  # aiohttp makes one for each request
        door.begin(transport)
        self._running.add(task)
        try:
            async with asyncio.timeout(
                self._context.gate.settings.limits.answer_timeout_s
            ) as limit:
                request[_DEADLINE] = limit
                response = await self._answer(request, handle)
                await response.prepare(request)
                await response.write_eof()
                return response
        except TimeoutError:
            if transport is not None:
                transport.abort()
            raise ConnectionResetError("the answer took too long") from None
        finally:
            self._running.discard(task)
            door.finish(transport)

    async def _answer(
        self,
        request: web.Request,
        handle: Handler,
    ) -> web.StreamResponse:
        try:
            return await handle(request)
        except ApiError as error:
            return error_response(error)
        except web.HTTPException as error:
            return error_response(_reworded(error))
        except (TimeoutError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - one request's fault must not end the others
            if self._limiter.admit(request.path) is not None:
                _LOG.exception("%s %s: failed", request.method, request.path)
            text = "a fault of the bridge; its log tells more"
            return error_response(ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", text))

    # -- before a route ---------------------------------------------------------------

    def _admit(self, request: web.Request, route: Route) -> Exchange:
        """Find out who asks. Raises ApiError where that one may not."""
        gate = self._context.gate
        host = self._host(request)
        caller = gate.identify(request)
        if request.method not in _SAFE or "Upgrade" in request.headers:
            gate.require_own_page(request, caller)
        if not route.is_open:
            gate.require_login(caller)
        if caller.is_admitted:
            self._door().admit(request.transport)
        return Exchange(request, self._context, caller, host)

    def _host(self, request: web.Request) -> HostName:
        """Return the name by which we were asked. Raises ApiError for one that cannot be ours."""
        header = request.headers.get("Host")
        host = parse_host(header) if header is not None else _own_name(request)
        if host is None:
            text = "the Host header is no host name"
            raise ApiError(HTTPStatus.BAD_REQUEST, "bad_request", text)
        if not self._context.gate.settings.needs_login and not host.is_local:
            text = "without a login only names of this machine are answered, as http://localhost/"
            raise ApiError(HTTPStatus.MISDIRECTED_REQUEST, "foreign_host", text)
        return host


def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Give an answer what every answer has."""
    response.headers.update(HEADERS)
    if request.path != "/" and not request.path.startswith("/static/"):
        response.headers.setdefault("Cache-Control", "no-store")


def _own_name(request: web.Request) -> HostName | None:
    transport = request.transport
    name = transport.get_extra_info("sockname") if transport is not None else None
    if not isinstance(name, tuple):
        return None
    host = str(name[0])
    return parse_host(f"[{host}]" if ":" in host else host)


def _reworded(error: web.HTTPException) -> ApiError:
    status = HTTPStatus(error.status)
    code, text = _WORDS.get(status, ("bad_request", status.phrase))
    allow = error.headers.get("Allow")
    return ApiError(status, code, text, headers={"Allow": allow} if allow else None)
