"""Faults of media: packets that do not come, come in bursts, or are of another kind than before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from neolink.baichuan.bcmedia import AacPacket, AdpcmPacket, InfoPacket, Packet, VideoPacket
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.faults.base import Fault, Look
from neolink.simulator.source import Sound

__all__ = [
    "Burst",
    "ChangeAudio",
    "ChangeCodec",
    "ChangeSize",
    "EncryptLength",
    "InfoFrameRate",
    "LoseKeyFrames",
    "Mute",
    "Stall",
    "WrongPadding",
]

_ONE_BYTE = 0xFF
_FOREVER = float("inf")
_VIDEO = {"h264": VideoCodec.H264, "h265": VideoCodec.H265}
_OTHER_VIDEO = {VideoCodec.H264: VideoCodec.H265, VideoCodec.H265: VideoCodec.H264}
_OTHER_SOUND = {Sound.AAC: Sound.ADPCM, Sound.ADPCM: Sound.AAC, None: Sound.AAC}


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
class Mute(Fault):
    """No sound comes; pictures do."""

    NAME: ClassVar[str] = "mute"

    def on_packet(self, packet: Packet) -> Sequence[Packet]:
        """Lose it if it is sound."""
        return () if isinstance(packet, AacPacket | AdpcmPacket) else (packet,)


@dataclass(kw_only=True)
class Burst(Fault):
    """Media is held back for ``period_s`` and then sent at once, again and again.

    ``sound_first``: of each lot all sound goes before the pictures.
    """

    NAME: ClassVar[str] = "burst"
    DEFAULT_DURATION_S: ClassVar[float] = 10.0

    period_s: float = 2.0
    sound_first: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.period_s < _FOREVER:
            raise ConfigError(f"burst: period_s is above 0, not {self.period_s}")

    @property
    def hold_s(self) -> float:
        """Gather for a period."""
        return self.period_s

    @property
    def has_sound_first(self) -> bool:
        """As wanted."""
        return self.sound_first


@dataclass(kw_only=True)
class InfoFrameRate(Fault):
    """Info packets tell ``value`` pictures a second: 0, nonsense, or an index into a table.

    They come at a stream's start, so a stream that runs does not notice.
    """

    NAME: ClassVar[str] = "info_frame_rate"
    DEFAULT_DURATION_S: ClassVar[float] = _FOREVER

    value: int = 0

    def __post_init__(self) -> None:
        _demand_byte(self.NAME, "value", self.value)

    def on_info(self, packet: InfoPacket) -> InfoPacket:
        """Replace the rate."""
        return replace(packet, frame_rate=self.value)


@dataclass(kw_only=True)
class ChangeSize(Fault):
    """Pictures change to the size of another stream, ``like``, and back at the end."""

    NAME: ClassVar[str] = "change_size"
    DEFAULT_DURATION_S: ClassVar[float] = _FOREVER

    like: str = "sub"

    def __post_init__(self) -> None:
        _demand(self.NAME, "like", self.like, tuple(StreamKind))

    def on_look(self, look: Look) -> Look:
        """Show the clip of the other stream."""
        return replace(look, size_of=StreamKind(self.like))


@dataclass(kw_only=True)
class ChangeCodec(Fault):
    """Video changes to another ``codec``, and back at the end."""

    NAME: ClassVar[str] = "change_codec"
    DEFAULT_DURATION_S: ClassVar[float] = _FOREVER

    codec: str = "other"

    def __post_init__(self) -> None:
        _demand(self.NAME, "codec", self.codec, ("other", *_VIDEO))

    def on_look(self, look: Look) -> Look:
        """Show the clip of the other codec."""
        return replace(look, codec=_VIDEO.get(self.codec, _OTHER_VIDEO[look.codec]))


@dataclass(kw_only=True)
class ChangeAudio(Fault):
    """Sound changes to another ``codec``, and back at the end."""

    NAME: ClassVar[str] = "change_audio"
    DEFAULT_DURATION_S: ClassVar[float] = _FOREVER

    codec: str = "other"

    def __post_init__(self) -> None:
        _demand(self.NAME, "codec", self.codec, ("other", *Sound))

    def on_look(self, look: Look) -> Look:
        """Sound otherwise."""
        is_other = self.codec == "other"
        return replace(look, sound=_OTHER_SOUND[look.sound] if is_other else Sound(self.codec))


@dataclass(kw_only=True)
class WrongPadding(Fault):
    """Media packets are filled up with ``byte`` instead of zeros."""

    NAME: ClassVar[str] = "wrong_padding"

    byte: int = 0xF0

    def __post_init__(self) -> None:
        _demand_byte(self.NAME, "byte", self.byte)

    @property
    def pad_byte(self) -> int:
        """Something else than 0."""
        return self.byte


@dataclass(kw_only=True)
class EncryptLength(Fault):
    """Media messages claim that ``excess`` bytes more than they have are encrypted.

    Only where media is encrypted at all: at the level FULL_AES.
    """

    NAME: ClassVar[str] = "encrypt_length"

    excess: int = 1000

    def __post_init__(self) -> None:
        if self.excess < 1:
            raise ConfigError(f"encrypt_length: excess is at least 1, not {self.excess}")

    @property
    def encryption_excess(self) -> int:
        """As wanted."""
        return self.excess


def _demand(fault: str, option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{fault}: {option} is one of {', '.join(allowed)}, not {value!r}")


def _demand_byte(fault: str, option: str, value: int) -> None:
    if not 0 <= value <= _ONE_BYTE:
        raise ConfigError(f"{fault}: {option} is 0 to {_ONE_BYTE}, not {value}")
