"""Why a camera is away, and what stands in for it: from its status to what the hub shows.

Beside ``app`` because only here both sides are known: cameras do not know the hub, nor it them.
"""

from neolink.camera.status import CameraState, CameraStatus
from neolink.clock import Clock
from neolink.errors import LoginRefusal
from neolink.hub.splash import SplashReason
from neolink.hub.standin import StandInSettings
from neolink.rtsp_server.settings import MountSettings

__all__ = ["stand_in_settings", "why"]

PATIENCE_S = 15.0
"""A camera that is connected this long without a picture is said to send none."""

_REFUSALS = {
    LoginRefusal.WRONG_CREDENTIALS: SplashReason.WRONG_PASSWORD,
    LoginRefusal.ACCOUNT_LOCKED: SplashReason.ACCOUNT_LOCKED,
    LoginRefusal.TOO_MANY_SESSIONS: SplashReason.TOO_MANY_SESSIONS,
}


def why(status: CameraStatus, clock: Clock) -> SplashReason:
    """Return the reason that is told to viewers."""
    if status.refusal is not None:
        return _REFUSALS.get(status.refusal, SplashReason.LOGIN_REFUSED)
    match status.state:
        case CameraState.UNSUPPORTED:
            return SplashReason.UNSUPPORTED
        case CameraState.CONNECTED:
            is_silent = clock.monotonic_s() - status.since_s > PATIENCE_S
            return SplashReason.NO_VIDEO if is_silent else SplashReason.STARTING
    return SplashReason.UNREACHABLE if status.last_error else SplashReason.STARTING


def stand_in_settings(mount: MountSettings | None) -> StandInSettings:
    """Return how a camera with these paths is bridged while it is away."""
    if mount is None:
        return StandInSettings(is_enabled=False)
    return StandInSettings(is_enabled=mount.use_splash, pattern=mount.splash_pattern)
