"""Documents of a metadata stream: states of events → XML (ONVIF Core and Streaming Specification).

A document is complete by itself. When it is sent, and to whom, is decided elsewhere.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from neolink.media.events import EventState
from neolink.onvif.topics import TOPICS, Topic

__all__ = ["Operation", "serialize_states"]

_START: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"'
    ' xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"'
    ' xmlns:tns1="http://www.onvif.org/ver10/topics">'
)
_END: Final = "</tt:MetadataStream>"
_DIALECT: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Operation(StrEnum):
    """Why a state is told."""

    INITIALIZED = "Initialized"
    """It is what a reader begins with."""

    CHANGED = "Changed"


def serialize_states(camera: str, operation: Operation, states: Iterable[EventState]) -> bytes:
    """Return a document in UTF-8 about a camera of this name; without states it tells nothing.

    Characters of the name that XML cannot carry become replacement characters.
    """
    source = _NOT_XML.sub("\ufffd", camera)
    messages = "".join(
        message for state in states for message in _messages(source, operation, state)
    )
    events = f"<tt:Event>{messages}</tt:Event>" if messages else ""
    return f"{_START}{events}{_END}".encode()


def _messages(source: str, operation: Operation, state: EventState) -> Iterator[str]:
    at = datetime.fromtimestamp(state.unix_s, UTC).isoformat(timespec="milliseconds")
    utc_time = at.replace("+00:00", "Z")
    for topic in TOPICS[state.kind]:
        yield (
            "<wsnt:NotificationMessage>"
            f"<wsnt:Topic Dialect={quoteattr(_DIALECT)}>{escape(topic.path)}</wsnt:Topic>"
            f"<wsnt:Message><tt:Message UtcTime={quoteattr(utc_time)}"
            f" PropertyOperation={quoteattr(operation)}>"
            f"<tt:Source>{_source_items(topic, source)}</tt:Source>"
            f"<tt:Data>{_item(topic.state_name, str(state.is_active).lower())}</tt:Data>"
            "</tt:Message></wsnt:Message></wsnt:NotificationMessage>"
        )


def _source_items(topic: Topic, source: str) -> str:
    named = (_item(name, source) for name in topic.source_names)
    fixed = (_item(name, value) for name, value in topic.fixed)
    return "".join((*named, *fixed))


def _item(name: str, value: str) -> str:
    return f"<tt:SimpleItem Name={quoteattr(name)} Value={quoteattr(value)}/>"
