"""Readings made by hand: a healthy bridge of any size, and parts of it to change.

Every value is plausible, no two counters of a part are equal, and the same arguments give the same
reading. Change one part with ``dataclasses.replace``, or give a maker the fields that differ::

    reading = bridge_reading(cameras=2, players=8)
    ill = camera_reading("porch", state=CameraState.WAITING, last_error="connection refused")
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from neolink.camera.status import CameraState
from neolink.hub.demand import DemandState
from neolink.media.tracks import Presentation, StreamKind
from neolink.readings import (
    BridgeReading,
    CameraReading,
    Histogram,
    PlayerReading,
    PoolReading,
    ProcessReading,
    StreamReading,
    TalkReading,
    Transport,
)
from support.media import AAC, H264, H265

__all__ = [
    "AT_MONOTONIC_S",
    "AT_UNIX_S",
    "bridge_reading",
    "camera_reading",
    "histogram",
    "player_reading",
    "process_reading",
    "stream_reading",
]

AT_MONOTONIC_S: Final = 1000.0
AT_UNIX_S: Final = 1_700_000_000.0
"""When a reading was taken: what a ``ManualClock`` says at its start."""

GAP_BOUNDS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
SETUP_BOUNDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
LAG_BOUNDS: Final = (0.001, 0.005, 0.02, 0.1, 0.5, 1.0)

TRANSPORTS: Final = tuple(Transport)
KINDS: Final = (StreamKind.MAIN, StreamKind.SUB)


def histogram(
    bounds: tuple[float, ...] = GAP_BOUNDS, counts: Iterable[int] = (), total: float = 0.0
) -> Histogram:
    """Make a histogram; without ``counts``, an empty one."""
    filled = tuple(counts) or (0,) * (len(bounds) + 1)
    return Histogram(bounds=bounds, counts=filled, total=total)


def bridge_reading(
    cameras: int = 2,
    players: int = 4,
    *,
    kinds: tuple[StreamKind, ...] = KINDS,
    given: tuple[CameraReading, ...] = (),
    process: ProcessReading | None = None,
) -> BridgeReading:
    """Make a healthy bridge of the ``given`` cameras and then ``cam1``, ... up to ``cameras``.

    The players are spread evenly over the streams that are made here, with every transport.
    """
    named = [f"cam{number}" for number in range(1, cameras + 1 - len(given))]
    everybody = [
        _nth_player(number, named[number % len(named)], kinds[number // len(named) % len(kinds)])
        for number in range(players if named else 0)
    ]
    made = []
    for index, name in enumerate(named):
        streams = tuple(
            stream_reading(
                name,
                kind,
                players=tuple(one for one in everybody if (one.camera, one.kind) == (name, kind)),
            )
            for kind in kinds
        )
        address = f"192.0.2.{index % 250 + 1}:9000"
        made.append(camera_reading(name, address=address, streams=streams))
    return BridgeReading(
        monotonic_s=AT_MONOTONIC_S,
        unix_s=AT_UNIX_S,
        process=process or process_reading(connections=players),
        cameras=(*given, *made),
    )


def camera_reading(name: str = "porch", **changes: Any) -> CameraReading:
    """Make a connected camera with a live main stream and an idle sub stream, without players."""
    healthy = CameraReading(
        name=name,
        channel_id=0,
        address="192.0.2.7:9000",
        is_enabled=True,
        is_battery=False,
        state=CameraState.CONNECTED,
        state_for_s=3600.0,
        refusal=None,
        last_error="the connection was lost: no answer for 10 s",
        last_error_age_s=3605.0,
        next_attempt_in_s=None,
        failures=0,
        connects=4,
        reconnects={"timeout": 2, "closed_by_camera": 1},
        errors={"connect": 3, "login": 1, "stream": 0, "keep_alive": 2, "media": 5},
        awake_s=7200.0,
        battery_percent=None,
        has_motion=False,
        moves={"down": 6, "up": 5},
        talk=TalkReading(
            packets={"heard": 900, "late": 2},
            talks=3,
            failures=1,
            blocks_sent=280,
            blocks_dropped=4,
        ),
        model="RLC-810A",
        firmware="v3.1.0.956",
        streams=(
            stream_reading(name),
            stream_reading(name, StreamKind.SUB, state=DemandState.IDLE, fps=0.0, bitrate_bps=0.0),
        ),
    )
    return replace(healthy, **changes)


def stream_reading(
    camera: str = "porch", kind: StreamKind = StreamKind.MAIN, **changes: Any
) -> StreamReading:
    """Make a live stream at its nominal rate, without players."""
    is_main = kind is StreamKind.MAIN
    fps = 25.0 if is_main else 15.0
    gaps = (0, 89_000, 900, 90, 8, 1, 1, 0, 0)
    live = StreamReading(
        camera=camera,
        kind=kind,
        state=DemandState.LIVE,
        state_for_s=3600.0,
        presentation=Presentation(H265 if is_main else H264, AAC),
        nominal_fps=fps,
        fps=fps - 0.1,
        bitrate_bps=8_000_000.0 if is_main else 500_000.0,
        nominal_bitrate_bps=4_096_000.0,
        pictures=90_001,
        audio_frames=56_250,
        key_frames=1_800,
        received_bytes=3_600_000_000 if is_main else 225_000_000,
        last_picture_age_s=0.03,
        last_key_frame_age_s=1.2,
        gop_s=2.0,
        frame_gaps=histogram(GAP_BOUNDS, gaps, 3600.0),
        av_drift_s=0.012,
        dropped={"slow_player": 12, "damaged": 1, "duplicate": 3, "no_key_frame": 2},
        starts=6,
        stalls=1,
        damages=7,
        stand_ins=8,
        silent_frames=24,
        conversions_failed=1,
        documents=12,
        changes_dropped=5,
        sink_failures=0,
        setup_times=histogram(SETUP_BOUNDS, (0, 1, 3, 1, 0, 0, 0, 0), 2.6),
        cached_bytes=2_000_000,
        players=(),
    )
    return replace(live, **changes)


def player_reading(
    number: int = 1,
    camera: str = "porch",
    kind: StreamKind = StreamKind.MAIN,
    **changes: Any,
) -> PlayerReading:
    """Make a player over TCP that keeps up."""
    playing = PlayerReading(
        number=number,
        camera=camera,
        kind=kind,
        path=f"/{camera}/{kind}",
        transport=Transport.TCP,
        address="192.0.2.200:51000",
        user="me",
        agent="VLC/3.0.18",
        is_playing=True,
        connected_for_s=120.0,
        bytes_sent=120_000_000,
        units_dropped=0,
        drop_episodes=0,
        queued_units=0,
        queued_bytes=0,
        queue_delay_s=0.0,
    )
    return replace(playing, **changes)


def process_reading(**changes: Any) -> ProcessReading:
    """Make a bridge that runs for two hours and is at ease."""
    at_ease = ProcessReading(
        version="0.1.0",
        uptime_s=7200.0,
        began_unix_s=AT_UNIX_S - 7200.0,
        cpu_s=310.5,
        rss_bytes=64_000_000,
        open_descriptors=42,
        max_descriptors=1024,
        threads=2,
        tasks=31,
        loop_lag_s=0.004,
        loop_lags=histogram(LAG_BOUNDS, (70_000, 1_900, 90, 9, 0, 0, 0), 40.0),
        pool=PoolReading(
            held_bytes=524_288, leased_bytes=262_144, hits=1_000_000, misses=2, exhausted=0
        ),
        queued_bytes=1_500_000,
        max_queued_bytes=256 << 20,
        connections=4,
        refused={"max_clients": 3, "max_connections_per_ip": 1},
        rtsp_events={"websocket": 1, "udp_stranger": 7},
        restarts={"rtsp": 0},
        is_ready=True,
    )
    return replace(at_ease, **changes)


def _nth_player(number: int, camera: str, kind: StreamKind) -> PlayerReading:
    transport = TRANSPORTS[number % len(TRANSPORTS)]
    reports = transport in {Transport.UDP, Transport.MIXED}
    lags = number % 7 == 6
    return player_reading(
        number + 1,
        camera,
        kind,
        transport=transport,
        address=f"198.51.100.{number % 250 + 1}:{50_000 + number % 10_000}",
        connected_for_s=60.0 + number,
        bytes_sent=1_000_000 * (number + 1),
        units_dropped=number % 5,
        drop_episodes=number % 3,
        queued_units=12 if lags else 0,
        queued_bytes=400_000 if lags else 0,
        queue_delay_s=0.48 if lags else 0.0,
        loss=0.01 if reports else None,
        lost_packets=17 if reports else None,
        jitter_s=0.004 if reports else None,
        round_trip_s=0.03 if reports else None,
        pictures_lost=number % 3 if reports else 0,
        is_adaptive=number % 4 == 0,
        moves_down=number % 2,
        moves_up=number % 2,
    )
