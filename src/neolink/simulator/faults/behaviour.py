"""Faults of behaviour: a camera that does not let in, is busy, private, or talks too much."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from neolink.baichuan.bcmedia import Packet
from neolink.baichuan.ids import MessageId, Status
from neolink.errors import ConfigError
from neolink.simulator.faults.base import Fault

__all__ = [
    "AccountLocked",
    "Busy",
    "KeepaliveFlood",
    "Privacy",
    "SessionLimit",
    "TalkBusy",
    "WrongPassword",
]

_MOST_PUSHES_PER_S = 1000


@dataclass(kw_only=True)
class _LoginFault(Fault):
    """Base: every login is refused with a status."""

    status: int = Status.UNAUTHORIZED

    def status_for(self, message_id: int) -> int | None:
        """Refuse logins."""
        return self.status if message_id == MessageId.LOGIN else None


@dataclass(kw_only=True)
class WrongPassword(_LoginFault):
    """Every login is refused as if the password had been changed; some models say 400."""

    NAME: ClassVar[str] = "wrong_password"


@dataclass(kw_only=True)
class AccountLocked(_LoginFault):
    """Every login is refused as after too many wrong passwords."""

    NAME: ClassVar[str] = "account_locked"

    status: int = Status.UNAVAILABLE


@dataclass(kw_only=True)
class SessionLimit(_LoginFault):
    """Every login is refused as if there were as many sessions as the camera can have."""

    NAME: ClassVar[str] = "session_limit"

    status: int = Status.BUSY


@dataclass(kw_only=True)
class Busy(Fault):
    """Every request but a ping and a logout is answered 400, as by a camera that is waking up.

    ``requests`` of them, then the fault is over; 0 for all while it lasts.
    """

    NAME: ClassVar[str] = "busy"
    PASSES: ClassVar[frozenset[int]] = frozenset(
        {MessageId.LOGIN, MessageId.LOGOUT, MessageId.PING, MessageId.PREVIEW_STOP}
    )

    status: int = Status.BAD_REQUEST
    requests: int = 0
    _refused: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.requests < 0:
            raise ConfigError(f"busy: requests is at least 0, not {self.requests}")

    @property
    def is_spent(self) -> bool:
        """Whether as many requests as wanted were refused."""
        return 0 < self.requests <= self._refused

    def status_for(self, message_id: int) -> int | None:
        """Refuse what is work."""
        if message_id in self.PASSES or self.is_spent:
            return None
        self._refused += 1
        return self.status


@dataclass(kw_only=True)
class TalkBusy(Fault):
    """The loudspeaker is in use: a talk is answered 422 until it was ended (11) ``resets`` times.

    0 is never.
    """

    NAME: ClassVar[str] = "talk_busy"
    DEFAULT_DURATION_S: ClassVar[float] = 30.0

    resets: int = 1
    _ended: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.resets < 0:
            raise ConfigError(f"talk_busy: resets is at least 0, not {self.resets}")

    @property
    def is_spent(self) -> bool:
        """Whether whoever talked was hung up on."""
        return 0 < self.resets <= self._ended

    def status_for(self, message_id: int) -> int | None:
        """Refuse to open a talk, and count who is hung up on."""
        self._ended += message_id == MessageId.TALK_RESET
        is_refused = message_id == MessageId.TALK_CONFIG and not self.is_spent
        return Status.BUSY if is_refused else None


@dataclass(kw_only=True)
class Privacy(Fault):
    """The lens is covered: no media comes, previews and snapshots are refused, the rest goes on.

    ``status`` 0 accepts previews, and nothing comes; some models do that.
    """

    NAME: ClassVar[str] = "privacy"
    DEFAULT_DURATION_S: ClassVar[float] = 10.0
    NEEDS_THE_LENS: ClassVar[frozenset[int]] = frozenset(
        {MessageId.PREVIEW_START, MessageId.SNAPSHOT}
    )

    status: int = Status.BAD_REQUEST

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Lose it."""
        del packet
        return ()

    def status_for(self, message_id: int) -> int | None:
        """Refuse what would show something."""
        return self.status or None if message_id in self.NEEDS_THE_LENS else None


@dataclass(kw_only=True)
class KeepaliveFlood(Fault):
    """The camera asks ``per_s`` times a second whether its clients live (message 234)."""

    NAME: ClassVar[str] = "keepalive_flood"

    per_s: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.per_s <= _MOST_PUSHES_PER_S:
            raise ConfigError(f"keepalive_flood: per_s is 1 to 1000, not {self.per_s}")

    @property
    def flood_per_s(self) -> int:
        """As wanted."""
        return self.per_s
