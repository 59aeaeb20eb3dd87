"""Real players, each with its own RTSP and its own decoders: what they show and what they say.

Every player decodes for a while and is then stopped. Pictures are identified by the counter at
their foot; only that strip is kept.
"""

import base64
import io
import json
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from neolink.simulator.counter import read_counter, strip_height
from support.processes import Ended, need_programs, python, run_for

__all__ = ["PLAYERS", "Asked", "Playback", "Transport", "Tunnel", "play", "played_by"]

Transport = Literal["tcp", "udp"]
Tunnel = Literal["http", "https"]
"""RTSP inside HTTP; ``https`` is what ffmpeg calls it inside TLS."""
Asked = Transport | Tunnel | Literal["auto", "multicast"]
"""What a player is told to use; ``auto`` names nothing, so that it tries what it likes.

FFmpeg then tries UDP, and TCP only if it has a limit for waiting, which it has not by itself.
"""
Samples = NDArray[np.int16]

_GST_QUEUE = "queue max-size-buffers=0 max-size-bytes=0 max-size-time=0"  # no mutual waiting
_UDP_US = 2_000_000
"""How long FFmpeg waits for a datagram, where it may choose."""

LATE_S = 10.0
"""How much later a player may end that ends by itself, when it has played for so long."""

_GST_AUDIO = re.compile(r"media=\(string\)audio.* encoding-name=\(string\)([\w-]+)")
_WORKER = Path(__file__).with_name("library_player.py")


