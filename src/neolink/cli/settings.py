"""From a configuration to the settings of a bridge."""

from neolink.app import BridgeSettings
from neolink.config.compose import (
    camera_settings,
    disabled_cameras,
    http_settings,
    mount_settings,
    rtsp_settings,
    state_folder,
    statsd_settings,
)
from neolink.config.model import Config

__all__ = ["bridge_settings"]


def bridge_settings(config: Config) -> BridgeSettings:
    """Return what a bridge needs to know of a configuration."""
    return BridgeSettings(
        cameras=camera_settings(config),
        mounts=mount_settings(config),
        rtsp=rtsp_settings(config),
        state_folder=state_folder(config),
        disabled=disabled_cameras(config),
        http=http_settings(config),
        statsd=statsd_settings(config),
    )
