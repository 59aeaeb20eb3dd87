"""Answering a request for a snapshot: an announcement, then a JPEG in parts.

Protocol reference, section 6. The pictures are in ``snapshots``.
"""

from neolink.baichuan.header import Header
from neolink.baichuan.ids import Status
from neolink.baichuan.server import Requested
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.still import Snap
from neolink.simulator.line import Line
from neolink.simulator.profile import kind_of
from neolink.simulator.requests import body_of, channel_of
from neolink.simulator.snapshots import snapshot_of

__all__ = ["snap"]

_PART = 30_000
_NAMES = {"main": "mainStream", "sub": "subStream"}  # how a snapshot request calls them


def snap(line: Line, request: Requested) -> None:
    """Announce a snapshot, and send it a little later."""
    profile, body = line.device.profile, body_of(request)
    wanted = body.get(Snap) if body else None
    name = (wanted.stream_type if wanted else None) or "main"
    kind = kind_of(_NAMES.get(name, name))
    channel = channel_of(request) or (wanted.channel_id if wanted else None) or 0
    if kind not in profile.streams or not 0 <= channel < profile.channels:
        line.reply(request.header, status=Status.BAD_REQUEST)
        return
    picture = snapshot_of(profile.codec, kind)
    announced = Snap(
        channel_id=channel,
        time=0,
        file_name=f"0{channel + 1}_snapshot.jpg",
        picture_size=len(picture),
    )
    line.reply(request.header, body=serialize_body(announced))
    # some clients listen for the parts only once they have read this
    line.device.later(profile.snapshot_delay_s, lambda: _send(line, request.header, picture))


def _send(line: Line, header: Header, picture: bytes) -> None:
    if not line.is_open:
        return
    for start in range(0, len(picture), _PART):
        line.protocol.send_binary_part(header, picture[start : start + _PART])
    line.protocol.send_binary_part(header, b"", status=Status.LAST)
    line.device.stats.snapshots += 1
    line.flush()
    line.device.watch.notice()
