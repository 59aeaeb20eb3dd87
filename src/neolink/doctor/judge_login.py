"""Findings about the settings of a camera and its answer to the login. Pure.

Nothing here tells what a password is; that it is empty or too long is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from neolink.camera.settings import CameraSettings
from neolink.doctor.findings import Cause, Check, Finding, failure, fine, warning
from neolink.doctor.words import and_join, place, printable, span
from neolink.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    LoginRefusal,
    NeolinkError,
    RemoteProtocolError,
)

__all__ = [
    "LONGEST_PASSWORD",
    "Refused",
    "judge_camera_name",
    "judge_login_error",
    "judge_refusal",
    "judge_remembered",
    "judge_settings",
]

LONGEST_PASSWORD = 31
"""Characters; cameras keep no more."""

NO_MORE_TRIES = (
    "Cameras lock the account after about five wrong passwords, so this was tried once only; stop "
    "a bridge that still uses the old one."
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused login that is remembered: why, and how long ago."""

    reason: LoginRefusal
    age_s: float


# ---------------------------------------------------------------- settings
def judge_camera_name(name: str, known: Iterable[str]) -> Finding:
    """Say that no camera of the configuration is called so, and which there are."""
    names = [printable(one) for one in known]
    near = get_close_matches(name, names, n=1)
    text = f"the configuration has no camera called {printable(name)}"
    if not names:
        return failure(Check.CONFIGURATION, Cause.UNKNOWN_CAMERA, text, "It has no camera at all.")
    advice = f"Did you mean {near[0]}? " if near else ""
    advice += f"There {'is' if len(names) == 1 else 'are'} {and_join(names)}."
    return failure(Check.CONFIGURATION, Cause.UNKNOWN_CAMERA, text, advice)


def judge_settings(settings: CameraSettings) -> list[Finding]:
    """Say what the settings of a camera lack; the first finding says what they are."""
    if settings.host is None:
        return [
            failure(
                Check.CONFIGURATION,
                Cause.UID_ONLY,
                "the camera has a `uid` but no `address`, and looking for it by UID is not "
                "supported yet",
                "Give its address, if it takes TCP connections (most battery cameras do not).",
            )
        ]
    where = place(settings.host, settings.port)
    streams = and_join(sorted(settings.streams)) or "none"
    channel = f", channel {settings.channel_id}" if settings.channel_id else ""
    found = [
        fine(
            Check.CONFIGURATION,
            f"{where}, user {printable(settings.username)}{channel}, streams: {streams}",
        )
    ]
    return found + _judge_password(settings.password) + _judge_streams(settings)


def _judge_password(password: str) -> list[Finding]:
    if not password:
        return [
            warning(
                Check.CONFIGURATION,
                Cause.NO_PASSWORD,
                "the password is empty",
                "Only cameras that were never set up take that: write the camera's `password`.",
            )
        ]
    if len(password) > LONGEST_PASSWORD:
        return [
            warning(
                Check.CONFIGURATION,
                Cause.PASSWORD_TOO_LONG,
                f"the password is longer than the {LONGEST_PASSWORD} characters that cameras keep",
                "If the login is refused, give the camera a shorter one in its app.",
            )
        ]
    return []


def _judge_streams(settings: CameraSettings) -> list[Finding]:
    if settings.streams:
        return []
    return [
        warning(
            Check.CONFIGURATION,
            Cause.NO_STREAMS,
            'stream = "none": nobody can watch this camera through the bridge',
            "Remove the key, if that is not intended.",
        )
    ]


# ---------------------------------------------------------------- the login
_REFUSALS = {
    LoginRefusal.WRONG_CREDENTIALS: (
        Cause.WRONG_PASSWORD,
        "the camera refuses the user name or the password",
        "Correct `username` and `password`: those of the camera itself, not of a cloud account. "
        + NO_MORE_TRIES,
    ),
    LoginRefusal.ACCOUNT_LOCKED: (
        Cause.ACCOUNT_LOCKED,
        "the account is locked after too many wrong passwords; the camera does not tell until when",
        (
            "Correct the password everywhere, stop whatever still tries the wrong one, and wait "
            "half an hour before the next try: each try can prolong it."
        ),
    ),
    LoginRefusal.TOO_MANY_SESSIONS: (
        Cause.TOO_MANY_SESSIONS,
        "the camera has as many sessions as it can have",
        (
            "Close apps, browsers, recorders and other bridges that use it; a session that was not "
            "ended properly goes away after a minute or so. Restart the camera if none does."
        ),
    ),
    LoginRefusal.DEVICE_BOUND: (
        Cause.ACCOUNT_BOUND,
        "the camera is bound to a cloud account and refuses local logins",
        "Unbind it in the app, or allow local access there.",
    ),
    LoginRefusal.LEGACY_ONLY: (
        Cause.LEGACY_CAMERA,
        "the camera speaks only the login of very old firmware",
        "It is not supported; update the camera's firmware.",
    ),
    LoginRefusal.ENCRYPTION: (
        Cause.ENCRYPTION_MISMATCH,
        "camera and configuration share no encryption",
        'Try max_encryption = "aes", then "bcencrypt".',
    ),
    LoginRefusal.EMPTY_ANSWER: (
        Cause.LOGIN_REFUSED,
        "the camera accepts the login without a word about itself",
        "Some firmware does so for a wrong password: check it, then restart the camera.",
    ),
    LoginRefusal.UNEXPLAINED: (
        Cause.LOGIN_REFUSED,
        "the camera refuses the login and does not say why",
        (
            "Check user name and password, close other programs that use the camera, then restart "
            "it. This was tried once only, since tries may lock the account."
        ),
    ),
}


def judge_refusal(reason: LoginRefusal, status: int, check: Check = Check.LOGIN) -> Finding:
    """Say why the camera does not let in."""
    cause, text, advice = _REFUSALS[reason]
    if status:
        text = f"{text} (status {status})"
    return failure(check, cause, text, advice)


def judge_remembered(refused: Refused) -> Finding:
    """Say why no login is tried: this very password was refused a short while ago."""
    cause, text, advice = _REFUSALS[refused.reason]
    return failure(
        Check.LOGIN,
        cause,
        f"not tried again: {span(refused.age_s)} ago {text}, and the password is still the same",
        f"{advice} Use --force to try all the same.",
    )


def judge_login_error(error: NeolinkError) -> Finding:
    """Say what went wrong instead of an answer to the login."""
    if isinstance(error, AuthenticationFailed):
        return judge_refusal(error.reason, error.status)
    if isinstance(error, DeadlineExceeded):
        return failure(
            Check.LOGIN,
            Cause.SILENT_CAMERA,
            f"the camera greets, but then: {error}",
            "It hangs: cut its power for ten seconds.",
        )
    if isinstance(error, RemoteProtocolError):
        return failure(
            Check.LOGIN,
            Cause.GARBLED_ANSWERS,
            f"the camera's answer to the login makes no sense: {printable(str(error), 120)}",
            'Try max_encryption = "bcencrypt"; update the camera\'s firmware.',
        )
    return failure(
        Check.LOGIN,
        Cause.HANGS_UP,
        f"the camera ends the connection at the login: {printable(str(error), 120)}",
        "Cameras do so when they have too many sessions, after wrong passwords, and while they "
        "start: close other programs that use it, wait some minutes, then try again.",
    )
