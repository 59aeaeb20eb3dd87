"""Opus packets to RTP payloads (RFC 7587 section 4.2): each is a payload as it is.

One packet of 20 ms a payload; a packet is never cut, which the format does not allow.
"""

from neolink.errors import LocalProtocolError
from neolink.media.units import AudioFrame
from neolink.rtp.payload import DEFAULT_MAX_PAYLOAD, Payload

__all__ = ["packetize"]


def packetize(unit: AudioFrame, max_payload: int = DEFAULT_MAX_PAYLOAD) -> list[Payload]:
    """Return the payload of one Opus packet; none of an empty one.

    Raises LocalProtocolError for a packet above ``max_payload``: our encoder makes 200 bytes.
    """
    if len(unit.data) > max_payload:
        raise LocalProtocolError(
            f"Opus packet of {len(unit.data)} bytes, at most {max_payload} fit"
        )
    return [(b"", unit.data)] if unit.data else []
