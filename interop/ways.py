"""The ways to play: how each is served, how each player is told, and what proves that it was used.

Pure. A way that a player does not know has a sentence in :data:`CANNOT` instead of a result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["CANNOT", "GSTREAMER", "PLAYERS", "STRICT", "WAYS", "Proof", "Server", "Way", "chosen"]

STRICT = "strict"
GSTREAMER = "gstreamer"

PLAYERS: Mapping[str, str] = {
    "ffmpeg": "ffmpeg",
    "pyav": "PyAV",
    "opencv": "OpenCV",
    GSTREAMER: "GStreamer",
    "mpv": "mpv",
    STRICT: "our strict client",
}
"""How they are called on the command line and in the table."""


class Server(Enum):
    """How the bridge is set up."""

    PLAIN = auto()
    TLS = auto()
    IPV6 = auto()
    FIREWALLED = auto()
    """The player is in a network namespace that no datagram reaches."""
    MULTICAST = auto()
    """The same link without the firewall, and groups are switched on."""
    MD5 = auto()
    BOTH = auto()
    """Digest with SHA-256 and with MD5, as delivered."""
    BASIC = auto()
    """What ``schemes = ["basic"]`` does, where somebody needs it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the requests must show, so that a playback counts for its way.

    ``transport`` is in the ``Transport`` of the last SETUP that was granted; ``before`` was in an
    earlier one. ``schemes`` are logins of which one was used.
    """

    transport: str = "interleaved"
    before: str = ""
    schemes: tuple[str, ...] = ()
    is_secure: bool = False
    is_tunnelled: bool = False


@dataclass(frozen=True, slots=True)
class Way:
    """One row of the table. ``transport`` is a player's option (``support.players.Asked``)."""

    title: str
    server: Server
    proof: Proof
    transport: str = "tcp"
    gstreamer_scheme: str = ""
    """The scheme of the URL that tells GStreamer of a tunnel."""


_LOGIN = Proof(schemes=("MD5",))

WAYS: Mapping[str, Way] = {
    "tcp": Way("RTP over TCP", Server.PLAIN, Proof()),
    "udp": Way("RTP over UDP", Server.PLAIN, Proof("client_port"), "udp"),
    "fallback": Way(
        "UDP, then TCP (UDP firewalled)",
        Server.FIREWALLED,
        Proof(before="client_port"),
        "auto",
    ),
    "multicast": Way("UDP multicast", Server.MULTICAST, Proof("multicast"), "multicast"),
    "rtsps": Way("RTSPS (TLS)", Server.TLS, Proof(is_secure=True)),
    "http": Way("tunnel in HTTP", Server.PLAIN, Proof(is_tunnelled=True), "http", "rtsph"),
    "https": Way(
        "tunnel in HTTPS", Server.TLS, Proof(is_secure=True, is_tunnelled=True), "https", "rtspsh"
    ),
    "websocket": Way("WebSocket", Server.PLAIN, Proof(is_tunnelled=True), "websocket"),
    "ipv6": Way("TCP over IPv6", Server.IPV6, Proof()),
    "md5": Way("Digest, MD5", Server.MD5, _LOGIN),
    "sha256": Way(
        "Digest, SHA-256 and MD5 offered", Server.BOTH, Proof(schemes=("MD5", "SHA-256"))
    ),
    "basic": Way("Basic alone", Server.BASIC, Proof(schemes=("Basic",))),
}
"""In the order of the table."""

_NO_WEBSOCKET = "knows no RTSP over WebSocket"
CANNOT: Mapping[tuple[str, str], str] = {
    (player, "websocket"): _NO_WEBSOCKET for player in PLAYERS if player != STRICT
}
"""Why a player has no such way, by player and way."""


def chosen(only: Sequence[str]) -> list[tuple[str, str]]:
    """Return the cells that ``PLAYER/WAY``, ``PLAYER`` or ``/WAY`` name, by way and player.

    Nothing named is everything. Raises ValueError for what is not in the table.
    """
    cells = [(player, way) for way in WAYS for player in PLAYERS]
    if not only:
        return cells
    wanted: set[tuple[str, str]] = set()
    for words in only:
        player, _, way = words.partition("/")
        if (player and player not in PLAYERS) or (way and way not in WAYS):
            known = f"players are {', '.join(PLAYERS)}; ways are {', '.join(WAYS)}"
            raise ValueError(f"{words!r} is no PLAYER/WAY: {known}")
        wanted |= {cell for cell in cells if player in {"", cell[0]} and way in {"", cell[1]}}
    return [cell for cell in cells if cell in wanted]
