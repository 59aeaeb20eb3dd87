"""Answers by message id: pure, without a connection."""

import pytest

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import Body, BodyPart, Extension, parse_body, serialize_body
from neolink.baichuan.xml.ability import AbilityInfo, Support
from neolink.baichuan.xml.battery import BatteryInfo
from neolink.baichuan.xml.lights import FloodlightManual, FloodlightStatusList, LedState
from neolink.baichuan.xml.login import DeviceInfo
from neolink.baichuan.xml.network import ServerPort
from neolink.baichuan.xml.ptz import (
    Preset,
    PresetList,
    PtzControl,
    PtzPreset,
    PtzZoomFocus,
    StartZoomFocus,
)
from neolink.baichuan.xml.streams import Compression, StreamInfoList
from neolink.baichuan.xml.system import ChannelInfoList, SystemGeneral, Uid, VersionInfo
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.profile import CameraProfile
from neolink.simulator.replies import REPLIES, Answer, DeviceSettings, Query, answer, login_body

NOON = 1_709_208_000.0  # 2024-02-29 12:00:00 UTC


def settings(**options: object) -> DeviceSettings:
    return DeviceSettings(CameraProfile(**options))  # type: ignore[arg-type]  # as given


def ask(
    message_id: int,
    device: DeviceSettings,
    *parts: BodyPart,
    channel: int = 0,
    extension: Extension | None = None,
) -> Answer:
    body = parse_body(serialize_body(*parts)) if parts else None
    return answer(Query(message_id, channel, extension, body, unix_s=NOON), device)


def body_of(reply: Answer) -> Body:
    assert reply.status == 200
    return parse_body(serialize_body(*reply.parts))


@pytest.mark.parametrize("message_id", sorted(REPLIES))
@pytest.mark.parametrize("has_battery", [False, True])
def test_every_answer_is_a_status_and_xml(message_id: int, has_battery: bool) -> None:
    reply = ask(message_id, settings(has_battery=has_battery))
    assert reply.status in (200, 400, 405)
    if reply.parts:
        assert parse_body(serialize_body(*reply.parts)).names


GETTERS = (
    *(26, 37, 44, 46, 54, 56, 58, 76, 80, 81, 93, 102, 104, 114, 115, 146, 151, 190),
    *(199, 208, 212, 217, 219, 232, 264, 289, 294, 318, 438),
)


@pytest.mark.parametrize("message_id", GETTERS)
def test_getters_of_the_foreign_clients_have_a_body(message_id: int) -> None:
    assert body_of(ask(message_id, settings())).names


@pytest.mark.parametrize("message_id", [0, 10, 201, 299, 527, 723, 65535])
def test_unknown_request_is_answered_405(message_id: int) -> None:
    assert ask(message_id, settings()) == Answer(status=405)


@pytest.mark.parametrize("channel", [-1, 2, 255])
def test_channel_that_does_not_exist_is_answered_400(channel: int) -> None:
    assert ask(MessageId.LED_GET, settings(channels=2), channel=channel).status == 400


def test_login_tells_what_the_camera_is() -> None:
    body = parse_body(login_body(CameraProfile(channels=4)))
    device = body.get(DeviceInfo)
    assert device is not None
    assert (device.type, device.type_info, device.channel_num, device.analog_chn_num) == (
        "ipc",
        "IPC",
        4,
        4,
    )
    assert device.resolution is not None
    assert device.resolution.width == 1280
    assert body.get(StreamInfoList) is not None


def test_version_has_the_fields_that_strict_clients_need() -> None:
    version = body_of(ask(MessageId.VERSION, settings(name="Porch"))).get(VersionInfo)
    assert version is not None
    assert version.name == "Porch"
    fields = (
        version.serial_number,
        version.build_day,
        version.hardware_version,
        version.cfg_version,
        version.firmware_version,
        version.detail,
    )
    assert None not in fields


def test_abilities_allow_what_clients_insist_on() -> None:
    device = settings(channels=2)
    reply = ask(MessageId.ABILITIES, device, extension=Extension(user_name="viewer"))
    abilities = body_of(reply).get(AbilityInfo)
    assert abilities is not None
    assert abilities.user_name == "viewer"
    for name in ("preview", "general", "motion", "control", "ledState", "rfAlarm", "reboot"):
        assert abilities.allows(name, "rw")
    assert abilities.allows("version", "ro")
    assert abilities.allows("preview", "rw", channel_id=1)


def test_support_says_that_there_is_no_http_service_and_which_streams_are_there() -> None:
    support = body_of(ask(MessageId.SUPPORT, settings(channels=3))).get(Support)
    assert support is not None
    assert support.net_port is not None
    assert support.net_port & 0x3F <= 1
    assert [item.channel_id for item in support.items] == [0, 1, 2]
    assert support.no_extern_stream == 0
    without = body_of(ask(MessageId.SUPPORT, settings(streams=(StreamKind.MAIN,)))).get(Support)
    assert without is not None
    assert without.no_extern_stream == 1


def test_stream_list_describes_the_clips() -> None:
    streams = body_of(ask(MessageId.STREAM_LIST, settings(channels=2, frame_rate=12))).get(
        StreamInfoList
    )
    assert streams is not None
    (info,) = streams.stream_infos
    assert info.channel_bits == 0b11
    main, sub = info.encode_tables
    assert (main.type, main.frame_rate, main.framerate_table) == (
        "mainStream",
        12,
        (12, 10, 7, 4, 2),
    )
    assert (sub.type, sub.frame_rate) == ("subStream", 15)
    assert all(one.bit_rate for one in (main, sub))


