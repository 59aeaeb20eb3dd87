"""WebSocket frames of clients: any chunking, each rule of RFC 6455 that can be broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.websocket import (
    CloseCode,
    Data,
    Event,
    FrameReader,
    Goodbye,
    Opcode,
    Ping,
    WebSocketError,
    accept_key,
    close_frame,
    frame_header,
    pong_frame,
)

MAX = 1 << 20
MASK = b"\x37\xfa\x21\x3d"


def client_frame(
    opcode: int, payload: bytes, *, is_final: bool = True, mask: bytes = MASK, width: int = 0
) -> bytes:
    size = len(payload)
    width = width or (0 if size < 126 else 2 if size < 1 << 16 else 8)
    short = {0: size, 2: 126, 8: 127}[width]
    first = opcode | 0x80 * is_final
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes((first, 0x80 | short)) + (size.to_bytes(width) if width else b"") + mask + masked


def read(*chunks: bytes, max_message: int = MAX) -> list[Event]:
    """Events, with neighbouring data joined."""
    reader = FrameReader(max_message)
    events: list[Event] = []
    for chunk in chunks:
        for event in reader.feed(chunk):
            if isinstance(event, Data) and events and isinstance(last := events[-1], Data):
                events[-1] = Data(last.payload + event.payload)
            else:
                events.append(event)
    return events


def error_of(*chunks: bytes, max_message: int = MAX) -> CloseCode:
    with pytest.raises(WebSocketError) as caught:
        read(*chunks, max_message=max_message)
    return caught.value.code


STREAM = (
    client_frame(2, b"OPTIONS ")
    + client_frame(9, b"are you there")
    + client_frame(2, b"rtsp", is_final=False)
    + client_frame(9, b"")
    + client_frame(0, b"://h", is_final=False)
    + client_frame(10, b"unasked")
    + client_frame(0, b"x" * 300)
    + client_frame(2, b"")
    + client_frame(2, b"y" * 70_000)
    + client_frame(8, b"\x03\xe8bye")
    + b"what comes behind is nothing"
)
EVENTS: list[Event] = [
    Data(b"OPTIONS "),
    Ping(b"are you there"),
    Data(b"rtsp"),
    Ping(b""),
    Data(b"://h" + b"x" * 300 + b"y" * 70_000),
    Goodbye(),
]


def test_frames_and_fragments_give_their_bytes_between_pings() -> None:
    assert read(STREAM) == EVENTS


def test_every_cut_near_a_header_gives_the_same() -> None:
    for cut in (*range(420), *range(len(STREAM) - 60, len(STREAM))):
        assert read(STREAM[:cut], STREAM[cut:]) == EVENTS


@given(st.lists(st.integers(1, 5000), min_size=1))
def test_any_chunks_give_the_same(sizes: list[int]) -> None:
    chunks, at, turn = [], 0, 0
    while at < len(STREAM):
        chunks.append(STREAM[at : at + sizes[turn % len(sizes)]])
        at += sizes[turn % len(sizes)]
        turn += 1
    assert read(*chunks) == EVENTS


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4), st.sampled_from([2, 8]))
def test_masks_are_undone_in_every_form_of_length(payload: bytes, mask: bytes, width: int) -> None:
    frame = client_frame(2, payload, mask=mask, width=width)
    expected = [Data(payload)] if payload else []
    assert read(frame) == expected
    assert read(*(frame[i : i + 1] for i in range(len(frame)))) == expected


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (b"\x82\x03abc", CloseCode.PROTOCOL_ERROR),  # not masked
        (client_frame(0x42, b"a"), CloseCode.PROTOCOL_ERROR),  # compressed
        (client_frame(3, b"a"), CloseCode.PROTOCOL_ERROR),
        (client_frame(11, b"a"), CloseCode.PROTOCOL_ERROR),
        (client_frame(1, b"a"), CloseCode.UNSUPPORTED_DATA),
        (client_frame(0, b"a"), CloseCode.PROTOCOL_ERROR),
        (client_frame(2, b"a", is_final=False) + client_frame(2, b"b"), CloseCode.PROTOCOL_ERROR),
        (client_frame(9, b"a" * 126), CloseCode.PROTOCOL_ERROR),
        (client_frame(9, b"a", is_final=False), CloseCode.PROTOCOL_ERROR),
        (client_frame(8, b"", is_final=False), CloseCode.PROTOCOL_ERROR),
    ],
)
def test_broken_rules_are_named_by_their_code(frames: bytes, code: CloseCode) -> None:
    assert error_of(frames) is code
    assert error_of(*(frames[i : i + 1] for i in range(len(frames)))) is code


def test_a_length_is_refused_before_its_bytes_come() -> None:
    giant = b"\x82\xff" + (1 << 63).to_bytes(8) + MASK
    assert error_of(giant) is CloseCode.TOO_BIG
    assert error_of(client_frame(2, b"a" * 11), max_message=10) is CloseCode.TOO_BIG
    assert read(client_frame(2, b"a" * 10), max_message=10) == [Data(b"a" * 10)]


def test_fragments_count_together() -> None:
    first = client_frame(2, b"a" * 6, is_final=False)
    assert error_of(first, client_frame(0, b"b" * 5), max_message=10) is CloseCode.TOO_BIG
    assert read(first, client_frame(0, b"b" * 4), client_frame(2, b"c" * 10), max_message=10)


@given(st.binary(max_size=200), st.integers(1, 9))
def test_garbage_raises_only_what_is_declared_and_the_same_in_any_chunks(
    data: bytes, size: int
) -> None:
    def outcome(*chunks: bytes) -> object:
        try:
            return read(*chunks, max_message=100)
        except WebSocketError as error:
            return error.code

    assert outcome(data) == outcome(*(data[at : at + size] for at in range(0, len(data), size)))


# ---------------------------------------------------------------- ours
@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, b"\x82\x00"),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65_535, b"\x82\x7e\xff\xff"),
        (65_536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_our_lengths_have_their_shortest_form(length: int, header: bytes) -> None:
    assert frame_header(Opcode.BINARY, length) == header


def test_our_control_frames_are_whole() -> None:
    assert pong_frame(b"ab") == b"\x8a\x02ab"
    assert close_frame(CloseCode.GOING_AWAY) == b"\x88\x02\x03\xe9"


def test_the_key_of_the_rfc_is_answered_and_a_bad_one_is_not() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    for bad in ("", "YQ==", "dGhlIHNhbXBsZSBub25jZQ", "!" * 24, "\xe4" * 24, "\u20ac"):
        assert accept_key(bad) is None
