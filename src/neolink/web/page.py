"""The page and its files, and the description of the API."""

from http import HTTPStatus

from aiohttp import web

from neolink.web.assets import Asset
from neolink.web.errors import ApiError
from neolink.web.exchange import Exchange

__all__ = ["description", "front_page", "static_file"]


async def front_page(exchange: Exchange) -> web.StreamResponse:
    """Return the page itself."""
    return _answer(exchange, exchange.context.assets.get("index.html"))


async def static_file(exchange: Exchange) -> web.StreamResponse:
    """Return one of the page's files."""
    return _answer(exchange, exchange.context.assets.get(exchange.request.match_info["file"]))


async def description(exchange: Exchange) -> web.StreamResponse:
    """Return the OpenAPI description."""
    return _answer(exchange, exchange.context.description)


def _answer(exchange: Exchange, asset: Asset | None) -> web.Response:
    if asset is None:
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "there is no such file")
    headers = {"ETag": f'"{asset.etag}"', "Cache-Control": "no-cache"}
    known = exchange.request.if_none_match or ()
    if any(tag.value in {asset.etag, "*"} for tag in known):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    headers["Content-Type"] = asset.content_type
    return web.Response(body=asset.body, headers=headers)
