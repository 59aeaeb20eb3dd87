"""What a player is told of a mount: presentation and payload formats → SDP text."""

from neolink.media.tracks import Presentation
from neolink.rtp.formats import AudioChoice
from neolink.rtsp.sdp import MediaDescription, describe_audio, describe_video
from neolink.rtsp.sdp import describe as serialize
from neolink.rtsp_server.mount import Mount
from neolink.rtsp_server.parcel import AUDIO, VIDEO

__all__ = ["describe"]


def describe(mount: Mount, presentation: Presentation, choice: AudioChoice, local_host: str) -> str:
    """Return the SDP of a mount for players that ask at our address ``local_host``."""
    video, audio = mount.formats(presentation, choice)
    media: list[MediaDescription] = []
    if video is not None and presentation.video is not None:
        media.append(describe_video(presentation.video, video, f"trackID={VIDEO}"))
    if audio is not None and presentation.audio is not None:
        media.append(describe_audio(presentation.audio, audio, f"trackID={AUDIO}"))
    track = presentation.video
    return serialize(
        media,
        session_id=mount.session_id,
        version=mount.stream.description_version,
        name=mount.name,
        address_family="IP6" if ":" in local_host else "IP4",
        address=local_host,
        framerate=track.frame_rate if track else None,
        dimensions=(track.width, track.height) if track else None,
    )
