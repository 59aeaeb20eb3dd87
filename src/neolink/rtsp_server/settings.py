"""What the RTSP listener and its mounts need to know, as frozen values. No file is read here.

Also who may watch what: :func:`resolve_access` is the only place that gives meaning to
``permitted_users``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from neolink import __version__
from neolink.hub.pause import PauseSettings
from neolink.media.tracks import StreamKind
from neolink.rtp.formats import AudioChoice
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtsp.auth import Scheme

__all__ = [
    "ANONYMOUS",
    "ANYONE",
    "SERVER",
    "Access",
    "AudioChoice",
    "Headers",
    "MountSettings",
    "MulticastSettings",
    "RtspLimits",
    "RtspSettings",
    "StartMode",
    "TlsClientAuth",
    "resolve_access",
]

ANYONE = "anyone"
"""In ``permitted_users``: every defined user. No user may have this name."""

ANONYMOUS = "anonymous"
"""In ``permitted_users``: players without credentials. No user may have this name."""

MIB = 1024 * 1024

Headers = list[tuple[str, str]]
"""Names and values of a reply, in order."""

SERVER: Final = f"neolink/{__version__}"
"""How we name ourselves in replies."""

GROUP_NETWORK = IPv4Network("239.255.42.0/24")
"""Addresses that stay within a site (RFC 2365)."""


class TlsClientAuth(StrEnum):
    """Whether a TLS player must show a certificate."""

    NONE = "none"
    REQUEST = "request"
    REQUIRE = "require"


class StartMode(StrEnum):
    """What a player gets first."""

    FAST = "fast"
    """The pictures since the last random access point, squeezed in time; then live."""

    GOP = "gop"
    """The same pictures with their own timestamps: some delay stays, nothing is lost."""

    LIVE = "live"
    """Nothing until the next random access point."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may watch a mount. Both empty: nobody."""

    anonymous: bool
    """Whether players without credentials may watch."""

    users: frozenset[str] = frozenset()
    """User names that may watch after a correct login; a name need not be a defined user."""

    def permits(self, user: str | None) -> bool:
        """Tell whether ``user``, already proven, may watch; ``None`` is no credentials."""
        return self.anonymous or user in self.users

    @property
    def needs_login(self) -> bool:
        """Whether a player without credentials is asked for them."""
        return not self.anonymous


