"""Bodies about the device: version, clock, disks, users (protocol reference, section 3.1)."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Element, Wire

__all__ = [
    "AbilitySupport",
    "ChannelInfo",
    "ChannelInfoList",
    "HddInfo",
    "HddInfoList",
    "Norm",
    "SystemGeneral",
    "Uid",
    "User",
    "UserList",
    "VersionInfo",
]


@dataclass(frozen=True, slots=True)
class VersionInfo(BodyPart):
    """Model, serial number and firmware (message 80; 318 for one channel)."""

    TAG: ClassVar[str] = "VersionInfo"

    name: str | None = None
    type: str | None = None
    serial_number: str | None = None
    build_day: str | None = None
    hardware_version: str | None = None
    cfg_version: str | None = None
    firmware_version: str | None = None
    detail: str | None = None
    ie_client: Annotated[str | None, Wire("IEClient")] = None
    pak_suffix: str | None = None
    help_version: str | None = None


@dataclass(frozen=True, slots=True)
class SystemGeneral(BodyPart):
    """Clock and name (messages 104 and 105).

    ``time_zone`` is in seconds with inverted sign: UTC = local time + ``time_zone``.
    The date is local wall time.
    """

    TAG: ClassVar[str] = "SystemGeneral"

    time_zone: int | None = None
    osd_format: str | None = None
    year: int | None = None
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    device_id: int | None = None
    time_format: int | None = None
    language: str | None = None
    device_name: str | None = None
    login_lock: int | None = None


@dataclass(frozen=True, slots=True)
class Norm(BodyPart):
    """Video norm: ``NTSC`` or ``PAL``."""

    TAG: ClassVar[str] = "Norm"

    norm: str | None = None


@dataclass(frozen=True, slots=True)
class Uid(BodyPart):
    """The identifier under which the camera is found from outside (message 114)."""

    TAG: ClassVar[str] = "Uid"

    uid: str | None = None


@dataclass(frozen=True, slots=True)
class HddInfo(Element):
    """One disk or card."""

    TAG: ClassVar[str] = "HddInfo"

    number: int | None = None
    capacity: int | None = None
    mount: int | None = None
    format: int | None = None
    remain_size: int | None = None
    storage_type: int | None = None


@dataclass(frozen=True, slots=True)
class HddInfoList(BodyPart):
    """All disks; empty without a card (message 102)."""

    TAG: ClassVar[str] = "HddInfoList"

    disks: tuple[HddInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class User(Element):
    """An account. ``user_level`` is 1 for administrators and 0 for users.

    ``user_set_state`` is ``none``, ``add``, ``modify`` or ``delete``.
    """

    TAG: ClassVar[str] = "User"

    user_id: int | None = None
    user_name: str | None = None
    password: str | None = field(default=None, repr=False)
    user_level: int | None = None
    login_state: int | None = None
    user_set_state: str | None = None


@dataclass(frozen=True, slots=True)
class UserList(BodyPart):
    """All accounts; a change sends the complete list (messages 58 and 59)."""

    TAG: ClassVar[str] = "UserList"

    users: tuple[User, ...] = ()


@dataclass(frozen=True, slots=True)
class AbilitySupport(BodyPart):
    """What the user who logged in may do, as numbers. The wire spells it with three p."""

    TAG: ClassVar[str] = "AbilitySuppport"

    user_name: str | None = None
    system: int | None = None
    streaming: int | None = None
    record: int | None = None
    network: int | None = None
    ptz: Annotated[int | None, Wire("PTZ")] = None
    io: Annotated[int | None, Wire("IO")] = None
    alarm: int | None = None
    image: int | None = None
    video: int | None = None
    audio: int | None = None
    security: int | None = None
    replay: int | None = None
    disk: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelInfo(Element):
    """One camera of a recorder; ``login_state`` is ``standby`` while it sleeps."""

    TAG: ClassVar[str] = "ChannelInfo"

    channel_id: int | None = None
    uid: str | None = None
    login_state: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelInfoList(BodyPart):
    """All cameras of a recorder (message 145)."""

    TAG: ClassVar[str] = "ChannelInfoList"

    channels: tuple[ChannelInfo, ...] = ()
