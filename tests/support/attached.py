"""Foreign players that stay attached: an ffmpeg that records and a GStreamer that shows.

Where ``players`` plays for some seconds and keeps all in memory, these write to files and run
until they are told to end, so that a test can do things to the bridge meanwhile.
"""

import asyncio
import os
import re
import signal
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame

from neolink.simulator.clips import Clip
from neolink.simulator.counter import read_counter, strip_height
from support.processes import need_programs

__all__ = ["Attached", "Shown", "ffmpeg_recorder", "gstreamer_viewer", "pictures_of", "show"]

STOPPING_S = 20.0

_HARMLESS = re.compile(
    r"Timestamps are unset in a packet for stream 0"  # FFmpeg gives the first RTSP picture no time
    r"|Multiple keyframes with same PTS$"
    r"|previous: (\d{1,4}), current: \1; changing"
)
_GST_TROUBLE = re.compile(r"\b(WARN|WARNING|ERROR)\b")
_GST_LATE = re.compile(r":calculate_skew:.* too big, reset skew$")
"""Nothing came for a second: the player stood still, or all of us did."""

_GST_CLOSED = re.compile(r"GstRTSPSrc:source: Could not write to resource\.$", re.MULTILINE)
"""Told to end, it may send TEARDOWN, close, and then send PAUSE."""

_SQUEEZED = re.compile(
    r"non monotonically increasing dts to muxer in stream 0: (\d+) >= \1$"
    r"|^\s*Last message repeated \d+ times$"
)
"""Pictures that GStreamer was late with have one time, that of the clock then."""
_GST_CATEGORIES = "libav:2,rtph264depay:2,rtpmp4gdepay:2,rtpjitterbuffer:2,rtspsrc:2"


@dataclass(slots=True)
class Attached:
    """A running player, the file it fills, and what it says."""

    process: asyncio.subprocess.Process
    output: Path
    log: Path
    is_gstreamer: bool

    @property
    def is_running(self) -> bool:
        """Whether it has neither ended nor crashed."""
        return self.process.returncode is None

    @property
    def said(self) -> str:
        """Everything it has printed so far."""
        return self.log.read_text(errors="replace")

    @property
    def troubles(self) -> list[str]:
        """What it has complained of: ffmpeg says nothing else, GStreamer tells its progress."""
        lines = [line for line in self.said.splitlines() if line.strip()]
        if self.is_gstreamer:
            lines = [line for line in lines if not _GST_LATE.search(line)]
            return [line for line in lines if _GST_TROUBLE.search(line)]
        return [line for line in lines if not _HARMLESS.search(line)]

    async def stop(self) -> int:
        """Have it end as Ctrl-C does, with a whole file; return the exit code.

        That of GStreamer is 0 too where it only failed to say goodbye twice.
        """
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOPPING_S):
            code = await self.process.wait()
        errors = [line for line in self.said.splitlines() if line.startswith("ERROR")]
        is_end = self.is_gstreamer and errors and all(map(_GST_CLOSED.search, errors))
        return 0 if is_end else code


@asynccontextmanager
async def _attached(
    command: Sequence[str], output: Path, environment: dict[str, str] | None = None
) -> AsyncIterator[Attached]:
    need_programs(command[0])
    log = output.with_suffix(".log")
    with log.open("wb") as text:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=text,
            stderr=text,
            env={**os.environ, **(environment or {})},
        )
    try:
        is_gstreamer = any(word.startswith("gst-launch") for word in command)
        yield Attached(process, output, log, is_gstreamer)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def ffmpeg_recorder(
    url: str, output: Path, *, inside: Sequence[str] = (), transport: str = "tcp"
) -> AsyncIterator[Attached]:
    """Record picture and sound as they are; the ending of ``output`` says how.

    ``inside`` are the words in front of a command that is to run somewhere else, ``transport`` is
    ffmpeg's word for it.
    """
    command = (
        f"ffmpeg -hide_banner -nostdin -v warning -rtsp_transport {transport} -i {url} -c copy"
    )
    need_programs("ffmpeg")
    async with _attached([*inside, *command.split(), str(output)], output) as player:
        yield player


