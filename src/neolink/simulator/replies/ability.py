"""Answers about what the camera is and can do: the login's, abilities, support flags.

Protocol reference, sections 2.6, 3.3 and 8.5. The support flags name no HTTP service, so clients
that know both ways come here for everything.
"""

from collections.abc import Mapping

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.ability import AbilityGroup, AbilityInfo, SubModule, Support, SupportItem
from neolink.baichuan.xml.login import DeviceInfo, DeviceResolution
from neolink.media.tracks import StreamKind
from neolink.simulator.profile import CameraProfile
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query
from neolink.simulator.replies.video import stream_list

__all__ = ["REPLIES", "login_body"]

_PAN_TILT_ZOOM = 2
_AI_PEOPLE_AND_VEHICLES = 0b110


def login_body(profile: CameraProfile) -> bytes:
    """Return the body that answers a successful login."""
    main = profile.clip(StreamKind.MAIN)
    device = DeviceInfo(
        firm_version="00000000000000",
        io_input_port_num=0,
        io_output_port_num=0,
        disk_num=0,
        type=profile.device_type,
        channel_num=profile.channels,
        audio_num=1 if profile.audio else 0,
        ip_channel=0,
        analog_chn_num=profile.channels,
        resolution=DeviceResolution(f"{main.width}*{main.height}", main.width, main.height),
        language="English",
        sd_card=0,
        ptz_mode="pt",
        type_info="IPC",
        soft_ver=33555019,
        hard_ver=0,
        panel_ver=0,
        norm="NTSC",
        osd_format="DMY",
        b485=0,
        support_auto_update=0,
        user_ver=1,
    )
    return serialize_body(device, stream_list(profile))


def _abilities(query: Query, settings: DeviceSettings) -> Answer:
    profile = settings.profile
    asked = query.extension.user_name if query.extension else None
    abilities = AbilityInfo(
        asked or profile.username,
        system=_on_device("general_rw", "norm_ro", "version_ro", "uid_ro", "reboot_rw"),
        network=_on_device("port_rw", "email_rw", "ntp_rw", "ptop_rw"),
        alarm=_on_channels(profile, "motion_rw", "rfAlarm_rw"),
        image=_on_channels(profile, "ispBasic_rw", "ispAdvance_rw", "ledState_rw"),
        video=_on_channels(profile, "osdName_rw", "osdTime_rw"),
        ptz=_on_channels(profile, "control_rw", "preset_rw"),
        streaming=_on_channels(profile, "preview_rw", "streamTable_ro"),
    )
    return Answer((abilities,))


def _on_device(*names: str) -> AbilityGroup:
    return AbilityGroup((SubModule(ability_value=names),))


def _on_channels(profile: CameraProfile, *names: str) -> AbilityGroup:
    return AbilityGroup(tuple(SubModule(number, names) for number in range(profile.channels)))


def _support(_: Query, settings: DeviceSettings) -> Answer:
    profile = settings.profile
    items = tuple(_channel_support(profile, number) for number in range(profile.channels))
    return Answer(
        (
            Support(
                io_input_port_num=0,
                io_output_port_num=0,
                disk_num=0,
                channel_num=profile.channels,
                audio_num=1 if profile.audio else 0,
                ptz_mode="pt",
                ptz_cfg=0,
                push_alarm=1,
                wifi=0,
                record=0,
                rtsp=0,
                onvif=0,
                rtmp=0,
                audio_talk=int(profile.talk is not None),
                rf_version=0,
                no_extern_stream=0 if StreamKind.EXTERN in profile.streams else 1,
                net_port=1,
                reboot=1,
                battery=int(profile.has_battery),
                scene_mode_cfg=0,
                doorbell_version=0,
                items=items,
            ),
        )
    )


def _channel_support(profile: CameraProfile, number: int) -> SupportItem:
    return SupportItem(
        channel_id=number,
        ptz_type=_PAN_TILT_ZOOM,
        ptz_control=0,
        ptz_preset=1,
        rf_cfg=0,
        no_audio=0 if profile.audio else 1,
        battery=int(profile.has_battery),
        led_ctrl=0b111,
        isp_cfg=1,
        osd_cfg=1,
        enc_ctrl=1,
        motion=1,
        ai_type=_AI_PEOPLE_AND_VEHICLES,
        snap=1,
    )


REPLIES: Mapping[int, Handler] = {
    MessageId.ABILITIES: _abilities,
    MessageId.SUPPORT: _support,
}
