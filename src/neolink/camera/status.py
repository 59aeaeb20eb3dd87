"""What a camera is doing and why, as a value anybody may read. No formatting, no logging."""

from dataclasses import dataclass, field
from enum import StrEnum

from neolink.camera.failures import LossCause, Phase
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
    phase: Phase = Phase.CONNECT
    """What the connection of now, or the last one, got to."""
    next_attempt_s: float | None = None
    """Monotonic time of the next attempt to connect; None unless it waits for that."""
    reconnects: dict[LossCause, int] = field(default_factory=lambda: dict.fromkeys(LossCause, 0))
    """Connections and attempts that failed, by what ended them."""
    errors: dict[Phase, int] = field(default_factory=lambda: dict.fromkeys(Phase, 0))
    """The same by phase; streams count their own."""
    logged_in_s: float | None = None
    """Monotonic time of the login of now; None without one."""
    was_awake_s: float = 0.0
    """How long all logins before that one lasted."""
    batteries: dict[int, int] = field(default_factory=dict)
    """Charge in percent by channel, as it was told last; empty where there is no battery."""
    model: str = ""
    """As the camera names it; empty while it did not tell."""
    firmware: str = ""

    def awake_s(self, now_s: float) -> float:
        """Return how long the camera was logged in, in all."""
        return self.was_awake_s + (now_s - self.logged_in_s if self.logged_in_s is not None else 0)

    def logged_in(self, now_s: float) -> None:
        """Note a successful login."""
        self.connects += 1
        self.refusal = None
        self.logged_in_s = now_s

    def login_ended(self, now_s: float) -> None:
        """Note the end of a login, if there was one."""
        self.was_awake_s, self.logged_in_s = self.awake_s(now_s), None
