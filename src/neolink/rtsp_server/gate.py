"""Who may watch what: one peer's logins against the users and cameras as they are now."""

import asyncio

from neolink.rtsp.auth import Authenticator, AuthOutcome
from neolink.rtsp.errors import RtspError
from neolink.rtsp.message import Method, Request
from neolink.rtsp.url import Target
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.mount import Mount
from neolink.rtsp_server.player import printable
from neolink.rtsp_server.refusals import Refusal

__all__ = ["Gate"]


class Gate:
    """What one connection has proven of itself."""

    def __init__(self, context: Context, peer_host: str, peer_name: str) -> None:
        self.is_admitted = False
        """Whether the peer has asked for a stream that it may watch."""
        self._context = context
        self._peer_host = peer_host
        self._peer_name = peer_name
        self._proven_user: str | None = None
        self._proven_by: Authenticator | None = None
        self._proven_path: str | None = None

    @property
    def user(self) -> str | None:
        """Who the peer has proven to be, among the users as they are today."""
        is_valid = self._proven_by is self._context.authenticator
        return self._proven_user if is_valid else None

    async def mount(self, request: Request, target: Target) -> Mount:
        """Return the mount of a path that this peer may watch; raise 401, 403 or 404."""
        mount = self._context.mounts.find(target.path)
        if mount is None or mount.settings.access.needs_login:
            await self._require_permission(request, target, mount)
        if mount is None:
            text = f"asks for /{printable(target.path)}, which no camera has"
            self._context.refusals.note(Refusal.NO_CAMERA, self._peer_name, text)
            raise RtspError(404, f"no camera at /{target.path}")
        self.is_admitted = True
        return mount

    async def _require_permission(
        self, request: Request, target: Target, mount: Mount | None
    ) -> None:
        if request.method == Method.SETUP and mount and self._is_proven(target, mount):
            return  # some players sign DESCRIBE rightly and then send garbage
        # Before a login nobody learns which cameras exist.
        user = await self._login(request) if mount or self._context.settings.users else None
        if mount is None:
            return
        if not mount.settings.access.permits(user):
            text = f"{self._peer_name} is refused: {user} may not watch (see permitted_users)"
            self._context.refusals.note(Refusal.NO_PERMISSION, mount.name, text)
            raise RtspError(403, "this user may not watch this camera")
        self._proven_path = target.path

    def _is_proven(self, target: Target, mount: Mount) -> bool:
        """Whether the peer has logged in for this path, and that is still good."""
        is_same = target.path == self._proven_path and self.user is not None
        return is_same and mount.settings.access.permits(self.user)

    async def _login(self, request: Request) -> str:
        """Return the proven user; raise 401 with challenges."""
        context = self._context
        now_s = context.clock.unix_s()
        result = context.authenticator.verify(
            request.headers.get("Authorization"),
            request.method,
            request.url,
            now_s,
            allow_stale=self.user is not None,
        )
        if result.user is not None:
            self._proven_user, self._proven_by = result.user, context.authenticator
            return result.user
        if result.outcome in {AuthOutcome.WRONG, AuthOutcome.MALFORMED}:
            await self._note_wrong_login()
        is_stale = result.outcome is AuthOutcome.STALE
        challenges = context.authenticator.challenges(now_s, stale=is_stale)
        raise RtspError(
            401,
            "credentials are needed",
            headers=[("WWW-Authenticate", challenge) for challenge in challenges],
        )

    async def _note_wrong_login(self) -> None:
        """Slow down who guesses: only this connection waits."""
        context = self._context
        context.refusals.note(
            Refusal.WRONG_LOGIN, self._peer_host, "wrong user name or password of a player"
        )
        if context.wrong_logins.note(self._peer_host, context.clock.monotonic_s()):
            await asyncio.sleep(context.settings.limits.wrong_login_delay_s)
