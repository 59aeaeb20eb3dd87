"""Bodies about addresses, ports and time servers (protocol reference, section 3.1)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Wire

__all__ = [
    "AutoDns",
    "Dhcp",
    "Dns",
    "HttpPort",
    "HttpsPort",
    "Ip",
    "LinkType",
    "Ntp",
    "OnvifPort",
    "RtmpPort",
    "RtspPort",
    "ServerPort",
    "WifiSignal",
]


@dataclass(frozen=True, slots=True)
class LinkType(BodyPart):
    """How the camera is connected (message 93, which also keeps a session alive)."""

    TAG: ClassVar[str] = "LinkType"

    type: str | None = None


@dataclass(frozen=True, slots=True)
class Dhcp(BodyPart):
    """Whether the address comes from DHCP (message 76)."""

    TAG: ClassVar[str] = "Dhcp"

    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class AutoDns(BodyPart):
    """Whether name servers come from DHCP (message 76)."""

    TAG: ClassVar[str] = "AutoDns"

    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class Ip(BodyPart):
    """The camera's address (message 76)."""

    TAG: ClassVar[str] = "Ip"

    ip: str | None = None
    mask: str | None = None
    mac: str | None = None
    gateway: str | None = None


@dataclass(frozen=True, slots=True)
class Dns(BodyPart):
    """The camera's name servers (message 76)."""

    TAG: ClassVar[str] = "Dns"

    dns1: str | None = None
    dns2: str | None = None


@dataclass(frozen=True, slots=True)
class Ntp(BodyPart):
    """Time server (messages 38 and 39)."""

    TAG: ClassVar[str] = "Ntp"

    enable: bool | None = None
    server: str | None = None
    synchronize_cycle: int | None = None
    port: int | None = None


@dataclass(frozen=True, slots=True)
class ServerPort(BodyPart):
    """Port of the Baichuan service itself (messages 36 and 37, as all below)."""

    TAG: ClassVar[str] = "ServerPort"

    port: Annotated[int | None, Wire("serverPort")] = None


@dataclass(frozen=True, slots=True)
class HttpPort(BodyPart):
    """The camera's HTTP service."""

    TAG: ClassVar[str] = "HttpPort"

    port: Annotated[int | None, Wire("httpPort")] = None
    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class HttpsPort(BodyPart):
    """The camera's HTTPS service."""

    TAG: ClassVar[str] = "HttpsPort"

    port: Annotated[int | None, Wire("httpsPort")] = None
    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class RtspPort(BodyPart):
    """The camera's own RTSP service."""

    TAG: ClassVar[str] = "RtspPort"

    port: Annotated[int | None, Wire("rtspPort")] = None
    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class RtmpPort(BodyPart):
    """The camera's RTMP service."""

    TAG: ClassVar[str] = "RtmpPort"

    port: Annotated[int | None, Wire("rtmpPort")] = None
    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class OnvifPort(BodyPart):
    """The camera's ONVIF service."""

    TAG: ClassVar[str] = "OnvifPort"

    port: Annotated[int | None, Wire("onvifPort")] = None
    enable: bool | None = None


@dataclass(frozen=True, slots=True)
class WifiSignal(BodyPart):
    """Wireless signal in dBm, or a level on some models (message 115)."""

    TAG: ClassVar[str] = "WifiSignal"

    signal: int | None = None
