"""The head of an HTTP request: any chunking, every limit, and what stands behind it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.rtsp.errors import MessageError
from neolink.rtsp.fields import Headers
from neolink.rtsp.grammar import Limits
from neolink.rtsp.http_head import HttpHeadReader, HttpRequest

HEAD = b"GET /porch/main?a=1 HTTP/1.0\r\nx-sessioncookie: abc\r\nAccept:\r\nHost : h\r\n\r\n"
REQUEST = HttpRequest(
    "GET",
    "/porch/main?a=1",
    "HTTP/1.0",
    Headers([("x-sessioncookie", "abc"), ("Accept", ""), ("Host", "h")]),
)


def read(*chunks: bytes, limits: Limits | None = None) -> tuple[HttpRequest | None, bytes]:
    reader = HttpHeadReader(limits or Limits())
    for index, chunk in enumerate(chunks):
        request = reader.feed(chunk)
        if request is not None:
            return request, reader.rest + b"".join(chunks[index + 1 :])
    return None, b""


def refusal(*chunks: bytes, limits: Limits | None = None) -> MessageError:
    with pytest.raises(MessageError) as caught:
        read(*chunks, limits=limits)
    assert caught.value.close
    return caught.value


def test_every_cut_gives_the_same_request_and_rest() -> None:
    stream = HEAD + b"T1BUSU9OUw=="
    for cut in range(len(stream) + 1):
        assert read(stream[:cut], stream[cut:]) == (REQUEST, b"T1BUSU9OUw==")
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == (REQUEST, b"T1BUSU9OUw==")


def test_lines_may_end_with_a_bare_line_feed() -> None:
    assert read(HEAD.replace(b"\r\n", b"\n") + b"x") == (REQUEST, b"x")


def test_a_head_without_headers_is_complete() -> None:
    request, rest = read(b"GET / HTTP/1.1\r\n\r\n")
    assert (request, rest) == (HttpRequest("GET", "/", "HTTP/1.1", Headers()), b"")


def test_tokens_of_a_list_are_compared_in_small_letters() -> None:
    fields = Headers([("Connection", "keep-alive, Upgrade"), ("connection", " X-Y ,")])
    tokens = HttpRequest("GET", "/", "HTTP/1.1", fields).tokens("Connection")
    assert tokens == {"keep-alive", "upgrade", "x-y"}


@pytest.mark.parametrize(
    "head",
    [b"GET /\r\n\r\n", b"GET / HTTP/2.0\r\n\r\n", b"get / HTTP/1.0\r\n\r\n",
     b"GET  HTTP/1.0\r\n\r\n",
     b"GET / b HTTP/1.0\r\n\r\n", b"GET / RTSP/1.0\r\n\r\n", b"\r\n\r\n", b"GET /\x80 HTTP/1.0\n\n",
     b"GET / HTTP/1.0\r\nno colon\r\n\r\n", b"GET / HTTP/1.0\r\n folded: a\r\n\r\n",
     b"GET / HTTP/1.0\r\na: \x00\r\n\r\n", b"GET / HTTP/1.0\r\na b: c\r\n\r\n",
     b"GET / HTTP/1.0\rX: y\r\n\r\n"],
)  # fmt: skip
def test_malformed_heads_are_refused(head: bytes) -> None:
    assert refusal(head).status == 400


LIMITS = Limits(method=4, url=20, headers=3, header_name=8, header_value=10, head=100)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"OPTIONS / HTTP/1.0\r\n\r\n", 400),
        (b"GET /" + b"a" * 20 + b" HTTP/1.0\r\n\r\n", 414),
        (b"GET / HTTP/1.0\r\n" + b"a: b\r\n" * 4 + b"\r\n", 400),
        (b"GET / HTTP/1.0\r\nabcdefghi: b\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\na: 12345678901\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n" + b"a: bcdefghij\r\n" * 99, 400),
        (b"GET /" + b"a" * 100, 400),
    ],
)
def test_limits_are_kept(head: bytes, status: int) -> None:
    assert refusal(head, limits=LIMITS).status == status
    assert refusal(*(head[i : i + 1] for i in range(len(head))), limits=LIMITS).status == status


def test_what_is_just_within_the_limits_is_taken() -> None:
    head = (
        b"POST /" + b"a" * 19 + b" HTTP/1.0\r\nabcdefgh: 1234567890\r\n" + b"a: b\n" * 2 + b"\r\n"
    )
    request, _ = read(head, limits=LIMITS)
    assert request is not None
    assert len(request.headers) == 3


@given(st.binary(max_size=200), st.integers(1, 9))
def test_anything_in_any_chunks_gives_the_same_or_a_declared_error(data: bytes, size: int) -> None:
    def outcome(*chunks: bytes) -> object:
        try:
            return read(*chunks)
        except MessageError as error:
            return error.status

    data = b"GET /" + data
    assert outcome(data) == outcome(*(data[at : at + size] for at in range(0, len(data), size)))
