"""Answers that say no: one shape, a code for programs and words for people. Never a secret."""

from http import HTTPStatus

from aiohttp import web

from neolink.web.jsontext import to_json

__all__ = ["ApiError", "error_response"]


class ApiError(Exception):
    """A request that is answered with an error; raised anywhere below a route.

    ``code`` is stable, ``message`` says what to do. ``headers`` are added to the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: str,
        message: str,
        *,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def error_response(error: ApiError) -> web.Response:
    """Return ``{"error": {"code", "message"}}``."""
    body = {"error": {"code": error.code, "message": error.message}}
    return web.Response(
        status=error.status,
        body=to_json(body),
        content_type="application/json",
        headers=error.headers,
    )