@asynccontextmanager
async def gstreamer_viewer(
    url: str, output: Path, clip: Clip, *, inside: Sequence[str] = (), protocol: str = "udp"
) -> AsyncIterator[Attached]:
    """Decode picture and sound; keep the strip with the counter (Matroska).

    ``inside`` is as for ffmpeg, ``protocol`` is GStreamer's word for the transport.
    """
    queue = "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0"
    pipeline = (
        f"gst-launch-1.0 -e rtspsrc name=source latency=200 location={url}"
        f" protocols={protocol}"
        f" source. ! application/x-rtp,media=video ! {queue} ! decodebin ! videoconvert"
        f" ! videocrop top={clip.height - strip_height(clip.width)} ! video/x-raw,format=GRAY8"
        f" ! {queue} ! matroskamux streamable=true ! filesink location={output}"
        f" source. ! application/x-rtp,media=audio ! {queue} ! decodebin ! audioconvert"
        " ! fakesink async=false sync=false"
    )
    environment = {"GST_DEBUG": _GST_CATEGORIES, "GST_DEBUG_NO_COLOR": "1"}
    need_programs("gst-launch-1.0")
    async with _attached([*inside, *pipeline.split()], output, environment) as player:
        yield player


# -- what came out ------------------------------------------------------------------------


@dataclass(slots=True)
class Shown:
    """What a file shows, decoded from end to end.

    ``counters`` are None where a picture has none that can be read; ``checksums`` are of the luma
    of whole pictures. Times in seconds: ``picture_s`` of decoded pictures, ``packet_s`` by stream
    ("video", "audio") of everything in the file, in its order.
    """

    counters: list[int | None] = field(default_factory=list)
    checksums: list[int] = field(default_factory=list)
    picture_s: list[float] = field(default_factory=list)
    packet_s: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Decode a file. Raises what PyAV does where that fails."""
        shown = cls()
        with av.open(str(path)) as container:
            for packet in container.demux():
                if packet.pts is not None:
                    times = shown.packet_s.setdefault(packet.stream.type, [])
                    times.append(float(packet.pts * packet.time_base))
                for frame in packet.decode():
                    if isinstance(frame, VideoFrame):
                        shown._take(frame)
        return shown

    def _take(self, frame: VideoFrame) -> None:
        luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
        self.counters.append(read_counter(luma))
        self.checksums.append(zlib.crc32(luma.tobytes()))
        self.picture_s.append(float(frame.time or 0.0))


async def show(path: Path, *, may_squeeze: bool = False) -> Shown:
    """Decode a file with FFmpeg, which must not complain once, and read what it shows.

    Some pictures of a player that ``may_squeeze`` them may have one time.
    """
    command = "ffmpeg -hide_banner -nostdin -v error -xerror -err_detect explode -i"
    process = await asyncio.create_subprocess_exec(
        *command.split(),
        str(path),
        *("-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    lines = said.decode(errors="replace").splitlines()
    complaints = "\n".join(one for one in lines if not (may_squeeze and _SQUEEZED.search(one)))
    assert (process.returncode, complaints) == (0, ""), f"{path.name}: {complaints}"
    return await asyncio.to_thread(Shown.read, path)


def pictures_of(clip: Clip) -> list[int]:
    """Return the checksum of each of a clip's pictures, as ``Shown`` has them."""
    return list(_checksums(clip))


def _checksums(clip: Clip) -> Iterator[int]:
    shown = Shown()
    decoder = av.CodecContext.create(clip.codec.value.lower().replace("h265", "hevc"), "r")
    packets = [av.Packet(unit) for unit in clip.access_units]
    for packet in (*packets, None):
        for frame in decoder.decode(packet):
            assert isinstance(frame, VideoFrame)
            shown._take(frame)
    assert shown.counters == list(range(len(clip.access_units)))
    yield from shown.checksums
