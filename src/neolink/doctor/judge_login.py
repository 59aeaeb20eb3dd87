"""Findings about the answer to the login, or what came instead of one. Pure."""

from dataclasses import dataclass

from neolink.doctor.findings import Cause, Check, Finding, failure
from neolink.doctor.words import foreign, span
from neolink.errors import (
    AuthenticationFailed,
    DeadlineExceeded,
    LoginRefusal,
    NeolinkError,
    RemoteProtocolError,
)

__all__ = [
    "Refused",
    "judge_login_error",
    "judge_out_of_time",
    "judge_refusal",
    "judge_remembered",
]

NO_MORE_TRIES = (
    "Cameras lock the account after about five wrong passwords, so this was tried once only; stop "
    "a bridge that still uses the old one."
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused login that is remembered: why, and how long ago."""

    reason: LoginRefusal
    age_s: float


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
        f"{text} (so it said {span(refused.age_s)} ago; not tried again with the same password)",
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
            f"the camera's answer to the login makes no sense: {foreign(str(error), 120)}",
            'Try max_encryption = "bcencrypt"; update the camera\'s firmware.',
        )
    return failure(
        Check.LOGIN,
        Cause.HANGS_UP,
        f"the camera ends the connection at the login: {foreign(str(error), 120)}",
        "Cameras do so when they have too many sessions, after wrong passwords, and while they "
        "start: close other programs that use it, wait some minutes, then try again.",
    )


def judge_out_of_time(check: Check, deadline_s: float) -> Finding:
    """Say that not everything could be asked in time; ``check`` was under way."""
    return failure(
        check,
        Cause.OUT_OF_TIME,
        f"not done within {span(deadline_s)}: given up",
        "The camera answers too slowly: look at its network, restart it, or ask for one stream "
        "alone (--stream sub).",
    )
