"""The exception tree. The first level says whose problem it is and what an owner should do.

::

    NeolinkError
    ├── ConfigError             the operator's: stop, show file, line and hint
    ├── ConnectionLost          the network's: retry with back-off
    │   └── DeadlineExceeded    the peer stayed silent too long
    ├── AuthenticationFailed    wrong or refused credentials: wait long, tell the user
    ├── RemoteProtocolError     the peer broke the rules: count, resynchronize or reconnect
    ├── LocalProtocolError      we broke the rules: our bug
    ├── CommandRefused          the camera answered with a status that is not success
    └── Unsupported             the peer lacks the capability

Messages carry facts (expected, received, where) and never a secret. No logging here.
"""

from enum import StrEnum

__all__ = [
    "AuthenticationFailed",
    "CommandRefused",
    "ConfigError",
    "ConnectionLost",
    "DeadlineExceeded",
    "LocalProtocolError",
    "LoginRefusal",
    "NeolinkError",
    "RemoteProtocolError",
    "Unsupported",
]


class NeolinkError(Exception):
    """Root of every error this package raises on purpose."""


class ConfigError(NeolinkError):
    """The configuration cannot be used. The text names file, line, key and what is allowed."""


class ConnectionLost(NeolinkError):
    """The transport ended or failed."""


class DeadlineExceeded(ConnectionLost):
    """The peer did not answer within its deadline."""


class LoginRefusal(StrEnum):
    """Why a camera refused a login, as far as its answer tells."""

    WRONG_CREDENTIALS = "wrong user name or password"
    ACCOUNT_LOCKED = "account locked after too many wrong passwords"
    TOO_MANY_SESSIONS = "too many sessions on the camera"
    DEVICE_BOUND = "the device is bound to a cloud account and refuses local logins"
    EMPTY_ANSWER = "the camera accepted the login without describing itself"
    LEGACY_ONLY = "the camera speaks only the legacy login, which is not supported"
    UNEXPLAINED = "refused, and the camera does not say why"
    ENCRYPTION = "the camera and the configuration share no encryption level"


class AuthenticationFailed(NeolinkError):
    """The camera refused the login.

    ``reason`` names the cause, ``status`` is the response code on the wire
    (protocol reference, section 1.8), or 0 when the camera gave none.
    """

    def __init__(self, reason: LoginRefusal, status: int = 0) -> None:
        super().__init__(f"{reason.value} (status {status})" if status else reason.value)
        self.reason = reason
        self.status = status


class RemoteProtocolError(NeolinkError):
    """The peer sent something its protocol does not allow.

    ``offset`` is the position in the peer's byte stream where known.
    """

    def __init__(self, message: str, *, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.offset = offset


class LocalProtocolError(NeolinkError):
    """We asked for something the protocol does not allow in this state."""


class CommandRefused(NeolinkError):
    """The camera answered a command with a status that is not success."""

    def __init__(self, command: str, status: int) -> None:
        super().__init__(f"{command}: the camera answered {status}")
        self.command = command
        self.status = status


class Unsupported(NeolinkError):
    """The peer does not have the capability that was asked for."""
