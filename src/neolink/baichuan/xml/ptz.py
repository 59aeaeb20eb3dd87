"""Bodies about moving and zooming (protocol reference, section 3.9)."""

from dataclasses import dataclass
from typing import ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element

__all__ = [
    "LensRange",
    "Preset",
    "PresetList",
    "PtzControl",
    "PtzGuard",
    "PtzPreset",
    "PtzZoomFocus",
    "StartZoomFocus",
]


@dataclass(frozen=True, slots=True)
class PtzControl(BodyPart):
    """Moves until ``stop``: ``left``, ``rightUp`` ...; ``speed`` is 1 to 64 (message 18)."""

    TAG: ClassVar[str] = "PtzControl"

    channel_id: int | None = None
    speed: float | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Preset(Element):
    """A stored position; ``command`` is ``setPos`` or ``toPos``, cameras may leave it out."""

    TAG: ClassVar[str] = "preset"

    id: int | None = None
    name: str | None = None
    command: str | None = None


@dataclass(frozen=True, slots=True)
class PresetList(Element):
    """Stored positions."""

    TAG: ClassVar[str] = "presetList"

    presets: tuple[Preset, ...] = ()


@dataclass(frozen=True, slots=True)
class PtzPreset(BodyPart):
    """Lists, stores or recalls positions (messages 190 and 19)."""

    TAG: ClassVar[str] = "PtzPreset"

    channel_id: int | None = None
    preset_list: PresetList | None = None


@dataclass(frozen=True, slots=True)
class LensRange(Element):
    """Limits and present position of a motor."""

    max_pos: int | None = None
    min_pos: int | None = None
    cur_pos: int | None = None


@dataclass(frozen=True, slots=True)
class PtzZoomFocus(BodyPart):
    """State of the lens (message 294)."""

    TAG: ClassVar[str] = "PtzZoomFocus"

    channel_id: int | None = None
    zoom: LensRange | None = None
    focus: LensRange | None = None


@dataclass(frozen=True, slots=True)
class StartZoomFocus(BodyPart):
    """Drives the lens; ``command`` is ``zoomPos`` or ``focusPos`` (message 295)."""

    TAG: ClassVar[str] = "StartZoomFocus"

    channel_id: int | None = None
    command: str | None = None
    move_pos: int | None = None


@dataclass(frozen=True, slots=True)
class PtzGuard(BodyPart):
    """Position to which the camera returns after ``timeout`` seconds (messages 332 and 331)."""

    TAG: ClassVar[str] = "PtzGuard"

    channel_id: int | None = None
    benable: int | None = None
    command: str | None = None
    timeout: int | None = None
    need_set_pos: int | None = None
    image_name: str | None = None
