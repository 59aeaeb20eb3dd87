"""What an event is called: kind → topics, and the items that tell of it.

Motion and the button of a doorbell have the topics of the standard. For what the camera recognizes
ONVIF leaves the rule to the vendor: these are the topics of Reolink's own ONVIF service, because
recorders and home automation look for them.
"""

from dataclasses import dataclass
from typing import Final

from neolink.media.events import EventKind

__all__ = ["TOPICS", "Topic"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One way to tell of a kind.

    ``source_names`` are those of the items that all have the camera's name as value, ``fixed`` are
    further items of the source, and ``state_name`` is the item that is ``true`` or ``false``.
    """

    path: str
    state_name: str
    source_names: tuple[str, ...] = ("Source",)
    fixed: tuple[tuple[str, str], ...] = ()


def _recognized(rule: str) -> tuple[Topic, ...]:
    return (Topic(f"tns1:RuleEngine/MyRuleDetector/{rule}", "State"),)


_OF_ANALYTICS: Final = ("VideoSourceConfigurationToken", "VideoAnalyticsConfigurationToken")

TOPICS: Final[dict[EventKind, tuple[Topic, ...]]] = {
    EventKind.MOTION: (
        Topic(
            "tns1:RuleEngine/CellMotionDetector/Motion",
            "IsMotion",
            _OF_ANALYTICS,
            (("Rule", "MotionDetectorRule"),),
        ),
    ),
    EventKind.PERSON: _recognized("PeopleDetect"),
    EventKind.VEHICLE: _recognized("VehicleDetect"),
    EventKind.ANIMAL: _recognized("DogCatDetect"),
    EventKind.FACE: _recognized("FaceDetect"),
    EventKind.PACKAGE: _recognized("Package"),
    EventKind.VISITOR: (
        Topic("tns1:Device/Trigger/DigitalInput", "LogicalState", ("InputToken",)),
        *_recognized("Visitor"),
    ),
    EventKind.TAMPER: (
        Topic(
            "tns1:RuleEngine/TamperDetector/Tamper",
            "IsTamper",
            _OF_ANALYTICS,
            (("Rule", "TamperDetectorRule"),),
        ),
    ),
}
"""Every kind has one topic at least."""
