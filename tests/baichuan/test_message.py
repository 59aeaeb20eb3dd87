"""Cutting the stream into messages, in any pieces, and finding back after damage."""

from collections.abc import Iterable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan.header import Header
from neolink.baichuan.ids import MAGIC, MessageClass
from neolink.baichuan.message import Message, MessageReader, Resynchronized
from neolink.errors import RemoteProtocolError

Results = list[Message | Resynchronized]

GREETING = Message.compose(Header(1, message_class=MessageClass.LEGACY_REPLY), payload=b"nonce")
MEDIA = Message.compose(Header(3, number=9), b"<Extension/>", b"\0\1" * 50)
EMPTY = Message.compose(Header(93, number=1, status=200))
SESSION = [GREETING, MEDIA, EMPTY, MEDIA]
TAIL = Message.compose(Header(80, number=7), payload=b"tail")


def join(messages: Iterable[Message]) -> bytes:
    return b"".join(message.serialize() for message in messages)


def read_all(reader: MessageReader, data: bytes) -> Results:
    return [*reader.feed(data), *reader.receive_eof()]


def drip(data: bytes, reader: MessageReader | None = None) -> Results:
    reader = reader or MessageReader()
    return [result for byte in data for result in reader.feed(bytes([byte]))]


def test_a_stream_is_cut_the_same_whole_dripped_and_with_trailing_bytes() -> None:
    data = join(SESSION)
    assert MessageReader().feed(data) == SESSION
    assert drip(data) == SESSION
    assert MessageReader().feed(data + data[:20]) == SESSION


def test_sections_are_split_at_the_payload_offset() -> None:
    (message,) = MessageReader().feed(MEDIA.serialize())
    assert isinstance(message, Message)
    assert (message.extension, message.payload) == (b"<Extension/>", b"\0\1" * 50)


@pytest.mark.parametrize("step", [1, 7, 60, 1000])
def test_messages_own_their_bytes(step: int) -> None:
    reader, buffer, results = MessageReader(), bytearray(1000), Results()
    data = join(SESSION)
    for start in range(0, len(data), step):
        part = data[start : start + step]
        buffer[: len(part)] = part
        results += reader.feed(memoryview(buffer)[: len(part)])
        buffer[:] = bytes(1000)
    buffer.clear()  # nobody holds a view of it
    assert results == SESSION
    for message in results:
        assert isinstance(message, Message)
        assert type(message.extension) is type(message.payload) is bytes


def test_a_payload_is_lent_only_out_of_what_was_fed_whole() -> None:
    reader, buffer = MessageReader(lends=True), bytearray(MEDIA.serialize())
    (lent,) = reader.feed(memoryview(buffer))
    assert lent == MEDIA
    assert isinstance(lent, Message)
    assert isinstance(lent.payload, memoryview)
    assert lent.payload.obj is buffer
    assert type(lent.extension) is bytes
    reader.feed(memoryview(buffer)[:50])
    (joined,) = reader.feed(memoryview(buffer)[50:])
    assert joined == MEDIA
    assert isinstance(joined, Message)
    assert type(joined.payload) is bytes


def test_messages_know_where_they_began() -> None:
    reader = MessageReader()
    results = reader.feed(join(SESSION)) + reader.feed(join(SESSION))
    starts = [result.offset for result in results]
    sizes = [len(message.serialize()) for message in SESSION + SESSION]
    assert starts == [sum(sizes[:index]) for index in range(8)]


def test_sections_stay_out_of_the_repr() -> None:
    assert "nonce" not in repr(GREETING)
    assert "Extension/" not in repr(MEDIA)


def test_garbage_between_messages_is_one_episode() -> None:
    reader = MessageReader()
    garbage = b"this is not a message at all"
    results = reader.feed(EMPTY.serialize() + garbage + join([MEDIA, EMPTY]))
    assert [type(result) for result in results] == [Message, Resynchronized, Message, Message]
    damage = results[1]
    assert isinstance(damage, Resynchronized)
    assert (damage.offset, damage.discarded) == (24, len(garbage))
    assert "74 68 69 73" in damage.reason
    assert (reader.resynchronizations, reader.discarded_bytes) == (1, len(garbage))
    assert reader.messages_received == 3


