"""``[[cameras]]`` and ``[cameras.pause]``.

``docs/configuration.md`` explains every key to users. No loading and no rules between cameras.
"""

from typing import Annotated, Self

from pydantic import AliasChoices, Field, SecretStr, model_validator

from neolink.camera.settings import Discovery, PrintFormat
from neolink.config.model_mqtt import CameraMqttTable
from neolink.config.model_services import AGGREGATE, AUDIO, START, Table
from neolink.config.values import (
    Address,
    Allowed,
    AtLeast,
    Between,
    Bytes,
    CameraName,
    FileName,
    Flag,
    OfflineTimeout,
    OneOf,
    Password,
    Text,
    complaint,
)
from neolink.media.tracks import StreamKind
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtsp_server.settings import AudioChoice, StartMode

__all__ = ["PATTERNS", "STREAMS", "CameraTable", "PauseTable"]

MAIN, SUB, EXTERN = (StreamKind.MAIN,), (StreamKind.SUB,), (StreamKind.EXTERN,)

STREAMS = OneOf(
    {
        "all": MAIN + EXTERN + SUB,
        "both": MAIN + SUB,
        "main": MAIN,
        "mainStream": MAIN,
        "sub": SUB,
        "subStream": SUB,
        "extern": EXTERN,
        "externStream": EXTERN,
        "none": (),
    }
)

PATTERN_NAMES = """last smpte snow black white red green blue checkers-1 checkers-2 checkers-4
    checkers-8 circular blink smpte75 zone-plate gamut chroma-zone-plate solid-color ball smpte100
    bar pinwheel spokes gradient colors smpte-rp-219""".split()  # noqa: SIM905 - a table of words

PATTERNS = OneOf({name: name for name in PATTERN_NAMES})
ENCRYPTION = OneOf({"none": "none", "bcencrypt": "bcencrypt", "aes": "aes"})
PAUSE_MODES = OneOf({"none": "none", "black": "black", "still": "still", "test": "test"})
NIBBLES = OneOf({"high": "high", "low": "low"})
CONNECT_MODES = OneOf({"always": "always", "on_demand": "on_demand"})
TRANSCODE = OneOf({"h264": "h264"})


def _also(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class PauseTable(Table):
    """``[cameras.pause]``: when a stream rests."""

    on_motion: Flag = False
    on_disconnect: Flag = Field(default=False, validation_alias=_also("on_disconnect", "on_client"))
    motion_timeout: Annotated[float, Between(0, 3600, "seconds")] = Field(
        default=1.0, validation_alias=_also("motion_timeout", "timeout")
    )
    mode: Annotated[str, PAUSE_MODES] = "none"


class CameraTable(Table):
    """``[[cameras]]``: one camera, or one channel of an NVR."""

    name: CameraName
    address: Address | None = None
    uid: Annotated[SecretStr, Allowed("text in quotes")] | None = None
    username: Text
    password: Password = Field(validation_alias=_also("password", "pass"))
    password_file: FileName | None = Field(
        default=None, validation_alias=_also("password_file", "pass_file")
    )
    stream: Annotated[tuple[StreamKind, ...], STREAMS] = MAIN + EXTERN + SUB
    permitted_users: Annotated[tuple[str, ...], Allowed("a list of user names")] | None = None
    channel_id: Annotated[int, Between(0, 31)] = Field(
        default=0, validation_alias=_also("channel_id", "channel")
    )
    mqtt: CameraMqttTable = CameraMqttTable()
    pause: PauseTable = PauseTable()
    discovery: Annotated[Discovery, OneOf({way.value: way for way in Discovery})] = Discovery.RELAY
    max_encryption: Annotated[str, ENCRYPTION] = "aes"
    strict: Flag = False
    print_format: Annotated[PrintFormat, OneOf({form.value: form for form in PrintFormat})] = Field(
        default=PrintFormat.NONE, validation_alias=_also("print_format", "print")
    )
    update_time: Flag = Field(default=False, validation_alias=_also("update_time", "time"))
    buffer_duration: Annotated[int, Between(1, 15000, "ms")] = Field(
        default=3000, validation_alias=_also("buffer_duration", "duration", "buffer")
    )
    enabled: Flag = Field(default=True, validation_alias=_also("enabled", "enable"))
    debug: Flag = Field(default=False, validation_alias=_also("debug", "verbose"))
    use_splash: Flag = Field(default=True, validation_alias=_also("use_splash", "splash"))
    splash_pattern: Annotated[str, PATTERNS] = Field(
        default="last", validation_alias=_also("splash_pattern", "pattern")
    )
    max_discovery_retries: Annotated[int, AtLeast(0)] = Field(
        default=10, validation_alias=_also("max_discovery_retries", "retries", "max_retries")
    )
    push_notifications: Flag = Field(
        default=True, validation_alias=_also("push_notifications", "push", "push_noti")
    )
    idle_disconnect: Flag = Field(
        default=False, validation_alias=_also("idle_disconnect", "idle", "idle_disc")
    )

    # ours
    start: Annotated[StartMode, START] | None = None
    audio: Annotated[AudioChoice, AUDIO] | None = None
    aggregate: Annotated[Aggregation, AGGREGATE] | None = None
    max_clients: Annotated[int, AtLeast(0)] | None = None
    max_bytes: Bytes | None = None
    adaptive: Flag = False
    metadata: Flag = False
    talk: Flag = True
    talk_nibbles: Annotated[str, NIBBLES] = "high"

    # of forks of the Rust program
    idle_grace_period: Annotated[float, Between(5, 300, "seconds")] = Field(
        default=30.0, validation_alias=_also("idle_grace_period", "grace_period")
    )
    codec_detection_timeout: Annotated[float, Between(5, 120, "seconds")] | None = Field(
        default=None, validation_alias=_also("codec_detection_timeout", "codec_timeout")
    )
    ping_retries: Annotated[int, Between(1, 10)] = 5
    transcode_to: Annotated[str, TRANSCODE] | None = None
    transcode_device: Text = "auto"
    keepalive_interval: Annotated[float, Between(10, 120, "seconds")] = Field(
        default=30.0, validation_alias=_also("keepalive_interval", "keepalive")
    )
    motion_permit_duration: Annotated[float, Between(5, 300, "seconds")] = Field(
        default=30.0, validation_alias=_also("motion_permit_duration", "motion_timeout_ext")
    )
    prebuffer_duration: Annotated[float, Between(0, 30, "seconds")] = Field(
        default=5.0, validation_alias=_also("prebuffer_duration", "prebuffer")
    )
    adaptive_grace_period: Flag = False  # its alias `adaptive` is ours, and means something else
    prewarm_on_motion: Flag = Field(
        default=True, validation_alias=_also("prewarm_on_motion", "prewarm")
    )
    connect_mode: Annotated[str, CONNECT_MODES] = "always"
    relay_warm_seconds: Annotated[int, Between(0, 3600, "seconds")] = 60
    idle_timeout_secs: Annotated[int, Between(0, 86400, "seconds")] = 0
    offline_timeout_secs: OfflineTimeout | None = None
    startup_keyframe_wait_secs: Annotated[int, Between(0, 60, "seconds")] | None = None
    relay_server_region: Text | None = Field(
        default=None, validation_alias=_also("relay_server_region", "relay_region")
    )
    udp_gap_skip_ms: Annotated[int, Between(0, 5000, "ms")] | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.address is None and not (self.uid and self.uid.get_secret_value()):
            raise complaint(
                'the camera has neither `address` nor `uid`; needed: address = "192.0.2.7"'
            )
        return self
