"""Everything that can be wrong, in one table: how bad it is, what it is called, what to do.

Short words for people who do not know this program. No thresholds: those are in ``thresholds``.
``docs/health.md`` explains each cause to users (``tests/health/test_documents.py`` compares).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from neolink.errors import LoginRefusal
from neolink.health.values import HealthState

__all__ = ["REFUSALS", "RULES", "Cause", "Finding", "Rule", "find"]


class Cause(StrEnum):
    """What can be the matter. The value is its name in the documents."""

    # of a login
    WRONG_CREDENTIALS = "wrong credentials"
    ACCOUNT_LOCKED = "account locked"
    TOO_MANY_SESSIONS = "too many sessions"
    DEVICE_BOUND = "bound to a cloud account"
    EMPTY_ANSWER = "empty answer"
    LEGACY_ONLY = "legacy login only"
    ENCRYPTION = "encryption mismatch"
    UNEXPLAINED = "login refused"
    # of a connection
    UNSUPPORTED = "not supported"
    UNREACHABLE = "unreachable"
    NO_LOGIN = "no login"
    SILENT = "silent"
    LOST = "connection lost"
    NOT_YET = "not connected yet"
    RECONNECTS = "reconnects"
    LOW_BATTERY = "low battery"
    ASLEEP = "asleep"
    NO_ANSWER_ASLEEP = "battery camera away"
    DISABLED = "disabled"
    # of a stream
    NO_VIDEO = "no video"
    REFUSED_STREAM = "stream refused"
    DARK = "no picture"
    NO_KEY_FRAME = "no key frame"
    SLOW = "low frame rate"
    DAMAGE = "damage"
    STALLS = "stalls"
    GAPS = "gaps"
    MUTE = "no sound"
    DRIFT = "sound and picture apart"
    SLOW_PLAYERS = "slow players"
    LOSSY_PLAYERS = "lossy players"
    MOVED_PLAYERS = "moved players"
    FAULT = "internal fault"
    # of the process
    NOT_READY = "not ready"
    LOOP_LAG = "late"
    DESCRIPTORS = "descriptors"
    QUEUE = "queue"
    RESTARTS = "parts restarted"


@dataclass(frozen=True, slots=True)
class Rule:
    """How bad a cause is and what is said of it. ``{name}`` stands for a value of the finding."""

    state: HealthState
    says: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause that was found, with its words."""

    cause: Cause
    says: str
    """What is the matter, without what to do."""

    @property
    def text(self) -> str:
        """What is the matter and what to do."""
        advice = RULES[self.cause].advice
        return f"{self.says}: {advice}" if advice else self.says

    @property
    def state(self) -> HealthState:
        """How bad it is."""
        return RULES[self.cause].state


def find(cause: Cause, **values: object) -> Finding:
    """Make a finding; ``values`` fill in the text of the cause."""
    return Finding(cause, RULES[cause].says.format_map(values))


REFUSALS: Mapping[LoginRefusal, Cause] = MappingProxyType(
    {
        LoginRefusal.WRONG_CREDENTIALS: Cause.WRONG_CREDENTIALS,
        LoginRefusal.ACCOUNT_LOCKED: Cause.ACCOUNT_LOCKED,
        LoginRefusal.TOO_MANY_SESSIONS: Cause.TOO_MANY_SESSIONS,
        LoginRefusal.DEVICE_BOUND: Cause.DEVICE_BOUND,
        LoginRefusal.EMPTY_ANSWER: Cause.EMPTY_ANSWER,
        LoginRefusal.LEGACY_ONLY: Cause.LEGACY_ONLY,
        LoginRefusal.ENCRYPTION: Cause.ENCRYPTION,
        LoginRefusal.UNEXPLAINED: Cause.UNEXPLAINED,
    }
)
"""Why a login was refused, as a cause."""

_DEGRADED, _OFFLINE = HealthState.DEGRADED, HealthState.OFFLINE
_AUTH_FAILED = HealthState.AUTH_FAILED

