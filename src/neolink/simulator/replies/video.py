"""Answers about streams and the picture: tables, encoder settings, image, overlay.

Protocol reference, sections 3.2, 3.4 and 3.5. Encoder settings can be set and read back; what is
sent stays the profile's clip.
"""

from collections.abc import Mapping

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import BodyPart
from neolink.baichuan.xml.picture import (
    DayNight,
    InputAdvanceCfg,
    OsdChannelName,
    OsdDatetime,
    VideoInput,
)
from neolink.baichuan.xml.streams import (
    Compression,
    EncodeTable,
    Resolution,
    StreamCompression,
    StreamInfo,
    StreamInfoList,
)
from neolink.media.tracks import StreamKind, VideoCodec
from neolink.simulator.profile import STREAM_TYPES, CameraProfile
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query
from neolink.simulator.replies.stored import Setting, handlers

__all__ = ["REPLIES", "stream_list", "video_input"]

_LISTED = (StreamKind.MAIN, StreamKind.SUB)  # cameras leave the third stream out, as a rule


def stream_list(profile: CameraProfile) -> StreamInfoList:
    """Describe the streams of all channels."""
    tables = tuple(_table(profile, kind) for kind in _LISTED if kind in profile.streams)
    bits = (1 << profile.channels) - 1
    return StreamInfoList((StreamInfo(bits, tables),))


def video_input(channel: int) -> VideoInput:
    """Return the image settings, which cameras also push after a login."""
    return VideoInput(channel, bright=128, contrast=128, saturation=128, hue=128, sharpen=128)


def _table(profile: CameraProfile, kind: StreamKind) -> EncodeTable:
    clip, rate = profile.clip(kind), profile.frame_rate_of(kind)
    kbps = round(clip.bitrate_kbps)
    slower = (20, 15, 10, 7, 4, 2)
    return EncodeTable(
        type=STREAM_TYPES[kind].wire_name,
        resolution=Resolution(clip.width, clip.height),
        default_framerate=rate,
        default_bitrate=kbps,
        framerate_table=(rate, *(one for one in slower if one < rate)),
        bitrate_table=(kbps,),
    )


def _streams(_: Query, settings: DeviceSettings) -> Answer:
    return Answer((stream_list(settings.profile),))


def _compression(channel: int, settings: DeviceSettings) -> tuple[BodyPart, ...]:
    profile = settings.profile
    main, sub, third = (
        _stream_compression(profile, kind) if kind in profile.streams else None
        for kind in StreamKind
    )
    return (Compression(channel, 0, main, sub, third),)


def _stream_compression(profile: CameraProfile, kind: StreamKind) -> StreamCompression:
    clip = profile.clip(kind)
    return StreamCompression(
        audio=profile.audio is not None,
        resolution_name=f"{clip.width}*{clip.height}",
        width=clip.width,
        height=clip.height,
        encoder_type="vbr",
        frame=profile.frame_rate_of(kind),
        bit_rate=round(clip.bitrate_kbps),
        encoder_profile="high",
        video_enc_type=int(clip.codec is VideoCodec.H265),
    )


def _image(channel: int, _: DeviceSettings) -> tuple[BodyPart, ...]:
    advanced = InputAdvanceCfg(
        channel_id=channel,
        digital_channel=1,
        day_night=DayNight("auto", "ir", "medium"),
        mirror=0,
        flip=0,
    )
    return (video_input(channel), advanced)


def _overlay(channel: int, settings: DeviceSettings) -> tuple[BodyPart, ...]:
    name = OsdChannelName(
        channel,
        settings.profile.name,
        enable=True,
        top_left_x=65536,
        top_left_y=0,
        en_watermark=0,
        en_bgcolor=0,
    )
    clock = OsdDatetime(
        channel,
        enable=True,
        top_left_x=65537,
        top_left_y=0,
        width=0,
        height=0,
        language="English",
    )
    return (name, clock)


REPLIES: Mapping[int, Handler] = {
    MessageId.STREAM_LIST: _streams,
    **handlers(
        Setting((MessageId.VIDEO_INPUT_GET,), MessageId.VIDEO_INPUT_SET, _image),
        Setting((MessageId.OSD_GET,), MessageId.OSD_SET, _overlay),
        Setting((MessageId.COMPRESSION_GET,), MessageId.COMPRESSION_SET, _compression),
    ),
}
