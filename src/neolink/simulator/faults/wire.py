"""Faults of messages on their way: damaged, doubled, lost, with a header that lies."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from struct import Struct
from typing import ClassVar

from neolink.baichuan.bcmedia import Packet
from neolink.baichuan.header import Header
from neolink.errors import ConfigError, RemoteProtocolError
from neolink.simulator.faults.base import Cargo, EveryNth, Fault

__all__ = ["Duplicate", "Garbage", "HugeLength", "Missing", "WrongMagic", "messages_of"]

_GARBAGE_LENGTH = 64
_WRONG_MAGIC = b"\xde\xad\xbe\xef"
_LENGTH_AT = 8  # of the body length in a header
_LENGTH = Struct("<I")


def messages_of(data: bytes) -> list[bytes]:
    """Cut bytes into the messages they consist of; what makes no sense is one more at the end."""
    found, start = [], 0
    while start < len(data):
        end = _end_of(data, start)
        found.append(data[start:end])
        start = end
    return found


@dataclass(kw_only=True)
class Garbage(EveryNth):
    """Random bytes: ``where`` is ``between`` messages, or ``inside`` media packets.

    One in ``every`` is hit, the first at once.
    """

    NAME: ClassVar[str] = "garbage"
    DEFAULT_DURATION_S: ClassVar[float] = 1.0

    where: str = "between"
    seed: int = 1
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        _demand(self.NAME, "where", self.where, ("between", "inside"))
        self._random = Random(self.seed)

    def on_media(self, data: bytes) -> bytes:
        """Overwrite up to 64 bytes somewhere in the packet."""
        if self.where != "inside" or not self._is_hit():
            return data
        length = min(_GARBAGE_LENGTH, len(data))
        start = self._random.randrange(len(data) - length + 1)
        return data[:start] + self._random.randbytes(length) + data[start + length :]

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes:
        """Put up to 64 bytes in front."""
        del cargo
        if self.where != "between" or not self._is_hit():
            return data
        return self._random.randbytes(self._random.randint(1, _GARBAGE_LENGTH)) + data


@dataclass(kw_only=True)
class Duplicate(Fault):
    """Everything comes twice: media ``packets``, or ``messages`` of every kind."""

    NAME: ClassVar[str] = "duplicate"

    what: str = "packets"

    def __post_init__(self) -> None:
        _demand(self.NAME, "what", self.what, ("packets", "messages"))

    def on_packet(self, packet: Packet) -> tuple[Packet, ...]:
        """Send it twice, if packets are meant."""
        return (packet, packet) if self.what == "packets" else (packet,)

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes:
        """Send each message twice, if messages are meant."""
        del cargo
        if self.what != "messages":
            return data
        return b"".join(one + one for one in messages_of(data))


@dataclass(kw_only=True)
class Missing(EveryNth):
    """One message in ``every`` is lost: of ``media``, of the ``others``, or of ``all``."""

    NAME: ClassVar[str] = "missing"

    what: str = "media"

    def __post_init__(self) -> None:
        super().__post_init__()
        _demand(self.NAME, "what", self.what, ("media", "others", "all"))

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes:
        """Leave messages away."""
        kind = "others" if cargo is None else "media"
        if self.what not in (kind, "all"):
            return data
        return b"".join(one for one in messages_of(data) if not self._is_hit())


@dataclass(kw_only=True)
class WrongMagic(EveryNth):
    """One message in ``every`` begins with another word than messages do."""

    NAME: ClassVar[str] = "wrong_magic"
    DEFAULT_DURATION_S: ClassVar[float] = 1.0

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes:
        """Replace the first four bytes of messages."""
        del cargo
        return _altered(data, self._is_hit, lambda one: _WRONG_MAGIC + one[len(_WRONG_MAGIC) :])


@dataclass(kw_only=True)
class HugeLength(EveryNth):
    """One message in ``every`` says that its body has ``length`` bytes: 4 GiB less one."""

    NAME: ClassVar[str] = "huge_length"
    DEFAULT_DURATION_S: ClassVar[float] = 1.0

    length: int = 0xFFFF_FFFF

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.length <= 0xFFFF_FFFF:
            raise ConfigError(f"huge_length: length has 32 bits, {self.length} has not")

    def on_wire(self, data: bytes, cargo: Cargo | None = None) -> bytes:
        """Let headers lie; the bodies stay as they are."""
        del cargo
        lie = _LENGTH.pack(self.length)
        end = _LENGTH_AT + _LENGTH.size
        return _altered(data, self._is_hit, lambda one: one[:_LENGTH_AT] + lie + one[end:])


def _altered(data: bytes, is_hit: Callable[[], bool], alter: Callable[[bytes], bytes]) -> bytes:
    return b"".join(alter(one) if is_hit() else one for one in messages_of(data))


def _end_of(data: bytes, start: int) -> int:
    try:
        header = Header.parse(memoryview(data)[start:])
    except RemoteProtocolError:
        return len(data)
    return len(data) if header is None else start + header.size + header.body_length


def _demand(fault: str, option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        *others, last = (f'"{one}"' for one in allowed)
        raise ConfigError(f"{fault}: {option} is {', '.join(others)} or {last}, not {value!r}")
