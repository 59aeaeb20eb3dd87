"""aiohttp's protocol of one connection, within our bounds: what it answers to what is no HTTP.

Routes are not known here. aiohttp logs every broken request with a traceback and shows its version
and a piece of the request in the answer; we do neither.
"""

import asyncio
import logging
from collections import Counter
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from neolink.log import RepeatLimiter
from neolink.web.errors import ApiError, error_response
from neolink.web.headers import add_headers
from neolink.web.refusals import HttpRefusal

__all__ = ["HttpProtocol"]

_LOG = logging.getLogger(__name__)

MAX_HEADERS: Final = 64
LINGER_S: Final = 1.0
"""How long a body that nobody wants is read, so that its sender sees the answer."""


class HttpProtocol(web.RequestHandler):
    """Reads the requests of one connection. Bodies are taken as they come, never inflated."""

    def __init__(self, server: web.Server, refused: Counter[str], limiter: RepeatLimiter) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # the way to have none
            auto_decompress=False,
            lingering_time=LINGER_S,
            max_headers=MAX_HEADERS,
        )
        self._refused = refused
        self._limiter = limiter

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what never came to a route, and close the connection."""
        del message  # repeats what was sent
        if request.writer.output_size > 0:
            raise ConnectionResetError("the answer has begun already")
        if isinstance(exc, HttpProcessingError):
            self._refused[HttpRefusal.BAD_REQUEST] += 1
            _LOG.debug("%s: not HTTP: %s", request.remote, type(exc).__name__)
            text = "this is no HTTP request, or its headers are too large"
            error = ApiError(HTTPStatus.BAD_REQUEST, "bad_request", text)
        else:
            if self._limiter.admit("unrouted") is not None:
                _LOG.error("a request failed before it came to a route", exc_info=exc)
            text = "a fault of the bridge; its log tells more"
            error = ApiError(HTTPStatus(status), "internal", text)
        response = error_response(error)
        add_headers(request, response)
        response.force_close()
        return response
