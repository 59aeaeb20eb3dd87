"""RTSP inside HTTP on the RTSP port: from an HTTP request to the wire that RTSP goes on with.

What requests mean is in :mod:`neolink.rtsp.tunnel`, which halves belong together in
:mod:`neolink.rtsp.pairing`. A tunnel is one player on two connections: the one of its GET
converses, the one of its POST only carries.
"""

import asyncio
from typing import Final, Protocol

from neolink.clock import Clock
from neolink.rtsp.base64_stream import Base64Decoder
from neolink.rtsp.errors import MessageError
from neolink.rtsp.headers import date_header
from neolink.rtsp.http_head import HttpHeadReader, HttpRequest
from neolink.rtsp.pairing import Pairing, TunnelKey
from neolink.rtsp.tunnel import (
    TunnelGet,
    TunnelPost,
    TunnelRefused,
    WebSocketUpgrade,
    parse_wish,
    serialize_refusal,
    serialize_tunnel_reply,
    serialize_upgrade_reply,
)
from neolink.rtsp_server.refusals import Refusal, Refusals
from neolink.rtsp_server.settings import SERVER, Headers
from neolink.rtsp_server.wires.tunnel_wires import TunnelWire, WebSocketWire
from neolink.rtsp_server.wires.wire import Wire

__all__ = ["Guest", "Tunnels"]

SWITCHED_OFF: Final = "RTSP inside HTTP is switched off: see [rtsp] tunnel in the configuration."


class Guest(Protocol):
    """A connection that began with HTTP."""

    peer_host: str
    is_carrier: bool
    """Whether it is the POST of a whole tunnel: no player by itself."""

    def end(self, reason: str) -> None:
        """Close it; ``reason`` is for the log."""


class _Carrier:
    """The POST of a tunnel."""

    def __init__(self, guest: Guest) -> None:
        self.end = guest.end
        self.met: asyncio.Future[TunnelWire] = asyncio.get_running_loop().create_future()

    def meet(self, wire: TunnelWire) -> None:
        """Learn where to deliver."""
        if not self.met.done():
            self.met.set_result(wire)


class Tunnels:
    """Every tunnel of one listener."""

    def __init__(self, clock: Clock, refusals: Refusals) -> None:
        self.pairing: Pairing[TunnelWire, _Carrier] = Pairing()
        self.websockets = 0
        """Players that came by WebSocket."""
        self._clock = clock
        self._refusals = refusals

    def carriers(self, host: str) -> int:
        """Return how many connections of a host are only the POST of a player."""
        return self.pairing.post_count(host)

    def sweep(self) -> None:
        """End tunnels whose other half does not come."""
        self.pairing.expire(self._clock.monotonic_s())

    async def enter(
        self, guest: Guest, wire: Wire, begun: bytes, *, is_enabled: bool
    ) -> Wire | None:
        """Answer an HTTP request; return the wire that RTSP goes on with.

        None when nothing does: it was refused, is gone, or was the POST of a tunnel, which was
        carried to its end. Raises OSError when the connection broke.
        """
        try:
            head = HttpHeadReader()
            request = await _read_head(head, wire, begun)
            if request is None:
                return None
            if not is_enabled:
                raise TunnelRefused(400, SWITCHED_OFF)
            match parse_wish(request):
                case WebSocketUpgrade() as wish:
                    self.websockets += 1
                    _send(wire, serialize_upgrade_reply(wish, self._common()))
                    return WebSocketWire(wire, head.rest)
                case TunnelGet(cookie):
                    return self._open_get(_key(guest, wire, cookie), guest, wire)
                case TunnelPost(cookie):
                    await self._carry(_key(guest, wire, cookie), guest, wire, head.rest)
        except MessageError as error:
            text = f"an HTTP request on the RTSP port is refused: {error}"
            self._refusals.note(Refusal.TUNNEL, guest.peer_host, text)
            _send(wire, serialize_refusal(error, self._common()))
        return None

    def _open_get(self, key: TunnelKey, guest: Guest, wire: Wire) -> TunnelWire:
        tunnel = TunnelWire(wire, guest.end)
        carrier = self.pairing.open_get(key, tunnel, self._clock.monotonic_s())
        tunnel.on_close = lambda: self.pairing.close_get(key, tunnel)
        try:
            _send(wire, serialize_tunnel_reply(self._common()))
        except OSError:
            tunnel.on_close()
            raise
        if carrier is not None:
            carrier.meet(tunnel)
        return tunnel

    async def _carry(self, key: TunnelKey, guest: Guest, wire: Wire, data: bytes) -> None:
        """Deliver what a POST brings, until it ends. It gets no answer: players wait for none."""
        carrier = _Carrier(guest)
        tunnel = self.pairing.open_post(key, carrier, self._clock.monotonic_s())
        try:
            if tunnel is None:
                tunnel = await carrier.met
            guest.is_carrier = True
            await _pump(wire, tunnel, data)
        except MessageError as error:
            self._refusals.note(Refusal.TUNNEL, guest.peer_host, str(error))
            if tunnel is not None:
                tunnel.end(str(error))
        finally:
            self.pairing.close_post(key, carrier, self._clock.monotonic_s())

    def _common(self) -> Headers:
        return [("Server", SERVER), ("Date", date_header(self._clock.unix_s()))]


def _key(guest: Guest, wire: Wire, cookie: str) -> TunnelKey:
    return TunnelKey(guest.peer_host, cookie, wire.is_secure)


async def _read_head(head: HttpHeadReader, wire: Wire, begun: bytes) -> HttpRequest | None:
    """Return the request, or None when the peer has gone before it was complete."""
    request = head.feed(begun)
    while request is None and (data := await wire.receive()):
        request = head.feed(data)
    return request


async def _pump(wire: Wire, tunnel: TunnelWire, data: bytes) -> None:
    """Decode and deliver. Raises MessageError for what is no base64."""
    decoder = Base64Decoder()
    await tunnel.deliver(decoder.feed(data))
    while data := await wire.receive():
        await tunnel.deliver(decoder.feed(data))
        await asyncio.sleep(0)  # one who sends all the time must not hold up pictures


def _send(wire: Wire, reply: bytes) -> None:
    """Send a first reply, which always fits. Raises OSError when it does not: nobody reads."""
    if wire.send(reply) < len(reply):
        raise ConnectionAbortedError("the first reply was not taken")
