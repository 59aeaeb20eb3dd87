"""Every key of the file: its default, every spelling, and a value that is refused by name."""

from collections.abc import Mapping

import pytest
from pydantic import BaseModel, SecretStr

from neolink.camera.settings import Discovery, PrintFormat
from neolink.config.diagnostics import ConfigFileError
from neolink.config.load import loads
from neolink.config.schema import all_keys
from neolink.media.tracks import StreamKind
from neolink.rtp.packetizers.nal_units import Aggregation
from neolink.rtsp_server.settings import AudioChoice, StartMode, TlsClientAuth

MAIN, SUB, EXTERN = StreamKind.MAIN, StreamKind.SUB, StreamKind.EXTERN
REQUIRED = object()
MIB = 1024 * 1024
PARAMS = Aggregation.PARAMETER_SETS

FILES: Mapping[str, str] = {
    "": "@\ncameras = []",
    "users": 'cameras = []\n[[users]]\nname = "n"\n@',
    "cameras": '[[cameras]]\nname = "n"\naddress = "h"\nusername = "u"\npassword = "p"\n@',
    "cameras.pause": '[[cameras]]\nname = "n"\naddress = "h"\nusername = "u"\npassword = "p"\n'
    "[cameras.pause]\n@",
    "cameras.mqtt": '[[cameras]]\nname = "n"\naddress = "h"\nusername = "u"\npassword = "p"\n'
    "[cameras.mqtt]\n@",
    "cameras.mqtt.discovery": '[[cameras]]\nname = "n"\naddress = "h"\nusername = "u"\n'
    'password = "p"\n[cameras.mqtt.discovery]\ntopic = "t"\nfeatures = []\n@',
    "mqtt": 'cameras = []\n[mqtt]\nserver = "s"\nport = 1883\n@',
    **{
        name: f"cameras = []\n[{name}]\n@"
        for name in ("rtsp", "rtsp.multicast", "limits", "http", "statsd", "log", "state")
    },
}

