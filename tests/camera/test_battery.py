"""The charge of a battery: told by the camera, kept by channel, never asked for."""

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml.battery import BatteryInfo
from neolink.camera.commands.battery import MOST_BATTERIES, _note
from neolink.simulator.profile import CameraProfile
from support.bridge import running_bridge
from support.waiting import until


async def test_a_charge_is_known_after_the_login_without_a_question() -> None:
    async with running_bridge(CameraProfile(name="gate", has_battery=True)) as running:
        (camera,) = running.bridge.cameras
        await until(lambda: camera.status.batteries)
        (reading,) = running.bridge.observer.read().cameras
        assert (reading.is_battery, reading.battery_percent) == (True, 80)
        asked = set(running.camera.stats.requests)
        assert not asked & {MessageId.BATTERY, MessageId.BATTERY_LIST}


async def test_a_camera_without_a_battery_has_no_charge() -> None:
    async with running_bridge(CameraProfile(name="gate")) as running:
        await running.camera.wait_for(lambda stats: stats.logins == 1)
        (reading,) = running.bridge.observer.read().cameras
        assert (reading.is_battery, reading.battery_percent) == (False, None)


def test_what_makes_no_sense_is_left_out_and_there_is_a_bound() -> None:
    known: dict[int, int] = {}
    for percent in (None, -1, 101):
        _note(BatteryInfo(channel_id=0, battery_percent=percent), known)
    assert not known
    for channel in range(2 * MOST_BATTERIES):
        _note(BatteryInfo(channel_id=channel, battery_percent=50), known)
    assert len(known) == MOST_BATTERIES
    _note(BatteryInfo(channel_id=3, battery_percent=49), known)
    assert known[3] == 49
