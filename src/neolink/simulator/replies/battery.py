"""Answers of cameras with a battery (protocol reference, sections 3.11 and 8.5)."""

from collections.abc import Mapping

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml.battery import BatteryInfo, BatteryList
from neolink.simulator.profile import CameraProfile
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query

__all__ = ["REPLIES", "battery_list"]


def battery_list(profile: CameraProfile) -> BatteryList:
    """Return the state of the batteries of all channels."""
    return BatteryList(tuple(_battery(channel) for channel in range(profile.channels)))


def _battery(channel: int) -> BatteryInfo:
    return BatteryInfo(
        channel_id=channel,
        charge_status="none",
        adapter_status="none",
        voltage=3900,
        current=-100,
        temperature=20,
        battery_percent=80,
        low_power=False,
        battery_version=2,
    )


def _all(_: Query, settings: DeviceSettings) -> Answer:
    if not settings.profile.has_battery:
        return Answer(status=Status.NOT_ALLOWED)
    return Answer((battery_list(settings.profile),))


def _one(query: Query, settings: DeviceSettings) -> Answer:
    if not settings.profile.has_battery:
        return Answer(status=Status.NOT_ALLOWED)
    return Answer((_battery(query.channel),))


REPLIES: Mapping[int, Handler] = {
    MessageId.BATTERY_LIST: _all,
    MessageId.BATTERY: _one,
}
