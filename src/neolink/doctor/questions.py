"""What a camera is asked about itself and its streams, once it has let us in.

Facts for :mod:`neolink.doctor.judge_device`. Nothing is changed on the camera. What it does not
answer, or does not have, is None in the facts.
"""

from typing import TypeVar

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import Body, BodyPart, Extension
from neolink.baichuan.xml.ability import AbilityInfo, Support
from neolink.baichuan.xml.battery import BatteryInfo, BatteryList
from neolink.baichuan.xml.login import DeviceInfo
from neolink.baichuan.xml.network import WifiSignal
from neolink.baichuan.xml.streams import Compression, StreamInfoList
from neolink.baichuan.xml.system import ChannelInfoList, SystemGeneral, VersionInfo
from neolink.clock import Clock
from neolink.doctor.device_facts import DeviceFacts, StreamFacts
from neolink.doctor.visit import Visit

__all__ = ["ask_about_device", "ask_about_streams"]

RIGHTS = "system, streaming, PTZ, IO, security, replay, disk, network, alarm, record, video, image"
"""Groups of rights, as the camera wants them named (protocol reference, section 3.3)."""

P = TypeVar("P", bound=BodyPart)


async def ask_about_device(visit: Visit, channel_id: int, clock: Clock) -> DeviceFacts:
    """Ask what the device is and how it is. Raises ConnectionLost when the login is gone."""
    version = await _part(visit, MessageId.VERSION, VersionInfo)
    general = await _part(visit, MessageId.GENERAL_GET, SystemGeneral)
    asked_unix_s = clock.unix_s()
    support = await _part(visit, MessageId.SUPPORT, Support)
    info = visit.description.get(DeviceInfo)
    is_private = await _is_private(visit, channel_id)
    has_channels = info is not None and (info.channel_num or 0) > 1
    return DeviceFacts(
        channel_id=channel_id,
        asked_unix_s=asked_unix_s,
        info=info,
        version=version,
        general=general,
        support=support,
        battery=await _battery(visit, channel_id, support),
        channels=await _part(visit, MessageId.CHANNEL_LIST, ChannelInfoList)
        if has_channels
        else None,
        wifi_dbm=await _wifi_dbm(visit, channel_id, support),
        is_private=is_private,
        answers=visit.answers,
        refusals=tuple(visit.refusals.values()),
        trouble=visit.trouble,
    )


async def ask_about_streams(visit: Visit, username: str, device: DeviceFacts) -> StreamFacts:
    """Ask for rights and streams of the channel. Raises ConnectionLost when the login is gone."""
    channel_id, support = device.channel_id, device.support
    abilities = await visit.ask(MessageId.ABILITIES, Extension(user_name=username, token=RIGHTS))
    listed = visit.description.get(StreamInfoList) or await _part(
        visit, MessageId.STREAM_LIST, StreamInfoList
    )
    items = support.items if support else ()
    mine = next((item for item in items if item.channel_id == channel_id), None)
    return StreamFacts(
        channel_id=channel_id,
        abilities=abilities.get(AbilityInfo) if abilities else None,
        listed=listed,
        compression=await _part(visit, MessageId.COMPRESSION_GET, Compression, channel_id),
        has_extern=False if support and support.no_extern_stream else None,
        has_sound=False if mine and mine.no_audio else None,
    )


async def _part(
    visit: Visit, message_id: MessageId, part: type[P], channel_id: int | None = None
) -> P | None:
    body = await _body(visit, message_id, channel_id)
    return body.get(part) if body else None


async def _body(visit: Visit, message_id: MessageId, channel_id: int | None) -> Body | None:
    extension = None if channel_id is None else Extension(channel_id=channel_id)
    return await visit.ask(message_id, extension)


async def _is_private(visit: Visit, channel_id: int) -> bool:
    body = await _body(visit, MessageId.SLEEP_STATE_GET, channel_id)
    state = (
        next((node for node in body.unknown if node.tag == "sleepState"), None) if body else None
    )
    fields = state.children if state else ()
    return any(node.tag == "sleep" and node.text.strip() == "1" for node in fields)


async def _battery(visit: Visit, channel_id: int, support: Support | None) -> BatteryInfo | None:
    if support is None or not support.has_battery:
        return None
    body = await _body(visit, MessageId.BATTERY, channel_id)
    if body is None:
        return None
    listed = body.get(BatteryList)
    batteries = listed.batteries if listed else ()
    mine = (battery for battery in batteries if battery.channel_id in (None, channel_id))
    return next(mine, None) or body.get(BatteryInfo)


async def _wifi_dbm(visit: Visit, channel_id: int, support: Support | None) -> int | None:
    if support is None or not support.wifi:
        return None
    signal = await _part(visit, MessageId.WIFI_SIGNAL, WifiSignal, channel_id)
    dbm = signal.signal if signal else None
    return dbm if dbm is not None and dbm < 0 else None  # some models tell a level instead
