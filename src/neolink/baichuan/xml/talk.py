"""Bodies of two-way audio (protocol reference, section 7)."""

from dataclasses import dataclass
from typing import ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element

__all__ = [
    "AudioConfig",
    "AudioConfigList",
    "AudioStreamModeList",
    "DuplexList",
    "TalkAbility",
    "TalkConfig",
]


@dataclass(frozen=True, slots=True)
class DuplexList(Element):
    """``FDX`` (both directions at once) or ``HDX`` (the camera mutes while it is talked to)."""

    TAG: ClassVar[str] = "duplexList"

    duplex: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AudioStreamModeList(Element):
    """``followVideoStream`` or ``mixAudioStream``."""

    TAG: ClassVar[str] = "audioStreamModeList"

    audio_stream_mode: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AudioConfig(Element):
    """A format: Hz, bits, samples per block (``length_per_encoder``) and ``mono``."""

    TAG: ClassVar[str] = "audioConfig"

    priority: int | None = None
    audio_type: str | None = None
    sample_rate: int | None = None
    sample_precision: int | None = None
    length_per_encoder: int | None = None
    sound_track: str | None = None


@dataclass(frozen=True, slots=True)
class AudioConfigList(Element):
    """Formats on offer."""

    TAG: ClassVar[str] = "audioConfigList"

    configs: tuple[AudioConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class TalkAbility(BodyPart):
    """What the loudspeaker takes (message 10); empty lists without one."""

    TAG: ClassVar[str] = "TalkAbility"

    duplex_list: DuplexList | None = None
    audio_stream_mode_list: AudioStreamModeList | None = None
    audio_config_list: AudioConfigList | None = None


@dataclass(frozen=True, slots=True)
class TalkConfig(BodyPart):
    """Opens the talk channel (message 201)."""

    TAG: ClassVar[str] = "TalkConfig"

    channel_id: int | None = None
    duplex: str | None = None
    audio_stream_mode: str | None = None
    audio_config: AudioConfig | None = None
