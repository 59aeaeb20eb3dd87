"""Bodies about lights, siren and loudspeaker (protocol reference, section 3.10)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire

__all__ = [
    "AudioCfg",
    "AudioPlayInfo",
    "FloodlightManual",
    "FloodlightScheduleList",
    "FloodlightStatus",
    "FloodlightStatusList",
    "FloodlightTask",
    "LedState",
    "LightRange",
    "LightSchedule",
    "LightThreshold",
    "NightLongView",
    "SirenStatus",
    "SirenStatusList",
]


@dataclass(frozen=True, slots=True)
class LedState(BodyPart):
    """Infrared and status lights (messages 208 and 209).

    ``state`` is the infrared light: ``auto``, ``open`` (on) or ``close``; ``light_state`` the
    status light: ``open`` or ``close``. Leave ``led_version`` out when setting.
    """

    TAG: ClassVar[str] = "LedState"

    channel_id: int | None = None
    led_version: int | None = None
    state: str | None = None
    light_state: str | None = None
    ir_led_brightness: Annotated[int | None, Wire("IRLedBrightness")] = None
    doorbell_light_state: str | None = None
    doorbell_ability: int | None = None


@dataclass(frozen=True, slots=True)
class FloodlightManual(BodyPart):
    """Switches the floodlight; ``duration`` in seconds (message 288)."""

    TAG: ClassVar[str] = "FloodlightManual"

    channel_id: int | None = None
    status: bool | None = None
    duration: int | None = None


@dataclass(frozen=True, slots=True)
class FloodlightStatus(Element):
    """Whether one floodlight is on."""

    TAG: ClassVar[str] = "FloodlightStatus"

    channel_id: Annotated[int | None, Wire("channel")] = None
    status: bool | None = None


@dataclass(frozen=True, slots=True)
class FloodlightStatusList(BodyPart):
    """State of the floodlights (message 291)."""

    TAG: ClassVar[str] = "FloodlightStatusList"

    statuses: tuple[FloodlightStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class LightSchedule(Element):
    """Daily hours of the floodlight."""

    TAG: ClassVar[str] = "schedule"

    start_hour: int | None = None
    start_min: int | None = None
    end_hour: int | None = None
    end_min: int | None = None


@dataclass(frozen=True, slots=True)
class LightThreshold(Element):
    """Brightness of the scene at which the floodlight switches."""

    TAG: ClassVar[str] = "lightSensThreshold"

    min: int | None = None
    max: int | None = None
    light_cur: int | None = None
    dark_cur: int | None = None
    light_def: int | None = None
    dark_def: int | None = None


@dataclass(frozen=True, slots=True)
class FloodlightScheduleList(Element):
    """How many schedules there can be."""

    TAG: ClassVar[str] = "FloodlightScheduleList"

    max_num: int | None = None


@dataclass(frozen=True, slots=True)
class LightRange(Element):
    """A setting with its limits and its default."""

    min: int | None = None
    max: int | None = None
    cur: int | None = None
    default: Annotated[int | None, Wire("def")] = None


@dataclass(frozen=True, slots=True)
class NightLongView(Element):
    """A dim light all night that grows bright on alarm."""

    TAG: ClassVar[str] = "nightLongViewMultiBrightness"

    enable: int | None = None
    alarm_brightness: LightRange | None = None
    alarm_delay: LightRange | None = None


@dataclass(frozen=True, slots=True)
class FloodlightTask(BodyPart):
    """When the floodlight shines by itself (messages 289, 438 and 290)."""

    TAG: ClassVar[str] = "FloodlightTask"

    channel_id: Annotated[int | None, Wire("channel")] = None
    alarm_mode: int | None = None
    enable: int | None = None
    last_alarm_mode: int | None = None
    preview_auto: Annotated[int | None, Wire("preview_auto")] = None
    duration: int | None = None
    brightness_cur: Annotated[int | None, Wire("brightness_cur")] = None
    brightness_max: Annotated[int | None, Wire("brightness_max")] = None
    brightness_min: Annotated[int | None, Wire("brightness_min")] = None
    schedule: LightSchedule | None = None
    light_sens_threshold: LightThreshold | None = None
    floodlight_schedule_list: FloodlightScheduleList | None = None
    night_long_view: NightLongView | None = None
    detect_type: str | None = None


@dataclass(frozen=True, slots=True)
class SirenStatus(Element):
    """Whether one siren sounds."""

    TAG: ClassVar[str] = "SirenStatus"

    channel_id: Annotated[int | None, Wire("channel")] = None
    status: bool | None = None
    playing: bool | None = None


@dataclass(frozen=True, slots=True)
class SirenStatusList(BodyPart):
    """State of the sirens (message 547)."""

    TAG: ClassVar[str] = "SirenStatusList"

    statuses: tuple[SirenStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class AudioPlayInfo(BodyPart):
    """Sounds the siren (message 263).

    ``play_mode`` 0 plays ``play_times`` times, 2 follows ``on_off``.
    """

    TAG: ClassVar[str] = "audioPlayInfo"

    channel_id: int | None = None
    play_mode: int | None = None
    play_duration: int | None = None
    play_times: int | None = None
    on_off: int | None = None


@dataclass(frozen=True, slots=True)
class AudioCfg(BodyPart):
    """Volumes and alarm sounds (messages 264 and 265)."""

    TAG: ClassVar[str] = "audioCfg"

    channel_id: int | None = None
    timeout: int | None = None
    audio_select: int | None = None
    volume: int | None = None
    talk_and_reply_volume: int | None = None
    visitor_volume: int | None = None
    visitor_loudspeaker: int | None = None
    pre_alarm: int | None = None
    pause_alarm: int | None = None
    pause_type: int | None = None
    pause_start_time: int | None = None
    pause_time: int | None = None
    audio_list_id: int | None = None
    linkage_ctrl_enable: int | None = None
