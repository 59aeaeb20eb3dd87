"""Files written for the Rust program and its forks load as they are."""

import pytest

from neolink.config.load import LoadedConfig, loads
from neolink.media.tracks import StreamKind

SAMPLE = """
bind = "0.0.0.0"
bind_port = 8554
tls_client_auth = "requested"
tokio_console = false

[mqtt]
mqtt.broker_addr = "192.0.2.2"
mqtt.port = 1883
mqtt.credentials = ["mqtt_user", "mqtt_password"]

[[cameras]]
name = "Camera01"
username = "admin"
password = "password"
uid = "ABCDEF0123456789"
address = "192.0.2.187:9000"
stream = "mainStream"
discovery = "local"
idle_disconnect = true
update_time = true
print = "Human"
buffer_duration = 3000
push_notifications = false
  [cameras.mqtt]
  enable_motion = false
  enable_light = false
  battery_update = 2000
  enable_preview = true
    [cameras.mqtt.discovery]
    topic = "homeassistant"
    features = ["floodlight", "camera", "md", "led", "ir", "reboot", "pt", "Battery", "siren"]
  [cameras.pause]
  on_motion = true
  on_client = true
  timeout = 2.1
  mode = "none"

[[cameras]]
name = "storage shed"
username = "admin"
pass = "987654321"
uid = "0123456789ABCDEF"
stream = "Both"
channel = 1
permitted_users = ["me", "someone"]
max_encryption = "None"
splash_pattern = "Snow"
use_splash = true

[[users]]
name = "me"
pass = "mepass"

[[users]]
username = "someone"
password = "someonespass"
"""


def load(text: str) -> LoadedConfig:
    return loads(text, environ={})


def test_sample_of_the_rust_program_loads() -> None:
    loaded = load(SAMPLE)
    first, second = loaded.config.cameras
    assert loaded.config.mqtt
    assert loaded.config.mqtt.broker_addr == "192.0.2.2"
    assert first.stream == (StreamKind.MAIN,)
    assert first.mqtt.discovery
    assert first.mqtt.discovery.features[2] == "motion"
    assert first.pause.motion_timeout == 2.1
    assert first.pause.on_disconnect
    assert (second.channel_id, second.splash_pattern) == (1, "snow")
    assert [user.name for user in loaded.config.users] == ["me", "someone"]


def test_doubled_mqtt_prefix_is_told() -> None:
    (warning,) = load(SAMPLE).warnings
    assert warning.startswith("neolink.toml:8: mqtt.mqtt: inside [mqtt] the keys have no `mqtt.`")


def test_value_below_a_doubled_prefix_is_refused_at_its_line() -> None:
    with pytest.raises(Exception, match=r"toml:4: mqtt\.port: 99999: out of range"):
        load('cameras = []\n[mqtt]\nmqtt.server = "s"\nmqtt.port = 99999\n')


CAMERA = '[[cameras]]\nname = "a"\naddress = "h"\nusername = "u"\npassword = "p"\n'
BROKER_IN_CAMERA = CAMERA + '[cameras.mqtt]\nserver = "s"\nport = 1\ncredentials = ["u", "pw"]\n'


def test_broker_of_a_camera_is_used_when_there_is_no_other() -> None:
    loaded = load(BROKER_IN_CAMERA)
    assert loaded.config.mqtt
    assert loaded.config.mqtt.broker_addr == "s"
    (warning,) = loaded.warnings
    assert warning.startswith(
        "neolink.toml:6: cameras[0].mqtt: the broker belongs in [mqtt]; taken"
    )


def test_broker_of_a_camera_is_ignored_when_there_is_another() -> None:
    loaded = load(BROKER_IN_CAMERA + '[mqtt]\nserver = "t"\nport = 1\n')
    assert loaded.config.mqtt
    assert loaded.config.mqtt.broker_addr == "t"
    assert "ignored" in loaded.warnings[0]


def test_keys_of_the_original_program_are_notices() -> None:
    loaded = load(CAMERA + 'timeout = { secs = 1 }\nformat = "h264"\n')
    assert loaded.warnings == ()
    assert len(loaded.notices) == 2
    assert all("no longer used" in notice for notice in loaded.notices)


def test_external_media_server_of_a_fork_is_a_notice() -> None:
    loaded = load('mediamtx_api_url = "http://x"\nffmpeg_path = "/usr/bin/ffmpeg"\ncameras = []')
    assert loaded.warnings == ()
    assert len(loaded.notices) == 2


@pytest.mark.parametrize(
    "text",
    [
        CAMERA,
        CAMERA.replace("password", "pass"),
        CAMERA.replace('address = "h"', 'uid = "ABCD"'),
        CAMERA + "enabled = false\n",
        CAMERA + 'permitted_users = ["anonymous"]\n',
        CAMERA + 'stream = "subStream"\nstrict = true\nretries = 0\n',
        'cameras = []\n[[users]]\nname = "me"\npass = "x"\n',
    ],
)
def test_short_files_load_without_a_warning(text: str) -> None:
    assert load(text).warnings == ()
