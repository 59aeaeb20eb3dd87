"""Messages that are damaged, doubled or lost, and headers that lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.baichuan.bcmedia import AacPacket, VideoPacket, VideoTag, serialize
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import MediaBytes, Reply, Resynchronized
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MAGIC, MessageId
from neolink.baichuan.message import Message
from neolink.baichuan.xml import Extension
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import Cargo, Garbage, Missing, messages_of
from support.camera_link import Bench, Link, assert_well, begin, frames

PICTURE = Cargo(
    VideoPacket(is_key_frame=True, codec=VideoTag.H264, data=b"key", microseconds=5),
    StreamKind.MAIN,
)
MESSAGE = Message.compose(Header(MessageId.PING, number=9), payload=b"body").serialize()


def watching(bench: Bench, **options: object) -> Link:
    """Return a link that has seen the first pictures."""
    link = bench.logged_in(**options)
    link.start()
    link.run(0.3)
    return link


# ---------------------------------------------------------------- garbage
async def test_garbage_between_messages_is_skipped_by_the_client(bench: Bench) -> None:
    link = watching(bench)
    fault = begin(link, "garbage", every=5)
    pictures = frames(link.run(2.0))
    assert link.client.resynchronizations > 5
    assert len(pictures) > 40
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_garbage_inside_packets_damages_the_media_and_not_the_messages(bench: Bench) -> None:
    link = watching(bench, audio=None)
    fault = begin(link, "garbage", where="inside", every=3)
    clean = set(link.device.profile.clip(StreamKind.MAIN).access_units)
    pictures = frames(link.run(4.0))
    assert any(bytes(one.data) not in clean for one in pictures)
    assert link.client.resynchronizations == 0
    assert link.ask(MessageId.PING).status == 200
    link.device.end(fault)
    assert_well(bench, link.device)


@given(st.integers(1, 9), st.binary(min_size=1, max_size=200))
def test_garbage_hits_one_of_so_many(every: int, data: bytes) -> None:
    fault = Garbage(every=every)
    assert sum(fault.on_wire(data) != data for _ in range(3 * every)) == 3


# ---------------------------------------------------------------- doubled, lost
async def test_duplicated_packets_come_twice(bench: Bench) -> None:
    link = bench.logged_in(audio=None)
    fault = begin(link, "duplicate")
    link.start()
    times = [one.microseconds for one in frames(link.run(0.5))]
    assert times[::2] == times[1::2]
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_duplicated_messages_come_twice_byte_by_byte(bench: Bench) -> None:
    link = watching(bench, audio=None)
    fault = begin(link, "duplicate", what="messages")
    before = len(link.wire)
    link.client.request(MessageId.VERSION)
    link.run(0.5)
    sent = messages_of(bytes(link.wire[before:]))
    assert len(sent) > 20
    assert sent[::2] == sent[1::2]
    replies = [one for one in link.events if isinstance(one, Reply) and one.message_id == 80]
    assert len(replies) == 2
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_missing_media_leaves_gaps_and_replies(bench: Bench) -> None:
    link = watching(bench, audio=None)
    begun = link.device.stats.frames_sent[0, StreamKind.MAIN]
    fault = begin(link, "missing", every=5)
    link.media.reset()
    received = sum(isinstance(one, MediaBytes) for one in link.events)
    link.run(1.0)
    sent = link.device.stats.frames_sent[0, StreamKind.MAIN] - begun
    received = sum(isinstance(one, MediaBytes) for one in link.events) - received
    assert sent == 25
    assert received == 20
    assert link.ask(MessageId.VERSION).status == 200
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_missing_others_leave_requests_unanswered_and_pictures(bench: Bench) -> None:
    link = watching(bench)
    fault = begin(link, "missing", what="others", every=1)
    link.client.request(MessageId.VERSION)
    before = len(link.events)
    assert len(frames(link.run(1.0))) == 25
    assert not [one for one in link.events[before:] if isinstance(one, Reply)]
    link.device.end(fault)
    assert_well(bench, link.device)


@pytest.mark.parametrize(
    ("what", "media", "others"), [("media", 1, 2), ("others", 2, 1), ("all", 1, 1)]
)
def test_missing_tells_media_from_others(what: str, media: int, others: int) -> None:
    def left(cargo: Cargo | None) -> int:
        return len(messages_of(Missing(what=what, every=2).on_wire(MESSAGE * 2, cargo)))

    assert (left(PICTURE), left(None)) == (media, others)


# ---------------------------------------------------------------- headers
async def test_wrong_magic_costs_the_client_that_message(bench: Bench) -> None:
    link = watching(bench)
    fault = begin(link, "wrong_magic", every=6)
    before = len(link.wire)
    pictures = frames(link.run(2.0))
    damaged = bytes(link.wire[before:]).count(b"\xde\xad\xbe\xef")
    assert damaged > 5
    assert link.client.resynchronizations in (damaged, damaged - 1)
    assert len(pictures) > 30
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_huge_length_is_told_and_costs_the_client_that_message(bench: Bench) -> None:
    link = watching(bench, audio=None)
    fault = begin(link, "huge_length", every=6)
    before = len(link.wire)
    link.run(2.0)
    wire = bytes(link.wire[before:])
    assert wire[:4] == MAGIC
    assert wire[8:12] == b"\xff\xff\xff\xff"
    told = [one for one in link.events if isinstance(one, Resynchronized)]
    assert len(told) > 5
    assert "4294967295" in told[0].reason
    link.device.end(fault)
    assert_well(bench, link.device)


# ---------------------------------------------------------------- inside media messages
@pytest.mark.parametrize("level", list(Encryption))
async def test_more_is_said_to_be_encrypted_than_there_is(bench: Bench, level: Encryption) -> None:
    link = watching(bench, encryption=level)
    fault = begin(link, "encrypt_length", excess=77)
    before = len(link.wire)
    assert len(frames(link.run(2.5))) > 60
    assert link.damages == 0
    sections = link.client._payloads.sections
    beyond = set()
    for raw in messages_of(bytes(link.wire[before:])):
        header = Header.parse(raw)
        assert header is not None
        body = raw[header.size :]
        if header.payload_offset:
            text = sections.decrypt_xml(body[: header.payload_offset], header.channel)
            claimed = Extension.parse(text).encrypt_len
            beyond.add((claimed or 0) - len(body[header.payload_offset :]))
    assert beyond == ({77} if level is Encryption.FULL_AES else set())
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_padding_is_what_it_should_not_be(bench: Bench) -> None:
    link = bench.logged_in()
    fault = begin(link, "wrong_padding", byte=0xF0)
    link.start()
    link.run(1.0)
    assert link.damages == 0
    data = b"".join(bytes(one.data) for one in link.events if isinstance(one, MediaBytes))
    assert data == b"".join(serialize(one, pad_byte=0xF0) for one in link.packets)
    assert data != b"".join(serialize(one) for one in link.packets)
    link.device.end(fault)
    assert_well(bench, link.device)


# ---------------------------------------------------------------- cutting into messages
@given(st.lists(st.binary(max_size=50), max_size=5), st.binary(max_size=20))
def test_messages_are_found_again(bodies: list[bytes], rest: bytes) -> None:
    made = [Message.compose(Header(3, number=7), payload=body).serialize() for body in bodies]
    found = messages_of(b"".join(made) + b"!" + rest)
    assert found == [*made, b"!" + rest]


def test_sound_is_media_as_well() -> None:
    sound = Cargo(AacPacket(b"sound"), StreamKind.SUB)
    assert Missing(every=1).on_wire(MESSAGE, sound) == b""
    assert not Missing(every=1, stream=StreamKind.MAIN).touches(sound)
