"""What the streams of a camera are set to: their bit rates (protocol reference, section 3.4)."""

from collections.abc import Mapping

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml.streams import Compression
from neolink.camera.session import CameraSession
from neolink.errors import RemoteProtocolError
from neolink.media.tracks import StreamKind

__all__ = ["read_bit_rates"]

HIGHEST_KBPS = 1_000_000


async def read_bit_rates(session: CameraSession, channel_id: int) -> Mapping[StreamKind, float]:
    """Ask for the bit rate in bit/s of each stream that has one (message 56).

    Raises CommandRefused, ConnectionLost, or RemoteProtocolError where the answer says nothing.
    """
    body = await session.request(MessageId.COMPRESSION_GET, channel_id=channel_id)
    found = body.get(Compression) if body else None
    if found is None:
        raise RemoteProtocolError("the camera does not tell how it encodes")
    told = {
        StreamKind.MAIN: found.main_stream,
        StreamKind.SUB: found.sub_stream,
        StreamKind.EXTERN: found.third_stream,
    }
    return {
        kind: 1000.0 * one.bit_rate
        for kind, one in told.items()
        if one is not None and one.bit_rate and 0 < one.bit_rate <= HIGHEST_KBPS
    }
