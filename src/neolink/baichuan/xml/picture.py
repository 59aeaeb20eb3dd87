"""Bodies about the picture: image settings, overlays, masks.

Source: protocol reference, sections 3.2, 3.5 and 3.7.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire

__all__ = [
    "DayNight",
    "InputAdvanceCfg",
    "OsdChannelName",
    "OsdDatetime",
    "PowerLineFrequency",
    "Shelter",
    "ShelterArea",
    "ShelterList",
    "VideoInput",
]


@dataclass(frozen=True, slots=True)
class VideoInput(BodyPart):
    """Image settings, 0 to 255 (messages 25, 26, 132 and push 78)."""

    TAG: ClassVar[str] = "VideoInput"

    channel_id: int | None = None
    bright: int | None = None
    contrast: int | None = None
    saturation: int | None = None
    hue: int | None = None
    sharpen: int | None = None


@dataclass(frozen=True, slots=True)
class PowerLineFrequency(Element):
    """Flicker control: ``50hz``, ``60hz`` ..."""

    TAG: ClassVar[str] = "PowerLineFrequency"

    mode: str | None = None
    enable: int | None = None


@dataclass(frozen=True, slots=True)
class DayNight(Element):
    """``mode`` is ``auto``, ``color`` or ``blackAndWhite``."""

    TAG: ClassVar[str] = "DayNight"

    mode: str | None = None
    ircut_mode: Annotated[str | None, Wire("IrcutMode")] = None
    threshold: Annotated[str | None, Wire("Threshold")] = None


@dataclass(frozen=True, slots=True)
class InputAdvanceCfg(BodyPart):
    """More image settings (messages 25 and 26); exposure, scene and the like are in ``extra``."""

    TAG: ClassVar[str] = "InputAdvanceCfg"

    channel_id: int | None = None
    digital_channel: int | None = None
    power_line_frequency: PowerLineFrequency | None = None
    day_night: DayNight | None = None
    mirror: int | None = None
    flip: int | None = None
    hdr_switch: int | None = None


@dataclass(frozen=True, slots=True)
class OsdChannelName(BodyPart):
    """Name in the picture; positions from 65536 on are symbolic corners (messages 44 and 45)."""

    TAG: ClassVar[str] = "OsdChannelName"

    channel_id: int | None = None
    name: str | None = None
    enable: bool | None = None
    top_left_x: int | None = None
    top_left_y: int | None = None
    en_watermark: int | None = None
    en_bgcolor: int | None = None


@dataclass(frozen=True, slots=True)
class OsdDatetime(BodyPart):
    """Clock in the picture (messages 44 and 45)."""

    TAG: ClassVar[str] = "OsdDatetime"

    channel_id: int | None = None
    enable: bool | None = None
    top_left_x: int | None = None
    top_left_y: int | None = None
    width: int | None = None
    height: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class ShelterArea(Element):
    """One masked rectangle."""

    TAG: ClassVar[str] = "Shelter"

    id: int | None = None
    enable: bool | None = None
    x: int | None = None
    y: int | None = None
    w: int | None = None
    h: int | None = None


@dataclass(frozen=True, slots=True)
class ShelterList(Element):
    """Masked rectangles."""

    areas: tuple[ShelterArea, ...] = ()


@dataclass(frozen=True, slots=True)
class Shelter(BodyPart):
    """Privacy masks. Answers (52) fill ``shelter_list``, a change (53) ``shelter_list_to_set``.

    Only the capital of the list's name differs on the wire.
    """

    TAG: ClassVar[str] = "Shelter"

    channel_id: int | None = None
    enable: bool | None = None
    shelter_list: ShelterList | None = None
    shelter_list_to_set: Annotated[ShelterList | None, Wire("ShelterList")] = None
