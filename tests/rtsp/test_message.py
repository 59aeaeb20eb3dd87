"""Requests, responses and interleaved frames: any chunking, every limit, nothing undeclared."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.errors import LocalProtocolError
from neolink.rtsp.errors import (
    HttpTunnelRequested,
    MessageError,
    RtspError,
    TlsClientHello,
    VersionNotSupported,
)
from neolink.rtsp.message import (
    Headers,
    InterleavedFrame,
    Message,
    Request,
    Response,
    reply,
    reply_to_error,
)
from neolink.rtsp.reader import Limits, RtspReader

OPTIONS = b"OPTIONS rtsp://h/cam1 RTSP/1.0\r\nCSeq: 1\r\n\r\n"
SET_PARAMETER = (
    b"SET_PARAMETER rtsp://h/cam1 RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 6\r\n\r\na: b\r\n"
)
FRAME = b"$\x01\x00\x08" + bytes(range(8))
RESPONSE = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-Length: 3\r\n\r\nabc"
STREAM = OPTIONS + FRAME + b"\r\n" + SET_PARAMETER + RESPONSE + FRAME + OPTIONS

Role = Literal["server", "client"]
Outcome = tuple[list[Message], list[int]]


def read(chunks: Iterable[bytes], role: Role = "server", limits: Limits | None = None) -> Outcome:
    """Messages and error statuses, in order, as a connection's owner would see them."""
    reader = RtspReader(limits or Limits(), role=role)
    messages: list[Message] = []
    statuses: list[int] = []
    for chunk in chunks:
        pending = chunk
        while True:
            try:
                messages += reader.feed(pending)
                break
            except MessageError as error:
                messages += reader.completed_before_fault
                statuses.append(error.status)
                if error.close:
                    return messages, statuses
                pending = b""
    return messages, statuses


def read_one(data: bytes, role: Role = "server") -> Message:
    (message,), statuses = read([data], role)
    assert statuses == []
    return message


def read_request(data: bytes) -> Request:
    message = read_one(data)
    assert isinstance(message, Request)
    return message


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


# ---------------------------------------------------------------- whole, split, pipelined


def test_pipelined_messages_come_in_order() -> None:
    messages, statuses = read([STREAM])
    assert statuses == []
    assert [type(message).__name__ for message in messages] == [
        "Request",
        "InterleavedFrame",
        "Request",
        "Response",
        "InterleavedFrame",
        "Request",
    ]
    assert messages[1] == InterleavedFrame(1, bytes(range(8)))
    third = messages[2]
    assert isinstance(third, Request)
    assert (third.method, third.cseq, third.body) == ("SET_PARAMETER", "7", b"a: b\r\n")
    assert messages[3] == Response(
        200, "OK", Headers([("CSeq", "3"), ("Content-Length", "3")]), b"abc"
    )


@pytest.mark.parametrize("role", ["server", "client"])
def test_every_two_way_split_and_single_bytes_read_the_same(role: Role) -> None:
    whole = read([STREAM], role)
    assert whole[1] == []
    assert read(bytewise(STREAM), role) == whole
    for cut in range(len(STREAM) + 1):
        assert read([STREAM[:cut], STREAM[cut:]], role) == whole


def test_incomplete_message_yields_nothing_yet() -> None:
    for cut in range(len(SET_PARAMETER)):
        reader = RtspReader()
        assert reader.feed(SET_PARAMETER[:cut]) == []
        assert len(reader.feed(SET_PARAMETER[cut:] + b"PLA")) == 1
        assert reader.unread == b"PLA"


MALFORMED = {
    b"options rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n": 400,
    b"\x00\x01": 400,
    b"OPTIONS rtsp://h/\r\n": 400,
    b"OPTIONS  RTSP/1.0\r\n": 400,
    b"OPTIONS rtsp://h/ HTTP/1.1\r\n": 400,
    b"OPTIONS rtsp://h/\x00 RTSP/1.0\r\n": 400,
    b"OPTIONS rtsp://h/\r RTSP/1.0\r\n": 400,
    b"RTSP/1.0 2x0 OK\r\n": 400,
    b"RTSP/1.0 999 OK\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\n\r\n": 400,  # no CSeq
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq:\r\n\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq 1\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\n continued\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nBad Name: 1\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\x00\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\rX: 2\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nContent-Length: +1\r\n\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nContent-Length: \xb2\r\n\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n": 400,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 65537\r\n\r\n": 413,
    b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999999999999999\r\n\r\n": 413,
    b"PLAY rtsp://h/" + b"a" * 2100: 414,
    b"PLAY rtsp://h/" + b"a" * 2040 + b" RTSP/1.0\r\n": 414,
    b"\r\n" * 9: 400,
}


