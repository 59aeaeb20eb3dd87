"""From an error to the word for what ended a login. Nothing waits and nothing is counted here."""

import socket

from neolink.camera.failures import InternalFault, LossCause, Phase, StreamsStalled
from neolink.errors import (
    AuthenticationFailed,
    ConnectionLost,
    DeadlineExceeded,
    NeolinkError,
    RemoteProtocolError,
)

__all__ = ["cause_of"]


def cause_of(error: BaseException, phase: Phase) -> LossCause:
    """Return the word for what ended a login, or an attempt, in this phase."""
    match error:
        case AuthenticationFailed():
            return LossCause.LOGIN_REFUSED
        case RemoteProtocolError():
            return LossCause.PROTOCOL
        case StreamsStalled():
            return LossCause.STALLED_STREAM
        case InternalFault():
            return LossCause.INTERNAL
        case DeadlineExceeded():
            is_early = phase is Phase.CONNECT
            return LossCause.CONNECT_TIMEOUT if is_early else LossCause.SILENCE
        case ConnectionLost():
            return _by_origin(error.__cause__) if phase is Phase.CONNECT else _LOST
        case NeolinkError():  # a refused command that nobody was to answer for
            return LossCause.PROTOCOL
    return LossCause.INTERNAL


_LOST = LossCause.CONNECTION_RESET


def _by_origin(error: BaseException | None) -> LossCause:
    match error:
        case socket.gaierror() | UnicodeError():
            return LossCause.DNS
        case ConnectionRefusedError():
            return LossCause.REFUSED
        case ConnectionError():
            return LossCause.CONNECTION_RESET
    return LossCause.UNREACHABLE
