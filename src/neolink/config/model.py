"""The whole configuration file as one immutable value: top-level keys and ``[[users]]``.

``docs/configuration.md`` explains every key to users. No file reading (``load``), no rules between
tables (``checks``), no conversion to what other packages want (``compose``).
"""

from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr

from neolink.config.model_camera import CameraTable
from neolink.config.model_mqtt import MqttTable
from neolink.config.model_services import (
    HttpTable,
    LimitsTable,
    LogTable,
    RtspTable,
    StateTable,
    StatsdTable,
    Table,
)
from neolink.config.values import (
    Allowed,
    Between,
    FileName,
    Flag,
    NonEmpty,
    OfflineTimeout,
    OneOf,
    Port,
    UserName,
)
from neolink.rtsp_server.settings import TlsClientAuth

__all__ = ["Config", "UserTable"]

CLIENT_AUTH = OneOf(
    {
        "none": TlsClientAuth.NONE,
        "request": TlsClientAuth.REQUEST,
        "requested": TlsClientAuth.REQUEST,
        "require": TlsClientAuth.REQUIRE,
        "required": TlsClientAuth.REQUIRE,
    }
)


class UserTable(Table):
    """``[[users]]``: somebody who may log in to watch."""

    name: UserName = Field(validation_alias=AliasChoices("name", "username"))
    password: Annotated[SecretStr, Allowed("text in quotes")] = Field(
        default=SecretStr(""), validation_alias=AliasChoices("pass", "password")
    )
    password_file: FileName | None = Field(
        default=None, validation_alias=AliasChoices("pass_file", "password_file")
    )


class Config(Table):
    """A configuration file."""

    bind: NonEmpty = "0.0.0.0"  # noqa: S104 - players are on other machines; the documented default
    bind_port: Port = 8554
    certificate: FileName | None = None
    tls_client_auth: Annotated[TlsClientAuth, CLIENT_AUTH] = TlsClientAuth.NONE
    tls_client_ca: FileName | None = None
    users: tuple[UserTable, ...] = ()
    cameras: tuple[CameraTable, ...]
    mqtt: MqttTable | None = None
    rtsp: RtspTable = RtspTable()
    limits: LimitsTable = LimitsTable()
    http: HttpTable | None = None
    statsd: StatsdTable | None = None
    log: LogTable = LogTable()
    state: StateTable = StateTable()
    tokio_console: Flag = False

    # of forks of the Rust program
    offline_timeout_secs: OfflineTimeout = 0
    startup_keyframe_wait_secs: Annotated[int, Between(0, 60, "seconds")] = 5
    stream_cache_path: FileName | None = None
