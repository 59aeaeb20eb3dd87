"""One configured camera → ``CameraReading``, without its streams' insides."""

from collections.abc import Mapping

from neolink.camera.failures import Phase
from neolink.camera.settings import CameraSettings
from neolink.camera.status import CameraState, CameraStatus
from neolink.observe.parts import Channel
from neolink.readings import CameraReading, StreamReading, TalkReading
from neolink.rtsp_server.mounts.backchannel import Intercom

__all__ = ["camera_reading", "disabled_reading"]


def camera_reading(
    channel: Channel,
    streams: tuple[StreamReading, ...],
    moves: Mapping[str, int],
    intercom: Intercom | None,
    now_s: float,
) -> CameraReading:
    """Return what is known of one camera. What its login does is the same for all its channels."""
    settings, status = channel.settings, channel.camera.status
    next_s = status.next_attempt_s
    return CameraReading(
        name=settings.name,
        channel_id=settings.channel_id,
        address=_address(settings),
        is_enabled=True,
        state=status.state,
        state_for_s=now_s - status.since_s,
        refusal=status.refusal,
        last_error=status.last_error,
        last_error_age_s=now_s - status.last_error_s if status.last_error else None,
        next_attempt_in_s=max(0.0, next_s - now_s) if next_s is not None else None,
        failures=status.failures,
        connects=status.connects,
        reconnects={cause.value: count for cause, count in status.reconnects.items()},
        errors=_errors(channel, status),
        awake_s=status.awake_s(now_s),
        missed_pings=channel.camera.missed_pings,
        is_battery=settings.channel_id in status.batteries,
        battery_percent=status.batteries.get(settings.channel_id),
        has_motion=channel.camera.motion.has_motion(settings.channel_id),
        moves=moves,
        talk=_talk(channel, intercom),
        model=status.model,
        firmware=status.firmware,
        streams=streams,
    )


def disabled_reading(name: str, for_s: float) -> CameraReading:
    """Return what there is to say of a camera that is switched off."""
    return CameraReading(
        name=name,
        channel_id=0,
        address=None,
        is_enabled=False,
        state=CameraState.IDLE,
        state_for_s=for_s,
        refusal=None,
        last_error="",
        last_error_age_s=None,
        next_attempt_in_s=None,
        failures=0,
        connects=0,
        reconnects={},
        errors={},
        awake_s=0.0,
        battery_percent=None,
        has_motion=None,
        model="",
        firmware="",
        streams=(),
    )


def _address(settings: CameraSettings) -> str | None:
    host = settings.host
    if host is None:
        return None
    return f"[{host}]:{settings.port}" if ":" in host else f"{host}:{settings.port}"


def _talk(channel: Channel, intercom: Intercom | None) -> TalkReading | None:
    speaker = channel.camera.speakers.get(channel.settings.channel_id)
    if intercom is None or speaker is None:
        return None
    return TalkReading(
        packets=intercom.counts,
        talks=speaker.talks,
        failures=speaker.failures,
        blocks_sent=speaker.blocks_sent,
        blocks_dropped=speaker.blocks_dropped,
    )


def _errors(channel: Channel, status: CameraStatus) -> dict[str, int]:
    """Return the failures of the login, and those of this channel's streams."""
    errors = {phase.value: count for phase, count in status.errors.items()}
    for source in channel.sources.values():
        errors[Phase.STREAM] += source.errors
        errors[Phase.MEDIA] += source.media_errors + source.demuxer.damages
    return errors
