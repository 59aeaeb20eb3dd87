"""Bodies of real cameras, what the bodies' own helpers decide, and what a repr hides."""

from pathlib import Path

import pytest

from neolink.baichuan.xml import Extension, Node, parse_body, serialize_body
from neolink.baichuan.xml.ability import AbilityInfo, Support, SupportItem
from neolink.baichuan.xml.events import AlarmEventList, SmartAiSub
from neolink.baichuan.xml.lights import FloodlightTask, LightRange, NightLongView
from neolink.baichuan.xml.login import DeviceInfo, DeviceResolution, EncryptionBody, LoginUser
from neolink.baichuan.xml.picture import DayNight, InputAdvanceCfg
from neolink.baichuan.xml.streams import (
    Preview,
    Resolution,
    StreamInfoList,
    resolve_index_first,
    resolve_table,
)
from neolink.baichuan.xml.system import User, UserList

KEY = bytes.fromhex("1F2D3C4B5A6978FF")


def bc_xor(data: bytes, offset: int) -> bytes:
    return bytes(octet ^ KEY[(offset + i) % 8] ^ offset for i, octet in enumerate(data))


def section(samples: Path, name: str, *, header: int, offset: int = 0) -> bytes:
    return bc_xor((samples / "bc" / name).read_bytes()[header:], offset)


# ---------------------------------------------------------------- captured bodies


@pytest.mark.parametrize(
    ("name", "nonce"),
    [
        ("model_sample_modern_login.bin", "9E6D1FCB9E69846D"),
        ("battery_enc.bin", "0-AhnEZyUg6eKrJFIWgXPF"),
    ],
)
def test_captured_nonce(samples: Path, name: str, nonce: str) -> None:
    found = parse_body(section(samples, name, header=20)).get(EncryptionBody)
    assert found == EncryptionBody("md5", nonce)


@pytest.mark.parametrize(
    ("name", "offset", "preview"),
    [
        ("xml_mainstream_b800.bin", 138, Preview(0, 0, "mainStream")),
        ("xml_substream_b800.bin", 143, Preview(0, 256, "subStream")),
        ("xml_externstream_b800.bin", 140, Preview(0, 1024, "externStream")),
    ],
)
def test_captured_preview_is_written_byte_for_byte(
    samples: Path, name: str, offset: int, preview: Preview
) -> None:
    data = section(samples, name, header=24, offset=offset)
    assert parse_body(data).get(Preview) == preview
    assert serialize_body(preview) == data


def test_captured_login_reply_describes_device_and_streams(samples: Path) -> None:
    body = parse_body(section(samples, "modern_login_success.bin", header=24))
    device, streams = body.get(DeviceInfo), body.get(StreamInfoList)
    assert device is not None
    assert streams is not None
    assert body.unknown == ()
    assert (device.type, device.type_info, device.norm, device.soft_ver) == (
        "ipc",
        "IPC",
        "NTSC",
        33554880,
    )
    assert device.resolution == DeviceResolution("3840*2160", 3840, 2160)
    assert [node.tag for node in device.extra] == [f"hdChannel{i}" for i in range(1, 5)]
    mains = [info.encode_tables[0] for info in streams.stream_infos]
    assert [(main.frame_rate, main.bit_rate) for main in mains] == [
        (20, 6144),
        (25, None),
        (25, None),
    ]
    assert [main.resolution for main in mains] == [
        Resolution(3840, 2160),
        Resolution(2560, 1440),
        Resolution(2304, 1296),
    ]
    sub = streams.stream_infos[0].encode_tables[1]
    assert (sub.type, sub.frame_rate, sub.bit_rate) == ("subStream", 7, 160)
    assert sub.framerate_table == (15, 10, 7, 4)


def test_captured_login_reply_survives_reading_and_writing(samples: Path) -> None:
    data = section(samples, "modern_login_success.bin", header=24)
    body = parse_body(data)
    device, streams = body.get(DeviceInfo), body.get(StreamInfoList)
    assert device is not None
    assert streams is not None
    written = serialize_body(device, streams)
    assert sorted(written.splitlines()) == sorted(data.splitlines())


def test_extensions_have_the_length_cameras_and_clients_write() -> None:
    assert len(Extension(channel_id=0).serialize()) == 104
    assert len(Extension(binary_data=True).serialize()) == 106


def test_captured_extension_switches_to_binary(samples: Path) -> None:
    data = section(samples, "modern_video_start1.bin", header=24)[:106]
    assert Extension.parse(data) == Extension(binary_data=True)
    assert Extension(binary_data=True).serialize() == data


# ---------------------------------------------------------------- helpers of bodies