RULES: Mapping[Cause, Rule] = MappingProxyType(
    {
        # ---- of a login: who can change it is the person who reads this
        Cause.WRONG_CREDENTIALS: Rule(
            _AUTH_FAILED,
            "wrong user name or password",
            "check `username` and `password` of this camera",
        ),
        Cause.ACCOUNT_LOCKED: Rule(
            _AUTH_FAILED,
            "the camera has locked the account after wrong passwords",
            "correct `password`, then wait some minutes or restart the camera",
        ),
        Cause.TOO_MANY_SESSIONS: Rule(
            _OFFLINE,
            "the camera has as many logins as it allows",
            "close other apps and recorders that use it, or restart it",
        ),
        Cause.DEVICE_BOUND: Rule(
            _AUTH_FAILED,
            "the camera is bound to a cloud account and refuses local logins",
            "unbind it in the app",
        ),
        Cause.EMPTY_ANSWER: Rule(
            _OFFLINE, "the camera accepts the login without describing itself", "restart it"
        ),
        Cause.LEGACY_ONLY: Rule(
            _OFFLINE,
            "the camera knows only the old login, which is not supported",
            "update its firmware",
        ),
        Cause.ENCRYPTION: Rule(
            _OFFLINE,
            "camera and configuration share no encryption",
            "raise or remove `max_encryption`",
        ),
        Cause.UNEXPLAINED: Rule(
            _AUTH_FAILED,
            "the camera refuses the login and does not say why",
            "check `username` and `password`; if they are right, restart the camera",
        ),
        # ---- of a connection
        Cause.UNSUPPORTED: Rule(_OFFLINE, "{error}"),
        Cause.UNREACHABLE: Rule(
            _OFFLINE, "unreachable for {age} ({error})", "check power, network and `address`"
        ),
        Cause.NO_LOGIN: Rule(
            _OFFLINE,
            "somebody answers, but no login for {age} ({error})",
            "restart the camera; is `address` right?",
        ),
        Cause.SILENT: Rule(
            _OFFLINE,
            "the camera has stopped answering ({pings} in a row), although the connection stands",
            "it hangs or its network is gone; restart it if it stays so",
        ),
        Cause.LOST: Rule(_DEGRADED, "the connection was lost a moment ago ({error})"),
        Cause.NOT_YET: Rule(_DEGRADED, "not connected yet"),
        Cause.RECONNECTS: Rule(
            _DEGRADED,
            "the connection was lost {times} in the last minute ({error})",
            "check network and power",
        ),
        Cause.LOW_BATTERY: Rule(_DEGRADED, "the battery is at {percent} %", "charge it"),
        Cause.ASLEEP: Rule(HealthState.ASLEEP, "nobody uses it, so it is left to sleep"),
        Cause.NO_ANSWER_ASLEEP: Rule(
            HealthState.ASLEEP, "a battery camera that does not answer and nobody needs: asleep"
        ),
        Cause.DISABLED: Rule(
            HealthState.DISABLED, "switched off in the configuration (`enabled = false`)"
        ),
        # ---- of a stream
        Cause.NO_VIDEO: Rule(
            _OFFLINE,
            "connected, but no picture for {age}",
            "is the lens covered (privacy mode)? Restart the camera if it stays so",
        ),
        Cause.REFUSED_STREAM: Rule(
            _OFFLINE,
            "the camera does not give this stream, no picture for {age}",
            "is the lens covered (privacy mode), or do too many others watch?",
        ),
        Cause.DARK: Rule(_DEGRADED, "no picture for {age}"),
        Cause.NO_KEY_FRAME: Rule(
            _DEGRADED,
            "no key frame for {age}, usual is one every {usual:.1f} s",
            "nobody can join meanwhile; weak network, or a busy camera",
        ),
        Cause.SLOW: Rule(
            _DEGRADED,
            "only {fps:.1f} of {nominal:.0f} pictures a second",
            "weak network, or long exposures in the dark",
        ),
        Cause.DAMAGE: Rule(
            _DEGRADED,
            "damaged media {times} in the last minute",
            "weak network, or a fault of the camera",
        ),
        Cause.STALLS: Rule(
            _DEGRADED,
            "fell silent and was started again {times} in the last minute",
            "restart the camera if it stays so",
        ),
        Cause.GAPS: Rule(
            _DEGRADED,
            "no picture for over {limit:.0f} s {times} in the last minute",
            "weak network, or a busy camera",
        ),
        Cause.MUTE: Rule(
            _DEGRADED, "no sound for {age}", "is the microphone switched off in the camera?"
        ),
        Cause.DRIFT: Rule(
            _DEGRADED, "sound and picture are {drift:.1f} s apart", "please report the log"
        ),
        Cause.SLOW_PLAYERS: Rule(
            _DEGRADED,
            "{slow} of {players} cannot keep up, pictures are left out",
            "use the sub stream there",
        ),
        Cause.LOSSY_PLAYERS: Rule(
            _DEGRADED,
            "{lossy} of {players} lose packets on their way (worst {worst:.0%})",
            "use TCP there",
        ),
        Cause.MOVED_PLAYERS: Rule(
            _DEGRADED,
            "{moved} of {players} cannot follow main and are sent this stream meanwhile",
            "weak network there",
        ),
        Cause.FAULT: Rule(
            _DEGRADED,
            "a part of the bridge failed {times} in the last minute",
            "please report the log",
        ),
        # ---- of the process
        Cause.NOT_READY: Rule(_OFFLINE, "players cannot connect", "the RTSP port is not open"),
        Cause.LOOP_LAG: Rule(
            _DEGRADED, "everything was late by {lag:.1f} s", "the machine is overloaded"
        ),
        Cause.DESCRIPTORS: Rule(
            _DEGRADED,
            "{used} of {limit} file descriptors are in use",
            "raise the limit (ulimit -n) or lower `max_connections`",
        ),
        Cause.QUEUE: Rule(
            _DEGRADED,
            "players leave {share:.0%} of `max_bytes` waiting",
            "slow ones lose pictures; use sub streams there",
        ),
        Cause.RESTARTS: Rule(
            _DEGRADED,
            "{part} failed by a fault of ours and was started again",
            "please report the log",
        ),
    }
)
"""How bad each cause is, and its words."""
