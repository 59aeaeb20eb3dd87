"""Bodies of the login exchange (protocol reference, sections 2.3 and 2.6)."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire

__all__ = ["DeviceInfo", "DeviceResolution", "EncryptionBody", "LoginNet", "LoginUser"]


@dataclass(frozen=True, slots=True)
class EncryptionBody(BodyPart):
    """The camera's nonce. It is opaque text of any length."""

    TAG: ClassVar[str] = "Encryption"

    type: str = "md5"
    nonce: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class LoginUser(BodyPart):
    """Credentials, hashed for message 1. For a logout ``user_ver`` alone is enough."""

    TAG: ClassVar[str] = "LoginUser"

    user_name: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    user_ver: int = 1


@dataclass(frozen=True, slots=True)
class LoginNet(BodyPart):
    """The transport a client claims to use."""

    TAG: ClassVar[str] = "LoginNet"

    type: str = "LAN"
    udp_port: int = 0


@dataclass(frozen=True, slots=True)
class DeviceResolution(Element):
    """The largest picture, in pixels."""

    TAG: ClassVar[str] = "resolution"

    resolution_name: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceInfo(BodyPart):
    """What the camera says about itself when a login succeeds.

    ``channel_num`` counts lenses that can be streamed, ``analog_chn_num`` physical channels.
    """

    TAG: ClassVar[str] = "DeviceInfo"

    firm_version: str | None = None
    io_input_port_num: Annotated[int | None, Wire("IOInputPortNum")] = None
    io_output_port_num: Annotated[int | None, Wire("IOOutputPortNum")] = None
    disk_num: int | None = None
    type: str | None = None
    channel_num: int | None = None
    audio_num: int | None = None
    ip_channel: int | None = None
    analog_chn_num: int | None = None
    resolution: DeviceResolution | None = None
    language: str | None = None
    sd_card: int | None = None
    ptz_mode: str | None = None
    type_info: str | None = None
    soft_ver: int | None = None
    hard_ver: int | None = None
    panel_ver: int | None = None
    norm: str | None = None
    osd_format: str | None = None
    b485: Annotated[int | None, Wire("B485")] = None
    support_auto_update: int | None = None
    user_ver: int | None = None
    sleep: bool | None = None
