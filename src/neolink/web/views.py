"""Readings and health as the JSON of the API: values in, dictionaries out. Pure.

``openapi.json`` describes every shape. Times are ISO 8601 in UTC, ages and durations seconds. What
a caller may not see must be left out before.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from neolink.health.values import BridgeHealth, CameraHealth, Health, HealthState
from neolink.media.tracks import AudioTrack, StreamKind, VideoTrack
from neolink.readings import (
    BridgeReading,
    CameraReading,
    PlayerReading,
    ProcessReading,
    StreamReading,
    StreamSample,
)
from neolink.web.view import LogLine

__all__ = [
    "JsonObject",
    "RtspAddress",
    "camera_view",
    "health_view",
    "iso",
    "line_view",
    "player_view",
    "players_of",
    "process_view",
    "samples_view",
    "visible_health",
    "without_other_cameras",
]

JsonObject = dict[str, object]


@dataclass(frozen=True, slots=True)
class RtspAddress:
    """Where players connect, as the one who asks would write it."""

    host: str
    """IPv6 in brackets."""
    port: int
    has_tls: bool = False

    @property
    def base(self) -> str:
        """What every URL begins with, without a slash at its end."""
        return f"{'rtsps' if self.has_tls else 'rtsp'}://{self.host}:{self.port}"

    def path(self, camera: str, kind: StreamKind) -> str:
        """Return the path of a stream, quoted as in a URL."""
        return f"/{quote(camera, safe='')}/{kind}"

    def url(self, camera: str, kind: StreamKind) -> str:
        """Return the URL of a stream, without credentials."""
        return f"{self.base}{self.path(camera, kind)}"

    def adaptive_url(self, camera: str) -> str:
        """Return the URL at which a player is sent the stream that it can follow."""
        return f"{self.base}/{quote(camera, safe='')}/auto"


def iso(unix_s: float) -> str:
    """Write a time: ``2023-11-14T22:13:20.000Z``."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


# ---------------------------------------------------------------- health
def health_view(health: BridgeHealth, reading: BridgeReading) -> JsonObject:
    """Return how everything is, for ``/health``."""
    ages = {
        (stream.camera, stream.kind): stream.last_picture_age_s
        for camera in reading.cameras
        for stream in camera.streams
    }
    return {
        "state": health.state,
        "reasons": list(health.reasons),
        "cameras": [
            {
                "name": camera.name,
                **_health(camera.health),
                "streams": [
                    {
                        "kind": kind,
                        **_health(stream),
                        "last_picture_age_s": _seconds(ages.get((camera.name, kind))),
                    }
                    for kind, stream in camera.streams.items()
                ],
            }
            for camera in health.cameras
        ],
    }


def visible_health(health: BridgeHealth, names: Iterable[str]) -> BridgeHealth:
    """Return the health of some cameras alone; nothing tells that there are others."""
    seen = frozenset(names)
    cameras = tuple(camera for camera in health.cameras if camera.name in seen)
    ill = [camera for camera in cameras if camera.health.state.severity >= _WORTH_TELLING]
    worst = max((camera.health.state for camera in ill), key=_severity, default=HealthState.OK)
    reasons = tuple(f"{one.name}: {next(iter(one.health.reasons), '')}" for one in ill)
    return BridgeHealth(worst, reasons, cameras)


def _severity(state: HealthState) -> int:
    return state.severity


_WORTH_TELLING = HealthState.DEGRADED.severity


def _health(health: Health) -> JsonObject:
    return {
        "state": health.state,
        "reasons": list(health.reasons),
        "since": iso(health.since_unix_s),
        "doing": health.doing,
    }


# ---------------------------------------------------------------- cameras
def camera_view(
    camera: CameraReading,
    health: CameraHealth,
    last_event: LogLine | None,
    *,
    rtsp: RtspAddress,
    unix_s: float,
) -> JsonObject:
    """Return one camera with its streams. ``unix_s`` is when it was read."""
    return {
        "name": camera.name,
        "health": _health(health.health),
        "connection": {
            "state": camera.state,
            "since": iso(unix_s - camera.state_for_s),
            "address": camera.address,
            "connects": camera.connects,
            "reconnects": dict(camera.reconnects),
            "last_error": camera.last_error,
            "last_error_age_s": _seconds(camera.last_error_age_s),
            "next_attempt_in_s": _seconds(camera.next_attempt_in_s),
        },
        "model": camera.model,
        "firmware": camera.firmware,
        "motion": camera.has_motion,
        "battery_percent": camera.battery_percent,
        "awake_s": _seconds(camera.awake_s),
        "last_event": _event(last_event),
        "rtsp_auto_url": rtsp.adaptive_url(camera.name) if _is_adaptable(camera) else None,
        "streams": [
            _stream(stream, health.streams.get(stream.kind, health.health), rtsp)
            for stream in camera.streams
        ],
    }


def _is_adaptable(camera: CameraReading) -> bool:
    """Whether there are two streams of one codec, as far as that is known."""
    shown = [
        stream.presentation.video.codec
        for stream in camera.streams
        if stream.kind is not StreamKind.EXTERN
        and stream.presentation
        and stream.presentation.video
    ]
    return len(shown) == 2 and shown[0] is shown[1]


def _event(line: LogLine | None) -> JsonObject | None:
    if line is None:
        return None
    return {"at": iso(line.unix_s), "level": line.level, "text": line.text}


