"""From the file to the settings of the packages."""

from ipaddress import IPv4Network, ip_network

from neolink.baichuan.crypto import Encryption
from neolink.camera.settings import CameraSettings, Discovery
from neolink.config.compose import (
    camera_settings,
    disabled_cameras,
    http_settings,
    mount_settings,
    rtsp_settings,
    statsd_settings,
)
from neolink.config.load import loads
from neolink.config.model import Config
from neolink.hub.pause import PauseMode, PauseSettings
from neolink.media.tracks import StreamKind
from neolink.metrics.settings import StatsdSettings
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtsp_server.settings import (
    Access,
    AudioChoice,
    MountSettings,
    MulticastSettings,
    RtspSettings,
    StartMode,
)

CAMERA = '[[cameras]]\nname = "a"\naddress = "h"\nusername = "u"\npassword = "sesame"\n'


def config(text: str) -> Config:
    return loads(text, environ={}).config


def test_smallest_file_gives_the_defaults_of_the_settings() -> None:
    smallest = config(CAMERA)
    assert camera_settings(smallest) == [
        CameraSettings(name="a", host="h", username="u", password="sesame")
    ]
    assert mount_settings(smallest) == [MountSettings(camera="a")]
    assert rtsp_settings(smallest) == RtspSettings()


def test_camera_keys_arrive() -> None:
    (camera,) = camera_settings(
        config(
            CAMERA.replace('"h"', '"[2001:db8::1]:9001"')
            + 'uid = "ABCD"\nchannel = 3\nmax_encryption = "bcencrypt"\nstrict = true\n'
            + 'stream = "sub"\ndiscovery = "none"\nidle = true\ngrace_period = 10\n'
            + "ping_retries = 3\ntime = true\ndebug = true\nretries = 4\n"
            + 'talk_nibbles = "low"\n'
        )
    )
    assert (camera.host, camera.port, camera.uid) == ("2001:db8::1", 9001, "ABCD")
    assert (camera.channel_id, camera.max_encryption) == (3, Encryption.BC)
    assert (camera.strict, camera.streams) == (True, (StreamKind.SUB,))
    assert (camera.discovery, camera.idle_disconnect) == (Discovery.NONE, True)
    assert (camera.idle_grace_s, camera.max_missed_pings) == (10, 3)
    assert not camera.has_high_talk_nibble_first
    assert (camera.update_time, camera.debug, camera.max_discovery_retries) == (True, True, 4)


def test_camera_by_uid_has_no_host() -> None:
    (camera,) = camera_settings(config(CAMERA.replace('address = "h"', 'uid = "ABCD"')))
    assert (camera.host, camera.port) == (None, 9000)


def test_disabled_camera_is_left_out_and_camera_without_stream_has_no_mount() -> None:
    two = config(CAMERA + "enabled = false\n" + CAMERA.replace('"a"', '"b"') + 'stream = "none"\n')
    assert [camera.name for camera in camera_settings(two)] == ["b"]
    assert mount_settings(two) == []


def test_mount_keys_arrive_and_win_over_the_servers() -> None:
    text = (
        CAMERA
        + 'start = "live"\naudio = "none"\nmax_clients = 2\nbuffer = 500\ncodec_timeout = 25\n'
        + 'aggregate = "all"\n'
        + 'splash = false\npattern = "Snow"\npermitted_users = ["me"]\n'
        + CAMERA.replace('"a"', '"b"')
        + '[rtsp]\nstart = "gop"\naudio = "l16"\nsetup_timeout = 5\n'
        + 'aggregate = "off"\nudp_payload = 1200\n'
        + '[limits]\nmax_clients_per_camera = 9\n[[users]]\nname = "me"\npass = "x"\n'
        + '[[users]]\nname = "you"\npass = "y"\n'
    )
    first, second = mount_settings(config(text))
    assert (first.start, first.audio) == (StartMode.LIVE, AudioChoice.NONE)
    assert (first.max_clients, first.buffer_duration_s, first.setup_timeout_s) == (2, 0.5, 25)
    assert (first.use_splash, first.splash_pattern) == (False, "snow")
    assert first.access == Access(anonymous=False, users=frozenset({"me"}))
    assert (second.start, second.audio) == (StartMode.GOP, AudioChoice.L16)
    assert (second.max_clients, second.setup_timeout_s) == (9, 5)
    assert (first.aggregate, second.aggregate) == (Aggregation.ALL, Aggregation.OFF)
    assert first.packet_bytes == second.packet_bytes == 1200
    assert second.access == Access(anonymous=False, users=frozenset({"me", "you"}))