@pytest.mark.parametrize(("data", "status"), MALFORMED.items())
def test_malformed_message_closes_with_its_status_in_any_chunking(data: bytes, status: int) -> None:
    before = OPTIONS + FRAME
    whole = read([before + data + OPTIONS])
    assert whole == (read([before])[0], [status])
    assert read(bytewise(before + data + OPTIONS)) == whole


def test_error_carries_cseq_and_earlier_messages() -> None:
    bad = b"PLAY rtsp://h/ RTSP/1.0\r\nCSeq: 42\r\nContent-Length: nine\r\n\r\n"
    reader = RtspReader()
    with pytest.raises(MessageError) as caught:
        reader.feed(OPTIONS + bad)
    assert (caught.value.cseq, caught.value.close) == ("42", True)
    assert len(reader.completed_before_fault) == 1
    answer = reply_to_error(caught.value)
    assert answer.serialize() == b"RTSP/1.0 400 Bad Request\r\nCSeq: 42\r\n\r\n"
    with pytest.raises(LocalProtocolError):
        reader.feed(b"")


def test_other_version_is_refused_and_the_connection_goes_on() -> None:
    data = b"PLAY rtsp://h/ RTSP/2.0\r\nCSeq: 5\r\nContent-Length: 2\r\n\r\nxy" + OPTIONS
    whole = read([data])
    assert whole == (read([OPTIONS])[0], [505])
    assert read(bytewise(data)) == whole
    with pytest.raises(VersionNotSupported) as caught:
        RtspReader().feed(data)
    assert (caught.value.cseq, caught.value.close) == ("5", False)


# ---------------------------------------------------------------- first bytes


def feed_all(chunks: list[bytes]) -> None:
    reader = RtspReader()
    for chunk in chunks:
        reader.feed(chunk)


@pytest.mark.parametrize("first", [b"GET / HTTP/1.1\r\n", b"POST /x HTTP/1.0\r\n", b"\r\nGET /"])
def test_http_on_a_fresh_connection_asks_for_a_tunnel(first: bytes) -> None:
    with pytest.raises(HttpTunnelRequested) as caught:
        feed_all(bytewise(first))
    assert caught.value.status == 400


@pytest.mark.parametrize("before", [OPTIONS, FRAME, b"$\x00\x08\x01" + bytes(2049), RESPONSE])
def test_http_after_a_message_is_a_bad_request_line(before: bytes) -> None:
    with pytest.raises(MessageError) as caught:
        RtspReader().feed(before + b"GET / HTTP/1.1\r\n")
    assert not isinstance(caught.value, HttpTunnelRequested)
    assert caught.value.status == 400


def test_get_parameter_is_no_tunnel() -> None:
    data = b"GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
    assert read(bytewise(data)) == read([data])
    assert read_request(data).url == "*"


@pytest.mark.parametrize("chunks", [[b"\x16\x03\x01\x02\x00"], [b"\x16", b"\x03"]])
def test_tls_on_the_plain_port_is_recognized(chunks: list[bytes]) -> None:
    with pytest.raises(TlsClientHello) as caught:
        feed_all(chunks)
    assert caught.value.close


def test_frame_may_come_before_any_message() -> None:
    assert read_one(FRAME) == InterleavedFrame(1, bytes(range(8)))


# ---------------------------------------------------------------- grammar


def test_bare_line_feeds_odd_spacing_and_continuations_are_accepted() -> None:
    request = read_request(
        b"DESCRIBE rtsp://h/cam1 RTSP/1.0\nCSEQ :  0012 \nX-Empty:\n"
        b"X-Long: one\n  two\r\n\tthree\nX-Empty: again\n\r\n"
    )
    assert request.cseq == "0012"
    assert request.headers.get("x-long") == "one two three"
    assert request.headers.get_all("X-Empty") == ["", "again"]
    assert request.headers.get("X-Empty") == ""


def test_only_list_headers_are_joined() -> None:
    request = read_request(
        b"SETUP rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nCSeq: 2\r\nRequire: a\r\nrequire: b, c\r\n\r\n"
    )
    assert request.headers.get("Require") == "a, b, c"
    assert request.headers.get("CSeq") == "1"


