"""Documents about events, read back by a parser that shares nothing with the writer."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.media.events import EventKind, EventState
from neolink.onvif.metadata import Operation, serialize_states
from neolink.onvif.topics import TOPICS
from support.onvif import Message, messages

NEW_YEAR_S = 1767225600.25
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def state(kind: EventKind = EventKind.MOTION, *, active: bool = True) -> EventState:
    return EventState(kind, is_active=active, unix_s=NEW_YEAR_S)


def read(*states: EventState, camera: str = "porch") -> list[Message]:
    return messages(serialize_states(camera, Operation.CHANGED, states))


def test_motion_is_told_with_the_topic_and_items_of_the_standard() -> None:
    (message,) = read(state())
    assert message == Message(
        topic="tns1:RuleEngine/CellMotionDetector/Motion",
        operation="Changed",
        utc_time="2026-01-01T00:00:00.250Z",
        source={
            "VideoSourceConfigurationToken": "porch",
            "VideoAnalyticsConfigurationToken": "porch",
            "Rule": "MotionDetectorRule",
        },
        data={"IsMotion": "true"},
    )


@pytest.mark.parametrize(
    ("kind", "topics"),
    [
        (EventKind.PERSON, ["tns1:RuleEngine/MyRuleDetector/PeopleDetect"]),
        (EventKind.VEHICLE, ["tns1:RuleEngine/MyRuleDetector/VehicleDetect"]),
        (EventKind.ANIMAL, ["tns1:RuleEngine/MyRuleDetector/DogCatDetect"]),
        (EventKind.FACE, ["tns1:RuleEngine/MyRuleDetector/FaceDetect"]),
        (EventKind.PACKAGE, ["tns1:RuleEngine/MyRuleDetector/Package"]),
        (EventKind.TAMPER, ["tns1:RuleEngine/TamperDetector/Tamper"]),
        (
            EventKind.VISITOR,
            ["tns1:Device/Trigger/DigitalInput", "tns1:RuleEngine/MyRuleDetector/Visitor"],
        ),
    ],
)
def test_each_kind_has_its_topics(kind: EventKind, topics: list[str]) -> None:
    assert [message.topic for message in read(state(kind))] == topics


def test_every_kind_can_be_told_and_no_topic_means_two() -> None:
    assert TOPICS.keys() == set(EventKind)
    paths = [topic.path for topics in TOPICS.values() for topic in topics]
    assert len(paths) == len(set(paths))


def test_a_doorbell_is_an_input_with_its_token_and_state() -> None:
    digital_input, _ = read(state(EventKind.VISITOR, active=False))
    assert digital_input.source == {"InputToken": "porch"}
    assert digital_input.data == {"LogicalState": "false"}


def test_a_document_keeps_the_order_of_changes() -> None:
    found = read(state(), state(active=False), state(EventKind.PERSON))
    assert [list(message.data.values()) for message in found] == [["true"], ["false"], ["true"]]


def test_a_document_without_states_is_a_stream_without_events() -> None:
    root = ET.fromstring(serialize_states("porch", Operation.CHANGED, ()))
    assert root.tag == "{http://www.onvif.org/ver10/schema}MetadataStream"
    assert list(root) == []


def test_the_prefix_of_topics_is_declared() -> None:
    # Element tree drops declarations that no tag uses, but a topic without it means nothing.
    start = serialize_states("porch", Operation.INITIALIZED, ()).decode()
    assert start.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<tt:MetadataStream ')
    assert ' xmlns:tns1="http://www.onvif.org/ver10/topics"' in start


@pytest.mark.parametrize("camera", ["a<b>&\"c'", "Tür", "门口", "two\nlines\tand\rmore", "]]>"])
def test_any_name_arrives_as_it_is(camera: str) -> None:
    assert read(state(), camera=camera)[0].source["VideoSourceConfigurationToken"] == camera


@given(st.text(max_size=20), st.lists(st.sampled_from(EventKind)), st.floats(0, 4e9))
def test_whatever_is_written_can_be_read(camera: str, kinds: list[EventKind], at: float) -> None:
    states = [EventState(kind, is_active=True, unix_s=at) for kind in kinds]
    found = messages(serialize_states(camera, Operation.INITIALIZED, states))
    assert len(found) == sum(len(TOPICS[kind]) for kind in kinds)
    for message in found:
        assert NOT_XML.sub("\ufffd", camera) in message.source.values()
        told = datetime.fromisoformat(message.utc_time)
        assert told.tzinfo is not None
        assert abs(told - datetime.fromtimestamp(at, UTC)).total_seconds() < 0.001
