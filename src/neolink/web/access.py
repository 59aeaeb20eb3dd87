"""Who asks, and what that one may see: tokens, logins, sessions, cameras.

Everything here is decided in one turn of the loop. What is true of a caller may end while an
answer still flows: whoever streams asks :meth:`Gate.is_still_good` again and again.
"""

import hashlib
import hmac
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from neolink.clock import Clock
from neolink.log import RepeatLimiter
from neolink.web.errors import ApiError
from neolink.web.guesses import Guesses
from neolink.web.hosts import behind_proxies, is_same_origin
from neolink.web.sessions import Session, Sessions
from neolink.web.settings import HttpSettings
from neolink.web.view import BridgeView

__all__ = ["COOKIE", "Caller", "Gate"]

_LOG = logging.getLogger(__name__)

COOKIE: Final = "neolink_session"
OWN_HEADER: Final = "X-Neolink"
"""No form and no link of another page can send it."""

_SAFE: Final = frozenset({"GET", "HEAD"})
_NOBODY: Final = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as it was proven when the request came."""

    user: str | None = None
    sees_all: bool = False
    session: Session | None = None
    token_digest: bytes | None = None

    @property
    def is_admitted(self) -> bool:
        """Whether anything may be seen at all."""
        return self.sees_all or self.session is not None


class Gate:
    """Proves callers and decides what they may see."""

    def __init__(self, settings: HttpSettings, view: BridgeView, clock: Clock) -> None:
        limits = settings.limits
        self.settings = settings
        self.sessions = Sessions(
            capacity=limits.max_sessions, idle_s=limits.session_idle_s, age_s=limits.session_age_s
        )
        self._view = view
        self._clock = clock
        self._guesses = Guesses(free=limits.free_logins, interval_s=limits.login_interval_s)
        self._limiter = RepeatLimiter(clock)

    def reload(self, settings: HttpSettings) -> None:
        """Go over to other users and another token; end the sessions of what has changed."""
        before, self.settings = self.settings, settings

        def is_good(session: Session) -> bool:
            if session.user is None:
                return _is_same(before.token, settings.token)
            password = settings.users.get(session.user)
            return _is_same(before.users.get(session.user), password)

        self.sessions.keep(is_good)

    def sweep(self) -> None:
        """Forget what has expired."""
        now_s = self._clock.monotonic_s()
        self.sessions.sweep(now_s)
        self._guesses.sweep(now_s)

    # -- who asks ---------------------------------------------------------------------

    def address_of(self, request: web.Request) -> str:
        """Return the address of who sends a request, seen through proxies of ours."""
        forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", ()))
        return behind_proxies(request.remote or "", forwarded_for, self.settings.proxies)

    def identify(self, request: web.Request) -> Caller:
        """Return who sends a request. Raises ApiError 401 or 429 for a token that is wrong.

        Other ways of authorization are a proxy's business, and say nothing here.
        """
        if not self.settings.needs_login:
            return Caller(sees_all=True)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self._bearer(token.strip(), self.address_of(request))
        key = request.cookies.get(COOKIE)
        session = self.sessions.find(key, self._clock.monotonic_s()) if key else None
        if session is None:
            return Caller()
        return Caller(session.user, sees_all=session.user is None, session=session)

    def require_login(self, caller: Caller) -> None:
        """Raise ApiError 401 for a caller who has proven nothing."""
        if not caller.is_admitted:
            raise _unauthorized("log in first: POST /api/v1/session, or send the bearer token")

    def require_own_page(self, request: web.Request, caller: Caller) -> None:
        """Raise ApiError 403 for a request that changes something and that another page caused."""
        if not is_same_origin(request.headers.get("Origin"), request.headers.get("Host")):
            raise ApiError(HTTPStatus.FORBIDDEN, "foreign_origin", "another page sent this request")
        needs_header = caller.session is not None and request.method not in _SAFE
        if needs_header and OWN_HEADER not in request.headers:
            text = (
                f"a request with a cookie that changes something needs the header {OWN_HEADER}: 1"
            )
            raise ApiError(HTTPStatus.FORBIDDEN, "header_missing", text)

    def is_still_good(self, caller: Caller) -> bool:
        """Tell whether what a caller has proven holds now; a session that does is in use."""
        if not self.settings.needs_login:
            return caller.sees_all
        if caller.token_digest is not None:
            return _matches(self.settings.token, caller.token_digest)
        now_s = self._clock.monotonic_s()
        if caller.session is None or not self.sessions.is_alive(caller.session, now_s):
            return False
        self.sessions.touch(caller.session, now_s)
        return True

    # -- what may be seen -------------------------------------------------------------

    def may_watch(self, caller: Caller, camera: str) -> bool:
        """Tell whether a caller may see a camera, as far as it exists."""
        if caller.sees_all:
            return True
        access = self._view.access(camera)
        return access is not None and caller.is_admitted and access.permits(caller.user)

    # -- logging in -------------------------------------------------------------------

    def log_in(self, host: str, *, user: str | None, secret: str) -> str:
        """Check a password (or, without a user, the token) and return the key of a new session.

        Raises ApiError 401 when it is wrong and 429 when the address was wrong too often.
        """
        self._require_patience(host)
        wanted = self.settings.token if user is None else self.settings.users.get(user)
        if not _matches(wanted, _digest(secret)):
            raise self._wrong(
                host, "wrong token" if user is None else "wrong user name or password"
            )
        return self.sessions.open(user, self._clock.monotonic_s())

    def _bearer(self, token: str, host: str) -> Caller:
        self._require_patience(host)
        digest = _digest(token)
        if not _matches(self.settings.token, digest):
            raise self._wrong(host, "wrong token")
        return Caller(sees_all=True, token_digest=digest)

    def _require_patience(self, host: str) -> None:
        wait_s = self._guesses.wait_s(host, self._clock.monotonic_s())
        if wait_s > 0:
            seconds = int(wait_s) + 1
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too_many_wrong_logins",
                f"too many wrong logins from this address: wait {seconds} s",
                headers={"Retry-After": str(seconds)},
            )

    def _wrong(self, host: str, text: str) -> ApiError:
        self._guesses.note_wrong(host, self._clock.monotonic_s())
        self._limiter.log(_LOG, logging.WARNING, "HTTP login from %s refused: %s", host, text)
        return _unauthorized(text)


def _unauthorized(text: str) -> ApiError:
    headers = {"WWW-Authenticate": 'Bearer realm="neolink"'}
    return ApiError(HTTPStatus.UNAUTHORIZED, "unauthorized", text, headers=headers)


def _digest(secret: str) -> bytes:
    """Make secrets of any length comparable in a time that tells nothing."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _matches(secret: str | None, digest: bytes) -> bool:
    is_equal = hmac.compare_digest(_digest(secret or _NOBODY), digest)
    return is_equal and bool(secret)


def _is_same(before: str | None, now: str | None) -> bool:
    return (
        bool(now)
        and before is not None
        and hmac.compare_digest(_digest(before), _digest(now or ""))
    )
