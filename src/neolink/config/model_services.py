"""Tables of the file that are ours: ``[rtsp]``, ``[limits]``, ``[http]``, ``[log]`` and so on.

``docs/configuration.md`` explains every key to users. No loading, no cross-checks.
"""

import builtins
import ipaddress
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neolink.config.values import (
    AtLeast,
    Between,
    Bytes,
    FileName,
    FilterSpec,
    Flag,
    GroupRange,
    NetworkText,
    NonEmpty,
    OneOf,
    Port,
    Secret,
    complaint,
)
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtsp.auth import Scheme
from neolink.rtsp_server.mounts.parcel import TRACK_COUNT
from neolink.rtsp_server.settings import AudioChoice, MulticastSettings, RtspLimits, StartMode

__all__ = [
    "AGGREGATE",
    "AUDIO",
    "START",
    "HttpTable",
    "LimitsTable",
    "LogTable",
    "MulticastTable",
    "RtspTable",
    "StateTable",
    "StatsdTable",
    "Table",
]

DEFAULTS = RtspLimits()
GROUPS = MulticastSettings()
START = OneOf({mode.value: mode for mode in StartMode})
AUTH = OneOf({scheme.value: scheme for scheme in Scheme})
AUDIO = OneOf({choice.value: choice for choice in AudioChoice})
AGGREGATE = OneOf({kind.value: kind for kind in Aggregation})


class Table(BaseModel):
    """A table of the file: immutable, and silent about its values when it is wrong.

    Unknown keys pass: they are found, with their lines, in ``neolink.config.keys``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class MulticastTable(Table):
    """``[rtsp.multicast]``: groups that many players listen to."""

    enabled: Flag = False
    range: GroupRange = str(GROUPS.network)
    port: Annotated[int, Between(1024, 65528)] = GROUPS.port
    ttl: Annotated[int, Between(1, 255)] = GROUPS.ttl

    @property
    def ports(self) -> builtins.range:
        """RTP and RTCP of every track that there may be."""
        return builtins.range(self.port, self.port + 2 * TRACK_COUNT)

    @model_validator(mode="after")
    def _port_is_even(self) -> Self:
        if self.port % 2:
            raise complaint("`port` is odd; allowed: an even port")
        return self


class RtspTable(Table):
    """``[rtsp]``: how players are served."""

    auth: tuple[Annotated[Scheme, AUTH], ...] = (Scheme.MD5, Scheme.SHA_256)
    auth_once_per_connection: Flag = True
    session_timeout: Annotated[int, Between(10, 3600, "seconds")] = 60
    tls_port: Port = 0
    udp: Flag = True
    rtp_port: Annotated[int, Between(0, 65534)] = 8000
    tunnel: Flag = True
    dscp: Annotated[int, Between(0, 63)] = 0
    setup_timeout: Annotated[float, Between(1, 60, "seconds")] = 9.0
    start: Annotated[StartMode, START] = StartMode.FAST
    audio: Annotated[AudioChoice, AUDIO] = AudioChoice.AUTO
    udp_payload: Annotated[int, Between(500, 1472, "bytes")] = 1400
    aggregate: Annotated[Aggregation, AGGREGATE] = Aggregation.PARAMETER_SETS
    multicast: MulticastTable = MulticastTable()

    @model_validator(mode="after")
    def _there_is_a_way_to_log_in(self) -> Self:
        if not self.auth:
            raise complaint(f"`auth` is empty; allowed: at least one of {AUTH.text}")
        return self

    @model_validator(mode="after")
    def _rtp_port_is_even(self) -> Self:
        if self.rtp_port % 2:
            raise complaint("`rtp_port` is odd; allowed: an even port, or 0 for any")
        return self

    @model_validator(mode="after")
    def _groups_have_other_ports(self) -> Self:
        taken = self.multicast.ports
        if self.udp and self.multicast.enabled and self.rtp_port in taken:
            text = f"`rtp_port` is one of those of `multicast.port`: {taken[0]} to {taken[-1]}"
            raise complaint(f"{text}; allowed: any other")
        return self


class LimitsTable(Table):
    """``[limits]``: what players may use up at most."""

    max_clients: Annotated[int, AtLeast(0)] = 0
    max_clients_per_camera: Annotated[int, AtLeast(0)] = 0
    max_connections: Annotated[int, Between(1, 65535)] = DEFAULTS.max_connections
    max_connections_per_ip: Annotated[int, Between(1, 65535)] = DEFAULTS.max_connections_per_ip
    max_unauthenticated: Annotated[int, Between(1, 65535)] = DEFAULTS.max_unauthenticated
    max_frames: Annotated[int, Between(10, 100_000)] = DEFAULTS.max_frames
    max_bytes_per_client: Bytes = DEFAULTS.max_bytes_per_client  # type: ignore[assignment]  # an int is one
    max_bytes: Bytes = DEFAULTS.max_bytes  # type: ignore[assignment]  # an int is one
    stall_timeout: Annotated[float, Between(1, 600, "seconds")] = DEFAULTS.stall_timeout_s


class HttpTable(Table):
    """``[http]``: web page, health and metrics. Absent: no HTTP at all."""

    bind: NonEmpty = "127.0.0.1"
    port: Port = 8080
    token: Secret | None = None
    token_file: FileName | None = None
    users: tuple[str, ...] = ()
    proxies: tuple[NetworkText, ...] = ()

    @model_validator(mode="after")
    def _strangers_need_a_login(self) -> Self:
        if self.token is None and not self.users and not _is_loopback(self.bind):
            raise complaint(
                "`bind` lets other machines in, so a `token`, a `token_file` or `users` is needed"
            )
        return self


class StatsdTable(Table):
    """``[statsd]``: counters as datagrams. Absent: none are sent."""

    host: NonEmpty = "127.0.0.1"
    port: Annotated[int, Between(1, 65535)] = 8125
    prefix: NonEmpty = "neolink"
    interval: Annotated[float, Between(1, 3600, "seconds")] = 10.0


class LogTable(Table):
    """``[log]``: what is told, and in which form."""

    level: FilterSpec | None = None
    json_lines: Flag = Field(default=False, alias="json")


class StateTable(Table):
    """``[state]``: what is remembered over a restart (files with mode 0600)."""

    enabled: Flag = True
    path: FileName | None = None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