# table, spellings, attribute, default, TOML value and what it means, TOML value that is refused
ROWS: list[tuple[str, str, str, object, str, object, str]] = [
    ("", "bind", "bind", "0.0.0.0", '"127.0.0.1"', "127.0.0.1", '""'),
    ("", "bind_port", "bind_port", 8554, "554", 554, "65536"),
    ("", "certificate", "certificate", None, '"/c.pem"', "/c.pem", '""'),
    ("", "tls_client_auth", "tls_client_auth", TlsClientAuth.NONE,
     '"require"', TlsClientAuth.REQUIRE, '"maybe"'),
    ("", "tls_client_ca", "tls_client_ca", None, '"/ca.pem"', "/ca.pem", '""'),
    ("", "tokio_console", "tokio_console", False, "true", True, '"perhaps"'),
    ("", "offline_timeout_secs", "offline_timeout_secs", 0, "30", 60, "-1"),
    ("", "startup_keyframe_wait_secs", "startup_keyframe_wait_secs", 5, "60", 60, "61"),
    ("", "stream_cache_path", "stream_cache_path", None, '"/x"', "/x", "7"),
    ("users", "name username", "name", REQUIRED, '"me"', "me", '"anyone"'),
    ("users", "pass password", "password", "", '"abc"', "abc", "5"),
    ("cameras", "name", "name", REQUIRED, '"storage shed"', "storage shed", '"a/b"'),
    ("cameras", "address", "address", "h", '"h:9"', "h:9", '"h:x"'),
    ("cameras", "uid", "uid", None, '"ABC"', "ABC", "5"),
    ("cameras", "username", "username", REQUIRED, '"me"', "me", "5"),
    ("cameras", "password pass", "password", REQUIRED, '""', "", "5"),
    ("cameras", "stream", "stream", (MAIN, EXTERN, SUB), '"both"', (MAIN, SUB), '"best"'),
    ("cameras", "permitted_users", "permitted_users", None, '["x"]', ("x",), '"x"'),
    ("cameras", "channel_id channel", "channel_id", 0, "31", 31, "32"),
    ("cameras", "discovery", "discovery", Discovery.RELAY, '"Local"', Discovery.LOCAL, '"far"'),
    ("cameras", "max_encryption", "max_encryption", "aes", '"BCEncrypt"', "bcencrypt", '"des"'),
    ("cameras", "strict", "strict", False, "true", True, '"very"'),
    ("cameras", "print_format print", "print_format", PrintFormat.NONE,
     '"Human"', PrintFormat.HUMAN, '"Json"'),
    ("cameras", "update_time time", "update_time", False, "true", True, "9"),
    ("cameras", "buffer_duration duration buffer", "buffer_duration", 3000, "15000", 15000, "0"),
    ("cameras", "enabled enable", "enabled", True, "false", False, "9"),
    ("cameras", "debug verbose", "debug", False, "true", True, "9"),
    ("cameras", "use_splash splash", "use_splash", True, "false", False, "9"),
    ("cameras", "splash_pattern pattern", "splash_pattern", "last", '"Snow"', "snow", '"rain"'),
    ("cameras", "max_discovery_retries retries max_retries", "max_discovery_retries", 10,
     "0", 0, "-1"),
    ("cameras", "push_notifications push push_noti", "push_notifications", True,
     "false", False, "9"),
    ("cameras", "idle_disconnect idle idle_disc", "idle_disconnect", False, "true", True, "9"),
    ("cameras", "start", "start", None, '"gop"', StartMode.GOP, '"slow"'),
    ("cameras", "audio", "audio", None, '"pcmu"', AudioChoice.PCMU, '"mp3"'),
    ("cameras", "aggregate", "aggregate", None, '"off"', Aggregation.OFF, '"some"'),
    ("cameras", "max_clients", "max_clients", None, "4", 4, "-1"),
    ("cameras", "max_bytes", "max_bytes", None, '"2 MiB"', 2 << 20, "9"),
    ("cameras", "adaptive", "adaptive", False, "true", True, "9"),
    ("cameras", "metadata", "metadata", False, "true", True, "9"),
    ("cameras", "talk", "talk", True, "false", False, "7"),
    ("cameras", "talk_nibbles", "talk_nibbles", "high", '"low"', "low", '"first"'),
    ("cameras", "idle_grace_period grace_period", "idle_grace_period", 30.0, "5", 5.0, "4"),
    ("cameras", "codec_detection_timeout codec_timeout", "codec_detection_timeout", None,
     "120", 120.0, "121"),
    ("cameras", "ping_retries", "ping_retries", 5, "10", 10, "11"),
    ("cameras", "transcode_to", "transcode_to", None, '"h264"', "h264", '"vp8"'),
    ("cameras", "transcode_device", "transcode_device", "auto", '"/dev/x"', "/dev/x", "5"),
    ("cameras", "keepalive_interval keepalive", "keepalive_interval", 30.0, "10", 10.0, "9"),
    ("cameras", "motion_permit_duration motion_timeout_ext", "motion_permit_duration", 30.0,
     "300", 300.0, "301"),
    ("cameras", "prebuffer_duration prebuffer", "prebuffer_duration", 5.0, "0", 0.0, "31"),
    ("cameras", "adaptive_grace_period", "adaptive_grace_period", False,
     "true", True, "9"),
    ("cameras", "prewarm_on_motion prewarm", "prewarm_on_motion", True, "false", False, "9"),
    ("cameras", "connect_mode", "connect_mode", "always", '"on_demand"', "on_demand", '"never"'),
    ("cameras", "relay_warm_seconds", "relay_warm_seconds", 60, "0", 0, "3601"),
    ("cameras", "idle_timeout_secs", "idle_timeout_secs", 0, "86400", 86400, "86401"),
    ("cameras", "offline_timeout_secs", "offline_timeout_secs", None, "61", 61, "-1"),
    ("cameras", "startup_keyframe_wait_secs", "startup_keyframe_wait_secs", None, "0", 0, "61"),
    ("cameras", "relay_server_region relay_region", "relay_server_region", None,
     '"eu"', "eu", "5"),
    ("cameras", "udp_gap_skip_ms", "udp_gap_skip_ms", None, "500", 500, "5001"),
    ("cameras.pause", "on_motion", "on_motion", False, "true", True, "9"),
    ("cameras.pause", "on_disconnect on_client", "on_disconnect", False, "true", True, "9"),
    ("cameras.pause", "motion_timeout timeout", "motion_timeout", 1.0, "2.5", 2.5, "-1.0"),
    ("cameras.pause", "mode", "mode", "none", '"still"', "still", '"dance"'),
    *(
        ("cameras.mqtt", name, name, True, "false", False, "9")
        for name in ("enable_motion", "enable_light", "enable_battery", "enable_preview",
                     "enable_floodlight")
    ),
    *(
        ("cameras.mqtt", name, name, 2000, "500", 500, "499")
        for name in ("battery_update", "preview_update", "floodlight_update")
    ),
    ("cameras.mqtt", "enable_doorbell", "enable_doorbell", False, "true", True, "9"),
    ("cameras.mqtt.discovery", "topic", "topic", REQUIRED, '"ha"', "ha", '""'),
    ("cameras.mqtt.discovery", "features", "features", REQUIRED,
     '["Light", "md"]', ("floodlight", "motion"), '["lamp"]'),
    ("mqtt", "broker_addr server", "broker_addr", REQUIRED, '"b"', "b", '""'),
    ("mqtt", "port", "port", REQUIRED, "1884", 1884, "70000"),
    ("mqtt", "credentials", "credentials", None, '["u", "p"]', ("u", "p"), '["u"]'),
    ("mqtt", "ca", "ca", None, '"/ca"', "/ca", "5"),
    ("mqtt", "client_auth", "client_auth", None, '["/c", "/k"]', ("/c", "/k"), '"/c"'),
    ("mqtt", "tls", "tls", False, "true", True, "9"),
    ("mqtt", "topic_prefix", "topic_prefix", "neolink", '"a/b"', "a/b", '"a/#"'),
    ("mqtt", "last_will_per_camera", "last_will_per_camera", True, "false", False, "9"),
    ("mqtt", "legacy_acks", "legacy_acks", False, "true", True, "9"),
    ("mqtt", "publish_config", "publish_config", "full", "false", "none", '"some"'),
    ("rtsp", "auth", "auth", ("digest-md5", "digest-sha256"),
     '["Basic", "digest_md5"]', ("basic", "digest-md5"), '["ntlm"]'),
    ("rtsp", "auth_once_per_connection", "auth_once_per_connection", True, "false", False, "9"),
    ("rtsp", "session_timeout", "session_timeout", 60, "20", 20, "9"),
    ("rtsp", "tls_port", "tls_port", 0, "8322", 8322, "65536"),
    ("rtsp", "tunnel", "tunnel", True, "false", False, "9"),
    ("rtsp", "udp", "udp", True, "false", False, "9"),
    ("rtsp", "rtp_port", "rtp_port", 8000, "0", 0, "65536"),
    ("rtsp", "dscp", "dscp", 0, "46", 46, "64"),
    ("rtsp.multicast", "enabled", "enabled", False, "true", True, "9"),
    ("rtsp.multicast", "range", "range", "239.255.42.0/24",
     '"239.1.2.0/30"', "239.1.2.0/30", '"224.0.0.0/24"'),
    ("rtsp.multicast", "port", "port", 8002, "9000", 9000, "80"),
    ("rtsp.multicast", "ttl", "ttl", 16, "1", 1, "256"),
    ("rtsp", "setup_timeout", "setup_timeout", 9.0, "25", 25.0, "0"),
    ("rtsp", "start", "start", StartMode.FAST, '"Live"', StartMode.LIVE, '"slow"'),
    ("rtsp", "audio", "audio", AudioChoice.AUTO, '"L16"', AudioChoice.L16, "5"),
    ("rtsp", "udp_payload", "udp_payload", 1400, "1200", 1200, "1473"),
    ("rtsp", "aggregate", "aggregate", PARAMS, '"All"', Aggregation.ALL, '"some"'),
    ("limits", "max_clients", "max_clients", 0, "3", 3, "true"),
    ("limits", "max_clients_per_camera", "max_clients_per_camera", 0, "3", 3, "-1"),
    ("limits", "max_connections", "max_connections", 1024, "1", 1, "0"),
    ("limits", "max_connections_per_ip", "max_connections_per_ip", 64, "1", 1, "0"),
    ("limits", "max_unauthenticated", "max_unauthenticated", 64, "1", 1, "0"),
    ("limits", "max_frames", "max_frames", 500, "10", 10, "9"),
    ("limits", "max_bytes_per_client", "max_bytes_per_client", 64 * MIB,
     '"8 MiB"', 8 * MIB, '"much"'),
    ("limits", "max_bytes", "max_bytes", 256 * MIB, "1048576", MIB, "1000"),
    ("limits", "stall_timeout", "stall_timeout", 10.0, "1", 1.0, "nan"),
    ("http", "bind", "bind", "127.0.0.1", '"::1"', "::1", '""'),
    ("http", "port", "port", 8080, "0", 0, "-1"),
    ("http", "token", "token", None, '"abc"', "abc", '""'),
    ("http", "users", "users", (), '["x"]', ("x",), "5"),
    ("http", "proxies", "proxies", (), '["192.0.2.0/24"]', ("192.0.2.0/24",), '["192.0.2.7/24"]'),
    ("statsd", "host", "host", "127.0.0.1", '"s"', "s", '" "'),
    ("statsd", "port", "port", 8125, "1", 1, "0"),
    ("statsd", "prefix", "prefix", "neolink", '"x"', "x", '""'),
    ("statsd", "interval", "interval", 10.0, "1", 1.0, "inf"),
    ("log", "level", "level", None, '"info,neolink::rtsp=debug"', "info,neolink::rtsp=debug",
     '"loud"'),
    ("log", "json", "json_lines", False, "true", True, "9"),
    ("state", "enabled", "enabled", True, "false", False, "9"),
    ("state", "path", "path", None, '"/s"', "/s", '""'),
]  # fmt: skip

