"""XML documents to RTP payloads, as the streaming specification of ONVIF has them (metadata).

A long document is cut anywhere; all its packets share a timestamp and the last one is marked.
"""

from neolink.media.units import MetadataDocument
from neolink.rtp.payload import DEFAULT_MAX_PAYLOAD, Payload

__all__ = ["packetize"]


def packetize(unit: MetadataDocument, max_payload: int = DEFAULT_MAX_PAYLOAD) -> list[Payload]:
    """Return the pieces of one document, none of them empty."""
    view = memoryview(unit.data)
    return [(b"", view[start : start + max_payload]) for start in range(0, len(view), max_payload)]
