"""Who may watch what: one peer's logins against the users and cameras as they are now."""

import asyncio

from neolink.listening import printable
from neolink.rtsp.auth import Authenticator, AuthOutcome
from neolink.rtsp.errors import RtspError
from neolink.rtsp.message import Method, Request
from neolink.rtsp.url import Target
from neolink.rtsp_server.context import Context
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.requests.connection import ClientConnection

__all__ = ["Gate"]


class Gate:
    """What one connection has proven of itself."""

    def __init__(self, context: Context, connection: ClientConnection) -> None:
        self.is_admitted = False
        """Whether the peer has asked for a stream that it may watch."""
        self.stream_name = ""
        """Which stream that was last."""
        self._context = context
        self._peer_host = connection.peer_host
        self._peer_name = connection.name
        self._is_secure = connection.is_secure
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
            text = f"a player asks for /{printable(target.path)}, which no camera has"
            self._context.refusals.note(Refusal.NO_CAMERA, self._peer_host, text)
            raise RtspError(404, f"no camera at /{target.path}")
        self.is_admitted, self.stream_name = True, mount.name
        return mount

    async def _require_permission(
        self, request: Request, target: Target, mount: Mount | None
    ) -> None:
        is_forgiving = self._context.settings.has_login_per_connection
        if is_forgiving and request.method == Method.SETUP and self._is_proven(target, mount):
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

    def _is_proven(self, target: Target, mount: Mount | None) -> bool:
        """Whether the peer has logged in for this path, and that is still good."""
        is_same = target.path == self._proven_path and self.user is not None
        return is_same and mount is not None and mount.settings.access.permits(self.user)

    async def _login(self, request: Request) -> str:
        """Return the proven user; raise 401 with challenges."""
        context, is_secure = self._context, self._is_secure
        now_s, authenticator = context.clock.unix_s(), context.authenticator
        result = authenticator.verify(
            request.headers.get("Authorization"),
            request.method,
            request.url,
            now_s,
            allow_stale=self.user is not None,
            is_secure=is_secure,
        )
        if result.user is not None:
            self._proven_user, self._proven_by = result.user, authenticator
            return result.user
        if result.outcome in {AuthOutcome.WRONG, AuthOutcome.MALFORMED}:
            await self._note_wrong_login()
        elif result.outcome is AuthOutcome.NOT_OFFERED:
            self._note_other_scheme(authenticator)
        is_stale = result.outcome is AuthOutcome.STALE
        challenges = authenticator.challenges(now_s, stale=is_stale, is_secure=is_secure)
        raise RtspError(
            401,
            "credentials are needed",
            headers=[("WWW-Authenticate", challenge) for challenge in challenges],
        )

    def _note_other_scheme(self, authenticator: Authenticator) -> None:
        """Tell of a player that can only log in as we do not let it; that is no guess."""
        offered = ", ".join(sorted(authenticator.offered(is_secure=self._is_secure)))
        text = f"a player logs in by none of {offered} (see [rtsp] auth)"
        self._context.refusals.note(Refusal.WRONG_LOGIN, self._peer_host, text)

    async def _note_wrong_login(self) -> None:
        """Slow down who guesses: only this connection waits."""
        context = self._context
        context.refusals.note(
            Refusal.WRONG_LOGIN, self._peer_host, "wrong user name or password of a player"
        )
        if context.wrong_logins.note(self._peer_host, context.clock.monotonic_s()):
            await asyncio.sleep(context.settings.limits.wrong_login_delay_s)