KEYS_READ_FROM_FILES = {
    "users.pass_file",
    "cameras.password_file",
    "mqtt.credentials_file",
    "http.token_file",
}


def file_with(table: str, key: str, value: str) -> str:
    """Write a valid file in which ``key`` of ``table`` is set to ``value`` and only once."""
    text = FILES[table]
    for line in text.splitlines():
        if line.split(" = ")[0] in spellings_of(table, key) and "@" in text.split(line)[1]:
            text = text.replace(line + "\n", "", 1)
    return text.replace("@", f"{key} = {value}")


def spellings_of(table: str, key: str) -> list[str]:
    return next(row[1].split() for row in ROWS if row[0] == table and key in row[1].split())


def value_in(text: str, table: str, attribute: str) -> object:
    node: object = loads(text, environ={}).config
    for name in filter(None, table.split(".")):
        node = getattr(node, name)
        node = node[0] if isinstance(node, tuple) else node
    assert isinstance(node, BaseModel)
    return plain(getattr(node, attribute))


def plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return tuple(plain(item) for item in value)
    return str(value) if value.__class__.__name__.endswith("Path") else value


def test_table_has_a_row_for_every_key() -> None:
    rows = {".".join(filter(None, [row[0], row[1].split()[0]])) for row in ROWS}
    known = {name: key for name, key in all_keys() if not key.table}
    assert rows | KEYS_READ_FROM_FILES == known.keys()
    for table, spellings, *_ in ROWS:
        name = ".".join(filter(None, [table, spellings.split()[0]]))
        assert known[name].spellings == tuple(spellings.split())


