"""A still picture, made by the camera itself (protocol reference, section 3.7)."""

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import Body
from neolink.baichuan.xml.still import Snap
from neolink.camera.session import CameraSession
from neolink.errors import RemoteProtocolError, Unsupported
from neolink.media.tracks import StreamKind

__all__ = ["take_snapshot"]

TIMEOUT_S = 10.0
"""For the answer and the whole picture: battery models are slow."""

MAX_SIZE = 8 << 20
"""Bytes of a picture; those of 12 megapixels have some 4 MB."""

_NAMES = {StreamKind.MAIN: "main", StreamKind.SUB: "sub"}
_BEGINS_WITH = b"\xff\xd8"


async def take_snapshot(
    session: CameraSession, channel_id: int, kind: StreamKind, timeout_s: float = TIMEOUT_S
) -> bytes:
    """Return a JPEG of the size of a stream.

    To be asked for one at a time on a login. Raises Unsupported for a stream of which there are no
    stills, CommandRefused (400: no video now, because of privacy or sleep), ConnectionLost,
    DeadlineExceeded, and RemoteProtocolError for what is no picture.
    """
    name = _NAMES.get(kind)
    if name is None:
        raise Unsupported(f"cameras make no snapshots of the {kind} stream; ask for main or sub")
    wanted = Snap(channel_id=channel_id, logic_channel=0, time=0, full_frame=0, stream_type=name)
    picture = await session.download(
        MessageId.SNAPSHOT,
        wanted,
        channel_id=channel_id,
        size_in=_announced_size,
        max_size=MAX_SIZE,
        timeout_s=timeout_s,
    )
    if not picture.startswith(_BEGINS_WITH):
        raise RemoteProtocolError(
            f"SNAPSHOT: expected a JPEG, got {len(picture)} bytes that begin {picture[:4].hex()}"
        )
    return picture


def _announced_size(body: Body) -> int | None:
    announced = body.get(Snap)
    return announced.picture_size if announced is not None else None
