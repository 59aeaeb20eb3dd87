"""Answers about what raises an alarm and what an alarm does (protocol reference, section 3.8).

Alarms themselves are pushed by the camera, to clients that subscribed.
"""

from collections.abc import Mapping

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import BodyPart
from neolink.baichuan.xml.alarms import (
    AlarmHandle,
    AlarmHandleItem,
    AudioTask,
    EmailTask,
    MotionDetection,
    PirAlarm,
    PushTask,
)
from neolink.baichuan.xml.recording import Record, RecordCfg
from neolink.baichuan.xml.schedule import Schedule, ScheduleList, TimeBlock, TimeBlockList
from neolink.simulator.replies.query import DeviceSettings, Handler
from neolink.simulator.replies.stored import Setting, handlers

__all__ = ["REPLIES"]

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_ALWAYS = TimeBlockList(tuple(TimeBlock(True, day, 0, 23) for day in _DAYS))
_ON_MOTION = ScheduleList((Schedule("MD", _ALWAYS),))


def _motion(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (MotionDetection(channel, enable=True),)


def _pir(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (
        PirAlarm(
            rf_id=channel,
            enable=True,
            sensitivity=50,
            sensi_value=50,
            reduce_false_alarm=0,
            interval=0,
            interval_sec_max=0,
            time_block_list=_ALWAYS,
            alarm_handle=AlarmHandle((AlarmHandleItem(channel, "comb"),)),
        ),
    )


def _siren(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (AudioTask(channel, enable=False, schedule_list=_ON_MOTION),)


def _email(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (EmailTask(channel, enable=False, schedule_list=_ON_MOTION),)


def _notification(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (PushTask(channel, enable=True, schedule_list=_ON_MOTION),)


def _recording(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (RecordCfg(channel, cycle=1, record_delay_time=15, pre_record_time=1, package_time=5),)


def _recording_times(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    return (Record(channel, enable=False, schedule_list=_ON_MOTION),)


REPLIES: Mapping[int, Handler] = handlers(
    Setting((MessageId.MOTION_GET,), MessageId.MOTION_SET, _motion),
    Setting((MessageId.PIR_GET,), MessageId.PIR_SET, _pir),
    Setting((MessageId.AUDIO_TASK_GET,), MessageId.AUDIO_TASK_SET, _siren),
    Setting((MessageId.EMAIL_TASK_GET,), MessageId.EMAIL_TASK_SET, _email),
    Setting((MessageId.PUSH_TASK_GET,), MessageId.PUSH_TASK_SET, _notification),
    Setting((MessageId.RECORD_CONFIG_GET,), MessageId.RECORD_CONFIG_SET, _recording),
    Setting((MessageId.RECORD_SCHEDULE_GET,), MessageId.RECORD_SCHEDULE_SET, _recording_times),
)
