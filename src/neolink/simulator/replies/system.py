"""Answers about the device itself: version, clock, network, disks, users.

Protocol reference, sections 3.1 and 8.5.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml import Node
from neolink.baichuan.xml.network import (
    AutoDns,
    Dhcp,
    Dns,
    HttpPort,
    HttpsPort,
    Ip,
    LinkType,
    Ntp,
    OnvifPort,
    RtmpPort,
    RtspPort,
    ServerPort,
    WifiSignal,
)
from neolink.baichuan.xml.system import (
    AbilitySupport,
    ChannelInfo,
    ChannelInfoList,
    HddInfoList,
    Norm,
    SystemGeneral,
    Uid,
    User,
    UserList,
    VersionInfo,
)
from neolink.simulator.profile import CameraProfile
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query

__all__ = ["REPLIES", "channel_list", "serial_port"]


def _version(_: Query, settings: DeviceSettings) -> Answer:
    profile = settings.profile
    return Answer(
        (
            VersionInfo(
                name=profile.name,
                type=profile.model,
                serial_number="0",
                build_day="build 20010100",
                hardware_version="SIM_HARDWARE_1",
                cfg_version="v1.0.0.0",
                firmware_version=profile.firmware,
                detail=profile.model,
                ie_client="IE",
                pak_suffix="pak",
                help_version="IE",
            ),
        )
    )


def _ping(_: Query, __: DeviceSettings) -> Answer:
    return Answer((LinkType("LAN"),))


def _general(query: Query, settings: DeviceSettings) -> Answer:
    now = datetime.fromtimestamp(settings.local_s(query.unix_s), UTC)
    general = SystemGeneral(
        time_zone=settings.time_zone_s,
        osd_format="DMY",
        year=now.year,
        month=now.month,
        day=now.day,
        hour=now.hour,
        minute=now.minute,
        second=now.second,
        device_id=0,
        time_format=0,
        language="English",
        device_name=settings.profile.name,
    )
    return Answer((general, Norm("NTSC")))


def _set_general(query: Query, settings: DeviceSettings) -> Answer:
    general = query.body.get(SystemGeneral) if query.body else None
    if general is None:
        return Answer(status=Status.BAD_REQUEST)
    zone = settings.time_zone_s if general.time_zone is None else general.time_zone
    date = (general.year, general.month, general.day)
    time = (general.hour, general.minute, general.second)
    year, month, day, hour, minute, second = (part or 0 for part in date + time)
    if not year:
        settings.time_zone_s = zone
        return Answer()
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return Answer(status=Status.BAD_REQUEST)
    settings.set_local(local, zone, query.unix_s)
    return Answer()


def _uid(_: Query, settings: DeviceSettings) -> Answer:
    return Answer((Uid(settings.profile.uid),))


def _network(_: Query, __: DeviceSettings) -> Answer:
    return Answer(
        (
            Dhcp(enable=True),
            AutoDns(enable=True),
            Ip("127.0.0.1", "255.0.0.0", "02:00:00:00:00:01", "127.0.0.1"),
            Dns("127.0.0.1", "127.0.0.1"),
        )
    )


def _ports(_: Query, settings: DeviceSettings) -> Answer:
    return Answer(
        (
            ServerPort(settings.port),
            HttpPort(80, enable=False),
            HttpsPort(443, enable=False),
            RtspPort(554, enable=False),
            RtmpPort(1935, enable=False),
            OnvifPort(8000, enable=False),
        )
    )


def _ntp(_: Query, __: DeviceSettings) -> Answer:
    return Answer((Ntp(enable=False, server="pool.ntp.org", synchronize_cycle=1440, port=123),))


def _disks(_: Query, __: DeviceSettings) -> Answer:
    return Answer((HddInfoList(),))


def _users(_: Query, settings: DeviceSettings) -> Answer:
    name = settings.profile.username
    rights = AbilitySupport(name, *(1,) * 13)
    user = User(0, name, user_level=1, login_state=1, user_set_state="none")
    return Answer((rights, UserList((user,))))


def _wifi_signal(_: Query, __: DeviceSettings) -> Answer:
    return Answer((WifiSignal(-40),))


def channel_list(profile: CameraProfile) -> ChannelInfoList:
    """Return the cameras of a recorder, which it also pushes after a login."""
    return ChannelInfoList(
        tuple(
            ChannelInfo(number, profile.uid, "online", f"{profile.name} {number + 1}")
            for number in range(profile.channels)
        )
    )


def _channels(_: Query, settings: DeviceSettings) -> Answer:
    return Answer((channel_list(settings.profile),))


def _sleep_state(_: Query, settings: DeviceSettings) -> Answer:
    state = Node("sleep", str(int(settings.is_private)))
    return Answer((Node("sleepState", attributes=(("version", "1.1"),), children=(state,)),))


def _accept(_: Query, __: DeviceSettings) -> Answer:
    return Answer()


def serial_port(channel: int) -> Node:
    """Return the settings of the serial port, which cameras push after a login."""
    fields = {
        "channelId": str(channel),
        "baudRate": "9600",
        "dataBit": "CS8",
        "stopBit": "1",
        "parity": "none",
        "flowControl": "none",
        "controlProtocol": "PELCO_D",
        "controlAddress": "1",
    }
    children = tuple(Node(tag, text) for tag, text in fields.items())
    return Node("Serial", attributes=(("version", "1.1"),), children=children)


REPLIES: Mapping[int, Handler] = {
    MessageId.REBOOT: _accept,
    MessageId.PORTS_GET: _ports,
    MessageId.NTP_GET: _ntp,
    MessageId.USERS_GET: _users,
    MessageId.NETWORK_GET: _network,
    MessageId.VERSION: _version,
    MessageId.PING: _ping,
    MessageId.HDD_LIST: _disks,
    MessageId.GENERAL_GET: _general,
    MessageId.GENERAL_SET: _set_general,
    MessageId.UID: _uid,
    MessageId.WIFI_SIGNAL: _wifi_signal,
    MessageId.CHANNEL_LIST: _channels,
    MessageId.CHANNEL_VERSION: _version,
    MessageId.SLEEP_STATE_GET: _sleep_state,
}
