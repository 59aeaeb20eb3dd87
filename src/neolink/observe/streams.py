"""One stream's parts → ``StreamReading``."""

from neolink.camera.stream import CameraStream
from neolink.hub.counters import Tally
from neolink.hub.demand import DemandState
from neolink.hub.stream import Stream
from neolink.observe.rates import WINDOW_S, Rates
from neolink.readings import Histogram, PlayerReading, StreamReading
from neolink.rtsp_server.mounts.mount import Mount

__all__ = ["histogram", "stream_reading"]

_STILL = (DemandState.IDLE, DemandState.PAUSED)
_STANDING = 0.0, 0.0


def stream_reading(
    camera: str,
    stream: Stream,
    source: CameraStream,
    mount: Mount | None,
    rates: Rates,
    players: tuple[PlayerReading, ...],
    dropped: int,
    now_s: float,
) -> StreamReading:
    """Return what is known of one stream; ``dropped`` is what players did not take in time."""
    counters, demuxer = stream.counters, source.demuxer
    fps, bitrate_bps = _STANDING if stream.state in _STILL else rates.measure(now_s)
    return StreamReading(
        camera=camera,
        kind=source.kind,
        state=stream.state,
        state_for_s=now_s - stream.state_since_s,
        presentation=stream.presentation,
        nominal_fps=_nominal_fps(stream, source),
        fps=fps,
        bitrate_bps=bitrate_bps,
        nominal_bitrate_bps=source.nominal_bitrate_bps,
        pictures=counters.pictures,
        audio_frames=counters.audio_frames,
        key_frames=counters.key_frames,
        received_bytes=counters.received_bytes,
        last_picture_age_s=_age_s(counters.last_picture_s, now_s),
        last_key_frame_age_s=_age_s(counters.last_key_frame_s, now_s),
        gop_s=counters.gop_s,
        frame_gaps=histogram(counters.frame_gaps),
        av_drift_s=_drift_s(stream, now_s),
        dropped={
            "slow_player": dropped,
            "damaged": demuxer.damaged_units,
            "duplicate": demuxer.duplicates,
            "no_key_frame": demuxer.pictures_without_key,
            "codec": mount.sounds.dropped if mount is not None else 0,
        },
        starts=source.starts,
        stalls=source.stalls,
        damages=demuxer.damages,
        stand_ins=stream.stand_ins,
        silent_frames=mount.silence.frames + mount.sounds.silent_frames if mount is not None else 0,
        conversions_failed=mount.sounds.failures if mount is not None else 0,
        documents=mount.metadata.documents if mount is not None else 0,
        changes_dropped=mount.metadata.changes_dropped if mount is not None else 0,
        sink_failures=stream.sink_failures + stream.events.reader_failures,
        setup_times=histogram(counters.setup_times),
        cached_bytes=mount.cached_bytes if mount is not None else 0,
        players=players,
    )


def histogram(tally: Tally) -> Histogram:
    """Return the counts of now."""
    return Histogram(tally.bounds, tuple(tally.counts), tally.total)


def _nominal_fps(stream: Stream, source: CameraStream) -> float | None:
    """Return what the camera says it is set to; the lower where it says two things.

    It says so beside the pictures and maybe within them, and either may be wrong; the higher one
    would make a healthy stream look slow.
    """
    presentation = stream.presentation
    within = presentation.video.frame_rate if presentation and presentation.video else None
    beside = source.demuxer.nominal_frame_rate
    return min(within, beside) if within and beside else within or beside


def _age_s(at_s: float | None, now_s: float) -> float | None:
    return None if at_s is None else now_s - at_s


def _drift_s(stream: Stream, now_s: float) -> float | None:
    last_s = stream.counters.last_audio_s
    is_heard = last_s is not None and now_s - last_s < WINDOW_S
    return stream.counters.av_drift_s if is_heard else None
