"""What a camera is doing and why, as a value anybody may read. No formatting, no logging."""

from dataclasses import dataclass
from enum import StrEnum

from neolink.errors import LoginRefusal

__all__ = ["CameraState", "CameraStatus"]


class CameraState(StrEnum):
    """Where the connection to a camera is in its life."""

    IDLE = "idle"
    """Nobody wants anything of it, and the settings say to leave it alone then."""
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """The last attempt failed; the next one comes after a pause."""
    AUTH_FAILED = "auth_failed"
    """The credentials were refused; the next attempt comes after a long pause."""
    UNSUPPORTED = "unsupported"
    """The settings ask for something that is not there; no attempt is made."""


@dataclass(slots=True)
class CameraStatus:
    """Written by the camera's supervisor, read by everybody."""

    state: CameraState = CameraState.IDLE
    since_s: float = 0.0
    """Monotonic time of the last change of state."""
    last_error: str = ""
    """The last failure in words; empty while there was none."""
    last_error_s: float = 0.0
    refusal: LoginRefusal | None = None
    """Why the last login was refused; None while logins succeed or were not answered."""
    failures: int = 0
    connects: int = 0
    """Successful logins."""
