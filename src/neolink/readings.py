"""What the bridge is doing at one instant, as values that may be kept and shown.

``observe`` makes them from the running parts; ``metrics``, ``health`` and ``web`` read them and
nothing else. Counters only grow while the process lives. No secret, no UID and no RTSP session id
(knowing one is enough to end the session) is in any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from neolink.camera.status import CameraState
from neolink.errors import LoginRefusal
from neolink.hub.demand import DemandState
from neolink.media.tracks import Presentation, StreamKind

__all__ = [
    "BridgeReading",
    "CameraReading",
    "Histogram",
    "PlayerReading",
    "PoolReading",
    "ProcessReading",
    "StreamReading",
    "StreamSample",
    "TalkReading",
    "Transport",
]


class Transport(StrEnum):
    """How a player is sent its media."""

    TCP = "tcp"
    """RTP interleaved with RTSP."""
    UDP = "udp"
    MIXED = "mixed"
    """One track by TCP, another by UDP."""
    MULTICAST = "multicast"
    """To a group, together with others: what is sent is not counted for one of them."""
    WEBSOCKET = "websocket"
    """Fragmented MP4 to a browser."""
    HLS = "hls"


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often a value fell between bounds."""

    bounds: tuple[float, ...]
    """Upper bounds, inclusive, rising; one more bucket is above the last."""
    counts: tuple[int, ...]
    """By bucket, not cumulated; one longer than ``bounds``."""
    total: float
    """Sum of all values."""

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayerReading:
    """Somebody who watches a stream, by RTSP or in a browser."""

    number: int
    """Of this process, counted from 1; what a kick names."""
    camera: str
    kind: StreamKind
    """The stream that it is sent now."""
    path: str
    """What it asked for, without query: ``/porch/main``."""
    transport: Transport
    address: str
    """``192.0.2.7:51000``."""
    user: str | None
    agent: str
    """As the player names itself; cut, printable, maybe empty."""
    is_playing: bool
    connected_for_s: float
    bytes_sent: int
    units_dropped: int
    drop_episodes: int
    """How often it began to lose units."""
    queued_units: int
    queued_bytes: int
    queue_delay_s: float
    """Media time that waits for it."""
    loss: float | None = None
    """Share of packets lost, as it last reported (0 to 1); None: it reported nothing."""
    lost_packets: int | None = None
    jitter_s: float | None = None
    round_trip_s: float | None = None
    """Of RTCP, as last measured; None: the player answers no reports."""
    pictures_lost: int = 0
    """How often it asked for a key frame because it could not decode."""
    is_adaptive: bool = False
    """Whether it may be moved between main and sub stream."""
    moves_down: int = 0
    moves_up: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReading:
    """One stream of one camera. Rates are over the last ten seconds."""

    camera: str
    kind: StreamKind
    state: DemandState
    state_for_s: float
    presentation: Presentation | None
    nominal_fps: float | None
    fps: float
    """Pictures of the camera per second."""
    bitrate_bps: float
    nominal_bitrate_bps: float | None = None
    """Bits per second that the camera is set to; None while it did not tell."""
    pictures: int
    audio_frames: int
    key_frames: int
    received_bytes: int
    last_picture_age_s: float | None
    last_key_frame_age_s: float | None
    gop_s: float | None
    """Usual time between key frames."""
    frame_gaps: Histogram
    """Seconds between pictures while they flow."""
    av_drift_s: float | None
    """Sound minus picture, against where both should be; None without sound."""
    dropped: Mapping[str, int]
    """Units that did not reach every player, by reason: ``slow_player``, ``damaged``,
    ``duplicate``, ``no_key_frame``, ``codec`` (sound that was not converted)."""
    starts: int
    stalls: int
    """How often it fell silent and was started again."""
    damages: int
    stand_ins: int
    silent_frames: int = 0
    """Frames of silence sent to players in place of sound that the camera stopped, or that could
    not be converted."""
    conversions_failed: int = 0
    """How often the conversion of its sound for some players had to be given up."""
    documents: int = 0
    """Metadata documents, each counted once for all its readers."""
    changes_dropped: int = 0
    """Events that were not told, because too many came at once."""
    sink_failures: int
    setup_times: Histogram
    """Seconds from the request of a stream to its first picture."""
    cached_bytes: int
    players: tuple[PlayerReading, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkReading:
    """What was said to one camera."""

    packets: Mapping[str, int]
    """What became of packets that players sent: ``heard``, ``interrupted``, ``unheard``, ..."""
    talks: int
    """Talks that the camera agreed to."""
    failures: int
    """Talks that it refused, or that broke."""
    blocks_sent: int
    blocks_dropped: int
    """Not sent, because the network was behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraReading:
    """One configured camera, or one channel of an NVR."""

    name: str
    channel_id: int
    address: str | None
    """``192.0.2.7:9000``; None for one that is found by UID."""
    is_enabled: bool
    is_battery: bool = False
    state: CameraState
    state_for_s: float
    refusal: LoginRefusal | None
    last_error: str
    last_error_age_s: float | None
    next_attempt_in_s: float | None
    """While it waits: seconds until the next attempt to connect."""
    failures: int
    connects: int
    reconnects: Mapping[str, int]
    """Connections that were lost, by cause."""
    errors: Mapping[str, int]
    """Failures by phase: ``connect``, ``login``, ``stream``, ``keep_alive``, ``media``."""
    awake_s: float
    """How long it was connected, in all."""
    missed_pings: int = 0
    """While connected: how many questions in a row it left unanswered, and sent nothing else."""
    battery_percent: int | None
    has_motion: bool | None
    moves: Mapping[str, int] = field(default_factory=dict)
    """Moves of its players between main and sub stream: ``down`` and ``up`` again."""
    talk: TalkReading | None = None
    """None: nobody can talk to it from here."""
    model: str
    firmware: str
    streams: tuple[StreamReading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolReading:
    """The receive buffers."""

    held_bytes: int
    leased_bytes: int
    hits: int
    misses: int
    exhausted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessReading:
    """The bridge as a process."""

    version: str
    uptime_s: float
    began_unix_s: float
    """Stays the same, unless the host's clock is set."""
    cpu_s: float
    rss_bytes: int
    open_descriptors: int
    max_descriptors: int
    """0: no limit, or not known."""
    threads: int
    tasks: int
    loop_lag_s: float
    """How late the loop was at worst in the last ten seconds."""
    loop_lags: Histogram
    pool: PoolReading
    queued_bytes: int
    """What waits for all players together."""
    max_queued_bytes: int
    """0: no limit."""
    connections: int
    """Open RTSP connections."""
    refused: Mapping[str, int]
    """What was turned away, by reason: ``max_clients``, ``max_connections_per_ip``, ..."""
    rtsp_events: Mapping[str, int] = field(default_factory=dict)
    """What is worth counting of the RTSP server and belongs to no player: ``udp_stranger``, ..."""
    restarts: Mapping[str, int]
    """Parts that failed by a fault of ours and were started again."""
    is_ready: bool
    """Whether players can connect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeReading:
    """Everything, at one instant."""

    monotonic_s: float
    unix_s: float
    process: ProcessReading
    cameras: tuple[CameraReading, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StreamSample:
    """A point of a stream's recent past, for graphs."""

    unix_s: float
    fps: float
    bitrate_bps: float
    queued_bytes: int
    worst_gap_s: float
    """The longest silence between pictures since the sample before."""
