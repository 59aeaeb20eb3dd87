"""What a user may do and what a camera can do (protocol reference, section 3.3)."""

from dataclasses import dataclass, fields
from typing import Annotated, ClassVar, Literal

from neolink.baichuan.xml.codec import BodyPart, Element, Wire

__all__ = ["AbilityGroup", "AbilityInfo", "Right", "SubModule", "Support", "SupportItem"]

Right = Literal["ro", "rw"]


@dataclass(frozen=True, slots=True)
class SubModule(Element):
    """Rights on one channel, or on the device; each is a name with ``_ro`` or ``_rw``."""

    TAG: ClassVar[str] = "subModule"

    channel_id: int | None = None
    ability_value: Annotated[tuple[str, ...], Wire(comma=", ")] = ()

    @property
    def rights(self) -> dict[str, Right]:
        """Rights by name."""
        return {
            name: "rw" if right == "rw" else "ro"
            for name, _, right in (value.rpartition("_") for value in self.ability_value)
            if right in ("ro", "rw")
        }


@dataclass(frozen=True, slots=True)
class AbilityGroup(Element):
    """Rights that belong together."""

    sub_modules: tuple[SubModule, ...] = ()

    def rights(self, channel_id: int | None = None) -> dict[str, Right]:
        """Rights by name, of the device and of ``channel_id`` (None: of all channels)."""
        found: dict[str, Right] = {}
        for module in self.sub_modules:
            if None in (channel_id, module.channel_id) or channel_id == module.channel_id:
                found |= module.rights
        return found


@dataclass(frozen=True, slots=True)
class AbilityInfo(BodyPart):
    """The rights of a user (message 151)."""

    TAG: ClassVar[str] = "AbilityInfo"

    user_name: str | None = None
    system: AbilityGroup | None = None
    network: AbilityGroup | None = None
    alarm: AbilityGroup | None = None
    image: AbilityGroup | None = None
    video: AbilityGroup | None = None
    audio: AbilityGroup | None = None
    security: AbilityGroup | None = None
    record: AbilityGroup | None = None
    replay: AbilityGroup | None = None
    disk: AbilityGroup | None = None
    ptz: Annotated[AbilityGroup | None, Wire("PTZ")] = None
    io: Annotated[AbilityGroup | None, Wire("IO")] = None
    streaming: AbilityGroup | None = None

    def rights(self, channel_id: int | None = None) -> dict[str, Right]:
        """Rights of all groups by name, of the device and of ``channel_id`` (None: of all)."""
        found: dict[str, Right] = {}
        for member in fields(self):
            group = getattr(self, member.name)
            if isinstance(group, AbilityGroup):
                found |= group.rights(channel_id)
        return found

    def allows(self, name: str, right: Right, channel_id: int | None = None) -> bool:
        """Tell whether ``name`` is granted; the right to write includes the one to read."""
        return self.rights(channel_id).get(name) in (right, "rw")


@dataclass(frozen=True, slots=True)
class SupportItem(Element):
    """Features of one channel, as version numbers and bit fields; the rest is in ``extra``."""

    TAG: ClassVar[str] = "item"

    channel_id: Annotated[int | None, Wire("chnID")] = None
    ptz_type: int | None = None
    ptz_control: int | None = None
    ptz_preset: int | None = None
    rf_cfg: int | None = None
    no_audio: int | None = None
    auto_focus: int | None = None
    battery: int | None = None
    led_ctrl: int | None = None
    audio_version: int | None = None
    isp_cfg: int | None = None
    osd_cfg: int | None = None
    enc_ctrl: int | None = None
    motion: int | None = None
    ai_type: Annotated[int | None, Wire("aitype")] = None
    snap: int | None = None
    ipc_audio_talk: int | None = None
    doorbell_version: int | None = None


@dataclass(frozen=True, slots=True)
class Support(BodyPart):
    """Features of the device (message 199), as version numbers and bit fields.

    ``net_port & 0x3F`` of at most 1 says that there is no HTTP service. Only what somebody asks
    for has a field here; the rest is in ``extra``.
    """

    TAG: ClassVar[str] = "Support"

    io_input_port_num: Annotated[int | None, Wire("IOInputPortNum")] = None
    io_output_port_num: Annotated[int | None, Wire("IOOutputPortNum")] = None
    disk_num: int | None = None
    channel_num: int | None = None
    audio_num: int | None = None
    ptz_mode: str | None = None
    ptz_cfg: int | None = None
    push_alarm: int | None = None
    wifi: int | None = None
    record: int | None = None
    rtsp: int | None = None
    onvif: int | None = None
    rtmp: int | None = None
    audio_talk: int | None = None
    rf_version: int | None = None
    no_extern_stream: int | None = None
    audio_alarm: int | None = None
    net_port: int | None = None
    reboot: int | None = None
    audio_cfg: int | None = None
    record_cfg: int | None = None
    battery: int | None = None
    battery_mode: int | None = None
    scene_mode_cfg: int | None = None
    doorbell_version: int | None = None
    items: tuple[SupportItem, ...] = ()

    @property
    def has_battery(self) -> bool:
        """Whether the device, or one of its channels, runs on a battery."""
        return bool(self.battery) or any(item.battery for item in self.items)
