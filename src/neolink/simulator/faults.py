"""What can go wrong with a simulated camera, by name. Pure: bytes and packets in, others out.

A fault says what it does to media packets (`on_packet`), to their bytes (`on_media`), to whole
messages on their way out (`on_wire`), to a request (`status_for`), and what state it puts the
camera into (the flags). The names in `FAULTS` and the fields of the classes are a contract:
scenario files use them. When faults begin and end is in ``scenario``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from random import Random
from types import MappingProxyType
from typing import ClassVar

from neolink.baichuan.bcmedia import Packet, VideoPacket
from neolink.baichuan.ids import MessageId, Status
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind

__all__ = [
    "FAULTS",
    "Busy",
    "ClockJump",
    "Cut",
    "Duplicate",
    "Fault",
    "Garbage",
    "LoseKeyFrames",
    "Reboot",
    "Refuse",
    "Silence",
    "Stall",
    "Trickle",
    "Truncate",
    "WrongPassword",
    "make_fault",
]

_CLOCK_LIMIT = 1 << 32
_GARBAGE_LENGTH = 64
_CUT_OFF = 10


@dataclass(kw_only=True)
class Fault:
    """Does nothing; the base of all faults. ``stream`` None means all streams."""

    NAME: ClassVar[str] = ""
    DEFAULT_DURATION_S: ClassVar[float] = 5.0
    CUTS: ClassVar[bool] = False
    """Whether all connections are cut when the fault begins."""
    REFUSES: ClassVar[bool] = False
    """Whether nobody listens while the fault lasts."""
    IS_SILENT: ClassVar[bool] = False
    """Whether everything that arrives is lost, and nothing is sent, while the fault lasts."""
    CLOSES_AFTER_SENDING: ClassVar[bool] = False
    """Whether a connection ends with the next bytes sent on it."""

    stream: StreamKind | None = None

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Return what is sent in place of a media packet."""
        return (packet,)

    def on_media(self, data: bytes) -> bytes:
        """Return what is sent in place of the bytes of a media packet."""
        return data

    def on_wire(self, data: bytes) -> bytes:
        """Return what is sent in place of ``data``, which is one or more whole messages."""
        return data

    def status_for(self, message_id: int) -> int | None:
        """Return the status to refuse a request with; None to let it pass."""
        del message_id
        return None

    def applies_to(self, stream: StreamKind) -> bool:
        """Tell whether packets of this stream are touched."""
        return self.stream in (None, stream)


@dataclass(kw_only=True)
class Cut(Fault):
    """All connections are reset at once; new ones are welcome."""

    NAME: ClassVar[str] = "cut"
    DEFAULT_DURATION_S: ClassVar[float] = 0.0
    CUTS: ClassVar[bool] = True


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
    CUTS: ClassVar[bool] = True
    REFUSES: ClassVar[bool] = True


@dataclass(kw_only=True)
class Silence(Fault):
    """The camera hangs: connections are accepted and stay open, and nothing ever comes."""

    NAME: ClassVar[str] = "silence"
    IS_SILENT: ClassVar[bool] = True


@dataclass(kw_only=True)
class Stall(Fault):
    """No media comes; requests are answered."""

    NAME: ClassVar[str] = "stall"

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Lose it."""
        del packet
        return ()


@dataclass(kw_only=True)
class LoseKeyFrames(Fault):
    """Key frames are lost on their way; the pictures between them come."""

    NAME: ClassVar[str] = "lose_key_frames"

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Lose it if it is a key frame."""
        is_key = isinstance(packet, VideoPacket) and packet.is_key_frame
        return () if is_key else (packet,)