def resolve_access(permitted_users: Collection[str] | None, users: Collection[str]) -> Access:
    """Give meaning to a camera's ``permitted_users`` (``None``: absent) among defined ``users``.

    =====================  =====================  ==========================
    ``permitted_users``    no users defined       users defined
    =====================  =====================  ==========================
    absent                 everybody              every defined user
    has ``anyone``         everybody              every defined user
    has ``anonymous``      everybody              everybody
    names                  those names            those names
    empty                  nobody                 nobody
    =====================  =====================  ==========================

    With ``names`` and no users defined nobody can log in.
    """
    if permitted_users is None:
        return Access(anonymous=not users, users=frozenset(users))
    names = frozenset(permitted_users) - {ANYONE, ANONYMOUS}
    if ANYONE in permitted_users:
        names |= frozenset(users)
    anonymous = ANONYMOUS in permitted_users or (ANYONE in permitted_users and not users)
    return Access(anonymous=anonymous, users=names)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtspLimits:
    """What one listener spends at most. 0 means no limit only where it is said."""

    max_connections: int = 1024
    """Open connections in all."""

    max_connections_per_ip: int = 64
    """Open connections from one address."""

    max_unauthenticated: int = 64
    """Open connections that have not yet asked for a stream they may watch."""

    max_sessions_per_connection: int = 8
    """Sessions that one connection may set up."""

    max_pipelined_requests: int = 16
    """Requests of one connection answered at a stretch; then the others have their turn."""

    max_clients: int = 0
    """Players on all mounts together; 0 means no limit. The next one is answered 453."""

    first_request_timeout_s: float = 10.0
    """How long a new connection may stay silent."""

    request_timeout_s: float = 10.0
    """How long a request may take to arrive completely."""

    wrong_login_delay_s: float = 1.5
    """How long a host waits for each answer after too many wrong logins."""

    tls_handshake_timeout_s: float = 10.0
    """How long a TLS handshake may take."""

    max_bytes_per_client: int = 64 * MIB
    """Media bytes waiting for one player."""

    max_bytes: int = 256 * MIB
    """Media bytes waiting for all players; above it the longest queue is shortened first."""

    max_frames: int = 500
    """Access units and audio frames waiting for one player; fewer where the rate needs no more."""

    stall_timeout_s: float = 10.0
    """A player that takes no byte for this long, while some wait for it, is closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MulticastSettings:
    """Groups that many players listen to, each sent once. Off unless somebody switches it on."""

    is_enabled: bool = False
    """Whether SETUP for multicast is granted."""

    network: IPv4Network = GROUP_NETWORK
    """Addresses of the groups: one for each stream and way to send its sound."""

    port: int = 8002
    """Even UDP port of the first track's RTP; RTCP and the further tracks follow."""

    ttl: int = 16
    """How many routers the packets may pass, and one more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RtspSettings:
    """The listener: where, for whom, within which limits."""

    bind: str = "0.0.0.0"  # noqa: S104 - players are on other machines; the documented default
    """Address to listen on."""

    port: int = 8554
    """TCP port to listen on; 0 lets the system choose."""

    certificate: Path | None = None
    """PEM file with certificate and private key. Without ``tls_port``, ``port`` speaks only TLS."""

    tls_port: int | None = None
    """TCP port for TLS (rtsps://) beside ``port``, which is then in clear; 0 as in ``port``."""

    tls_client_auth: TlsClientAuth = TlsClientAuth.NONE
    """Whether players must show a certificate; only with ``certificate``."""

    tls_client_ca: Path | None = None
    """PEM file whose certificates vouch for those of players; None: ``certificate`` itself."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Password by user name. Empty: there are no logins."""

    schemes: tuple[Scheme, ...] = (Scheme.MD5, Scheme.SHA_256)
    """Ways to log in where others may read along; over TLS also with Basic."""

    has_login_per_connection: bool = True
    """Whether who has logged in for a path sets it up on that connection without doing so again."""

    session_timeout_s: float = 60.0
    """What ``Session: ...;timeout=`` tells; a silent session ends after 1.5 times this."""

    is_udp_enabled: bool = True
    """Whether RTP over UDP is offered; else SETUP for it is answered 461."""

    rtp_port: int = 8000
    """Even UDP port for RTP, the next one is for RTCP; 0 lets the system choose both."""

    dscp: int = 0
    """Differentiated services code point of what is sent to players (RFC 2474); 0 sets none."""

    multicast: MulticastSettings = field(default_factory=MulticastSettings)
    """Whether and where players are served together."""

    is_tunnel_enabled: bool = True
    """Whether RTSP is taken inside HTTP and WebSockets too; else they are answered 400."""

    limits: RtspLimits = field(default_factory=RtspLimits)
    """What the listener spends at most."""

    @property
    def is_tls_alone(self) -> bool:
        """Whether players must come with TLS, to ``port``."""
        return self.certificate is not None and self.tls_port is None

    @property
    def enforced_timeout_s(self) -> float:
        """After how much silence a session ends: later than we tell, for late pings."""
        return self.session_timeout_s * 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class MountSettings:
    """The paths of one camera and how they are served."""

    camera: str
    """Name of the camera; its paths are ``/NAME`` and ``/NAME/STREAM``."""

    streams: tuple[StreamKind, ...] = (StreamKind.MAIN, StreamKind.EXTERN, StreamKind.SUB)
    """Streams served. ``/NAME`` is main, else sub, else extern."""

    access: Access = Access(anonymous=True)
    """Who may watch."""

    start: StartMode = StartMode.FAST
    """What a player gets first, unless its URL says ``?start=``."""

    audio: AudioChoice = AudioChoice.AUTO
    """How sound is sent, unless the URL says ``?audio=``."""

    aggregate: Aggregation = Aggregation.PARAMETER_SETS
    """What may share a packet."""

    packet_bytes: int = 1400
    """Largest RTP packet with its header, unless a player asks for another size."""

    buffer_duration_s: float = 3.0
    """A player further behind than this is moved to the newest random access point."""

    setup_timeout_s: float = 9.0
    """How long DESCRIBE waits for a camera that was never seen before it answers 503.

    Less than the 10 s after which many recorders give up, and would not learn the reason.
    """

    max_clients: int = 0
    """Players on this camera's paths together; 0 means no limit. The next is answered 453."""

    max_bytes: int = 0
    """Media bytes waiting for all players of this camera; 0 means no limit but that of all."""

    is_adaptive: bool = False
    """Whether players of ``/NAME`` may be moved to the sub stream; those of ``/NAME/auto`` may."""

    has_metadata: bool = False
    """Whether a track with events is offered, unless the URL says ``?metadata=``."""

    has_talk: bool = True
    """Whether players who may watch may also speak through the camera."""

    use_splash: bool = True
    """Whether a lost or absent camera is bridged by a placeholder instead of an end."""

    splash_pattern: str = "last"
    """Placeholder: ``last`` (the camera's last picture), or a drawn pattern's name."""

    pause: PauseSettings = field(default_factory=PauseSettings)
    """When streams rest although somebody watches."""
