"""Faults of connections: they are cut, refused, slow, or lead nowhere."""

from dataclasses import dataclass, field
from typing import ClassVar

from neolink.baichuan.bcmedia import VideoPacket
from neolink.baichuan.header import LONG_HEADER
from neolink.errors import ConfigError
from neolink.simulator.faults.base import Cargo, Ending, Fault
from neolink.simulator.faults.wire import messages_of

__all__ = ["CUT_PLACES", "Cut", "Reboot", "Refuse", "Silence", "Trickle", "Truncate"]

CUT_PLACES = ("now", "before_login", "in_header", "in_frame", "between_frames")
"""Where a connection can be cut."""

_HEADER_KEPT = 10
_CUT_OFF = 10


@dataclass(kw_only=True)
class Cut(Fault):
    """Connections end; new ones are welcome.

    ``where``: ``now`` resets all of them at once. ``before_login`` resets a client that begins to
    log in. The others close a connection behind the next bytes of their kind, and exactly there:
    ``in_header`` after 10 bytes of any message, ``in_frame`` in the middle of a picture's first
    message, ``between_frames`` behind the last byte of a picture. ``times`` connections are hit,
    then the fault is over; 0 hits all while it lasts.
    """

    NAME: ClassVar[str] = "cut"
    DEFAULT_DURATION_S: ClassVar[float] = 0.0
    WAITING_DURATION_S: ClassVar[float] = 5.0
    """How long a cut that needs an occasion waits for it by default."""

    where: str = "now"
    times: int = 1
    _hits: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.where not in CUT_PLACES:
            allowed = ", ".join(CUT_PLACES)
            raise ConfigError(f"cut: where is one of {allowed}, not {self.where!r}")
        if self.times < 0:
            raise ConfigError(f"cut: times is at least 0, not {self.times}")

    @property
    def default_duration_s(self) -> float:
        """No time for a cut right now, some for one that needs an occasion."""
        return self.DEFAULT_DURATION_S if self.where == "now" else self.WAITING_DURATION_S

    @property
    def is_spent(self) -> bool:
        """Whether as many connections as wanted were cut."""
        return 0 < self.times <= self._hits

    @property
    def cuts_at_begin(self) -> bool:
        """Only the plain cut does."""
        return self.where == "now"

    def hangs_up(self) -> bool:
        """Reset who begins to log in, if it is to be then."""
        return self.where == "before_login" and self._is_hit()

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes | Ending:
        """Keep what is in front of the cut."""
        length = self._kept(data, cargo)
        return data if length is None or not self._is_hit() else Ending(data[:length])

    def _kept(self, data: bytes, cargo: Cargo | None) -> int | None:
        """Return how much of ``data`` is sent; None when it is no occasion."""
        if self.where == "in_header":
            return min(_HEADER_KEPT, len(data))
        if cargo is None or not isinstance(cargo.packet, VideoPacket):
            return None
        match self.where:
            case "in_frame":
                length = len(messages_of(data)[0])
                return min(length - 1, max(LONG_HEADER + 1, length // 2))
            case "between_frames":
                return len(data)
        return None

    def _is_hit(self) -> bool:
        if self.is_spent:
            return False
        self._hits += 1
        return True


@dataclass(kw_only=True)
class Truncate(Fault):
    """What is sent next ends in the middle, and the connection with it."""

    NAME: ClassVar[str] = "truncate"
    DEFAULT_DURATION_S: ClassVar[float] = 0.5

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> Ending:
        """Leave the end away; no message is so short that this were all of it."""
        del cargo
        return Ending(data[:-_CUT_OFF])


@dataclass(kw_only=True)
class Refuse(Fault):
    """Nobody listens; connections that exist go on."""

    NAME: ClassVar[str] = "refuse"
    REFUSES: ClassVar[bool] = True


@dataclass(kw_only=True)
class Reboot(Fault):
    """All connections are reset, and nobody listens until the camera is up again."""

    NAME: ClassVar[str] = "reboot"
    DEFAULT_DURATION_S: ClassVar[float] = 20.0
    REFUSES: ClassVar[bool] = True

    @property
    def cuts_at_begin(self) -> bool:
        """A camera that goes down does."""
        return True


@dataclass(kw_only=True)
class Silence(Fault):
    """The camera hangs: connections are accepted and stay open, and nothing ever comes."""

    NAME: ClassVar[str] = "silence"
    IS_SILENT: ClassVar[bool] = True


@dataclass(kw_only=True)
class Trickle(Fault):
    """Everything is sent at ``bytes_per_s`` on each connection."""

    NAME: ClassVar[str] = "trickle"

    bytes_per_s: int = 4000

    def __post_init__(self) -> None:
        if self.bytes_per_s < 1:
            raise ConfigError(f"trickle: bytes_per_s is at least 1, not {self.bytes_per_s}")