@dataclass(kw_only=True)
class Duplicate(Fault):
    """Every media packet comes twice."""

    NAME: ClassVar[str] = "duplicate"

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Send it twice."""
        return (packet, packet)


@dataclass(kw_only=True)
class ClockJump(Fault):
    """The camera's microsecond clock is ``seconds`` ahead (or behind) while the fault lasts."""

    NAME: ClassVar[str] = "clock_jump"
    DEFAULT_DURATION_S: ClassVar[float] = float("inf")

    seconds: float = 3600.0

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Move its time."""
        if not isinstance(packet, VideoPacket):
            return (packet,)
        moved = (packet.microseconds + round(self.seconds * 1_000_000)) % _CLOCK_LIMIT
        return (replace(packet, microseconds=moved),)


@dataclass(kw_only=True)
class Garbage(Fault):
    """Random bytes: ``where`` is ``between`` messages, or ``inside`` media packets.

    One in ``every`` is hit, the first at once.
    """

    NAME: ClassVar[str] = "garbage"
    DEFAULT_DURATION_S: ClassVar[float] = 1.0

    where: str = "between"
    every: int = 10
    seed: int = 1
    _random: Random = field(init=False, repr=False)
    _seen: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.where not in ("between", "inside"):
            raise ConfigError(f'garbage: where is "between" or "inside", not {self.where!r}')
        if self.every < 1:
            raise ConfigError(f"garbage: every is at least 1, not {self.every}")
        self._random = Random(self.seed)

    def on_media(self, data: bytes) -> bytes:
        """Overwrite up to 64 bytes somewhere in the packet."""
        if self.where != "inside" or not self._is_hit():
            return data
        length = min(_GARBAGE_LENGTH, len(data))
        start = self._random.randrange(len(data) - length + 1)
        return data[:start] + self._random.randbytes(length) + data[start + length :]

    def on_wire(self, data: bytes) -> bytes:
        """Put up to 64 bytes in front."""
        if self.where != "between" or not self._is_hit():
            return data
        return self._random.randbytes(self._random.randint(1, _GARBAGE_LENGTH)) + data

    def _is_hit(self) -> bool:
        self._seen += 1
        return self._seen % self.every == 1 % self.every


@dataclass(kw_only=True)
class Truncate(Fault):
    """What is sent next ends in the middle, and the connection with it."""

    NAME: ClassVar[str] = "truncate"
    DEFAULT_DURATION_S: ClassVar[float] = 0.5
    CLOSES_AFTER_SENDING: ClassVar[bool] = True

    def on_wire(self, data: bytes) -> bytes:
        """Leave the end away; no message is so short that this were all of it."""
        return data[:-_CUT_OFF]


@dataclass(kw_only=True)
class Trickle(Fault):
    """Everything is sent at ``bytes_per_s`` on each connection."""

    NAME: ClassVar[str] = "trickle"

    bytes_per_s: int = 4000

    def __post_init__(self) -> None:
        if self.bytes_per_s < 1:
            raise ConfigError(f"trickle: bytes_per_s is at least 1, not {self.bytes_per_s}")


@dataclass(kw_only=True)
class WrongPassword(Fault):
    """Every login is refused as if the password had been changed."""

    NAME: ClassVar[str] = "wrong_password"

    status: int = Status.UNAUTHORIZED

    def status_for(self, message_id: int) -> int | None:
        """Refuse logins."""
        return self.status if message_id == MessageId.LOGIN else None


@dataclass(kw_only=True)
class Busy(Fault):
    """Every request but a ping and a logout is answered 400, as by a camera that is waking up."""

    NAME: ClassVar[str] = "busy"

    status: int = Status.BAD_REQUEST

    def status_for(self, message_id: int) -> int | None:
        """Refuse what is work."""
        passes = (MessageId.LOGIN, MessageId.LOGOUT, MessageId.PING, MessageId.PREVIEW_STOP)
        return None if message_id in passes else self.status


FAULTS: Mapping[str, type[Fault]] = MappingProxyType(
    {
        kind.NAME: kind
        for kind in (
            Cut,
            Refuse,
            Reboot,
            Silence,
            Stall,
            Trickle,
            Garbage,
            Truncate,
            LoseKeyFrames,
            Duplicate,
            ClockJump,
            WrongPassword,
            Busy,
        )
    }
)
"""All faults by name."""


def make_fault(name: str, **options: object) -> Fault:
    """Make a fault by its name. Raises ConfigError for an unknown name, option or value."""
    kind = FAULTS.get(name)
    if kind is None:
        raise ConfigError(f"unknown fault {name!r}; there are {', '.join(sorted(FAULTS))}")
    known = {one.name: one for one in fields(kind) if one.init}
    for option, value in options.items():
        if option not in known:
            allowed = ", ".join(sorted(known))
            raise ConfigError(f"{name}: unknown option {option!r}; there are {allowed}")
        _check_type(name, option, value, getattr(kind, option, None))
    if "stream" in options:
        options["stream"] = _stream(name, options["stream"])
    return kind(**options)  # type: ignore[arg-type]  # checked above


def _check_type(name: str, option: str, value: object, default: object) -> None:
    """Demand the type of the default; a whole number serves as a decimal."""
    wanted = str if default is None else type(default)
    allowed = (int, float) if wanted is float else (int,) if isinstance(default, int) else (str,)
    if isinstance(value, bool) or not isinstance(value, allowed):
        kind = {str: "text", float: "a number"}.get(wanted, "a whole number")
        raise ConfigError(f"{name}: {option} must be {kind}, not {value!r}")


def _stream(name: str, value: object) -> StreamKind:
    try:
        return StreamKind(str(value))
    except ValueError:
        allowed = ", ".join(StreamKind)
        raise ConfigError(f"{name}: stream must be one of {allowed}, not {value!r}") from None
