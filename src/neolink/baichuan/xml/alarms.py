"""Bodies about what counts as an alarm, and what it does (protocol reference, section 3.8)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire
from neolink.baichuan.xml.schedule import ScheduleList, TimeBlockList

__all__ = [
    "AlarmHandle",
    "AlarmHandleItem",
    "AudioTask",
    "EmailTask",
    "MotionDetection",
    "PirAlarm",
    "PushTask",
]


@dataclass(frozen=True, slots=True)
class MotionDetection(BodyPart):
    """Settings of motion detection (messages 46 and 47); grids and sensitivities in ``extra``."""

    TAG: ClassVar[str] = "MD"

    channel_id: int | None = None
    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class AlarmHandleItem(Element):
    """What an alarm does on a channel."""

    TAG: ClassVar[str] = "item"

    channel: int | None = None
    handle_type: str | None = None


@dataclass(frozen=True, slots=True)
class AlarmHandle(Element):
    """What an alarm does."""

    TAG: ClassVar[str] = "alarmHandle"

    items: tuple[AlarmHandleItem, ...] = ()


@dataclass(frozen=True, slots=True)
class PirAlarm(BodyPart):
    """Settings of the passive infrared sensor (messages 212 and 213): read, change, send all."""

    TAG: ClassVar[str] = "rfAlarmCfg"

    rf_id: Annotated[int | None, Wire("rfID")] = None
    enable: bool | None = None
    sensitivity: int | None = None
    sensi_value: int | None = None
    reduce_false_alarm: int | None = None
    interval: int | None = None
    interval_sec_max: int | None = None
    time_block_list: TimeBlockList | None = None
    alarm_handle: AlarmHandle | None = None


@dataclass(frozen=True, slots=True)
class AudioTask(BodyPart):
    """Siren on alarm (messages 232 and 231)."""

    TAG: ClassVar[str] = "AudioTask"

    channel_id: int | None = None
    enable: bool | None = None
    schedule_list: ScheduleList | None = None


@dataclass(frozen=True, slots=True)
class EmailTask(BodyPart):
    """Mail on alarm (messages 217 and 216)."""

    TAG: ClassVar[str] = "EmailTask"

    channel_id: int | None = None
    enable: bool | None = None
    schedule_list: ScheduleList | None = None


@dataclass(frozen=True, slots=True)
class PushTask(BodyPart):
    """Notification on alarm (messages 219 and 218)."""

    TAG: ClassVar[str] = "PushTask"

    channel_id: int | None = None
    enable: bool | None = None
    schedule_list: ScheduleList | None = None
