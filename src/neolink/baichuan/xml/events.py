"""Bodies about what a camera sees: motion, people, rules (protocol reference, section 3.8)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire

__all__ = ["AlarmEvent", "AlarmEventList", "SmartAiSub", "SmartAiType", "SmartAiTypeList"]


@dataclass(frozen=True, slots=True)
class SmartAiSub(Element):
    """What was seen in one zone."""

    TAG: ClassVar[str] = "subList"

    index: int | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class SmartAiType(Element):
    """A rule that fired; ``index`` is a bit mask of its zones."""

    TAG: ClassVar[str] = "smartAiType"

    type: str | None = None
    index: int | None = None
    sub_list: tuple[SmartAiSub, ...] = ()


@dataclass(frozen=True, slots=True)
class SmartAiTypeList(Element):
    """The rules that fired."""

    TAG: ClassVar[str] = "smartAiTypeList"

    rules: tuple[SmartAiType, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmEvent(Element):
    """The present alarms of one channel; none at all ends the alarm.

    ``status`` and ``ai_type`` are comma lists or ``none``. ``time_stamp`` is 0 on many models.
    """

    TAG: ClassVar[str] = "AlarmEvent"
    VERSIONED: ClassVar[bool] = True

    channel_id: int | None = None
    status: str = "none"
    ai_type: Annotated[str | None, Wire("AItype")] = None
    recording: int | None = None
    time_stamp: int | None = None
    smart_ai_type_list: SmartAiTypeList | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """All that is going on, such as ``MD``, ``visitor`` or ``people``."""
        words = f"{self.status},{self.ai_type or ''}".split(",")
        return frozenset(word.strip() for word in words) - {"", "none"}


@dataclass(frozen=True, slots=True)
class AlarmEventList(BodyPart):
    """Alarms of the channels that changed (message 33). Lists of other events are in ``extra``."""

    TAG: ClassVar[str] = "AlarmEventList"

    events: tuple[AlarmEvent, ...] = ()
