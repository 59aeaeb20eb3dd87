"""What the RTSP listener and its mounts need to know, as frozen values. No file is read here.

Also who may watch what: :func:`resolve_access` is the only place that gives meaning to
``permitted_users``.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from neolink.hub.pause import PauseSettings
from neolink.media.tracks import StreamKind

__all__ = [
    "ANONYMOUS",
    "ANYONE",
    "Access",
    "AudioChoice",
    "MountSettings",
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


class AudioChoice(StrEnum):
    """How sound is sent."""

    AUTO = "auto"
    """As the camera sends it where players know it: AAC as AAC, ADPCM as L16."""

    AAC = "aac"
    L16 = "l16"
    PCMU = "pcmu"
    PCMA = "pcma"
    OPUS = "opus"
    NONE = "none"


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
class RtspSettings:
    """The listener: where, for whom, within which limits."""

    bind: str = "0.0.0.0"  # noqa: S104 - players are on other machines; the documented default
    """Address to listen on."""

    port: int = 8554
    """TCP port to listen on; 0 lets the system choose."""

    certificate: Path | None = None
    """PEM file with certificate and private key. Set: the port speaks only TLS (rtsps://)."""

    tls_client_auth: TlsClientAuth = TlsClientAuth.NONE
    """Whether players must show a certificate; only with ``certificate``."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    """Password by user name. Empty: there are no logins."""

    session_timeout_s: float = 60.0
    """What ``Session: ...;timeout=`` tells; a silent session ends after 1.5 times this."""

    is_udp_enabled: bool = True
    """Whether RTP over UDP is offered; else SETUP for it is answered 461."""

    rtp_port: int = 8000
    """Even UDP port for RTP, the next one is for RTCP; 0 lets the system choose both."""

    limits: RtspLimits = field(default_factory=RtspLimits)
    """What the listener spends at most."""

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

    buffer_duration_s: float = 3.0
    """A player further behind than this is moved to the newest random access point."""

    setup_timeout_s: float = 10.0
    """How long DESCRIBE waits for a camera that was never seen before it answers 503."""

    max_clients: int = 0
    """Players on this camera's paths together; 0 means no limit. The next is answered 453."""

    max_bytes: int = 0
    """Media bytes waiting for all players of this camera; 0 means no limit but that of all."""

    is_adaptive: bool = False
    """Whether players of ``/NAME`` may be moved to the sub stream; those of ``/NAME/auto`` may."""

    use_splash: bool = True
    """Whether a lost or absent camera is bridged by a placeholder instead of an end."""

    splash_pattern: str = "last"
    """Placeholder: ``last`` (the camera's last picture), or a drawn pattern's name."""

    pause: PauseSettings = field(default_factory=PauseSettings)
    """When streams rest although somebody watches."""