@pytest.mark.parametrize(
    ("value", "table", "value_first", "index_first"),
    [
        (2, (15, 20, 25, 30), 25, 25),
        (10, (15, 20, 25, 30), 10, 10),
        (1, (1_000_000, 2_000_000, 3_000_000), 2_000_000, 2_000_000),
        (2, (15, 10, 7, 4, 2), 2, 7),
        (0, (15, 10), 15, 15),
        (-1, (15, 10), -1, -1),
        (7, (), 7, 7),
    ],
)
def test_number_is_a_value_or_an_index(
    value: int, table: tuple[int, ...], value_first: int, index_first: int
) -> None:
    assert resolve_table(value, table) == value_first
    assert resolve_index_first(value, table) == index_first


ABILITIES = b"""<body><AbilityInfo version="1.1"><userName>admin</userName>
<system><subModule><abilityValue>general_rw, version_ro, odd</abilityValue></subModule></system>
<PTZ><subModule><channelId>0</channelId><abilityValue>control_rw</abilityValue></subModule>
<subModule><channelId>1</channelId><abilityValue>preset_ro</abilityValue></subModule></PTZ>
</AbilityInfo></body>"""


def test_rights_are_found_by_name_and_channel() -> None:
    info = parse_body(ABILITIES).get(AbilityInfo)
    assert info is not None
    assert info.rights() == {
        "general": "rw",
        "version": "ro",
        "control": "rw",
        "preset": "ro",
    }
    assert info.rights(0).keys() == {"general", "version", "control"}
    assert info.allows("general", "ro")
    assert info.allows("version", "ro")
    assert not info.allows("version", "rw")
    assert not info.allows("preset", "ro", channel_id=0)
    assert info.ptz is not None
    assert info.ptz.rights(1) == {"preset": "ro"}


EVENT = """<body><AlarmEventList version="1.1"><AlarmEvent version="1.1"><channelId>0</channelId>
<status>{}</status><AItype>{}</AItype><recording>0</recording><timeStamp>0</timeStamp>
<smartAiTypeList><smartAiType><type>crossline</type><index>3</index><subList><index>0</index>
<type>people</type></subList></smartAiType></smartAiTypeList></AlarmEvent>
<DayNightEventList><DayNightEvent><mode>day</mode></DayNightEvent></DayNightEventList>
</AlarmEventList></body>"""


@pytest.mark.parametrize(
    ("status", "ai_type", "kinds"),
    [
        ("MD", "none", {"MD"}),
        ("MD, visitor", "people,dog_cat", {"MD", "visitor", "people", "dog_cat"}),
        ("none", "none", set()),
        ("", "", set()),
    ],
)
def test_kinds_of_an_alarm(status: str, ai_type: str, kinds: set[str]) -> None:
    found = parse_body(EVENT.format(status, ai_type).encode()).get(AlarmEventList)
    assert found is not None
    (event,) = found.events
    assert event.kinds == kinds
    assert event.smart_ai_type_list is not None
    assert event.smart_ai_type_list.rules[0].sub_list == (SmartAiSub(0, "people"),)
    assert [node.tag for node in found.extra] == ["DayNightEventList"]
    assert serialize_body(found).count(b'version="1.1"') == 2


def test_battery_is_known_from_device_or_channel() -> None:
    assert not Support(battery=0).has_battery
    assert Support(battery=1).has_battery
    assert Support(items=(SupportItem(battery=2),)).has_battery


def test_floodlight_names_with_underscores_are_kept() -> None:
    task = FloodlightTask(
        channel_id=0,
        brightness_cur=70,
        night_long_view=NightLongView(alarm_brightness=LightRange(default=100)),
    )
    data = serialize_body(task)
    for piece in (b"<channel>0<", b"<brightness_cur>70<", b"<alarmBrightness>\n<def>100<"):
        assert piece in data


def test_settings_nobody_describes_survive_a_change() -> None:
    data = b"""<body><InputAdvanceCfg><channelId>0</channelId><Exposure><mode>auto</mode>
    <Gainctl><defMin>1</defMin></Gainctl></Exposure><DayNight><mode>auto</mode></DayNight>
    </InputAdvanceCfg></body>"""
    found = parse_body(data).get(InputAdvanceCfg)
    assert found is not None
    assert found.day_night == DayNight("auto")
    assert b"<Exposure>\n<mode>auto</mode>\n<Gainctl>\n<defMin>1<" in serialize_body(found)


# ---------------------------------------------------------------- secrets

SECRET = "hunter2"


@pytest.mark.parametrize(
    "value",
    [
        EncryptionBody(nonce=SECRET),
        LoginUser(user_name=SECRET, password=SECRET),
        Extension(token=SECRET),
        User(user_name="admin", password=SECRET),
        UserList(extra=(Node("password", SECRET),)),
    ],
)
def test_repr_hides_secrets(value: object) -> None:
    assert SECRET not in repr(value)
