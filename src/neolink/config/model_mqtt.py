"""Tables about MQTT: ``[mqtt]``, ``[cameras.mqtt]`` and its ``discovery``.

``docs/configuration.md`` explains every key to users. No topics and no broker here.
"""

from typing import Annotated

from pydantic import AliasChoices, Field, SecretStr

from neolink.config.model_services import Table
from neolink.config.values import (
    Allowed,
    AtLeast,
    Between,
    FileName,
    Flag,
    NonEmpty,
    OneOf,
    TopicPrefix,
)

__all__ = ["CameraMqttTable", "DiscoveryTable", "MqttTable"]

FEATURES = {
    "floodlight": ("light",),
    "camera": ("preview",),
    "led": (),
    "ir": (),
    "motion": ("md", "pir"),
    "reboot": (),
    "pt": (),
    "battery": ("power",),
    "siren": ("alarm",),
    "doorbell": (),
    "person": (),
    "vehicle": (),
    "animal": (),
    "face": (),
    "package": (),
    "wifi": (),
    "sleep": (),
    "health": (),
    "all": (),
}
"""Home Assistant features and their other spellings."""

FEATURE = OneOf({word: name for name, others in FEATURES.items() for word in (name, *others)})


PUBLISH = OneOf({"full": "full", "redacted": "redacted", "false": "none"})


class MqttTable(Table):
    """``[mqtt]``: the broker."""

    broker_addr: NonEmpty = Field(validation_alias=AliasChoices("broker_addr", "server"))
    port: Annotated[int, Between(1, 65535)]
    credentials: Annotated[tuple[str, SecretStr], Allowed('["user name", "password"]')] | None = (
        None
    )
    credentials_file: FileName | None = None
    ca: FileName | None = None
    client_auth: Annotated[tuple[FileName, FileName], Allowed('["cert.pem", "key.pem"]')] | None = (
        None
    )
    tls: Flag = False
    topic_prefix: TopicPrefix = "neolink"
    last_will_per_camera: Flag = True
    legacy_acks: Flag = False
    publish_config: Annotated[str, PUBLISH] = "full"


class DiscoveryTable(Table):
    """``[cameras.mqtt.discovery]``: what Home Assistant is told. Absent: nothing."""

    topic: NonEmpty
    features: tuple[Annotated[str, FEATURE], ...]


class CameraMqttTable(Table):
    """``[cameras.mqtt]``: what is published of one camera, and how often (milliseconds)."""

    enable_motion: Flag = True
    enable_light: Flag = True
    enable_battery: Flag = True
    battery_update: Annotated[int, AtLeast(500, "ms")] = 2000
    enable_preview: Flag = True
    preview_update: Annotated[int, AtLeast(500, "ms")] = 2000
    enable_floodlight: Flag = True
    floodlight_update: Annotated[int, AtLeast(500, "ms")] = 2000
    enable_doorbell: Flag = False
    discovery: DiscoveryTable | None = None
