"""What packetizers hand to the sender, and the sizes both agree on. No codec, no RTP header."""

__all__ = ["DEFAULT_MAX_PAYLOAD", "HEADER_LENGTH", "MAX_PAYLOAD", "MIN_PAYLOAD", "Payload"]

Payload = tuple[bytes, memoryview | bytes]
"""One RTP payload in two pieces: what the payload format adds, and a view into the media unit.

The pieces stay apart so that the media bytes are copied once, into the finished batch.
"""

HEADER_LENGTH = 12
"""Bytes of an RTP header without contributing sources (RFC 3550 section 5.1)."""

DEFAULT_MAX_PAYLOAD = 1400 - HEADER_LENGTH
"""Bytes of payload so that a datagram's content is 1400 bytes and passes common tunnels."""

MIN_PAYLOAD = 16
"""Bytes below which the headers of the payload formats leave no room for media."""

MAX_PAYLOAD = 0xFFFF - HEADER_LENGTH
"""Bytes that the 16-bit length of an interleaved frame can describe (RFC 2326 section 10.12)."""
