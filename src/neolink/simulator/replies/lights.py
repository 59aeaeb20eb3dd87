"""Answers about lights, siren and volume (protocol reference, section 3.10)."""

from collections.abc import Mapping

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml import BodyPart
from neolink.baichuan.xml.lights import (
    AudioCfg,
    FloodlightManual,
    FloodlightScheduleList,
    FloodlightStatus,
    FloodlightStatusList,
    FloodlightTask,
    LedState,
    LightRange,
    LightSchedule,
    LightThreshold,
    NightLongView,
)
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query
from neolink.simulator.replies.stored import Setting, handlers

__all__ = ["REPLIES"]


def _leds(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (LedState(channel, led_version=2, state="auto", light_state="open"),)


def _volume(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (
        AudioCfg(
            channel_id=channel,
            timeout=0,
            audio_select=0,
            volume=80,
            pre_alarm=0,
            pause_alarm=0,
            pause_type=0,
            pause_start_time=0,
            pause_time=0,
            audio_list_id=0,
            linkage_ctrl_enable=0,
        ),
    )


def _floodlight_task(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (
        FloodlightTask(
            channel_id=channel,
            alarm_mode=1,
            enable=1,
            last_alarm_mode=1,
            preview_auto=0,
            duration=180,
            brightness_cur=100,
            brightness_max=100,
            brightness_min=1,
            schedule=LightSchedule(18, 0, 6, 0),
            light_sens_threshold=LightThreshold(1000, 2300, 1800, 1900, 1800, 1900),
            floodlight_schedule_list=FloodlightScheduleList(32),
            night_long_view=NightLongView(
                0, LightRange(1, 100, 100, 100), LightRange(5, 600, 10, 10)
            ),
            detect_type="none",
        ),
    )


def _switch_floodlight(query: Query, _: DeviceSettings) -> Answer:
    wanted = query.body.get(FloodlightManual) if query.body else None
    if wanted is None or wanted.status is None:
        return Answer(status=Status.BAD_REQUEST)
    status = FloodlightStatusList((FloodlightStatus(query.channel, wanted.status),))
    return Answer(pushes=((MessageId.FLOODLIGHT_STATUS, status),))


def _sound_siren(_: Query, __: DeviceSettings) -> Answer:
    return Answer()


REPLIES: Mapping[int, Handler] = {
    MessageId.FLOODLIGHT_MANUAL: _switch_floodlight,
    MessageId.SIREN: _sound_siren,
    **handlers(
        Setting((MessageId.LED_GET,), MessageId.LED_SET, _leds),
        Setting((MessageId.AUDIO_GET,), MessageId.AUDIO_SET, _volume),
        Setting(
            (MessageId.FLOODLIGHT_TASK_GET, MessageId.FLOODLIGHT_TASK_GET_NEW),
            MessageId.FLOODLIGHT_TASK_SET,
            _floodlight_task,
        ),
    ),
}
