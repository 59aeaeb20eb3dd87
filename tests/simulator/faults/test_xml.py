"""XML that no camera should send."""

import pytest

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import Event, LoggedIn, ProtocolTrouble, Reply
from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import parse_body, serialize_body
from neolink.baichuan.xml.system import VersionInfo
from neolink.errors import RemoteProtocolError
from neolink.simulator.faults import OversizeXml
from support.camera_link import Bench, assert_well, begin

ANSWERED = (MessageId.VERSION, MessageId.GENERAL_GET)


def answers(events: list[Event]) -> list[Event]:
    return [one for one in events if isinstance(one, Reply | ProtocolTrouble)]


@pytest.mark.parametrize("level", list(Encryption))
@pytest.mark.parametrize(
    ("name", "reason"),
    [("doctype", "without a document type"), ("oversize_xml", "at most 65536 bytes of XML")],
)
async def test_reply_is_refused_by_the_client(
    bench: Bench, level: Encryption, name: str, reason: str
) -> None:
    link = bench.logged_in(encryption=level)
    fault = begin(link, name)
    for message_id in ANSWERED:
        link.client.request(message_id)
        (trouble,) = answers(link.exchange())
        assert isinstance(trouble, ProtocolTrouble)
        assert trouble.message_id == message_id
        assert reason in trouble.reason
    assert isinstance(bench.link(link.device).log_in(), LoggedIn)  # logins are not touched
    link.device.end(fault)
    assert_well(bench, link.device)


@pytest.mark.parametrize("name", ["doctype", "oversize_xml"])
async def test_login_is_touched_if_it_is_named(bench: Bench, name: str) -> None:
    link = bench.logged_in()
    fault = begin(link, name, message_id=1)
    assert link.ask(MessageId.VERSION).status == 200
    with pytest.raises(RemoteProtocolError):
        bench.link(link.device).log_in()
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_reply_can_be_a_header_alone(bench: Bench) -> None:
    link = bench.logged_in()
    fault = begin(link, "empty_replies")
    for message_id in ANSWERED:
        reply = link.ask(message_id)
        assert (reply.status, reply.body) == (200, b"")
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_only_the_named_reply_is_touched(bench: Bench) -> None:
    link = bench.logged_in()
    begin(link, "empty_replies", message_id=80)
    assert link.ask(MessageId.VERSION).body == b""
    assert link.ask(MessageId.GENERAL_GET).body


@pytest.mark.parametrize("length", [65_537, 100_000])
def test_oversize_xml_is_well_formed_and_as_long_as_wanted(length: int) -> None:
    body = OversizeXml(length=length).on_body(80, serialize_body(VersionInfo(name="porch")))
    assert len(body) == length
    version = parse_body(body.replace(b"x" * 1000, b"")).get(VersionInfo)
    assert version is not None
    assert version.name == "porch"
