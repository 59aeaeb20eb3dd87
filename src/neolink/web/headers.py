"""The headers that every answer has, also those that no route made."""

from typing import Final

from aiohttp import web

__all__ = ["HEADERS", "add_headers"]

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


def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Give an answer what every answer has. Only the page's own files may be kept by a browser."""
    response.headers.update(HEADERS)
    is_file = request.path == "/" or request.path.startswith("/static/")
    if not is_file or response.status >= 400:
        response.headers.setdefault("Cache-Control", "no-store")
