"""Which configured cameras are channels of one device and share its login. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from neolink.camera.settings import CameraSettings

__all__ = ["group_devices", "login_settings"]


def group_devices(cameras: Iterable[CameraSettings]) -> list[tuple[CameraSettings, ...]]:
    """Group channels of one device: the same address and login is one connection.

    A camera that is configured twice gets a second one: a stream that is started twice on one
    login can wedge a camera (protocol reference, section 6.1).
    """
    devices: list[list[CameraSettings]] = []
    for camera in cameras:
        for device in devices:
            if _identity(device[0]) == _identity(camera) and not _overlap(device, camera):
                device.append(camera)
                break
        else:
            devices.append([camera])
    return [tuple(device) for device in devices]


def login_settings(channels: Sequence[CameraSettings]) -> CameraSettings:
    """Return the settings of a login that channels share: each may wish something else."""
    return replace(
        channels[0],
        max_encryption=min(channel.max_encryption for channel in channels),
        strict=all(channel.strict for channel in channels),
        update_time=any(channel.update_time for channel in channels),
        idle_disconnect=all(channel.idle_disconnect for channel in channels),
        idle_grace_s=max(channel.idle_grace_s for channel in channels),
        max_missed_pings=max(channel.max_missed_pings for channel in channels),
        max_frame_length=max(channel.max_frame_length for channel in channels),
        debug=any(channel.debug for channel in channels),
    )


def _identity(camera: CameraSettings) -> object:
    return (camera.host, camera.port, camera.uid, camera.username, camera.password)


def _overlap(device: Iterable[CameraSettings], camera: CameraSettings) -> bool:
    return any(
        other.channel_id == camera.channel_id and set(other.streams) & set(camera.streams)
        for other in device
    )
