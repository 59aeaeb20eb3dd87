"""The RTP payloads that a sender makes of one access unit."""

from neolink.media.units import AccessUnit
from neolink.rtp.formats import video_format
from neolink.rtp.packet import RtpPacket
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtp.sender import RtpSender

__all__ = ["payloads_of"]


def payloads_of(
    unit: AccessUnit, max_payload: int, aggregate: Aggregation = Aggregation.PARAMETER_SETS
) -> list[bytes]:
    """Packetize the unit and return what is in its packets."""
    sender = RtpSender(
        video_format(unit.track, aggregate),
        ssrc=1,
        first_sequence=0,
        timestamp_offset=0,
        cname="camera",
        max_payload=max_payload,
    )
    return [RtpPacket.parse(packet).payload for packet in sender.packetize(unit).datagrams()]
