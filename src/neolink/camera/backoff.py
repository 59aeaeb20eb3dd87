"""How long to wait before the next attempt. Pure: pauses as values, the owner sleeps.

Two rules: a lost connection is retried soon and ever slower; refused credentials are retried
rarely, because cameras lock an account after a few wrong passwords.
"""

from neolink.camera.settings import CameraSettings
from neolink.errors import AuthenticationFailed

__all__ = ["Backoff"]


class Backoff:
    """The pauses between the attempts to reach one camera."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._next_s = settings.backoff_initial_s
        self._next_auth_s = settings.auth_backoff_initial_s

    def pause_s(self, error: BaseException, connected_s: float) -> float:
        """Return the pause after a failure; ``connected_s`` is how long the login had lasted."""
        settings = self._settings
        if isinstance(error, AuthenticationFailed):
            pause_s = self._next_auth_s
            self._next_auth_s = min(2 * pause_s, settings.auth_backoff_max_s)
            return pause_s
        if connected_s > settings.backoff_reset_after_s:
            self._next_s = settings.backoff_initial_s
        pause_s = self._next_s
        self._next_s = min(2 * pause_s, settings.backoff_max_s)
        return pause_s

    def logged_in(self) -> None:
        """Forget refused credentials: they were right this time."""
        self._next_auth_s = self._settings.auth_backoff_initial_s
