"""What ended a login, and during what: few names that can be counted. Values only.

Which name an error gets is in ``causes``; what to do about it is the supervisor's.
"""

from enum import StrEnum

from neolink.errors import ConnectionLost

__all__ = ["InternalFault", "LossCause", "Phase", "StreamsStalled"]


class LossCause(StrEnum):
    """Why a connection ended, or could not be made, so that it has to be made anew."""

    DNS = "dns"
    """The host name leads nowhere."""
    REFUSED = "refused"
    """The host is there, the port is closed."""
    UNREACHABLE = "unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    """Nothing answered the attempt to connect."""
    LOGIN_REFUSED = "login_refused"
    SILENCE = "silence"
    """The camera stopped answering although the connection stands."""
    CONNECTION_RESET = "connection_reset"
    """The connection broke, or the camera closed it."""
    PROTOCOL = "protocol"
    """The camera broke the rules."""
    STALLED_STREAM = "stalled_stream"
    """We ended it: a stream stayed silent however often it was started."""
    INTERNAL = "internal"
    """A fault of ours."""


class Phase(StrEnum):
    """During what something failed."""

    CONNECT = "connect"
    LOGIN = "login"
    KEEP_ALIVE = "keep_alive"
    """While logged in."""
    STREAM = "stream"
    """A stream was refused or fell silent; the login goes on."""
    MEDIA = "media"
    """What a stream carried made no sense."""


class StreamsStalled(ConnectionLost):
    """The login is given up for the sake of a stream that stays silent."""


class InternalFault(ConnectionLost):
    """A message could not be handled by a fault of ours."""
