"""Reads metadata documents as a recorder does, with a parser that is not ours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from neolink.rtp.packet import RtpPacket

__all__ = ["Message", "documents", "messages"]

_NAMES = {
    "tt": "http://www.onvif.org/ver10/schema",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
}


@dataclass(frozen=True)
class Message:
    """One notification. Items are values by name."""

    topic: str
    operation: str
    utc_time: str
    source: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    @property
    def is_on(self) -> bool:
        """Whether the only item of the data says so; one that says neither fails."""
        (value,) = self.data.values()
        return {"true": True, "false": False}[value]


def messages(document: bytes) -> list[Message]:
    """Return what one document tells; one that is no metadata stream fails."""
    root = ET.fromstring(document)
    assert root.tag == f"{{{_NAMES['tt']}}}MetadataStream"
    return [_message(found) for found in root.iterfind("tt:Event/wsnt:NotificationMessage", _NAMES)]


def documents(packets: Iterable[RtpPacket]) -> list[bytes]:
    """Put documents together; one whose packets differ in timestamp fails, as one cut short."""
    found: list[bytes] = []
    pieces: list[RtpPacket] = []
    for packet in packets:
        pieces.append(packet)
        assert packet.timestamp == pieces[0].timestamp, "a document without a marker"
        if packet.marker:
            found.append(b"".join(bytes(piece.payload) for piece in pieces))
            pieces = []
    assert not pieces, "the last document is not complete"
    return found


def _message(element: ET.Element) -> Message:
    topic = element.find("wsnt:Topic", _NAMES)
    message = element.find("wsnt:Message/tt:Message", _NAMES)
    assert topic is not None
    assert message is not None
    return Message(
        topic.text or "",
        message.attrib["PropertyOperation"],
        message.attrib["UtcTime"],
        _items(message, "tt:Source/tt:SimpleItem"),
        _items(message, "tt:Data/tt:SimpleItem"),
    )


def _items(message: ET.Element, path: str) -> dict[str, str]:
    return {item.attrib["Name"]: item.attrib["Value"] for item in message.iterfind(path, _NAMES)}
