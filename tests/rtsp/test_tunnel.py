"""What an HTTP request on the RTSP port wants, and the letters of each answer."""

import pytest

from neolink.rtsp.errors import MessageError
from neolink.rtsp.fields import Headers
from neolink.rtsp.http_head import HttpRequest
from neolink.rtsp.tunnel import (
    TunnelGet,
    TunnelPost,
    TunnelRefused,
    WebSocketUpgrade,
    Wish,
    parse_wish,
    serialize_refusal,
    serialize_tunnel_reply,
    serialize_upgrade_reply,
)

COMMON = [("Server", "s"), ("Date", "d")]
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455 section 1.3
UPGRADE = {
    "Host": "bridge:8554",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Protocol": "rtsp.onvif.org",
}


def wish(method: str, headers: dict[str, str], version: str = "HTTP/1.1") -> Wish:
    return parse_wish(HttpRequest(method, "/porch", version, Headers(headers)))


def refusal(method: str, headers: dict[str, str], version: str = "HTTP/1.1") -> TunnelRefused:
    with pytest.raises(TunnelRefused) as caught:
        wish(method, headers, version)
    return caught.value


# ---------------------------------------------------------------- GET and POST
def test_a_cookie_makes_a_tunnel_of_either_half() -> None:
    cookie = {"X-SessionCookie": "tD9hKgAAfB8ABCftAAAAAw"}
    assert wish("GET", cookie, "HTTP/1.0") == TunnelGet("tD9hKgAAfB8ABCftAAAAAw")
    assert wish("POST", cookie, "HTTP/1.0") == TunnelPost("tD9hKgAAfB8ABCftAAAAAw")


@pytest.mark.parametrize("length", ["32767", "0", "-1", "999999999999999999999", "x"])
def test_the_length_of_a_post_means_nothing(length: str) -> None:
    headers = {"x-sessioncookie": "abc", "Content-Length": length}
    assert wish("POST", headers) == TunnelPost("abc")


@pytest.mark.parametrize("cookie", ["", "a" * 65, "a b", "\xe4", "a\tb"])
def test_a_cookie_has_bounds(cookie: str) -> None:
    assert refusal("GET", {"x-sessioncookie": cookie}).status == 400
    assert wish("GET", {"x-sessioncookie": "a" * 64}) == TunnelGet("a" * 64)


@pytest.mark.parametrize("host", ["bridge.lan.evil.example", "rebound.example:8554", "1.2.3.4.x"])
def test_a_name_that_a_stranger_may_own_lets_no_page_in(host: str) -> None:
    """It leads here by DNS rebinding: to its own host, as the browser sees it."""
    headers = {**UPGRADE, "Host": host, "Origin": f"http://{host}"}
    assert refusal("GET", headers).status == 403
    assert wish("GET", {**UPGRADE, "Host": host}) == WebSocketUpgrade(ACCEPT)  # no page


@pytest.mark.parametrize(
    "host",
    ["bridge", "192.0.2.7:8554", "[2001:db8::7]:8554", "LOCALHOST", "nas.local", "b.home.arpa"],
)
def test_a_page_of_this_machine_may_watch(host: str) -> None:
    headers = {**UPGRADE, "Host": host, "Origin": f"http://{host}"}
    assert wish("GET", headers) == WebSocketUpgrade(ACCEPT)


def test_a_post_in_chunks_is_refused_with_its_reason() -> None:
    error = refusal("POST", {"x-sessioncookie": "abc", "Transfer-Encoding": "chunked"})
    assert "Transfer-Encoding" in error.text


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "CONNECT"])
def test_anything_else_is_told_where_the_page_is(method: str) -> None:
    error = refusal(method, {} if method in {"GET", "POST"} else {"x-sessioncookie": "a"})
    assert error.status == 400
    assert "[http]" in error.text
    body = serialize_refusal(error, COMMON).partition(b"\r\n\r\n")[2]
    assert body == f"{error.text}\n".encode()


def test_the_answer_to_a_get_is_what_players_check() -> None:
    assert serialize_tunnel_reply(COMMON) == (
        b"HTTP/1.0 200 OK\r\nServer: s\r\nDate: d\r\nConnection: close\r\n"
        b"Cache-Control: no-store\r\nPragma: no-cache\r\n"
        b"Content-Type: application/x-rtsp-tunnelled\r\n\r\n"
    )


def test_a_refusal_is_a_whole_http_answer() -> None:
    assert serialize_refusal(TunnelRefused(403, "No."), COMMON) == (
        b"HTTP/1.0 403 Forbidden\r\nServer: s\r\nDate: d\r\nConnection: close\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 4\r\n\r\nNo.\n"
    )
    of_a_reader = serialize_refusal(MessageError(414, "too long"), ())
    assert of_a_reader.startswith(b"HTTP/1.0 414 Request-URI Too Large\r\n")
    assert of_a_reader.endswith(b"\r\n\r\n414 Request-URI Too Large: too long.\n")


# ---------------------------------------------------------------- WebSocket
def test_the_example_of_the_rfc_is_accepted() -> None:
    wanted = wish("GET", UPGRADE)
    assert wanted == WebSocketUpgrade(ACCEPT)
    assert isinstance(wanted, WebSocketUpgrade)
    assert serialize_upgrade_reply(wanted, COMMON) == (
        b"HTTP/1.1 101 Switching Protocols\r\nServer: s\r\nDate: d\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + ACCEPT.encode() + b"\r\n"
        b"Sec-WebSocket-Protocol: rtsp.onvif.org\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Connection", "keep-alive, Upgrade"),
        ("Connection", "upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Protocol", "other, RTSP.onvif.org"),
        ("Origin", "http://bridge:8080"),
        ("Origin", "https://BRIDGE"),
    ],
)
def test_values_are_compared_as_tokens_whatever_their_case(name: str, value: str) -> None:
    assert wish("GET", {**UPGRADE, name: value}) == WebSocketUpgrade(ACCEPT)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("Connection", "keep-alive", "Connection"),
        ("Connection", "x-upgrade", "Connection"),
        ("Sec-WebSocket-Version", "8", "13"),
        ("Sec-WebSocket-Protocol", "mqtt", "rtsp.onvif.org"),
        ("Sec-WebSocket-Key", "", "Key"),
        ("Sec-WebSocket-Key", "YQ==", "Key"),
        ("Sec-WebSocket-Key", "\xe4" * 24, "Key"),
    ],
)
def test_a_handshake_that_is_wrong_is_told_what(name: str, value: str, word: str) -> None:
    error = refusal("GET", {**UPGRADE, name: value})
    assert error.status == 400
    assert word in error.text


def test_a_handshake_needs_http_1_1() -> None:
    assert refusal("GET", UPGRADE, "HTTP/1.0").status == 400


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "", "http://bridge.evil.example", "http://[", "file://"],
)
def test_the_page_of_a_stranger_may_not_watch(origin: str) -> None:
    assert refusal("GET", {**UPGRADE, "Origin": origin}).status == 403
    cookie = {"Host": "bridge", "x-sessioncookie": "a", "Origin": origin}
    assert refusal("GET", cookie).status == 403
    assert refusal("POST", cookie).status == 403
    assert refusal("GET", {"x-sessioncookie": "a", "Origin": origin}).status == 403
