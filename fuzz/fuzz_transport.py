"""Fuzz Transport: only RtspError may escape, and what is granted can be read as it was meant."""

import sys
from contextlib import suppress
from dataclasses import replace

import atheris

with atheris.instrument_imports(include=["neolink.rtsp", "neolink.rtsp_server.requests.setup"]):
    from neolink.rtsp.errors import RtspError
    from neolink.rtsp.transport import Protocol, parse_transports
    from neolink.rtsp_server.requests.setup import Channels, usable_transports

PIECES = (
    "RTP/AVP", "RTP/AVP/TCP", "RTP/AVP/UDP", "RTP/SAVP", ";unicast", ";multicast", ";interleaved=",
    ";client_port=", ";destination=", ";ttl=", ";ssrc=", ';mode="PLAY"', "-", ",", ";", "0", "1",
    "255", "256", "5000", "65535", "99999", '"', "\\", "=", " ", "/TCP", ";append", ";RTCP-mux",
)  # fmt: skip


def written(data: bytes) -> str:
    """Return text of pieces of the grammar: one byte each, or itself where it is no number."""
    return "".join(PIECES[byte] if byte < len(PIECES) else chr(byte) for byte in data)


def check(text: str, *, has_udp: bool, has_multicast: bool) -> None:
    offered = parse_transports(text)
    for transport in offered:
        plain = replace(transport, destination=None, source=None, mode=None)
        assert parse_transports(plain.serialize()) == [plain]
        for pair in (transport.interleaved, transport.client_port, transport.port):
            assert pair is None or 0 <= min(pair) <= max(pair) <= 65535
    usable = usable_transports(offered, has_udp=has_udp, has_multicast=has_multicast)
    channels = Channels()
    for number, one in enumerate(usable):
        assert not one.is_secure
        assert has_multicast or not one.is_multicast
        assert has_udp or has_multicast or one.protocol is Protocol.TCP
        asked = one.interleaved[0] if one.interleaved else None
        channel = channels.take(("session", number), asked)
        assert 0 <= channel < 255
        assert channels.owner(channel) == channels.owner(channel + 1) == ("session", number)


def one_input(data: bytes) -> None:
    """First byte: what is served, and how the rest is read. The rest: the header."""
    if not data:
        return
    text = written(data[1:]) if data[0] & 4 else data[1:].decode("latin-1")
    with suppress(RtspError):
        check(text, has_udp=bool(data[0] & 1), has_multicast=bool(data[0] & 2))


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