@dataclass(frozen=True, slots=True)
class Playback:
    """What a player showed.

    ``frames`` are the counters of the decoded pictures, None for one that cannot be read.
    ``video_pts`` are their times in seconds, None where the player had to guess. ``samples`` is
    the sound, mono; ``sound`` tells of each audio frame its time and its number of samples.
    ``audio_encoding`` is how RTP carried it, where the player tells (GStreamer does).
    ``errors`` are the lines that mean trouble with protocol or decoding. ``first_picture_s`` is
    from the start of the program (in a library: of the connection) to the first picture.
    ``was_late`` tells that nothing came to GStreamer for a second, which bends its clock.
    """

    frames: tuple[int | None, ...] = ()
    video_pts: tuple[float | None, ...] = ()
    samples: Samples | None = None
    rate: int | None = None
    audio_encoding: str | None = None
    sound: tuple[tuple[float, int], ...] = ()
    errors: tuple[str, ...] = ()
    exit_code: int = 0
    first_picture_s: float | None = None
    was_late: bool = False

    def missing(self, clip_length: int) -> int:
        """Return how many pictures are missing between the first and the last one shown."""
        known = [frame for frame in self.frames if frame is not None]
        return sum(max(0, (b - a) % clip_length - 1) for a, b in pairwise(known))


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a player is to show, and how: see :func:`play`."""

    url: str
    seconds: float
    transport: Asked
    size: tuple[int, int]
    has_audio: bool
    inside: Sequence[str]


async def play(
    player: str,
    url: str,
    *,
    seconds: float = 3.0,
    transport: Asked = "tcp",
    size: tuple[int, int] = (1280, 720),
    has_audio: bool = True,
    inside: Sequence[str] = (),
) -> Playback:
    """Play a URL for ``seconds`` after the first picture. ``size`` is that of the picture.

    ``has_audio`` False tells players that must know beforehand not to wait for sound.
    ``inside`` are the words in front of the command, of :mod:`support.netns`.
    """
    return await PLAYERS[player](_Wish(url, seconds, transport, size, has_audio, inside))


# -- programs -----------------------------------------------------------------------------


async def _play_ffmpeg(wish: _Wish) -> Playback:
    need_programs("ffmpeg")
    # Timestamps are kept as they are: a fixed frame rate cannot hold a squeezed group of pictures.
    command = (
        f"ffmpeg -hide_banner -nostdin -v warning"
        f"{_option(' -rtsp_transport ', _lavf(wish.transport), f' -timeout {_UDP_US}')}"
        f" -i {wish.url}"
        f" -vf format=gray,{_lavfi_crop(wish.size)} -fps_mode passthrough -enc_time_base -1"
        " -c:v rawvideo -c:a pcm_s16le -flush_packets 1 -f nut pipe:{0}"
    )
    ended = await run_for((*wish.inside, *command.split()), seconds=wish.seconds)
    playback = _from_file(ended, "nut", ended.stderr.splitlines())
    return replace(playback, video_pts=_without_guess(playback.video_pts))


async def _play_mpv(wish: _Wish) -> Playback:
    need_programs("mpv")
    command = (
        f"mpv --no-config --msg-level=all=warn --framedrop=no --no-cache --length={wish.seconds}"
        f"{_mpv_transport(wish.transport)} --vf=lavfi=[format=gray,{_lavfi_crop(wish.size)}]"
        " --o=pipe:{0} --of=nut --ovc=rawvideo --oac=pcm_s16le --ofopts=flush_packets=1 "
    )
    # It must end by itself, or it throws away the second that it has gathered.
    words = (command + wish.url).split()
    ended = await run_for((*wish.inside, *words), seconds=wish.seconds + LATE_S)
    playback = _from_file(ended, "nut", (ended.stdout + ended.stderr).splitlines())
    return replace(playback, video_pts=_without_guess(playback.video_pts))


async def _play_gstreamer(wish: _Wish) -> Playback:
    need_programs("gst-launch-1.0")
    width, height = wish.size
    pipeline = (
        f"gst-launch-1.0 -e -v rtspsrc name=source latency=200 location={wish.url}"
        f"{_option(' protocols=', wish.transport.replace('multicast', 'udp-mcast'))}"
        " tls-validation-flags=0"
        " matroskamux name=mux streamable=true ! fdsink fd={1}"
        f" source. ! application/x-rtp,media=video ! {_GST_QUEUE} ! decodebin ! videoconvert"
        f" ! videocrop top={height - strip_height(width)}"
        f" ! video/x-raw,format=GRAY8 ! tee name=shown ! {_GST_QUEUE} ! mux."
        # What is muxed begins with the sound; the first picture is told by itself.
        f" shown. ! {_GST_QUEUE} ! fdsink fd={{0}}"
    )
    if wish.has_audio:
        pipeline += (
            f" source. ! application/x-rtp,media=audio ! {_GST_QUEUE} ! decodebin"
            f" ! audioconvert ! audio/x-raw,format=S16LE,channels=1 ! {_GST_QUEUE} ! mux."
        )
    categories = "libav", "rtph264depay", "rtph265depay", "rtpmp4gdepay", "rtpjitterbuffer"
    environment = {
        "GST_DEBUG": ",".join(f"{category}:2" for category in categories),
        "GST_DEBUG_NO_COLOR": "1",
    }
    ended = await run_for(
        (*wish.inside, *pipeline.split()), seconds=wish.seconds, pipes=2, environment=environment
    )
    ended.outputs = ended.outputs[1:]
    said = [line for line in ended.stdout.splitlines() if line.startswith(("ERROR", "WARNING"))]
    playback = _from_file(ended, "matroska", [*said, *ended.stderr.splitlines()])
    encoding = _GST_AUDIO.search(ended.stdout)
    return replace(
        playback,
        audio_encoding=encoding.group(1) if encoding else None,
        was_late="too big, reset skew" in ended.stderr,
    )


# -- libraries ----------------------------------------------------------------------------


async def _play_pyav(wish: _Wish) -> Playback:
    return await _play_library("av", wish)


async def _play_opencv(wish: _Wish) -> Playback:
    return await _play_library("cv2", wish)


async def _play_library(library: str, wish: _Wish) -> Playback:
    worker = python(), str(_WORKER), library, wish.url, _lavf(wish.transport)
    return await played_by((*wish.inside, *worker, str(wish.seconds), "{0}"), wish.seconds)


async def played_by(command: Sequence[str], seconds: float) -> Playback:
    """Run a player that reports as ``support.library_player`` does."""
    ended = await run_for(command, seconds=seconds + LATE_S)
    errors = _troubles(ended.stderr.splitlines())
    if not ended.outputs[0].strip():
        return Playback(errors=errors, exit_code=ended.exit_code)
    found = json.loads(ended.outputs[0])
    has_sound = found["rate"] is not None
    return Playback(
        frames=tuple(found["counters"]),
        video_pts=_without_guess(found["video_pts"]),
        samples=np.frombuffer(base64.b64decode(found["audio"]), np.int16) if has_sound else None,
        rate=found["rate"],
        sound=tuple((pts, count) for pts, count in found["sound"]),
        errors=errors,
        exit_code=ended.exit_code,
        first_picture_s=found["first_picture_s"],
    )


PLAYERS: dict[str, Callable[[_Wish], Awaitable[Playback]]] = {
    "ffmpeg": _play_ffmpeg,
    "gstreamer": _play_gstreamer,
    "mpv": _play_mpv,
    "pyav": _play_pyav,
    "opencv": _play_opencv,
}


# -- what came out ------------------------------------------------------------------------

_UNTIMED = "FFmpeg gives the first packet of any H.264 or H.265 RTSP stream no time"
_CLOSED = "gst-launch that is told to end may send TEARDOWN, close, and then send PAUSE"
_DETAILS = "lines behind an ERROR or a WARNING, which is judged itself"
_LINKING = "gst-launch tells of each attempt to link a branch; what comes out of it is judged"
_LATE = "nothing came for a second: the player stood still, or all of us did"
_ENCODING = "mpv encodes a second of sound ahead of the picture; in normal play it is silent"

_HARMLESS: tuple[tuple[str, str], ...] = (
    (
        r"Non-monotonous DTS in output stream 0:0; previous: (\d{1,4}), current: \1; changing",
        _UNTIMED,
    ),
    (r"^ERROR: from element .*GstRTSPSrc:source: Could not write to resource\.$", _CLOSED),
    (r"^Additional debug info:$", _DETAILS),
    (r"^\.\./\S+\.c\(\d+\): ", _DETAILS),
    (r"^Could not send message\. \(.*\)$", _DETAILS),
    (r"^WARNING: from element .*GstRTSPSrc:source: Delayed linking failed\.$", _LINKING),
    (r":calculate_skew:.* too big, reset skew$", _LATE),
    (r"^No video PTS! Making something up", _UNTIMED),
    (r"^Invalid video timestamp: 0\.0\d+ -> 0\.0\d+$", _UNTIMED),
    (r"nut: Multiple keyframes with same PTS$", _UNTIMED),
    (r"^\[nut @ \w+\] Multiple keyframes with same PTS$", _UNTIMED),
    (r"^Last message repeated \d+ times$", "the message itself was told"),
    (r"^Audio/Video desynchronisation detected! Possible reasons include too slow$", _ENCODING),
    (r"^hardware, temporary CPU spikes, broken drivers, and broken files. Audio$", _ENCODING),
    (r"^position will not match to the video \(see A-V status field\)\.$", _ENCODING),
)
"""What players say that is no fault of ours, and why."""


def _without_guess(video_pts: Sequence[float | None]) -> tuple[float | None, ...]:
    """Take away the time that FFmpeg's players make up for the first picture (``_UNTIMED``)."""
    return (None, *video_pts[1:]) if video_pts else ()


