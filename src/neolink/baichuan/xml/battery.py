"""Bodies about battery and power (protocol reference, section 3.11)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from neolink.baichuan.xml.codec import BodyPart, Wire

__all__ = ["BatteryInfo", "BatteryList", "BatteryMode"]


@dataclass(frozen=True, slots=True)
class BatteryInfo(BodyPart):
    """One battery: ``voltage`` in mV, ``current`` in mA (signed), ``temperature`` in °C."""

    TAG: ClassVar[str] = "BatteryInfo"

    channel_id: int | None = None
    charge_status: str | None = None
    adapter_status: str | None = None
    voltage: int | None = None
    current: int | None = None
    temperature: int | None = None
    battery_percent: int | None = None
    low_power: bool | None = None
    battery_version: int | None = None
    power_supply_status: str | None = None


@dataclass(frozen=True, slots=True)
class BatteryList(BodyPart):
    """All batteries (message 252; 253 answers with this or with a bare `BatteryInfo`)."""

    TAG: ClassVar[str] = "BatteryList"

    batteries: tuple[BatteryInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class BatteryMode(BodyPart):
    """How the camera saves power (messages 626 and 627)."""

    TAG: ClassVar[str] = "BatteryMode"

    battery_mode: int | None = None
    battery_mode_str: str | None = None
    support_battery_mode: Annotated[tuple[str, ...], Wire(comma=",")] = ()
    support_battery_aov_mode: int | None = None