def test_any_method_name_and_blanks_in_the_url_are_kept() -> None:
    request = read_request(b"REGISTER2 rtsp://h/Front Door/main RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    assert (request.method, request.url) == ("REGISTER2", "rtsp://h/Front Door/main")
    assert read_request(b"Play rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n").method == "Play"


def test_equal_content_lengths_are_one() -> None:
    head = b"PLAY * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 2\r\nContent-Length: 02\r\n\r\n"
    assert read_request(head + b"ab").body == b"ab"


@pytest.mark.parametrize("status_line", [b"RTSP/1.0 200", b"RTSP/1.0 200 ", b"RTSP/1.1  200 "])
def test_client_accepts_a_status_line_without_reason(status_line: bytes) -> None:
    assert read_one(status_line + b"\r\n\r\n", "client") == Response(200, "", Headers())


# ---------------------------------------------------------------- limits


def request_of(
    method: int = 4, url: int = 10, headers: int = 1, name: int = 4, value: int = 1
) -> bytes:
    extra = b"".join(b"X" * name + b": " + b"v" * value + b"\r\n" for _ in range(headers - 1))
    return b"M" * method + b" " + b"u" * url + b" RTSP/1.0\r\nCSeq: 1\r\n" + extra + b"\r\n"


@pytest.mark.parametrize(
    ("largest", "status"),
    [
        ({"method": 32}, 400),
        ({"url": 2048}, 414),
        ({"headers": 64}, 400),
        ({"headers": 2, "name": 128}, 400),
        ({"headers": 2, "value": 4096}, 400),
    ],
)
def test_each_limit_is_inclusive_and_enforced(largest: dict[str, int], status: int) -> None:
    key = list(largest)[-1]
    beyond = {**largest, key: largest[key] + 1}
    assert len(read([request_of(**largest)])[0]) == 1
    assert read([request_of(**beyond)]) == ([], [status])
    assert read(bytewise(request_of(**beyond))) == ([], [status])


def test_head_limit_counts_all_lines() -> None:
    assert read([request_of(headers=5, value=4000)])[1] == []
    assert read([request_of(headers=6, value=4000)])[1] == [400]
    endless = RtspReader()
    with pytest.raises(MessageError):
        endless.feed(b"PLAY * RTSP/1.0\r\nX: " + b"v" * 20_000)


def test_continued_header_keeps_its_limit() -> None:
    data = b"PLAY * RTSP/1.0\r\nCSeq: 1\r\nX: " + b"v" * 4000 + b"\r\n " + b"w" * 96 + b"\r\n"
    assert read([data])[1] == [400]


def test_body_limit_is_inclusive_and_refused_before_the_body_comes() -> None:
    head = b"PLAY * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n"
    assert read_request(head % 65536 + b"b" * 65536).body == b"b" * 65536
    assert read([head % 65537]) == ([], [413])


def test_server_passes_over_long_frames_without_storing_them() -> None:
    reader = RtspReader()
    assert reader.feed(b"$\x00\xff\xff" + b"x" * 60_000) == []
    assert reader.unread == b""
    assert len(reader.feed(b"y" * 5535 + OPTIONS)) == 1
    assert reader.dropped_frames == 1
    largest = b"$\x00\x08\x00" + b"x" * 2048
    assert read_one(largest) == InterleavedFrame(0, b"x" * 2048)


def test_client_takes_frames_of_any_length() -> None:
    frame = InterleavedFrame(255, b"x" * 0xFFFF)
    assert read([frame.serialize()[:70], frame.serialize()[70:]], "client") == ([frame], [])


def test_blank_lines_between_messages_are_bounded_anew_each_time() -> None:
    data = (b"\r\n" * 8 + OPTIONS) * 3
    assert len(read([data])[0]) == 3


def test_tiny_feeds_of_a_large_body_take_linear_work() -> None:
    reader = RtspReader()
    reader.feed(b"PLAY * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 65536\r\n\r\n")
    for _ in range(65535):
        assert reader.feed(b"x") == []
    assert len(reader.feed(b"x")) == 1


# ---------------------------------------------------------------- serialize


def test_reply_puts_cseq_first_and_counts_the_body() -> None:
    response = reply("004", 200, [("Content-Type", "application/sdp")], b"v=0\r\n")
    assert response.serialize() == (
        b"RTSP/1.0 200 OK\r\nCSeq: 004\r\nContent-Type: application/sdp\r\n"
        b"Content-Length: 5\r\n\r\nv=0\r\n"
    )
    assert reply(None, 400).serialize() == b"RTSP/1.0 400 Bad Request\r\n\r\n"


def test_content_length_is_corrected_in_place() -> None:
    response = reply("1", 200, [("Content-Length", "99"), ("X", "y"), ("content-length", "1")])
    assert response.serialize() == (
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 0\r\nX: y\r\n\r\n"
    )


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\x00", "\u20ac"])
def test_header_that_would_break_the_message_is_our_error(value: str) -> None:
    with pytest.raises(LocalProtocolError):
        reply("1", 200, [("X", value)]).serialize()


def test_error_reply_carries_the_errors_headers() -> None:
    error = RtspError(551, "x", headers=[("Unsupported", "tag")])
    assert reply_to_error(error, "9").serialize() == (
        b"RTSP/1.0 551 Option not supported\r\nCSeq: 9\r\nUnsupported: tag\r\n\r\n"
    )


def test_repr_shows_no_credentials() -> None:
    request = Request(
        "PLAY", "rtsp://me:s3cret@h/cam1", headers=Headers([("authorization", "Basic s3cret")])
    )
    assert "s3cret" not in repr(request)
    assert "s3cret" not in str(request)
    assert "rtsp://h/cam1" in repr(request)


def test_headers_compare_without_case_and_keep_order() -> None:
    first = Headers({"CSeq": "1", "X": "2"})
    assert first == Headers([("cseq", "1"), ("x", "2")])
    assert hash(first) == hash(Headers([("cseq", "1"), ("x", "2")]))
    assert first != Headers([("X", "2"), ("CSeq", "1")])
    assert first != "CSeq"
    assert "cSEQ" in first
    assert list(first.added(("Y", "3"))) == [("CSeq", "1"), ("X", "2"), ("Y", "3")]


# ---------------------------------------------------------------- properties

names = st.text("abcXYZ-_019", min_size=1, max_size=20).filter(
    lambda name: name.lower() not in ("content-length", "cseq")
)
values = st.text(
    st.characters(max_codepoint=0xFF).filter(lambda c: c.isprintable() or c > "\x9f"), max_size=40
).map(lambda text: text.strip(" \t"))
fields = st.lists(st.tuples(names, values), max_size=8)
bodies = st.binary(max_size=200)
urls = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=80)


