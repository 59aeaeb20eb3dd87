"""AAC payloads byte by byte (RFC 3640, mode AAC-hbr)."""

import pytest

from neolink.errors import RemoteProtocolError
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.media.units import AudioFrame
from neolink.rtp.packetizers import aac

TRACK = AudioTrack(AudioCodec.AAC, 16_000, config=bytes.fromhex("1408"))


def payloads(data: bytes, max_payload: int = 64) -> list[bytes]:
    frame = AudioFrame(TRACK, data, 0, 1024)
    return [prefix + bytes(body) for prefix, body in aac.packetize(frame, max_payload)]


def test_frame_follows_its_size_in_bits_13_to_3() -> None:
    assert payloads(b"\x01\x02\x03") == [bytes.fromhex("0010 0018 010203")]


def test_frame_may_fill_the_payload() -> None:
    assert [len(payload) for payload in payloads(bytes(60))] == [64]


def test_every_fragment_tells_the_size_of_the_whole_frame() -> None:
    data = bytes(range(150))
    header = bytes.fromhex("0010 04b0")
    assert payloads(data) == [header + data[:60], header + data[60:120], header + data[120:]]


def test_empty_frame_gives_no_packet() -> None:
    assert payloads(b"") == []


def test_frame_beyond_the_size_field_is_refused() -> None:
    assert len(payloads(bytes(8191), 9000)) == 1
    with pytest.raises(RemoteProtocolError, match="8192"):
        payloads(bytes(8192), 9000)
