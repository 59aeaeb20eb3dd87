"""Fuzz URLs, header values, authorization and SDP: only RtspError may escape."""

import sys
from collections.abc import Callable
from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["neolink.rtsp"]):
    from neolink.rtsp.auth import Authenticator
    from neolink.rtsp.client import RequestBuilder
    from neolink.rtsp.errors import RtspError
    from neolink.rtsp.fields import Headers
    from neolink.rtsp.headers import (
        Range,
        SessionHeader,
        accepts_sdp,
        check_required,
        parse_blocksize,
        parse_rtp_info,
        parse_transports,
        serialize_rtp_info,
    )
    from neolink.rtsp.message import reply
    from neolink.rtsp.sdp import describe, parse, session_attributes
    from neolink.rtsp.url import Target, base_url, without_credentials

NOW = 1_700_000_000.0
SERVER = Authenticator("neolink", b"k" * 32, {"me": "s3cret"})


def fuzz_url(text: str) -> None:
    without_credentials(text)
    base_url(text)
    path = Target.parse(text).path
    assert ".." not in path.split("/")
    assert "\0" not in path


def fuzz_transports(text: str) -> None:
    found = parse_transports(text)
    ",".join(item.serialize() for item in found)


def fuzz_rtp_info(text: str) -> None:
    found = parse_rtp_info(text)
    assert parse_rtp_info(serialize_rtp_info(found)) == found


def fuzz_simple_headers(text: str) -> None:
    parse_blocksize(text)
    headers = Headers([("Accept", text), ("Require", text)])
    accepts_sdp(headers)
    with suppress(RtspError):
        _ = Range.parse(text).start_s
    with suppress(RtspError):
        SessionHeader.parse(text)
    check_required(headers, ["play.basic"])


def fuzz_authorization(text: str) -> None:
    url, _, value = text.partition("\n")
    assert not SERVER.verify(value, "DESCRIBE", url, NOW).is_ok


def fuzz_challenge(text: str) -> None:
    client = RequestBuilder("rtsp://h/c", user="me", password="s3cret")
    challenges = [("WWW-Authenticate", line) for line in text.split("\n")]
    if client.learn(reply("1", 401, challenges)):
        client.build("PLAY")


def fuzz_sdp(text: str) -> None:
    session_attributes(text)
    describe(parse(text), session_id=1, version=1, name=text)


TARGETS: list[Callable[[str], None]] = [
    fuzz_url,
    fuzz_transports,
    fuzz_rtp_info,
    fuzz_simple_headers,
    fuzz_authorization,
    fuzz_challenge,
    fuzz_sdp,
]


def one_input(data: bytes) -> None:
    """First byte: what is parsed. The rest: its text, one character per byte as on the wire."""
    if not data:
        return
    with suppress(RtspError):
        TARGETS[data[0] % len(TARGETS)](data[1:].decode("latin-1"))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