@pytest.mark.parametrize(("codec", "number"), [(VideoCodec.H264, 0), (VideoCodec.H265, 1)])
def test_compression_names_the_codec(codec: VideoCodec, number: int) -> None:
    told = body_of(ask(MessageId.COMPRESSION_GET, settings(codec=codec))).get(Compression)
    assert told is not None
    assert told.main_stream is not None
    assert told.main_stream.video_enc_type == number
    assert told.third_stream is not None


def test_clock_follows_the_host_with_its_error() -> None:
    device = settings()
    device.clock_error_s = 90.0
    told = body_of(ask(MessageId.GENERAL_GET, device)).get(SystemGeneral)
    assert told is not None
    assert (told.year, told.month, told.day, told.hour, told.minute, told.second) == (
        2024,
        2,
        29,
        12,
        1,
        30,
    )


def test_zone_alone_moves_the_wall_clock() -> None:
    device = settings()
    assert ask(MessageId.GENERAL_SET, device, SystemGeneral(time_zone=-7200)).status == 200
    told = body_of(ask(MessageId.GENERAL_GET, device)).get(SystemGeneral)
    assert told is not None
    assert (told.hour, told.time_zone) == (14, -7200)


@pytest.mark.parametrize(
    "general",
    [SystemGeneral(year=2024, month=13, day=1), SystemGeneral(year=99999, month=1, day=1)],
)
def test_impossible_date_is_answered_400_and_changes_nothing(general: SystemGeneral) -> None:
    device = settings()
    assert ask(MessageId.GENERAL_SET, device, general).status == 400
    assert device.clock_error_s == 0.0


def test_what_was_set_is_read_back_and_the_rest_stays() -> None:
    device = settings(channels=2)
    new = LedState(0, state="close")
    assert ask(MessageId.LED_SET, device, new).status == 200
    led = body_of(ask(MessageId.LED_GET, device)).get(LedState)
    other = body_of(ask(MessageId.LED_GET, device, channel=1)).get(LedState)
    assert led is not None
    assert other is not None
    assert (led.state, led.light_state, led.led_version) == ("close", "open", 2)
    assert other.state == "auto"


def test_setter_without_its_body_is_answered_400() -> None:
    assert ask(MessageId.LED_SET, settings()).status == 400
    assert ask(MessageId.LED_SET, settings(), Uid("X")).status == 400


def test_floodlight_tells_everybody_that_it_is_on() -> None:
    reply = ask(MessageId.FLOODLIGHT_MANUAL, settings(), FloodlightManual(0, status=True))
    ((message_id, part),) = reply.pushes
    assert message_id == MessageId.FLOODLIGHT_STATUS
    assert isinstance(part, FloodlightStatusList)
    assert part.statuses[0].status is True


def test_zoom_is_remembered_within_its_range() -> None:
    device = settings()
    zoom = StartZoomFocus(0, "zoomPos", 2500)
    assert ask(MessageId.ZOOM_FOCUS_START, device, zoom).status == 200
    beyond = StartZoomFocus(0, "zoomPos", 9000)
    assert ask(MessageId.ZOOM_FOCUS_START, device, beyond).status == 400
    lens = body_of(ask(MessageId.ZOOM_FOCUS_GET, device)).get(PtzZoomFocus)
    assert lens is not None
    assert lens.zoom is not None
    assert lens.zoom.cur_pos == 2500


def test_preset_that_was_set_can_be_gone_to() -> None:
    device = settings()

    def preset(number: int, command: str) -> PtzPreset:
        return PtzPreset(0, PresetList((Preset(number, "Door", command),)))

    assert ask(MessageId.PTZ_PRESET_SET, device, preset(4, "toPos")).status == 400
    assert ask(MessageId.PTZ_PRESET_SET, device, preset(4, "setPos")).status == 200
    assert ask(MessageId.PTZ_PRESET_SET, device, preset(4, "toPos")).status == 200
    told = body_of(ask(MessageId.PTZ_PRESET_GET, device)).get(PtzPreset)
    assert told is not None
    assert told.preset_list is not None
    assert [one.id for one in told.preset_list.presets] == [0, 4]
    assert all(one.command for one in told.preset_list.presets)


def test_only_known_moves_are_accepted() -> None:
    assert ask(MessageId.PTZ_CONTROL, settings(), PtzControl(0, 32.0, "left")).status == 200
    assert ask(MessageId.PTZ_CONTROL, settings(), PtzControl(0, 32.0, "jump")).status == 400


def test_battery_is_told_by_cameras_that_have_one() -> None:
    assert ask(MessageId.BATTERY, settings()).status == 405
    battery = body_of(ask(MessageId.BATTERY, settings(has_battery=True))).get(BatteryInfo)
    assert battery is not None
    assert battery.battery_percent == 80


def test_recorder_lists_its_channels() -> None:
    listed = body_of(ask(MessageId.CHANNEL_LIST, settings(channels=2))).get(ChannelInfoList)
    assert listed is not None
    assert [one.channel_id for one in listed.channels] == [0, 1]


def test_ports_name_the_port_that_is_really_used() -> None:
    device = settings()
    device.port = 4711
    port = body_of(ask(MessageId.PORTS_GET, device)).get(ServerPort)
    assert port is not None
    assert port.port == 4711
