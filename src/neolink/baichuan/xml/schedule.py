"""Elements that several topics share: points in time and weekly schedules."""

from dataclasses import dataclass
from typing import ClassVar

from neolink.baichuan.xml.codec import Element

__all__ = ["DateTime", "Schedule", "ScheduleList", "TimeBlock", "TimeBlockList"]


@dataclass(frozen=True, slots=True)
class DateTime(Element):
    """Wall time of the camera."""

    year: int | None = None
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None


@dataclass(frozen=True, slots=True)
class TimeBlock(Element):
    """Hours of one day of the week (``Sunday`` ...); both hours belong to the block."""

    TAG: ClassVar[str] = "timeBlock"

    enable: bool | None = None
    week_day: str | None = None
    begin_hour: int | None = None
    end_hour: int | None = None


@dataclass(frozen=True, slots=True)
class TimeBlockList(Element):
    """When something is active."""

    TAG: ClassVar[str] = "timeBlockList"

    blocks: tuple[TimeBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule(Element):
    """When one kind of alarm counts."""

    TAG: ClassVar[str] = "Schedule"

    alarm_type: str | None = None
    time_block_list: TimeBlockList | None = None


@dataclass(frozen=True, slots=True)
class ScheduleList(Element):
    """Schedules by kind of alarm."""

    TAG: ClassVar[str] = "ScheduleList"

    schedules: tuple[Schedule, ...] = ()