@pytest.mark.parametrize(("table", "spellings", "attribute", "default"), [row[:4] for row in ROWS])
def test_absent_key_has_its_default(
    table: str, spellings: str, attribute: str, default: object
) -> None:
    if default is REQUIRED:
        first = spellings.split(maxsplit=1)[0]
        text = file_with(table, first, "5").replace(f"{first} = 5", "")
        with pytest.raises(ConfigFileError, match=f"{first}: `{first}` is missing"):
            loads(text, environ={})
    else:
        assert value_in(FILES[table].replace("@", ""), table, attribute) == default


@pytest.mark.parametrize(
    ("table", "spelling", "attribute", "written", "meaning"),
    [(row[0], spelling, row[2], row[4], row[5]) for row in ROWS for spelling in row[1].split()],
)
def test_every_spelling_is_read(
    table: str, spelling: str, attribute: str, written: str, meaning: object
) -> None:
    value = value_in(file_with(table, spelling, written), table, attribute)
    assert value == meaning
    assert type(value) is type(meaning) or isinstance(value, int)


@pytest.mark.parametrize(
    ("table", "spelling", "refused"),
    [(row[0], spelling, row[6]) for row in ROWS for spelling in row[1].split()],
)
def test_wrong_value_is_refused_with_file_line_and_key(
    table: str, spelling: str, refused: str
) -> None:
    text = file_with(table, spelling, refused)
    line = text.splitlines().index(f"{spelling} = {refused}") + 1
    with pytest.raises(ConfigFileError) as caught:
        loads(text, "my.toml", environ={})
    (message,) = caught.value.lines
    assert message.startswith(f"my.toml:{line}: ")
    assert f"{spelling}:" in message or f"{spelling}[" in message
    assert "allowed: " in message


