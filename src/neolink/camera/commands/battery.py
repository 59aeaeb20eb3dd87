"""The charge of batteries, as cameras tell it by themselves after a login and from time to time.

Nobody asks for it: a question would keep a camera awake (protocol reference, section 3.11).
"""

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import Body
from neolink.baichuan.xml.battery import BatteryInfo, BatteryList
from neolink.camera.session import CameraSession
from neolink.camera.status import CameraStatus

__all__ = ["follow_batteries"]

MOST_BATTERIES = 64
"""More channels than recorders for battery cameras have."""


def follow_batteries(session: CameraSession, status: CameraStatus) -> None:
    """Keep ``status.batteries`` as the camera tells it on this login."""

    def take(body: Body) -> None:
        listed = body.get(BatteryList)
        single = body.get(BatteryInfo)
        for battery in listed.batteries if listed else (single,) if single else ():
            _note(battery, status.batteries)

    session.on_push(MessageId.BATTERY_LIST, take)


def _note(battery: BatteryInfo, percent_by_channel: dict[int, int]) -> None:
    percent, channel = battery.battery_percent, battery.channel_id or 0
    if percent is None or not 0 <= percent <= 100:
        return
    if channel in percent_by_channel or len(percent_by_channel) < MOST_BATTERIES:
        percent_by_channel[channel] = percent
