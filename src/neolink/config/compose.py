"""From the configuration to the settings of each package. No reading, no checking."""

import os
from collections.abc import Mapping
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from types import MappingProxyType

from neolink.baichuan.crypto import Encryption
from neolink.camera.settings import CameraSettings
from neolink.config.model import Config
from neolink.config.model_camera import CameraTable, PauseTable
from neolink.config.model_services import MulticastTable
from neolink.config.values import split_address
from neolink.hub.pause import PauseMode, PauseSettings
from neolink.metrics.settings import StatsdSettings
from neolink.rtsp_server.settings import (
    MountSettings,
    MulticastSettings,
    RtspLimits,
    RtspSettings,
    resolve_access,
)
from neolink.web.settings import HttpSettings

__all__ = [
    "camera_settings",
    "disabled_cameras",
    "http_settings",
    "mount_settings",
    "rtsp_settings",
    "state_folder",
    "statsd_settings",
]

CAMERA_PORT = 9000

ENCRYPTION = {
    "none": Encryption.NONE,
    "bcencrypt": Encryption.BC,
    "aes": Encryption.FULL_AES,
}
"""``aes`` is the best there is: full AES where the camera knows it, else AES."""


def camera_settings(config: Config) -> list[CameraSettings]:
    """Give the settings of every camera that is enabled, in the order of the file."""
    return [_camera(camera) for camera in config.cameras if camera.enabled]


def rtsp_settings(config: Config) -> RtspSettings:
    """Give the settings of the RTSP listener."""
    limits = config.limits
    return RtspSettings(
        bind=config.bind,
        port=config.bind_port,
        certificate=config.certificate,
        tls_port=config.rtsp.tls_port or None,
        tls_client_auth=config.tls_client_auth,
        tls_client_ca=config.tls_client_ca,
        users=MappingProxyType(
            {user.name: user.password.get_secret_value() for user in config.users}
        ),
        schemes=config.rtsp.auth,
        has_login_per_connection=config.rtsp.auth_once_per_connection,
        session_timeout_s=config.rtsp.session_timeout,
        is_udp_enabled=config.rtsp.udp,
        rtp_port=config.rtsp.rtp_port,
        is_tunnel_enabled=config.rtsp.tunnel,
        dscp=config.rtsp.dscp,
        multicast=_multicast(config.rtsp.multicast),
        limits=RtspLimits(
            max_connections=limits.max_connections,
            max_connections_per_ip=limits.max_connections_per_ip,
            max_unauthenticated=limits.max_unauthenticated,
            max_clients=limits.max_clients,
            max_bytes_per_client=int(limits.max_bytes_per_client),
            max_bytes=int(limits.max_bytes),
            max_frames=limits.max_frames,
            stall_timeout_s=limits.stall_timeout,
        ),
    )


def mount_settings(config: Config) -> list[MountSettings]:
    """Give the settings of the paths of every camera that is enabled and has a stream."""
    return [_mount(config, camera) for camera in config.cameras if camera.enabled and camera.stream]


def disabled_cameras(config: Config) -> tuple[str, ...]:
    """Give the names of the cameras that are switched off."""
    return tuple(camera.name for camera in config.cameras if not camera.enabled)


def http_settings(config: Config) -> HttpSettings | None:
    """Give the settings of the HTTP listener; None: it is off."""
    table = config.http
    if table is None:
        return None
    passwords = {user.name: user.password.get_secret_value() for user in config.users}
    return HttpSettings(
        bind=table.bind,
        port=table.port,
        needs_login=table.token is not None or bool(table.users),
        token=table.token.get_secret_value() if table.token else None,
        users=MappingProxyType(
            {name: passwords[name] for name in table.users if name in passwords}
        ),
        proxies=tuple(map(ip_network, table.proxies)),
    )


def statsd_settings(config: Config) -> StatsdSettings | None:
    """Give where counters are pushed to; None: nowhere."""
    table = config.statsd
    if table is None:
        return None
    return StatsdSettings(
        host=table.host, port=table.port, prefix=table.prefix, interval_s=table.interval
    )


def state_folder(config: Config, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Give the folder where streams are remembered over a restart; None: nowhere."""
    if not config.state.enabled:
        return None
    if config.state.path is not None:
        return config.state.path
    base = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "/")) / ".local" / "state"
    return Path(base) / "neolink"


def _camera(camera: CameraTable) -> CameraSettings:
    host, port = split_address(camera.address) if camera.address else (None, None)
    return CameraSettings(
        name=camera.name,
        host=host,
        port=port or CAMERA_PORT,
        uid=camera.uid.get_secret_value() if camera.uid else None,
        username=camera.username,
        password=camera.password.get_secret_value(),
        streams=camera.stream,
        channel_id=camera.channel_id,
        max_encryption=ENCRYPTION[camera.max_encryption],
        strict=camera.strict,
        update_time=camera.update_time,
        idle_disconnect=camera.idle_disconnect,
        idle_grace_s=camera.idle_grace_period,
        discovery=camera.discovery,
        max_discovery_retries=camera.max_discovery_retries,
        print_format=camera.print_format,
        debug=camera.debug,
        max_missed_pings=camera.ping_retries,
        has_high_talk_nibble_first=camera.talk_nibbles == "high",
    )


def _mount(config: Config, camera: CameraTable) -> MountSettings:
    rtsp, limits = config.rtsp, config.limits
    return MountSettings(
        camera=camera.name,
        streams=camera.stream,
        access=resolve_access(camera.permitted_users, [user.name for user in config.users]),
        start=camera.start or rtsp.start,
        audio=camera.audio or rtsp.audio,
        aggregate=camera.aggregate or rtsp.aggregate,
        packet_bytes=rtsp.udp_payload,
        buffer_duration_s=camera.buffer_duration / 1000,
        setup_timeout_s=camera.codec_detection_timeout or rtsp.setup_timeout,
        max_clients=(
            limits.max_clients_per_camera if camera.max_clients is None else camera.max_clients
        ),
        max_bytes=int(camera.max_bytes or 0),
        is_adaptive=camera.adaptive,
        has_metadata=camera.metadata,
        has_talk=camera.talk,
        use_splash=camera.use_splash,
        splash_pattern=camera.splash_pattern,
        pause=_pause(camera.pause),
    )


def _multicast(table: MulticastTable) -> MulticastSettings:
    return MulticastSettings(
        is_enabled=table.enabled,
        network=IPv4Network(table.range),
        port=table.port,
        ttl=table.ttl,
    )


def _pause(table: PauseTable) -> PauseSettings:
    """``on_disconnect`` asks for what is always so: without a player there is no stream."""
    return PauseSettings(
        on_motion=table.on_motion,
        motion_timeout_s=table.motion_timeout,
        mode=PauseMode(table.mode),
    )