def _troubles(lines: Iterable[str]) -> tuple[str, ...]:
    patterns = [re.compile(pattern) for pattern, _ in _HARMLESS]
    return tuple(
        line
        for line in (line.strip() for line in lines)
        if line and not any(pattern.search(line) for pattern in patterns)
    )


def _option(words: str, transport: str, otherwise: str = "") -> str:
    """Return a player's words for a transport, or others where it may choose."""
    return otherwise if transport == "auto" else words + transport


def _lavf(transport: str) -> str:
    """Return FFmpeg's name of a transport."""
    return transport.replace("multicast", "udp_multicast")


def _mpv_transport(transport: Asked) -> str:
    """Return mpv's option; without one it asks for TCP, and it does not know ``https``."""
    if transport == "https":
        return " --rtsp-transport=lavf --demuxer-lavf-o=rtsp_transport=https"
    limit = f" --demuxer-lavf-o=timeout={_UDP_US}"
    return _option(" --rtsp-transport=", _lavf(transport), f" --rtsp-transport=lavf{limit}")


def _lavfi_crop(size: tuple[int, int]) -> str:
    width, height = size
    side = strip_height(width)
    return f"crop={width}:{side}:0:{height - side}"


def _opened(data: bytes, file_format: str) -> InputContainer | None:
    """Open what a player wrote; it may have given up behind the head, or before."""
    try:
        return av.open(io.BytesIO(data), format=file_format) if data else None
    except av.error.InvalidDataError:
        return None


def _from_file(ended: Ended, file_format: str, lines: Sequence[str]) -> Playback:
    counters: list[int | None] = []
    video_pts: list[float] = []
    sound: list[tuple[float, int]] = []
    samples: list[Samples] = []
    rate: int | None = None
    if container := _opened(ended.outputs[0], file_format):
        with container:
            for packet in container.demux():
                for frame in packet.decode():
                    if isinstance(frame, VideoFrame):
                        luma = frame.to_ndarray(format="gray").astype(np.uint8, copy=False)
                        counters.append(read_counter(luma))
                        video_pts.append(float(frame.time or 0.0))
                    elif isinstance(frame, AudioFrame):
                        rate = frame.sample_rate
                        sound.append((float(frame.time or 0.0), frame.samples))
                        levels = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
                        samples.append(levels[:, 0].astype(np.int16, copy=False))
    return Playback(
        frames=tuple(counters),
        video_pts=tuple(video_pts),
        samples=np.concatenate(samples) if samples else None,
        rate=rate,
        sound=tuple(sound),
        errors=_troubles(lines),
        exit_code=ended.exit_code,
        first_picture_s=ended.first_output_s,
    )