@pytest.mark.parametrize(
    ("words", "streams"),
    [
        ("All all", (MAIN, EXTERN, SUB)),
        ("Both both", (MAIN, SUB)),
        ("Main main mainStream mainstream MainStream", (MAIN,)),
        ("Sub sub subStream substream SubStream", (SUB,)),
        ("Extern extern externStream externstream ExternStream", (EXTERN,)),
        ("None none", ()),
    ],
)
def test_stream_words(words: str, streams: tuple[StreamKind, ...]) -> None:
    for word in words.split():
        assert value_in(file_with("cameras", "stream", f'"{word}"'), "cameras", "stream") == streams


@pytest.mark.parametrize(
    ("key", "words", "meaning"),
    [
        ("max_encryption", "None none NONE", "none"),
        ("max_encryption", "Aes aes AES", "aes"),
        ("max_encryption", "BcEncrypt bcencrypt BCENCRYPT", "bcencrypt"),
        ("splash_pattern", "Checkers1 checkers-1", "checkers-1"),
        ("splash_pattern", "ZonePlate zone-plate", "zone-plate"),
        ("splash_pattern", "SmpteRp219 smpte-rp-219", "smpte-rp-219"),
        ("splash_pattern", "Smpte smpte", "smpte"),
        ("discovery", "Cellular cellular", "cellular"),
        ("discovery", "Debug debug", "debug"),
        ("print_format", "Xml xml", "xml"),
    ],
)
def test_words_are_read_in_both_programs_spellings(key: str, words: str, meaning: str) -> None:
    for word in words.split():
        assert value_in(file_with("cameras", key, f'"{word}"'), "cameras", key) == meaning


@pytest.mark.parametrize("word", ["request", "requested"])
def test_tls_client_auth_is_read_as_documented_and_as_accepted(word: str) -> None:
    value = value_in(f'tls_client_auth = "{word}"\ncameras = []', "", "tls_client_auth")
    assert value is TlsClientAuth.REQUEST
