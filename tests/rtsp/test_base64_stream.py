"""Base64 as a stream: every cut gives the same, messages end where they like, garbage is named."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.rtsp.base64_stream import Base64Decoder
from neolink.rtsp.errors import MessageError

MESSAGES = (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"", b"a", b"ab", b"abc", b"$\x01\x00\x00")
STREAM = b"".join(b64encode(message) for message in MESSAGES)


def decode(*chunks: bytes) -> bytes:
    decoder = Base64Decoder()
    return b"".join(decoder.feed(chunk) for chunk in chunks)


def is_refused(*chunks: bytes) -> bool:
    try:
        decode(*chunks)
    except MessageError as error:
        return error.status == 400 and error.close
    return False


def test_each_message_may_end_with_padding() -> None:
    assert decode(STREAM) == b"".join(MESSAGES)


def test_every_cut_in_two_gives_the_same() -> None:
    for cut in range(len(STREAM) + 1):
        assert decode(STREAM[:cut], STREAM[cut:]) == b"".join(MESSAGES)


def test_byte_by_byte_gives_the_same_and_as_early_as_can_be() -> None:
    decoder = Base64Decoder()
    lengths = [len(decoder.feed(b64encode(b"abcdef")[i : i + 1])) for i in range(8)]
    assert lengths == [0, 0, 0, 3, 0, 0, 0, 3]
    assert decode(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == b"".join(MESSAGES)


@pytest.mark.parametrize("white", [b"\r\n", b" ", b"\t", b"\n\n \r"])
def test_white_space_is_passed_over_wherever_it_is(white: bytes) -> None:
    for cut in range(len(STREAM) + 1):
        assert decode(STREAM[:cut] + white + STREAM[cut:]) == b"".join(MESSAGES)


@pytest.mark.parametrize(
    "text",
    [b"!!!!", b"abc\x00", b"ab-_", b"=", b"a=", b"a===", b"====", b"ab=c", b"abc==", b"ab===",
     b"abcd=", b"ab==c=", b"GET / HTTP/1.0", b"\xff" * 4],
)  # fmt: skip
def test_what_is_no_base64_is_refused_however_it_is_cut(text: bytes) -> None:
    assert is_refused(text)
    for cut in range(len(text) + 1):
        assert is_refused(text[:cut], text[cut:])


@given(st.lists(st.binary(max_size=40)), st.lists(st.integers(1, 9), min_size=1), st.data())
def test_any_messages_in_any_chunks_come_out_as_they_went_in(
    messages: list[bytes], sizes: list[int], data: st.DataObject
) -> None:
    stream = b"".join(b64encode(message) for message in messages)
    chunks: list[bytes] = []
    while stream:
        size = data.draw(st.sampled_from(sizes))
        chunks.append(stream[:size] + data.draw(st.sampled_from([b"", b"\r\n", b" "])))
        stream = stream[size:]
    assert decode(*chunks) == b"".join(messages)


@given(st.binary(max_size=60), st.integers(1, 7))
def test_garbage_is_refused_or_not_but_the_same_in_any_chunks(text: bytes, size: int) -> None:
    chunks = [text[at : at + size] for at in range(0, len(text), size)]
    assert is_refused(text) == is_refused(*chunks)
    if not is_refused(text):
        assert decode(text) == decode(*chunks)
