"""What one camera connection needs to know, as a frozen value. No file is read here.

``neolink.config`` makes it from the configuration file; tests and the simulator make it by hand.
Nothing in it is printed that must not be: the password and the UID are left out of ``repr``.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from neolink.baichuan.crypto import Encryption
from neolink.media.tracks import StreamKind

__all__ = ["CameraSettings", "Discovery", "PrintFormat"]

MIB = 1024 * 1024


class Discovery(StrEnum):
    """Which ways to find a camera by its UID are allowed; each value names the widest."""

    NONE = "none"
    LOCAL = "local"
    REMOTE = "remote"
    MAP = "map"
    RELAY = "relay"
    CELLULAR = "cellular"
    DEBUG = "debug"


class PrintFormat(StrEnum):
    """How the battery state is written to standard output when it arrives."""

    NONE = "none"
    HUMAN = "human"
    XML = "xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """One camera (one channel of one device). At least one of ``host`` and ``uid`` is set."""

    name: str
    """Unique name; part of RTSP paths and MQTT topics, and of every log line."""

    host: str | None = None
    """Host name or address for TCP; IPv6 without brackets. ``None``: only by ``uid``."""

    port: int = 9000
    """TCP port of the camera's own protocol (not HTTP, not RTSP)."""

    uid: str | None = field(default=None, repr=False)
    """The device's UID, for UDP. Whoever knows it can ask the vendor for the device."""

    username: str = "admin"
    """Account on the camera."""

    password: str = field(default="", repr=False)
    """Its password; empty is legal on a factory-new camera. Never logged, never printed."""

    streams: tuple[StreamKind, ...] = (StreamKind.MAIN, StreamKind.EXTERN, StreamKind.SUB)
    """Streams that may be asked for. Empty: the camera serves no video."""

    channel_id: int = 0
    """Channel of an NVR, counted from 0."""

    max_encryption: Encryption = Encryption.FULL_AES
    """The strongest encryption to offer at login; the camera may choose a weaker one."""

    strict: bool = False
    """Whether a malformed media packet ends the stream instead of being skipped."""

    update_time: bool = False
    """Whether to set the camera's clock at every login, not only when it was never set."""

    idle_disconnect: bool = False
    """Whether to log out while nobody uses the camera (battery cameras then sleep)."""

    idle_grace_s: float = 30.0
    """How long the camera must be unused before ``idle_disconnect`` acts."""

    discovery: Discovery = Discovery.RELAY
    """How far the search by ``uid`` may go. ``NONE`` and ``LOCAL`` never leave the network."""

    max_discovery_retries: int = 10
    """Attempts to register with the vendor's servers; 0 means without limit."""

    print_format: PrintFormat = PrintFormat.NONE
    """Whether and how battery states go to standard output."""

    debug: bool = False
    """Whether to log decrypted XML, with its secrets blanked out."""

    has_high_talk_nibble_first: bool = True
    """Which half of a byte of talk the camera plays first; the other way sounds noisy."""

    connect_timeout_s: float = 4.0
    """How long one TCP connect may take."""

    first_reply_timeout_s: float = 4.0
    """How long a camera that accepted the connection may stay silent at the greeting."""

    login_timeout_s: float = 15.0
    """How long the whole login may take."""

    ping_interval_s: float = 5.0
    """Pause between two pings."""

    ping_timeout_s: float = 5.0
    """How long the answer to a ping may take."""

    max_missed_pings: int = 5
    """Unanswered pings in a row that are forgiven; the next one ends the connection."""

    stop_timeout_s: float = 2.0
    """How long to wait for the answer to stop-video and to logout."""

    busy_retries: int = 5
    """How often a command is repeated that the camera answers with "busy" (400)."""

    busy_delay_s: float = 1.0
    """Pause before such a repetition."""

    backoff_initial_s: float = 0.05
    """First pause before a reconnect; it doubles with every failure."""

    backoff_max_s: float = 5.0
    """Longest pause before a reconnect."""

    backoff_reset_after_s: float = 60.0
    """A connection that lasted longer than this makes the pauses start anew."""

    auth_backoff_initial_s: float = 30.0
    """First pause after refused credentials; doubles. Cameras lock out on five bad logins."""

    auth_backoff_max_s: float = 900.0
    """Longest pause after refused credentials."""

    sleep_backoff_max_s: float = 3600.0
    """Longest pause before a reconnect to a battery camera that is asleep."""

    max_frame_length: int = 8 * MIB
    """Bytes; a camera that announces a longer video frame breaks the rules."""
