"""Which configured cameras are channels of one device and share its login. Pure.

Also which login goes on when the configuration changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from neolink.camera.settings import CameraSettings

__all__ = ["Channels", "group_devices", "login_settings", "match_devices"]

Channels = tuple[CameraSettings, ...]
"""Those of one device."""


def group_devices(cameras: Iterable[CameraSettings]) -> list[Channels]:
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


def match_devices(before: Sequence[Channels], after: Sequence[Channels]) -> list[int | None]:
    """Return for each device of ``after`` the place in ``before`` whose login it can take over.

    None: it needs a new one, because the address, the account or how to log in has changed. Among
    several the one that has the most names in common is taken.
    """
    matches: list[int | None] = [None] * len(after)
    pairs = [
        (len(_names(channels) & _names(wanted)), old, new)
        for new, wanted in enumerate(after)
        for old, channels in enumerate(before)
        if _login(channels) == _login(wanted)
    ]
    for _, old, new in sorted(pairs, key=lambda pair: -pair[0]):
        if matches[new] is None and old not in matches:
            matches[new] = old
    return matches


def _login(channels: Channels) -> CameraSettings:
    """Return what concerns the login alone."""
    return replace(
        login_settings(channels),
        name="",
        streams=(),
        channel_id=0,
        has_high_talk_nibble_first=True,
    )


def _names(channels: Channels) -> set[str]:
    return {channel.name for channel in channels}


def _identity(camera: CameraSettings) -> object:
    return (camera.host, camera.port, camera.uid, camera.username, camera.password)


def _overlap(device: Iterable[CameraSettings], camera: CameraSettings) -> bool:
    return any(
        other.channel_id == camera.channel_id and set(other.streams) & set(camera.streams)
        for other in device
    )
