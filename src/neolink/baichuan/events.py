"""What the client's engine reports: one frozen value per event. No behaviour here.

Bodies and data stay out of the repr: they may hold secrets, and pictures.
"""

from dataclasses import dataclass, field

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.message import Resynchronized
from neolink.baichuan.xml import Body, Extension
from neolink.errors import LoginRefusal

__all__ = [
    "Event",
    "LoggedIn",
    "LoginRefused",
    "MediaBytes",
    "ProtocolTrouble",
    "Pushed",
    "Reply",
    "Resynchronized",
]


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """The camera let us in. ``body`` describes it, ``encryption`` is the level it chose."""

    body: Body
    encryption: Encryption


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """The camera did not let us in; ``status`` is its answer's, or 0."""

    reason: LoginRefusal
    status: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a request. ``body`` is decrypted XML, or empty.

    Every request that is answered gets at least one, also those whose answer is binary: then
    ``body`` is empty and the data follows as :class:`MediaBytes`. A transfer that ends with a
    status of its own (201, 300) gets one more.
    """

    message_id: int
    number: int
    status: int
    channel: int
    extension: Extension | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message nobody asked for. ``body`` is decrypted XML, or empty."""

    message_id: int
    number: int
    status: int
    channel: int
    extension: Extension | None = None
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class MediaBytes:
    """The next decrypted bytes of the binary stream ``(message_id, number)``; never empty."""

    message_id: int
    number: int
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProtocolTrouble:
    """One message made no sense and was skipped; it began at ``offset`` of the stream."""

    message_id: int
    offset: int
    reason: str


Event = LoggedIn | LoginRefused | Reply | Pushed | MediaBytes | Resynchronized | ProtocolTrouble
