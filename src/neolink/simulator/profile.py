"""What a simulated camera is: account, streams, behaviour. One frozen value; nothing happens here.

``describe`` is the line that people read. What goes on during a run is in ``device`` (state) and
``scenario`` (faults).
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import Status, StreamType
from neolink.baichuan.login import Credentials
from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator import clips
from neolink.simulator.clips import Clip
from neolink.simulator.loudspeaker import TalkProfile

__all__ = ["STREAM_TYPES", "CameraProfile", "kind_of"]

STREAM_TYPES = {
    StreamKind.MAIN: StreamType.MAIN,
    StreamKind.SUB: StreamType.SUB,
    StreamKind.EXTERN: StreamType.EXTERN,
}
"""How a stream is called on the wire."""

_MAX_CHANNELS = 32
_MAX_FRAME_RATE = 255  # the Info packet has one byte for it


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraProfile:
    """A simulated camera, or with several ``channels`` a simulated recorder.

    ``frame_rate``, ``bitrate_kbps``, ``gop`` and ``size`` describe the main stream; None is as in
    the bundled clip. Another frame rate alone plays the bundled clip faster or slower; anything
    else is drawn and encoded once, which takes time and the extra ``media``.
    ``encryption`` is the strongest level the camera agrees to. ``refuse_login`` answers every
    login with this status. ``max_failed_logins`` wrong ones within ``lockout_s`` lock the account
    (status 421); one login more than ``max_sessions`` is answered 422. ``motion_every_s`` lets a
    person walk by that often, for half of the time. ``talk`` is its loudspeaker, None without.
    ``clock_start_us`` is the 32-bit clock of the
    media at power-on, ``clock_error_s`` how far the time of day is off until somebody sets it.
    Raises ConfigError for impossible values.
    """

    name: str = "Simulated camera"
    uid: str = "SIM0000000000001"
    username: str = "admin"
    password: str = field(default="", repr=False)
    encryption: Encryption = Encryption.FULL_AES
    codec: VideoCodec = VideoCodec.H264
    audio: Literal["aac", "adpcm"] | None = "aac"
    frame_rate: int | None = None
    bitrate_kbps: int | None = None
    gop: int | None = None
    size: tuple[int, int] | None = None
    channels: int = 1
    streams: tuple[StreamKind, ...] = tuple(StreamKind)
    clock_start_us: int = 0
    clock_error_s: float = 0.0
    model: str = "SIM1"
    device_type: str = "ipc"
    firmware: str = "v1.0.0.1_20010100"
    has_battery: bool = False
    accepts_legacy_login: bool = True
    wrong_credentials_status: int = Status.UNAUTHORIZED
    refuse_login: int | None = None
    max_failed_logins: int | None = 5
    lockout_s: float = 300.0
    max_sessions: int | None = None
    motion_every_s: float | None = None
    talk: TalkProfile | None = None
    info_delay_s: float = 0.1
    snapshot_delay_s: float = 0.05
    reboot_s: float = 20.0

    def __post_init__(self) -> None:
        if not 1 <= self.channels <= _MAX_CHANNELS:
            raise ConfigError(f"a recorder has 1 to {_MAX_CHANNELS} channels, not {self.channels}")
        if self.frame_rate is not None and not 1 <= self.frame_rate <= _MAX_FRAME_RATE:
            raise ConfigError(
                f"pictures per second must be 1 to {_MAX_FRAME_RATE}, not {self.frame_rate}"
            )
        if not self.streams:
            raise ConfigError("a simulated camera needs at least one stream")
        if self.motion_every_s is not None and self.motion_every_s <= 0:
            raise ConfigError(f"motion_every_s must be above 0, not {self.motion_every_s}")

    @property
    def credentials(self) -> Credentials:
        """The account that may log in."""
        return Credentials(self.username, self.password)

    def clip(self, kind: StreamKind) -> Clip:
        """Return what the stream shows. May take long the first time (see the class)."""
        if kind is not StreamKind.MAIN:
            return clips.load(self.codec, kind)
        return _main_clip(self.codec, self.frame_rate, self.gop, self.bitrate_kbps, self.size)

    def frame_rate_of(self, kind: StreamKind) -> int:
        """Return the pictures per second of a stream."""
        is_main = kind is StreamKind.MAIN and self.frame_rate is not None
        return self.frame_rate if is_main and self.frame_rate else self.clip(kind).frame_rate

    def describe(self) -> str:
        """Return account, streams and codecs in a few words, without the password."""
        streams = ", ".join(self._describe_stream(kind) for kind in self.streams)
        sound = {"aac": "AAC", "adpcm": "ADPCM", None: "no audio"}[self.audio]
        several = f", {self.channels} channels" if self.channels > 1 else ""
        return f"user {self.username}, {self.codec} + {sound}, {streams}{several}"

    def _describe_stream(self, kind: StreamKind) -> str:
        clip = self.clip(kind)
        return f"{kind} {clip.width}x{clip.height}@{self.frame_rate_of(kind)}"


def kind_of(wire_name: str | None) -> StreamKind | None:
    """Return the stream that a client calls so, or None."""
    for kind, stream_type in STREAM_TYPES.items():
        if stream_type.wire_name == wire_name:
            return kind
    return None


@lru_cache(maxsize=16)
def _main_clip(
    codec: VideoCodec,
    frame_rate: int | None,
    gop: int | None,
    bitrate_kbps: int | None,
    size: tuple[int, int] | None,
) -> Clip:
    """Cameras of the same kind share one clip."""
    bundled = clips.load(codec, StreamKind.MAIN)
    if (gop, bitrate_kbps, size) == (None, None, None):
        return bundled
    if size is None:
        return clips.choose(
            codec, StreamKind.MAIN, fps=frame_rate, gop=gop, bitrate_kbps=bitrate_kbps
        )
    rate = frame_rate or bundled.frame_rate
    pixels = size[0] * size[1] / (bundled.width * bundled.height)
    return clips.generate(
        codec,
        *size,
        fps=rate,
        gop=gop or 2 * rate,
        bitrate_kbps=bitrate_kbps or max(16, round(bundled.bitrate_kbps * pixels)),
    )