def _stream(stream: StreamReading, health: Health, rtsp: RtspAddress) -> JsonObject:
    presentation = stream.presentation
    return {
        "kind": stream.kind,
        "state": stream.state,
        "health": _health(health),
        "video": _video(presentation.video if presentation else None),
        "audio": _audio(presentation.audio if presentation else None),
        "fps": _number(stream.fps),
        "nominal_fps": _number(stream.nominal_fps),
        "bitrate_bps": _number(stream.bitrate_bps, 0),
        "nominal_bitrate_bps": _number(stream.nominal_bitrate_bps, 0),
        "gop_s": _seconds(stream.gop_s),
        "last_picture_age_s": _seconds(stream.last_picture_age_s),
        "av_drift_s": _seconds(stream.av_drift_s),
        "players": len(stream.players),
        "rtsp_path": rtsp.path(stream.camera, stream.kind),
        "rtsp_url": rtsp.url(stream.camera, stream.kind),
        "counters": {
            "pictures": stream.pictures,
            "key_frames": stream.key_frames,
            "audio_frames": stream.audio_frames,
            "received_bytes": stream.received_bytes,
            "starts": stream.starts,
            "stalls": stream.stalls,
            "damages": stream.damages,
            "stand_ins": stream.stand_ins,
            "dropped": dict(stream.dropped),
        },
    }


def _video(track: VideoTrack | None) -> JsonObject | None:
    if track is None:
        return None
    return {
        "codec": track.codec,
        "width": track.width,
        "height": track.height,
        "profile": track.profile,
    }


def _audio(track: AudioTrack | None) -> JsonObject | None:
    return {"codec": track.codec, "clock_rate": track.clock_rate} if track else None


def samples_view(samples: Sequence[StreamSample]) -> JsonObject:
    """Return the recent past of a stream."""
    return {
        "samples": [
            {
                "at": iso(sample.unix_s),
                "fps": _number(sample.fps),
                "bitrate_bps": _number(sample.bitrate_bps, 0),
                "queued_bytes": sample.queued_bytes,
                "worst_gap_s": _seconds(sample.worst_gap_s),
            }
            for sample in samples
        ]
    }


def line_view(line: LogLine) -> JsonObject:
    """Return one log line."""
    return {
        "at": iso(line.unix_s),
        "level": line.level,
        "logger": line.logger,
        "text": line.text,
        "stream": line.stream,
        "client": line.client,
        "phase": line.phase,
    }


# ---------------------------------------------------------------- players, process
def players_of(reading: BridgeReading) -> list[PlayerReading]:
    """Return all players in the order they came."""
    players = [
        player
        for camera in reading.cameras
        for stream in camera.streams
        for player in stream.players
    ]
    return sorted(players, key=lambda player: player.number)


def player_view(player: PlayerReading) -> JsonObject:
    """Return one player."""
    return {
        "number": player.number,
        "camera": player.camera,
        "kind": player.kind,
        "path": player.path,
        "transport": player.transport,
        "address": player.address,
        "user": player.user,
        "agent": player.agent,
        "is_playing": player.is_playing,
        "connected_for_s": _seconds(player.connected_for_s),
        "bytes_sent": player.bytes_sent,
        "units_dropped": player.units_dropped,
        "drop_episodes": player.drop_episodes,
        "queued_units": player.queued_units,
        "queued_bytes": player.queued_bytes,
        "queue_delay_s": _seconds(player.queue_delay_s),
        "loss": _number(player.loss, 4),
        "jitter_s": _number(player.jitter_s, 6),
        "lost_packets": player.lost_packets,
        "round_trip_s": _number(player.round_trip_s, 6),
        "pictures_lost": player.pictures_lost,
        "is_adaptive": player.is_adaptive,
        "moves_down": player.moves_down,
        "moves_up": player.moves_up,
    }


def process_view(process: ProcessReading) -> JsonObject:
    """Return the process."""
    pool = process.pool
    return {
        "version": process.version,
        "uptime_s": _seconds(process.uptime_s),
        "is_ready": process.is_ready,
        "cpu_s": _seconds(process.cpu_s),
        "rss_bytes": process.rss_bytes,
        "open_descriptors": process.open_descriptors,
        "max_descriptors": process.max_descriptors,
        "threads": process.threads,
        "tasks": process.tasks,
        "loop_lag_s": _number(process.loop_lag_s, 6),
        "queued_bytes": process.queued_bytes,
        "max_queued_bytes": process.max_queued_bytes,
        "connections": process.connections,
        "refused": dict(process.refused),
        "restarts": dict(process.restarts),
        "pool": {
            "held_bytes": pool.held_bytes,
            "leased_bytes": pool.leased_bytes,
            "hits": pool.hits,
            "misses": pool.misses,
            "exhausted": pool.exhausted,
        },
    }


_CAMERA_PART = "camera "
"""How the name of a camera's part begins, in ``ProcessReading.restarts``."""


def without_other_cameras(process: ProcessReading, names: Iterable[str]) -> ProcessReading:
    """Leave out what names cameras other than these; what is not of one camera stays."""
    seen = {_CAMERA_PART + name for name in names}
    restarts = {
        part: count
        for part, count in process.restarts.items()
        if part in seen or not part.startswith(_CAMERA_PART)
    }
    return replace(process, restarts=restarts)


# ---------------------------------------------------------------- numbers
def _seconds(value: float | None) -> float | None:
    return _number(value, 3)


def _number(value: float | None, digits: int = 2) -> float | None:
    """Round what nobody reads more closely; JSON knows no infinity."""
    if value is None or not math.isfinite(value):
        return None
    return round(value, digits)