@pytest.mark.parametrize(
    "bad",
    [
        Header(3, 0xFFFFFFFF).serialize(),
        Header(3, 10, payload_offset=11).serialize() + bytes(10),
        MAGIC,
        MAGIC[:3],
        MAGIC + MAGIC + MAGIC[:2],
        b"\0" + Header(3, 10, message_class=0x1234).serialize(),
    ],
    ids=["4-gib", "offset", "magic", "cut-magic", "magics", "unknown-class"],
)
def test_damage_ends_at_the_next_believable_header(bad: bytes) -> None:
    data = bad + MEDIA.serialize() + TAIL.serialize()
    whole, dripped = MessageReader().feed(data), drip(data)
    assert whole == dripped
    assert whole[-1] == TAIL
    assert sum(isinstance(result, Resynchronized) for result in whole) == 1


def test_an_unknown_class_in_an_intact_stream_is_a_message() -> None:
    odd = Message.compose(Header(5, message_class=0x6512), payload=b"replay")
    assert MessageReader().feed(odd.serialize() + EMPTY.serialize()) == [odd, EMPTY]


def test_strict_raises_with_the_position() -> None:
    reader = MessageReader(strict=True)
    assert reader.feed(EMPTY.serialize()) == [EMPTY]
    with pytest.raises(RemoteProtocolError, match="at byte 24") as caught:
        reader.feed(b"garbage")
    assert caught.value.offset == 24


def test_a_truncated_message_is_reported_at_the_end_of_the_stream() -> None:
    data = EMPTY.serialize() + MEDIA.serialize()[:-1]
    reader = MessageReader()
    assert reader.feed(data) == [EMPTY]
    assert reader.receive_eof() == [
        Resynchronized(24, len(data) - 24, "the stream ended inside a message")
    ]
    assert reader.receive_eof() == []


def test_strict_raises_for_a_truncated_message() -> None:
    reader = MessageReader(strict=True)
    reader.feed(MEDIA.serialize()[:-1])
    with pytest.raises(RemoteProtocolError, match="inside a message"):
        reader.receive_eof()


def test_a_complete_stream_ends_in_silence() -> None:
    reader = MessageReader(strict=True)
    reader.feed(join(SESSION))
    assert reader.receive_eof() == []


def test_an_episode_that_never_ends_is_reported_at_the_end_of_the_stream() -> None:
    reader = MessageReader()
    assert reader.feed(bytes(1000)) == []
    (damage,) = reader.receive_eof()
    assert (damage.offset, damage.discarded) == (0, 1000)


def test_garbage_is_not_kept() -> None:
    reader = MessageReader()
    for _ in range(100):
        reader.feed(bytes(10_000))
    assert len(reader._buffer) < len(MAGIC)
    reader.feed(EMPTY.serialize())
    assert reader.discarded_bytes == 1_000_000


def test_scanning_is_linear_also_when_every_word_is_a_magic() -> None:
    reader = MessageReader()
    results = reader.feed(MAGIC * 250_000 + EMPTY.serialize())
    assert results[-1] == EMPTY
    assert reader.resynchronizations == 1


def test_only_the_incomplete_message_is_kept() -> None:
    reader = MessageReader()
    reader.feed(join(SESSION) * 100 + MEDIA.serialize()[:30])
    assert len(reader._buffer) == 30


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    pieces = st.one_of(
        st.sampled_from([message.serialize() for message in SESSION]),
        st.binary(max_size=40),
        st.builds(lambda rest: MAGIC + rest, st.binary(max_size=24)),
    )
    return b"".join(draw(st.lists(pieces, max_size=12)))


@settings(max_examples=150)
@given(streams(), st.randoms(use_true_random=False))
def test_any_chunking_gives_the_same_results(data: bytes, random: Random) -> None:
    whole, pieces = MessageReader(), MessageReader()
    expected = read_all(whole, data)
    results: Results = []
    position = 0
    while position < len(data):
        end = position + random.randint(1, 50)
        results += pieces.feed(data[position:end])
        position = end
    assert [*results, *pieces.receive_eof()] == expected


@given(streams())
def test_every_byte_is_either_in_a_message_or_discarded(data: bytes) -> None:
    reader = MessageReader()
    results = read_all(reader, data)
    sizes = [
        len(result.serialize()) if isinstance(result, Message) else result.discarded
        for result in results
    ]
    assert sum(sizes) == len(data)


@given(streams())
def test_strict_raises_where_the_tolerant_reader_sees_the_first_damage(data: bytes) -> None:
    tolerant, strict = MessageReader(), MessageReader(strict=True)
    results = read_all(tolerant, data)
    damage = [result for result in results if isinstance(result, Resynchronized)]
    if not damage:
        assert read_all(strict, data) == results
        return
    with pytest.raises(RemoteProtocolError) as caught:
        read_all(strict, data)
    assert caught.value.offset == damage[0].offset
