"""Every metric: its name, type, meaning and labels, and where its value comes from. One table.

``docs/metrics.md`` is made from it. Units are Prometheus' base units (seconds, bytes, ratios of 1);
counters end in ``_total``. A label has few values, none of them a secret, a UID or an address.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from neolink.camera.status import CameraState
from neolink.hub.demand import DemandState
from neolink.metrics.model import Metric, MetricType, Scope, Value
from neolink.readings import BridgeReading, CameraReading, Histogram, PlayerReading, StreamReading

__all__ = ["CAMERAS", "CATALOGUE", "HEALTH", "HEALTH_STATES", "PLAYERS", "PROCESS", "STREAMS"]

HEALTH_STATES: Final = ("ok", "degraded", "offline", "asleep", "auth_failed", "disabled")

S = TypeVar("S")


def _counter(name: str, text: str, read: Callable[[S], Value], label: str = "") -> Metric[S]:
    return Metric(name, MetricType.COUNTER, text, read, (label,) if label else ())


def _gauge(name: str, text: str, read: Callable[[S], Value], *labels: str) -> Metric[S]:
    return Metric(name, MetricType.GAUGE, text, read, labels)


def _histogram(name: str, text: str, read: Callable[[S], Histogram]) -> Metric[S]:
    return Metric(name, MetricType.HISTOGRAM, text, read)


_RESTING: Final = (DemandState.IDLE, DemandState.PAUSED)


def _description(stream: StreamReading) -> tuple[str, ...] | None:
    if stream.presentation is None:
        return None
    video, audio = stream.presentation.video, stream.presentation.audio
    return (
        video.codec.value if video else "",
        str(video.width) if video else "",
        str(video.height) if video else "",
        audio.codec.value if audio else "",
    )


# ---------------------------------------------------------------- the process
PROCESS: Final[tuple[Metric[BridgeReading], ...]] = (
    _gauge(
        "neolink_build_info",
        "Always 1; the label is the version that runs.",
        lambda at: (at.process.version,),
        "version",
    ),
    _gauge(
        "neolink_ready",
        "1 while players can connect.",
        lambda at: at.process.is_ready,
    ),
    _gauge(
        "process_start_time_seconds",
        "Unix time at which the process began; it follows when the clock of the host is set.",
        lambda at: round(at.process.began_unix_s, 3),
    ),
    _counter(
        "process_cpu_seconds_total",
        "Processor time that the process used.",
        lambda at: at.process.cpu_s,
    ),
    _gauge(
        "process_resident_memory_bytes",
        "Memory of the process that is in use.",
        lambda at: at.process.rss_bytes,
    ),
    _gauge(
        "process_open_fds",
        "File descriptors that are open: sockets, files and the like.",
        lambda at: at.process.open_descriptors,
    ),
    _gauge(
        "process_max_fds",
        "File descriptors that may be open; absent without a limit.",
        lambda at: at.process.max_descriptors or None,
    ),
    _gauge(
        "neolink_threads",
        "Threads of the process.",
        lambda at: at.process.threads,
    ),
    _gauge(
        "neolink_tasks",
        "Tasks of the event loop.",
        lambda at: at.process.tasks,
    ),
    _gauge(
        "neolink_loop_lag_seconds",
        "How late the event loop was at worst in the last ten seconds.",
        lambda at: at.process.loop_lag_s,
    ),
    _histogram(
        "neolink_loop_lag_distribution_seconds",
        "How late the event loop was, each time it was looked at.",
        lambda at: at.process.loop_lags,
    ),
    _gauge(
        "neolink_pool_bytes",
        "Receive buffers that the process holds, by whether they are in use or idle.",
        lambda at: {
            "leased": at.process.pool.leased_bytes,
            "idle": at.process.pool.held_bytes - at.process.pool.leased_bytes,
        },
        "state",
    ),
    _counter(
        "neolink_pool_requests_total",
        "Requests for a receive buffer: met by an idle one (hit), by a new one (miss), "
        "or refused (exhausted).",
        lambda at: {
            "hit": at.process.pool.hits,
            "miss": at.process.pool.misses,
            "exhausted": at.process.pool.exhausted,
        },
        "result",
    ),
    _gauge(
        "neolink_queue_bytes",
        "What waits for all players together.",
        lambda at: at.process.queued_bytes,
    ),
    _gauge(
        "neolink_queue_limit_bytes",
        "What may wait for all players together; absent without a limit.",
        lambda at: at.process.max_queued_bytes or None,
    ),
    _gauge(
        "neolink_connections",
        "Open RTSP connections, also those that play nothing.",
        lambda at: at.process.connections,
    ),
    _counter(
        "neolink_refused_total",
        "Connections and players that were turned away, by the limit that was reached.",
        lambda at: at.process.refused,
        "reason",
    ),
    _counter(
        "neolink_rtsp_events_total",
        "What happened at the RTSP ports and belongs to no player: one came by WebSocket, half a "
        "tunnel was given up (expired, evicted), a datagram of nobody came (udp_stranger), a NAT "
        "was followed (udp_punched), UDP could not be sent (udp_unsent), a report could not be "
        "read (rtcp_malformed).",
        lambda at: at.process.rtsp_events,
        "event",
    ),
    _counter(
        "neolink_restarts_total",
        "Parts of the bridge that failed by a fault of its own and were started again.",
        lambda at: at.process.restarts,
        "part",
    ),
)

# ---------------------------------------------------------------- cameras
CAMERAS: Final[tuple[Metric[CameraReading], ...]] = (
    _gauge(
        "neolink_camera_info",
        "Always 1; the labels say what the camera tells of itself.",
        lambda camera: (camera.model[:64], camera.firmware[:64]),
        "model",
        "firmware",
    ),
    _gauge(
        "neolink_camera_enabled",
        "1 if the configuration wants this camera.",
        lambda camera: camera.is_enabled,
    ),
    _gauge(
        "neolink_camera_connected",
        "1 while the bridge is logged in to the camera.",
        lambda camera: camera.state is CameraState.CONNECTED,
    ),
    _gauge(
        "neolink_camera_state",
        "1 for the state that the login is in, 0 for the others.",
        lambda camera: {state.value: camera.state is state for state in CameraState},
        "state",
    ),
    _gauge(
        "neolink_camera_state_age_seconds",
        "How long the login has been in its state.",
        lambda camera: camera.state_for_s,
    ),
    _gauge(
        "neolink_camera_login_refused",
        "1 while the camera refuses the login; the label says why.",
        lambda camera: {camera.refusal.name.lower(): 1} if camera.refusal else None,
        "reason",
    ),
    _gauge(
        "neolink_camera_retry_seconds",
        "Until the next attempt to connect; absent while none is planned.",
        lambda camera: camera.next_attempt_in_s,
    ),
    _gauge(
        "neolink_camera_last_error_age_seconds",
        "How long ago the last failure was; absent if there was none.",
        lambda camera: camera.last_error_age_s,
    ),
    _counter(
        "neolink_camera_failures_total",
        "Failures of the connection or the login, of any kind.",
        lambda camera: camera.failures,
    ),
    _counter(
        "neolink_camera_connects_total",
        "Successful logins.",
        lambda camera: camera.connects,
    ),
    _counter(
        "neolink_reconnects_total",
        "Connections that were lost, by cause.",
        lambda camera: camera.reconnects,
        "cause",
    ),
    _counter(
        "neolink_errors_total",
        "Failures, by what the bridge was about: connect, login, stream, keep_alive, media.",
        lambda camera: camera.errors,
        "phase",
    ),
    _counter(
        "neolink_awake_seconds_total",
        "How long the camera was kept connected, in all; what a battery pays for.",
        lambda camera: camera.awake_s,
    ),
    _gauge(
        "neolink_battery_percent",
        "Charge of the battery; absent without one.",
        lambda camera: camera.battery_percent,
    ),
    _gauge(
        "neolink_camera_motion",
        "1 while the camera reports motion; absent while it is not known.",
        lambda camera: camera.has_motion,
    ),
    _counter(
        "neolink_talk_packets_total",
        "What became of the packets that players sent to be played by the camera.",
        lambda camera: camera.talk.packets if camera.talk else None,
        "result",
    ),
    _counter(
        "neolink_talks_total",
        "Talks that the camera agreed to (begun), and that it refused or that broke (failed).",
        lambda camera: (
            {"begun": camera.talk.talks, "failed": camera.talk.failures} if camera.talk else None
        ),
        "result",
    ),
    _counter(
        "neolink_talk_blocks_total",
        "Blocks of speech sent to the camera, or dropped because the network was behind.",
        lambda camera: (
            {"sent": camera.talk.blocks_sent, "dropped": camera.talk.blocks_dropped}
            if camera.talk
            else None
        ),
        "result",
    ),
    _counter(
        "neolink_moves_total",
        "Moves of players between main and sub stream: down, because one did not keep up, "
        "or up again.",
        lambda camera: camera.moves,
        "direction",
    ),
)

HEALTH: Final[tuple[Metric[str], ...]] = (
    _gauge(
        "neolink_camera_health",
        "1 for the health of the camera as /health tells it, 0 for the others.",
        lambda state: {one: one == state for one in (*HEALTH_STATES, state)},
        "state",
    ),
)

# ---------------------------------------------------------------- streams
STREAMS: Final[tuple[Metric[StreamReading], ...]] = (
    _gauge(
        "neolink_stream_info",
        "Always 1; the labels say what the stream consists of. Absent until it is known.",
        _description,
        "codec",
        "width",
        "height",
        "audio",
    ),
    _gauge(
        "neolink_stream_active",
        "1 while the camera is asked to send this stream.",
        lambda stream: stream.state not in _RESTING,
    ),
    _gauge(
        "neolink_stream_state",
        "1 for the state of the stream, 0 for the others.",
        lambda stream: {state.value: stream.state is state for state in DemandState},
        "state",
    ),
    _gauge(
        "neolink_clients",
        "Players that are connected to this stream, over RTSP or in a browser.",
        lambda stream: len(stream.players),
    ),
    _gauge(
        "neolink_stream_fps",
        "Pictures per second that the camera sent in the last ten seconds.",
        lambda stream: stream.fps,
    ),
    _gauge(
        "neolink_stream_nominal_fps",
        "Pictures per second that the camera is set to; absent while not known.",
        lambda stream: stream.nominal_fps,
    ),
    _gauge(
        "neolink_stream_bytes_per_second",
        "What the camera sent in the last ten seconds; times 8 it is the bit rate.",
        lambda stream: stream.bitrate_bps / 8,
    ),
    _gauge(
        "neolink_stream_nominal_bytes_per_second",
        "What the camera is set to send; absent while not known.",
        lambda stream: (
            None if stream.nominal_bitrate_bps is None else stream.nominal_bitrate_bps / 8
        ),
    ),
    _counter(
        "neolink_frames_total",
        "Pictures and audio frames that the camera sent.",
        lambda stream: {"video": stream.pictures, "audio": stream.audio_frames},
        "media",
    ),
    _counter(
        "neolink_key_frames_total",
        "Pictures at which a player can begin.",
        lambda stream: stream.key_frames,
    ),
    _counter(
        "neolink_bytes_total",
        "Bytes of pictures and sound that the camera sent.",
        lambda stream: stream.received_bytes,
    ),
    _gauge(
        "neolink_stream_last_frame_age_seconds",
        "How long ago the last picture came; absent before the first.",
        lambda stream: stream.last_picture_age_s,
    ),
    _gauge(
        "neolink_stream_last_key_frame_age_seconds",
        "How long ago the last key frame came; absent before the first.",
        lambda stream: stream.last_key_frame_age_s,
    ),
    _gauge(
        "neolink_stream_gop_seconds",
        "Usual time between key frames; absent while not known.",
        lambda stream: stream.gop_s,
    ),
    _histogram(
        "neolink_frame_gap_seconds",
        "Time between pictures while they flow.",
        lambda stream: stream.frame_gaps,
    ),
    _gauge(
        "neolink_av_drift_seconds",
        "Sound minus picture, against where both should be; absent without sound.",
        lambda stream: stream.av_drift_s,
    ),
    _counter(
        "neolink_frames_dropped_total",
        "Pictures and audio frames that did not reach every player, by reason.",
        lambda stream: stream.dropped,
        "reason",
    ),
    _counter(
        "neolink_stream_starts_total",
        "How often the camera was asked to send this stream, and did.",
        lambda stream: stream.starts,
    ),
    _counter(
        "neolink_stream_stalls_total",
        "How often the stream fell silent and was started again.",
        lambda stream: stream.stalls,
    ),
    _counter(
        "neolink_stream_damages_total",
        "Damage in what the camera sent that was skipped.",
        lambda stream: stream.damages,
    ),
    _counter(
        "neolink_stream_stand_ins_total",
        "Pictures shown in place of a camera that is away or rests.",
        lambda stream: stream.stand_ins,
    ),
    _counter(
        "neolink_stream_silent_frames_total",
        "Frames of silence sent to RTSP players in place of sound that the camera stopped, "
        "or that could not be converted.",
        lambda stream: stream.silent_frames,
    ),
    _counter(
        "neolink_stream_conversion_failures_total",
        "How often the conversion of sound for some players was given up; the log says why.",
        lambda stream: stream.conversions_failed,
    ),
    _counter(
        "neolink_stream_metadata_documents_total",
        "Metadata documents sent, each counted once for all its readers.",
        lambda stream: stream.documents,
    ),
    _counter(
        "neolink_stream_metadata_changes_dropped_total",
        "Events that readers of metadata were not told, because too many came at once.",
        lambda stream: stream.changes_dropped,
    ),
    _counter(
        "neolink_stream_sink_failures_total",
        "Faults of the bridge with one reader of the stream or its events, kept from the others.",
        lambda stream: stream.sink_failures,
    ),
    _histogram(
        "neolink_setup_seconds",
        "From the request of the stream to its first picture.",
        lambda stream: stream.setup_times,
    ),
    _gauge(
        "neolink_buffer_bytes",
        "Pictures and sound in memory: the latest group of pictures (cache), "
        "and what waits for players (players).",
        lambda stream: {
            "cache": stream.cached_bytes,
            "players": sum(player.queued_bytes for player in stream.players),
        },
        "place",
    ),
)

# ---------------------------------------------------------------- players
PLAYERS: Final[tuple[Metric[PlayerReading], ...]] = (
    _gauge(
        "neolink_player_playing",
        "1 while the player plays, 0 while it is connected without playing.",
        lambda player: player.is_playing,
    ),
    _gauge(
        "neolink_player_connected_seconds",
        "How long the player has been connected.",
        lambda player: player.connected_for_s,
    ),
    _counter(
        "neolink_player_sent_bytes_total",
        "What was sent to the player.",
        lambda player: player.bytes_sent,
    ),
    _counter(
        "neolink_player_frames_dropped_total",
        "Pictures and audio frames that were not sent because the player did not keep up.",
        lambda player: player.units_dropped,
    ),
    _counter(
        "neolink_player_drop_episodes_total",
        "How often the player began to lose pictures.",
        lambda player: player.drop_episodes,
    ),
    _gauge(
        "neolink_player_queue_frames",
        "Pictures and audio frames that wait for the player.",
        lambda player: player.queued_units,
    ),
    _gauge(
        "neolink_player_queue_bytes",
        "Bytes that wait for the player.",
        lambda player: player.queued_bytes,
    ),
    _gauge(
        "neolink_player_queue_delay_seconds",
        "Media time that waits for the player: how far it is behind.",
        lambda player: player.queue_delay_s,
    ),
    _gauge(
        "neolink_player_loss_ratio",
        "Share of packets that were lost, as the player last reported; absent if it does not.",
        lambda player: player.loss,
    ),
    _gauge(
        "neolink_player_lost_packets",
        "Packets that were lost in all, as the player last reported; packets that come twice "
        "let it sink.",
        lambda player: player.lost_packets,
    ),
    _gauge(
        "neolink_player_jitter_seconds",
        "How unevenly packets reach the player, as it last reported.",
        lambda player: player.jitter_s,
    ),
    _gauge(
        "neolink_player_round_trip_seconds",
        "How long a report to the player and its answer take; absent if it does not answer.",
        lambda player: player.round_trip_s,
    ),
    _counter(
        "neolink_player_pictures_lost_total",
        "How often the player asked for a key frame because it could not decode.",
        lambda player: player.pictures_lost,
    ),
    _gauge(
        "neolink_player_adaptive",
        "1 if the player may be moved between main and sub stream.",
        lambda player: player.is_adaptive,
    ),
)

CATALOGUE: Final[tuple[tuple[Scope, tuple[Metric[Any], ...]], ...]] = (
    (Scope.PROCESS, PROCESS),
    (Scope.CAMERA, CAMERAS),
    (Scope.HEALTH, HEALTH),
    (Scope.STREAM, STREAMS),
    (Scope.PLAYER, PLAYERS),
)
"""All of them, by scope. ``Any``: each scope has subjects of its own type."""
