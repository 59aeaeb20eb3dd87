"""Any bytes as an RTCP compound or an RTP packet either parse or raise the declared error."""

import sys

import atheris

with atheris.instrument_imports():
    from neolink.errors import RemoteProtocolError
    from neolink.rtp.packet import RtpPacket
    from neolink.rtp.rtcp import parse_compound


def one_input(data: bytes) -> None:
    try:
        packets = parse_compound(data)
    except RemoteProtocolError:
        packets = []
    for packet in packets:
        try:
            serialized = packet.serialize()
        except ValueError:
            continue  # text that was no UTF-8 may have grown
        assert parse_compound(serialized) == [packet]
    try:
        received = RtpPacket.parse(data)
    except RemoteProtocolError:
        return
    assert RtpPacket.parse(received.serialize()) == received


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
