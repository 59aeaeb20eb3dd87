"""What a player is told of a mount: presentation and payload formats → SDP text."""

from dataclasses import replace
from ipaddress import IPv6Address, ip_address
from typing import Literal

from neolink.media.tracks import Presentation
from neolink.rtp.formats import METADATA_FORMAT, AudioChoice
from neolink.rtp.speech import SPEECH_FORMATS
from neolink.rtsp.sdp import (
    MediaDescription,
    describe_audio,
    describe_back_channel,
    describe_metadata,
    describe_video,
)
from neolink.rtsp.sdp import describe as serialize
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.mounts.parcel import AUDIO, BACKCHANNEL, METADATA, VIDEO
from neolink.rtsp_server.sessions.multicast import GroupPlace

__all__ = ["describe"]


def describe(
    mount: Mount,
    presentation: Presentation,
    choice: AudioChoice,
    local_host: str,
    *,
    has_metadata: bool = False,
    has_back_channel: bool = False,
    place: GroupPlace | None = None,
) -> str:
    """Return the SDP of a mount for players that ask at our address ``local_host``.

    ``place`` is the multicast group that they are to listen to.
    """
    video, audio = mount.formats(presentation, choice)
    media: dict[int, MediaDescription] = {}
    if video is not None and presentation.video is not None:
        media[VIDEO] = describe_video(presentation.video, video, f"trackID={VIDEO}")
    if audio is not None and presentation.audio is not None:
        sound = mount.made_of(presentation.audio, choice)
        media[AUDIO] = describe_audio(sound, audio, f"trackID={AUDIO}")
    if has_metadata:
        media[METADATA] = describe_metadata(METADATA_FORMAT, f"trackID={METADATA}")
    if has_back_channel:
        media[BACKCHANNEL] = describe_back_channel(SPEECH_FORMATS, f"trackID={BACKCHANNEL}")
    track, bitrate_bps = presentation.video, mount.stream.nominal_bitrate_bps
    family, address = _address(local_host)
    return serialize(
        [replace(one, port=place.ports(n)[0]) if place else one for n, one in media.items()],
        session_id=mount.session_id,
        version=mount.stream.description_version,
        name=mount.name,
        address_family=family,
        address=address,
        group=f"{place.address}/{place.ttl}" if place else None,
        bandwidth_kbps=round(bitrate_bps / 1000) if bitrate_bps else None,
        framerate=track.frame_rate if track else None,
        dimensions=(track.width, track.height) if track else None,
    )


def _address(host: str) -> tuple[Literal["IP4", "IP6"], str]:
    """Return family and address as SDP writes them: without a zone, IPv4 as what it is."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return ("IP4", str(mapped)) if mapped else ("IP6", str(address))
    return "IP4", str(address)
