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
from neolink.web.headers import add_headers
from neolink.web.hosts import HostName, parse_host
from neolink.web.routes import Route

__all__ = ["Frame", "Handler"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
"""What aiohttp calls for a request."""

_LOG = logging.getLogger(__name__)

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
        self._conversations: set[asyncio.Task[None]] = set()
        """Those that read from the connections; after its end one may linger over a body."""

    async def end(self, timeout_s: float) -> None:
        """Break off every answer; one that does not end in time is left alone."""
        tasks = self._running | self._conversations
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)

    def enter(self, route: Route) -> Handler:
        """Return what aiohttp calls for a route."""

        async def handle(request: web.Request) -> web.StreamResponse:
            exchange = self._admit(request, route)
            if route.is_endless:
                request[_DEADLINE].reschedule(None)
            return await route.handle(exchange)

        return handle

    async def run(self, request: web.Request, handle: Handler) -> web.StreamResponse:
        """Answer one request completely, within its time."""
        door, transport, task = self._door(), request.transport, asyncio.current_task()
        assert task is not None  # aiohttp makes one for each request
        door.begin(transport)
        self._running.add(task)
        if request.task not in self._conversations:
            self._conversations.add(request.task)
            request.task.add_done_callback(self._conversations.discard)
        limit_s = self._context.gate.settings.limits.answer_timeout_s
        try:
            async with asyncio.timeout(limit_s) as limit:
                request[_DEADLINE] = limit
                return await self._answer(request, handle)
        except (TimeoutError, ConnectionError):  # too slow or gone: nobody is there to be told
            if transport is not None:
                transport.abort()
            return web.Response()
        finally:
            self._running.discard(task)
            door.finish(transport)

    async def _answer(self, request: web.Request, handle: Handler) -> web.StreamResponse:
        """Send what a route answers, or why it does not."""
        try:
            return await _send(request, await handle(request))
        except ApiError as error:
            refusal = error
        except web.HTTPException as error:
            refusal = _reworded(error)
        except Exception as error:  # one request's fault must not end the others
            if isinstance(error, ConnectionError) and _is_gone(request):
                raise
            refusal = self._fault(request)
        if request.writer.output_size > 0:
            raise ConnectionResetError("the answer has begun already: it can only be broken off")
        return await _send(request, error_response(refusal))

    def _fault(self, request: web.Request) -> ApiError:
        """Log a fault of ours; called while it is handled."""
        resource = request.match_info.route.resource
        place = resource.canonical if resource is not None else "no route"  # never what was sent
        if self._limiter.admit(place) is not None:
            _LOG.exception("%s %s: failed", request.method, place)
        text = "a fault of the bridge; its log tells more"
        return ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", text)

    def prepare(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Complete the headers of an answer, just before they are sent."""
        add_headers(request, response)
        if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            self._door().upgrade(request.transport)

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
        return Exchange(request, self._context, caller, host, gate.address_of(request))

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


async def _send(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Send a whole answer, or the end of one that was sent in pieces."""
    await response.prepare(request)
    await response.write_eof()
    return response


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


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
