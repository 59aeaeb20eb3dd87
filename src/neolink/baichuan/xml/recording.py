"""Bodies about recordings (protocol reference, section 3.6)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire
from neolink.baichuan.xml.schedule import DateTime, ScheduleList

__all__ = ["FileInfo", "FileInfoList", "Record", "RecordCfg"]


@dataclass(frozen=True, slots=True)
class FileInfo(Element):
    """A search, its handle, or a recording it found; the rest is in ``extra``."""

    TAG: ClassVar[str] = "FileInfo"

    channel_id: int | None = None
    uid: str | None = None
    search_ai_track: Annotated[int | None, Wire("searchAITrack")] = None
    logic_chn_bitmap: int | None = None
    handle: int | None = None
    stream_type: str | None = None
    record_type: Annotated[tuple[str, ...], Wire(comma=", ")] = ()
    name: str | None = None
    id: Annotated[str | None, Wire("Id")] = None
    start_time: DateTime | None = None
    end_time: DateTime | None = None


@dataclass(frozen=True, slots=True)
class FileInfoList(BodyPart):
    """Searches and downloads (messages 5 to 8 and 13 to 16)."""

    TAG: ClassVar[str] = "FileInfoList"

    files: tuple[FileInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordCfg(BodyPart):
    """How recordings are cut: seconds before and after, length of a file (messages 54, 55)."""

    TAG: ClassVar[str] = "RecordCfg"

    channel_id: int | None = None
    cycle: int | None = None
    record_delay_time: int | None = None
    pre_record_time: int | None = None
    package_time: int | None = None


@dataclass(frozen=True, slots=True)
class Record(BodyPart):
    """Whether and when the camera records (messages 81 and 82)."""

    TAG: ClassVar[str] = "Record"

    channel_id: int | None = None
    enable: bool | None = None
    schedule_list: ScheduleList | None = None
