"""Remembers logins that were refused, so that nobody locks an account by asking the doctor often.

A small JSON file, mode 0600. Instead of a password it has a slow, salted hash of it, which serves
only to see that it has not changed since. A file that cannot be read or written is as good as none.
"""

import hashlib
import hmac
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from neolink.camera.settings import CameraSettings
from neolink.clock import Clock
from neolink.doctor.judge_login import Refused
from neolink.doctor.words import place
from neolink.errors import LoginRefusal

__all__ = ["Refusals"]

KEPT_S = 30 * 60.0
"""How long a refusal is remembered; cameras forget theirs sooner."""

MOST_KEPT = 100
LONGEST_FILE = 100_000
MEANINGFUL = frozenset(
    {
        LoginRefusal.WRONG_CREDENTIALS,
        LoginRefusal.ACCOUNT_LOCKED,
        LoginRefusal.EMPTY_ANSWER,
        LoginRefusal.UNEXPLAINED,
    }
)
"""Refusals that another try could make worse: the last two may mean a wrong password as well."""


@dataclass(frozen=True, slots=True)
class _Entry:
    unix_s: float
    reason: str
    salt: str
    hash: str


class Refusals:
    """What is remembered in one file; ``path`` None remembers nothing."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def of(self, settings: CameraSettings) -> Refused | None:
        """Return the last refusal of these very credentials, unless it was long ago."""
        entry = self._load().get(_key(settings))
        if entry is None or not hmac.compare_digest(entry.hash, _hash(settings, entry.salt)):
            return None
        return Refused(LoginRefusal(entry.reason), self._clock.unix_s() - entry.unix_s)

    def note(self, settings: CameraSettings, reason: LoginRefusal) -> None:
        """Remember a refusal, if it is one that matters."""
        if reason not in MEANINGFUL or self._path is None:
            return
        salt = secrets.token_hex(16)
        entry = _Entry(self._clock.unix_s(), reason.value, salt, _hash(settings, salt))
        entries = self._load() | {_key(settings): entry}
        self._save(dict(sorted(entries.items(), key=lambda one: one[1].unix_s)[-MOST_KEPT:]))

    def forget(self, settings: CameraSettings) -> None:
        """Forget the refusals of a camera: it let in."""
        entries = self._load()
        if entries.pop(_key(settings), None) is not None:
            self._save(entries)

    def _load(self) -> dict[str, _Entry]:
        """Read what is not too old."""
        if self._path is None:
            return {}
        now_s = self._clock.unix_s()
        try:
            with self._path.open("rb") as stream:
                document = json.loads(stream.read(LONGEST_FILE))
            entries = {str(key): _Entry(**value) for key, value in document.items()}
            return {
                key: entry
                for key, entry in entries.items()
                if 0 <= now_s - entry.unix_s < KEPT_S and LoginRefusal(entry.reason)
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def _save(self, entries: dict[str, _Entry]) -> None:
        assert self._path is not None  # else there would be nothing to save
        text = json.dumps({key: asdict(entry) for key, entry in entries.items()})
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as stream:
                stream.write(text)


def _key(settings: CameraSettings) -> str:
    return f"{settings.username}@{place(settings.host or '', settings.port)}"


def _hash(settings: CameraSettings, salt: str) -> str:
    password = settings.password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(password, salt=salt.encode(), n=1 << 14, r=8, p=1, dklen=32).hex()
