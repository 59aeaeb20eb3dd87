"""Faults of a camera's clocks: the 32-bit one of the media, and the time of day in key frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from neolink.baichuan.bcmedia import Packet, VideoPacket
from neolink.errors import ConfigError
from neolink.simulator.faults.base import Fault

__all__ = ["ClockJump", "ClockStandstill", "ClockWrap", "PosixJump"]

_CLOCK_LIMIT = 1 << 32
_SECOND_US = 1_000_000
_LATEST_POSIX_S = _CLOCK_LIMIT - 1


@dataclass(kw_only=True)
class _ClockFault(Fault):
    """Base: moves the media's clock."""

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Replace its time."""
        if not isinstance(packet, VideoPacket):
            return (packet,)
        return (replace(packet, microseconds=self._moved(packet.microseconds) % _CLOCK_LIMIT),)

    def _moved(self, microseconds: int) -> int:
        return microseconds


@dataclass(kw_only=True)
class ClockJump(_ClockFault):
    """The camera's microsecond clock is ``seconds`` ahead (or behind) while the fault lasts."""

    NAME: ClassVar[str] = "clock_jump"
    DEFAULT_DURATION_S: ClassVar[float] = float("inf")

    seconds: float = 3600.0

    def _moved(self, microseconds: int) -> int:
        return microseconds + round(self.seconds * _SECOND_US)


@dataclass(kw_only=True)
class ClockStandstill(_ClockFault):
    """The camera's microsecond clock does not go on; afterwards it is right again."""

    NAME: ClassVar[str] = "clock_standstill"

    _stands_at: int | None = field(init=False, default=None)

    def _moved(self, microseconds: int) -> int:
        if self._stands_at is None:
            self._stands_at = microseconds
        return self._stands_at


@dataclass(kw_only=True)
class ClockWrap(_ClockFault):
    """The camera's microsecond clock jumps so that it wraps ``after_s`` later.

    From the first picture on; begun before there is any, the streams start near the wrap.
    """

    NAME: ClassVar[str] = "clock_wrap"
    DEFAULT_DURATION_S: ClassVar[float] = float("inf")

    after_s: float = 10.0
    _ahead_us: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if not 0 <= self.after_s < _CLOCK_LIMIT / _SECOND_US:
            raise ConfigError(f"clock_wrap: after_s is 0 to 4294, not {self.after_s}")

    def _moved(self, microseconds: int) -> int:
        if self._ahead_us is None:
            self._ahead_us = _CLOCK_LIMIT - round(self.after_s * _SECOND_US) - microseconds
        return microseconds + self._ahead_us


@dataclass(kw_only=True)
class PosixJump(Fault):
    """The time of day in key frames is ``seconds`` ahead (or behind) while the fault lasts."""

    NAME: ClassVar[str] = "posix_jump"
    DEFAULT_DURATION_S: ClassVar[float] = float("inf")

    seconds: int = 3600

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Move it, as far as 32 bits allow."""
        if not isinstance(packet, VideoPacket) or packet.posix_time is None:
            return (packet,)
        moved = min(max(0, packet.posix_time + self.seconds), _LATEST_POSIX_S)
        return (replace(packet, posix_time=moved),)
