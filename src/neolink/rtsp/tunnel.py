"""RTSP inside HTTP: what a request asks for, and the exact answers. Text and values only.

Two ways: a pair of GET and POST with the same cookie (QuickTime's), and a WebSocket (ONVIF
Streaming Specification section 5.1.4). Whatever else arrives by HTTP is refused with a sentence.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from neolink.rtsp.errors import MessageError
from neolink.rtsp.http_head import HttpRequest
from neolink.websocket import accept_key

__all__ = [
    "TunnelGet",
    "TunnelPost",
    "TunnelRefused",
    "WebSocketUpgrade",
    "Wish",
    "parse_wish",
    "serialize_refusal",
    "serialize_tunnel_reply",
    "serialize_upgrade_reply",
]

MEDIA_TYPE: Final = "application/x-rtsp-tunnelled"
SUBPROTOCOL: Final = "rtsp.onvif.org"
WEBSOCKET_VERSION: Final = "13"

_PRIVATE_NAMES: Final = (".local", ".home.arpa", ".internal", ".localhost")
"""RFC 6762, RFC 8375, ICANN's resolution of 2024, RFC 6761."""

_COOKIE: Final = re.compile(r"[\x21-\x7e]{1,64}")
_NOT_HERE: Final = (
    "This port is for RTSP players: rtsp://, or RTSP inside HTTP. The web page has a port of its"
    " own: see [http] in the configuration."
)
_STRANGE_PAGE: Final = (
    "This page may not watch: its host is not the address of this machine, or a local name of it."
)

Fields = Iterable[tuple[str, str]]


class TunnelRefused(MessageError):
    """An HTTP request that is answered with ``status`` and ``text``, and then closed."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.text = text


@dataclass(frozen=True, slots=True)
class TunnelGet:
    """The half of a tunnel that carries what the server says, as it is."""

    cookie: str


@dataclass(frozen=True, slots=True)
class TunnelPost:
    """The half of a tunnel that carries what the player says, in base64."""

    cookie: str


@dataclass(frozen=True, slots=True)
class WebSocketUpgrade:
    """Both directions in binary frames. ``accept`` is the answer to the player's key."""

    accept: str


Wish = TunnelGet | TunnelPost | WebSocketUpgrade


def parse_wish(request: HttpRequest) -> Wish:
    """Return what is wanted. Raises TunnelRefused for what is not served on this port.

    ``Content-Length`` of a POST means nothing: players invent it.
    """
    _check_origin(request)
    if request.method == "GET" and "websocket" in request.tokens("Upgrade"):
        return _parse_upgrade(request)
    cookie = request.headers.get("x-sessioncookie")
    if cookie is None or request.method not in {"GET", "POST"}:
        raise TunnelRefused(400, _NOT_HERE)
    if not _COOKIE.fullmatch(cookie):
        raise TunnelRefused(400, "x-sessioncookie has 1 to 64 letters, and no blanks.")
    if request.method == "GET":
        return TunnelGet(cookie)
    if "Transfer-Encoding" in request.headers:
        raise TunnelRefused(400, "The POST of a tunnel has no Transfer-Encoding.")
    return TunnelPost(cookie)


def serialize_tunnel_reply(common: Fields) -> bytes:
    """Return the answer to the GET: to the letter what players check, with ``HTTP/1.0``."""
    fields = [
        *common,
        ("Connection", "close"),
        ("Cache-Control", "no-store"),
        ("Pragma", "no-cache"),
        ("Content-Type", MEDIA_TYPE),
    ]
    return _serialize("HTTP/1.0 200 OK", fields)


def serialize_upgrade_reply(wish: WebSocketUpgrade, common: Fields) -> bytes:
    """Return the answer to a WebSocket handshake (RFC 6455 section 4.2.2)."""
    fields = [
        *common,
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", wish.accept),
        ("Sec-WebSocket-Protocol", SUBPROTOCOL),
    ]
    return _serialize("HTTP/1.1 101 Switching Protocols", fields)


def serialize_refusal(error: MessageError, common: Fields) -> bytes:
    """Return the answer to what is refused: one sentence, nothing of what came."""
    text = error.text if isinstance(error, TunnelRefused) else f"{error}."
    body = f"{text}\n".encode()
    fields = [
        *common,
        *error.headers,
        ("Connection", "close"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
    ]
    return _serialize(f"HTTP/1.0 {error.status} {error.reason}", fields) + body


def _parse_upgrade(request: HttpRequest) -> WebSocketUpgrade:
    if "upgrade" not in request.tokens("Connection") or request.version != "HTTP/1.1":
        raise TunnelRefused(400, "A WebSocket begins with HTTP/1.1 and Connection: Upgrade.")
    if request.headers.get("Sec-WebSocket-Version") != WEBSOCKET_VERSION:
        raise TunnelRefused(400, "The version of the WebSocket must be 13.")
    if SUBPROTOCOL not in request.tokens("Sec-WebSocket-Protocol"):
        raise TunnelRefused(400, f"A WebSocket here speaks Sec-WebSocket-Protocol: {SUBPROTOCOL}.")
    accept = accept_key((request.headers.get("Sec-WebSocket-Key") or "").strip())
    if accept is None:
        raise TunnelRefused(400, "Sec-WebSocket-Key must be 16 bytes in base64.")
    return WebSocketUpgrade(accept)


def _check_origin(request: HttpRequest) -> None:
    """Refuse the page of a stranger that uses somebody's browser to look into his house.

    Only browsers send ``Origin``; pages of this machine, on any port, may come in. It must be asked
    by an address, or by a name that nobody can register: others can be made to lead here (DNS
    rebinding).
    """
    origin = request.headers.get("Origin")
    if origin is None:
        return
    host = _host_of(origin)
    is_same = host == _host_of(f"//{request.headers.get('Host') or ''}")
    if host is None or not is_same or not _is_of_this_network(host):
        raise TunnelRefused(403, _STRANGE_PAGE)


def _host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _is_of_this_network(host: str) -> bool:
    """Whether a host can be no stranger's: an address, or a name without a registry."""
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return "." not in host or host.endswith(_PRIVATE_NAMES)
    return True


def _serialize(first: str, fields: Fields) -> bytes:
    lines = [first, *(f"{name}: {value}" for name, value in fields)]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1")