def test_pause_keys_arrive() -> None:
    keys = 'on_motion = true\nmode = "black"\ntimeout = 2.5\non_client = true\n'
    (mount,) = mount_settings(config(f"{CAMERA}[cameras.pause]\n{keys}"))
    assert mount.pause == PauseSettings(
        on_motion=True, mode=PauseMode.BLACK, motion_timeout_s=2.5, first_look_s=5.0
    )


def test_server_keys_arrive() -> None:
    server = rtsp_settings(
        config(
            'bind = "::"\nbind_port = 0\ncameras = []\n[rtsp]\nsession_timeout = 20\nudp = false\n'
            "rtp_port = 0\n[limits]\nmax_clients = 7\nmax_frames = 50\nmax_bytes = '2 MiB'\n"
            '[[users]]\nname = "me"\npass = "sesame"\n'
        )
    )
    assert (server.bind, server.port, server.rtp_port, server.is_udp_enabled) == ("::", 0, 0, False)
    assert (server.session_timeout_s, server.enforced_timeout_s) == (20, 30)
    assert (server.limits.max_clients, server.limits.max_frames) == (7, 50)
    assert server.limits.max_bytes == 2 * 1024 * 1024
    assert server.users == {"me": "sesame"}


def test_multicast_arrives() -> None:
    text = "cameras = []\n[rtsp]\ndscp = 46\n[rtsp.multicast]\nenabled = true\n"
    server = rtsp_settings(config(f'{text}range = "239.1.2.0/30"\nport = 9000\nttl = 1\n'))
    assert server.dscp == 46
    network = IPv4Network("239.1.2.0/30")
    assert server.multicast == MulticastSettings(is_enabled=True, network=network, port=9000, ttl=1)


def test_settings_do_not_show_secrets() -> None:
    text = CAMERA + 'uid = "SESAME16"\n[[users]]\nname = "me"\npass = "sesame"\n'
    both = config(text)
    shown = repr((camera_settings(both), rtsp_settings(both), mount_settings(both)))
    assert "sesame" not in shown.lower()


def test_http_is_off_without_its_table_and_knows_only_the_users_it_names() -> None:
    users = '[[users]]\nname = "me"\npass = "sesame"\n[[users]]\nname = "you"\npass = "other"\n'
    assert http_settings(config(CAMERA)) is None
    open_to_all = http_settings(config(f"{CAMERA}[http]\nport = 0\n{users}"))
    assert open_to_all is not None
    assert (open_to_all.bind, open_to_all.port) == ("127.0.0.1", 0)
    assert not open_to_all.needs_login
    keys = 'users = ["me", "nobody"]\nproxies = ["::1", "192.0.2.0/24"]\n'
    some = http_settings(config(f"{CAMERA}[http]\n{keys}{users}"))
    assert some is not None
    assert some.needs_login
    assert some.users == {"me": "sesame"}
    assert some.proxies == (ip_network("::1"), ip_network("192.0.2.0/24"))
    bearer = http_settings(config(f'{CAMERA}[http]\ntoken = "long enough"\n'))
    assert bearer is not None
    assert bearer.needs_login
    assert (bearer.token, bearer.users) == ("long enough", {})
    assert "long enough" not in repr(bearer)


def test_statsd_is_off_without_its_table() -> None:
    assert statsd_settings(config(CAMERA)) is None
    keys = 'host = "::1"\nport = 9\nprefix = "nl"\ninterval = 2\n'
    assert statsd_settings(config(f"{CAMERA}[statsd]\n{keys}")) == StatsdSettings(
        host="::1", port=9, prefix="nl", interval_s=2
    )


def test_cameras_that_are_switched_off_are_known_by_name() -> None:
    both = config(CAMERA + "enabled = false\n" + CAMERA.replace('"a"', '"b"'))
    assert disabled_cameras(both) == ("a",)
    assert [one.name for one in camera_settings(both)] == ["b"]
