"""``/api/v1/players`` and ``/api/v1/process``: who watches, and what it costs."""

from http import HTTPStatus

from aiohttp import web

from neolink.web.errors import ApiError
from neolink.web.exchange import Exchange, json_response
from neolink.web.views import player_view, players_of, process_view

__all__ = ["kick", "players", "process"]


async def players(exchange: Exchange) -> web.StreamResponse:
    """Return everybody who watches."""
    return json_response({"players": [player_view(one) for one in players_of(exchange.reading)]})


async def kick(exchange: Exchange) -> web.StreamResponse:
    """End the session of one who watches."""
    number = exchange.request.match_info["number"]
    seen = {str(player.number): player.number for player in players_of(exchange.reading)}
    if number not in seen or not exchange.context.view.kick(seen[number]):
        raise ApiError(HTTPStatus.NOT_FOUND, "not_found", "there is no player of this number")
    exchange.context.glance.forget()
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def process(exchange: Exchange) -> web.StreamResponse:
    """Return what the bridge uses."""
    return json_response(process_view(exchange.reading.process))
