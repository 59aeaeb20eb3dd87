"""Browsers that are logged in: a bounded table in memory. Pure but for the random keys.

Only a digest of a key is kept, so finding one takes no time that tells anything about the others.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Session", "Sessions"]

KEY_BYTES = 32
PER_USER = 64
"""A script that logs in again and again ends its own older sessions, not those of others."""


@dataclass(slots=True, eq=False)
class Session:
    """One login. It ends when it is unused for too long, too old, or revoked."""

    id: bytes
    """Digest of the key that the browser holds."""
    user: str | None
    """None: it was opened with the token."""
    opened_s: float
    used_s: float


class Sessions:
    """All logins, the one unused for longest first."""

    def __init__(self, *, capacity: int, idle_s: float, age_s: float) -> None:
        self.capacity = capacity
        self.idle_s = idle_s
        self.age_s = age_s
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, user: str | None, now_s: float) -> str:
        """Begin a session and return its key; what is over the bounds makes room."""
        own = [session for session in self._sessions.values() if session.user == user]
        if len(own) >= PER_USER:
            self.end(own[0])
        while len(self._sessions) >= self.capacity:
            self._sessions.popitem(last=False)
        key = secrets.token_urlsafe(KEY_BYTES)
        session = Session(_digest(key), user, now_s, now_s)
        self._sessions[session.id] = session
        return key

    def find(self, key: str, now_s: float) -> Session | None:
        """Return the session of a key, which counts as used from now; None if there is none."""
        session = self._sessions.get(_digest(key))
        if session is None or not self.is_alive(session, now_s):
            return None
        self.touch(session, now_s)
        return session

    def is_alive(self, session: Session, now_s: float) -> bool:
        """Tell whether a session has neither ended nor expired."""
        if self._sessions.get(session.id) is not session:
            return False
        is_fresh = now_s - session.used_s <= self.idle_s
        return is_fresh and now_s - session.opened_s <= self.age_s

    def touch(self, session: Session, now_s: float) -> None:
        """Note that a session is in use."""
        session.used_s = now_s
        self._sessions.move_to_end(session.id)

    def end(self, session: Session) -> None:
        """Forget a session; a second call does nothing."""
        self._sessions.pop(session.id, None)

    def keep(self, is_good: Callable[[Session], bool]) -> None:
        """End all sessions that are not good any more."""
        for session in list(self._sessions.values()):
            if not is_good(session):
                self.end(session)

    def sweep(self, now_s: float) -> None:
        """Forget what has expired."""
        self.keep(lambda session: self.is_alive(session, now_s))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
