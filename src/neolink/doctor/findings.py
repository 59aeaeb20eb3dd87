"""What the doctor can say: checks, how bad it is, causes with stable names, findings. Values only.

Names of checks, severities and causes are part of what ``neolink doctor --json`` promises; their
meaning for people is in ``docs/doctor.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from neolink.media.tracks import StreamKind

__all__ = [
    "Cause",
    "Check",
    "Figure",
    "Finding",
    "Severity",
    "failure",
    "fine",
    "skipped",
    "warning",
]

Figure = str | int | float | bool | None
"""A value for programs; what it counts and its unit are in its name."""


class Check(StrEnum):
    """What is asked, in this order."""

    CONFIGURATION = "configuration"
    NAME = "name"
    CONNECT = "connect"
    PROTOCOL = "protocol"
    LOGIN = "login"
    DEVICE = "device"
    STREAMS = "streams"
    PLAY = "play"


class Severity(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    """The camera can be watched all the same."""
    FAILURE = "failure"
    """This is why it cannot be watched."""
    SKIPPED = "skipped"
    """Not asked."""


class Cause(StrEnum):
    """Why something is not as it should be. The values never change their meaning."""

    # configuration
    BAD_CONFIGURATION = "bad_configuration"
    UNKNOWN_CAMERA = "unknown_camera"
    CAMERA_DISABLED = "camera_disabled"
    UID_ONLY = "uid_only"
    NO_PASSWORD = "no_password"
    PASSWORD_TOO_LONG = "password_too_long"
    NO_STREAMS = "no_streams"
    # network
    NAME_NOT_FOUND = "name_not_found"
    NO_NETWORK = "no_network"
    UNREACHABLE = "unreachable"
    WRONG_PORT = "wrong_port"
    # protocol
    NOT_A_CAMERA = "not_a_camera"
    SILENT_CAMERA = "silent_camera"
    HANGS_UP = "hangs_up"
    LEGACY_CAMERA = "legacy_camera"
    ENCRYPTION_MISMATCH = "encryption_mismatch"
    GARBLED_ANSWERS = "garbled_answers"
    # login
    WRONG_PASSWORD = "wrong_password"
    ACCOUNT_LOCKED = "account_locked"
    TOO_MANY_SESSIONS = "too_many_sessions"
    ACCOUNT_BOUND = "account_bound"
    LOGIN_REFUSED = "login_refused"
    # device
    NO_ANSWERS = "no_answers"
    CLOCK_WRONG = "clock_wrong"
    BATTERY_LOW = "battery_low"
    WEAK_WIFI = "weak_wifi"
    PRIVACY_MODE = "privacy_mode"
    NO_SUCH_CHANNEL = "no_such_channel"
    CHANNEL_ASLEEP = "channel_asleep"
    CHANNEL_OFFLINE = "channel_offline"
    MISSING_RIGHTS = "missing_rights"
    # streams
    NO_SUCH_STREAM = "no_such_stream"
    STREAM_REFUSED = "stream_refused"
    SILENT_STREAM = "silent_stream"
    NO_KEY_FRAME = "no_key_frame"
    RARE_KEY_FRAMES = "rare_key_frames"
    SLOW_START = "slow_start"
    LOW_FRAME_RATE = "low_frame_rate"
    SLOW_NETWORK = "slow_network"
    UNEVEN_DELIVERY = "uneven_delivery"
    DAMAGED_MEDIA = "damaged_media"
    JUMPING_TIMESTAMPS = "jumping_timestamps"
    ODD_AUDIO = "odd_audio"
    CONNECTION_LOST = "connection_lost"
    # the doctor
    OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One answer. Neither text has a secret or a UID in it, nor anything but printable text."""

    check: Check
    severity: Severity
    text: str
    """What was found; a sentence without a full stop."""
    cause: Cause | None = None
    """With a warning or a failure."""
    advice: str = ""
    """What to do, in whole sentences."""
    stream: StreamKind | None = None
    """Which one, for ``Check.PLAY``."""
    figures: Mapping[str, Figure] = field(default_factory=lambda: MappingProxyType({}))


def fine(check: Check, text: str) -> Finding:
    """Say that all is well."""
    return Finding(check=check, severity=Severity.OK, text=text)


def warning(check: Check, cause: Cause, text: str, advice: str = "") -> Finding:
    """Say what is odd, although the camera can be watched."""
    return Finding(check=check, severity=Severity.WARNING, cause=cause, text=text, advice=advice)


def failure(check: Check, cause: Cause, text: str, advice: str = "") -> Finding:
    """Say why the camera cannot be watched."""
    return Finding(check=check, severity=Severity.FAILURE, cause=cause, text=text, advice=advice)


def skipped(check: Check, text: str) -> Finding:
    """Say why something was not asked."""
    return Finding(check=check, severity=Severity.SKIPPED, text=text)
