"""Any sequence of payloads either gives units or raises the declared error."""

import sys

import atheris

with atheris.instrument_imports():
    from neolink.errors import RemoteProtocolError
    from neolink.rtp.depacketizers.aac import AacDepacketizer
    from neolink.rtp.depacketizers.h264 import H264Depacketizer
    from neolink.rtp.depacketizers.h265 import H265Depacketizer
    from neolink.rtp.depacketizers.pcm import PcmDepacketizer
    from neolink.rtp.packet import RtpPacket

Depacketizer = AacDepacketizer | H264Depacketizer | H265Depacketizer | PcmDepacketizer


def one_input(data: bytes) -> None:
    """Read packets of 2 bytes (length; step, tick, marker) and a payload."""
    depacketizers: list[Depacketizer] = [
        H264Depacketizer(),
        H265Depacketizer(),
        AacDepacketizer(),
        PcmDepacketizer(2),
    ]
    sequence = timestamp = offset = 0
    while offset + 2 <= len(data):
        length, flags = data[offset], data[offset + 1]
        sequence = sequence + (1, 1, 1, 1, 1, 2, 0, -1)[flags & 7] & 0xFFFF
        timestamp += flags >> 3 & 1
        payload = data[offset + 2 : offset + 2 + length]
        packet = RtpPacket(bool(flags & 0x10), 96, sequence, timestamp, 1, payload)
        for depacketizer in depacketizers:
            _push(depacketizer, packet)
        offset += 2 + length


def _push(depacketizer: Depacketizer, packet: RtpPacket) -> None:
    try:
        units = depacketizer.push(packet)
    except RemoteProtocolError:
        return
    assert len(units) <= 2 + len(packet.payload)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
