"""Opus payloads: a packet as it is, never cut (RFC 7587 section 4.2)."""

import pytest

from neolink.errors import LocalProtocolError
from neolink.media.tracks import AudioCodec, AudioTrack
from neolink.media.units import AudioFrame
from neolink.rtp.formats import AudioChoice, audio_format
from neolink.rtp.packet import RtpPacket
from neolink.rtp.packetizers import opus
from neolink.rtp.sender import RtpSender

TRACK = AudioTrack(AudioCodec.OPUS, 48_000)


def packet(data: bytes, pts: int = 0) -> AudioFrame:
    return AudioFrame(TRACK, data, pts, 960)


def test_a_packet_is_a_payload() -> None:
    assert opus.packetize(packet(b"\x08abc")) == [(b"", b"\x08abc")]
    assert opus.packetize(packet(b"")) == []


def test_what_does_not_fit_is_our_error() -> None:
    with pytest.raises(LocalProtocolError, match="101 bytes, at most 100"):
        opus.packetize(packet(bytes(101)), 100)


def test_timestamps_count_48_khz_and_no_packet_is_marked() -> None:
    payload_format = audio_format(TRACK, AudioChoice.OPUS)
    assert payload_format is not None
    sender = RtpSender(payload_format, ssrc=1, first_sequence=7, timestamp_offset=100, cname="c")
    sent = [
        RtpPacket.parse(datagram)
        for number in range(3)
        for datagram in sender.packetize(packet(b"\x08abc", number * 960)).datagrams()
    ]
    assert [one.timestamp for one in sent] == [100, 1060, 2020]
    assert not any(one.marker for one in sent)
