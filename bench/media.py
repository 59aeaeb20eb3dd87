"""The pictures of the suite, in the forms that cameras, peers and floors take them.

They are real ones: drawn and encoded once by the simulator (extra ``media``) and kept in its cache.
"""

import struct
from collections.abc import Sequence
from pathlib import Path

from neolink.media.assembler import VideoAssembler
from neolink.media.tracks import VIDEO_CLOCK_RATE, VideoCodec
from neolink.media.units import AccessUnit
from neolink.rtp.formats import video_format
from neolink.rtp.sender import RtpSender
from neolink.simulator import clips
from neolink.simulator.clips import Clip

__all__ = ["FRAME_RATE", "GOP", "access_units", "clip", "packets_of", "write_pictures"]

FRAME_RATE = 25
GOP = 50
"""Pictures; a run of 2 s has one key frame whenever it begins."""

SECONDS = 10
WIDTH, HEIGHT = 1280, 720


def clip(kbps: int, gop: int = GOP) -> Clip:
    """Return a loop of 10 s in H.264, 1280x720, 25 pictures a second."""
    return clips.generate(
        VideoCodec.H264,
        WIDTH,
        HEIGHT,
        fps=FRAME_RATE,
        gop=gop,
        bitrate_kbps=kbps,
        seconds=SECONDS,
    )


def access_units(of: Clip) -> list[AccessUnit]:
    """Return its pictures as the bridge passes them on."""
    assembler = VideoAssembler(of.codec, FRAME_RATE)
    units = []
    for number, data in enumerate(of.access_units):
        unit = assembler.assemble(data, number * VIDEO_CLOCK_RATE // FRAME_RATE)
        assert unit is not None  # the clip begins with a key frame and is whole
        units.append(unit)
    return units


def packets_of(units: Sequence[AccessUnit]) -> list[bytes]:
    """Return the RTP packets of each picture behind interleaved headers: what a server sends."""
    sender = RtpSender(
        video_format(units[0].track), ssrc=1, first_sequence=0, timestamp_offset=1, cname="bench"
    )
    return [sender.packetize(unit).buffer for unit in units]


def write_pictures(path: Path, pictures: Sequence[bytes]) -> None:
    """Write the file that floor.c and gst_server.c read."""
    sizes = struct.pack(f"=I{len(pictures)}I", len(pictures), *map(len, pictures))
    path.write_bytes(sizes + b"".join(pictures))