def with_length(items: list[tuple[str, str]], body: bytes) -> Headers:
    return Headers([("CSeq", "1"), *items, ("Content-Length", str(len(body)))])


requests = st.builds(
    lambda method, url, items, body: Request(
        method, url, headers=with_length(items, body), body=body
    ),
    st.sampled_from(["OPTIONS", "PLAY", "SET_PARAMETER", "X-1"]),
    urls,
    fields,
    bodies,
)
responses = st.builds(
    lambda status, reason, items, body: Response(status, reason, with_length(items, body), body),
    st.integers(100, 599),
    values.map(lambda text: text.strip()),
    fields,
    bodies,
)
frames = st.builds(InterleavedFrame, st.integers(0, 255), st.binary(max_size=300))
messages = st.lists(st.one_of(requests, responses, frames), max_size=5)


def chunked(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@settings(max_examples=60, deadline=None)
@given(messages, st.lists(st.integers(0, 5000), max_size=6))
def test_serialized_messages_read_back_in_any_chunking(
    sent: list[Message], cuts: list[int]
) -> None:
    data = b"".join(message.serialize() for message in sent)
    assert read(chunked(data, cuts)) == (sent, [])


hostile = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [
                OPTIONS,
                FRAME,
                RESPONSE,
                b"\r\n",
                b"CSeq: 1\r\n",
                b"PLAY * RTSP/1.0\r\n",
                b" x\n",
                b"PLAY * RTSP/3.1\r\n",
                b"Content-Length: 4\r\n",
                b"$\x00\xff\x00",
                b"A" * 700,
            ]
        ),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(hostile, st.lists(st.integers(0, 5000), max_size=6), st.sampled_from(["server", "client"]))
def test_garbage_raises_only_declared_errors_alike_in_any_chunking(
    data: bytes, cuts: list[int], role: Role
) -> None:
    whole = read([data], role)
    assert read(chunked(data, cuts), role) == whole
    assert read(bytewise(data), role) == whole
