"""What packetizers hand to the sender, and the sizes both agree on. No codec, no RTP header."""

from typing import NamedTuple

__all__ = [
    "DEFAULT_MAX_PAYLOAD",
    "HEADER_LENGTH",
    "MAX_PAYLOAD",
    "MIN_PAYLOAD",
    "Fragments",
    "Payload",
]

Payload = tuple[bytes, memoryview | bytes]
"""One RTP payload in two pieces: what the payload format adds, and a view into the media unit.

The pieces stay apart so that the media bytes are copied once, into the finished batch.
"""


class Fragments(NamedTuple):
    """The payloads of one NAL unit that is cut: two at least.

    Each has ``size`` bytes of ``body``, the last what is left. ``prefixes`` stand in front of the
    first, of all in between, and of the last; they are of one length. One value tells of all
    because they are most of a picture's packets, and the sender makes them in one pass.
    """

    body: memoryview
    size: int
    prefixes: tuple[bytes, bytes, bytes]


HEADER_LENGTH = 12
"""Bytes of an RTP header without contributing sources (RFC 3550 section 5.1)."""

DEFAULT_MAX_PAYLOAD = 1400 - HEADER_LENGTH
"""Bytes of payload so that a datagram's content is 1400 bytes and passes common tunnels."""

MIN_PAYLOAD = 16
"""Bytes below which the headers of the payload formats leave no room for media."""

MAX_PAYLOAD = 0xFFFF - HEADER_LENGTH
"""Bytes that the 16-bit length of an interleaved frame can describe (RFC 2326 section 10.12)."""
