"""Loading: what is told about a file, with line and remedy, and never a secret."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.config.diagnostics import ConfigFileError
from neolink.config.load import LoadedConfig, load, loads
from neolink.errors import ConfigError
from neolink.log import redact

CAMERA = '[[cameras]]\nname = "a"\naddress = "h"\nusername = "u"\npassword = "p"\n'


def read(text: str, **environ: str) -> LoadedConfig:
    return loads(text, "n.toml", environ=environ)


def errors(text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigFileError) as caught:
        read(text, **environ)
    return caught.value.lines


def test_syntax_error_has_line_and_column() -> None:
    with pytest.raises(ConfigError) as caught:
        read("bind_port = 8554\nname = front door\n")
    assert str(caught.value).startswith("n.toml:2:8: not TOML: ")
    assert isinstance(caught.value, ConfigFileError)
    assert caught.value.context == "Failed to parse the n.toml config file"


def test_syntax_error_at_the_end_has_the_last_line() -> None:
    (line,) = errors('cameras = [\n"a",\n')
    assert line.startswith("n.toml:2:1: not TOML: ")


@pytest.mark.parametrize("text", ["a=" + "[" * 5000, "a=" + "9" * 5000])
def test_absurd_file_is_an_ordinary_error(text: str) -> None:
    assert errors(text)[0].startswith("n.toml")


def test_all_problems_are_told_at_once_in_the_order_of_lines() -> None:
    lines = errors(
        'bind_port = "eighty"\n'
        + CAMERA.replace('"a"', '""')
        + 'stream = "mainn"\n[cameras.mqtt]\nbattery_update = 5\n'
    )
    assert [line.split(": ")[:2] for line in lines] == [
        ["n.toml:1", "bind_port"],
        ["n.toml:3", "cameras[0].name"],
        ["n.toml:7", "cameras[0].stream"],
        ["n.toml:9", "cameras[0].mqtt.battery_update"],
    ]
    assert '"eighty"' in lines[0]
    assert 'did you mean "main"?' in lines[2]
    assert "allowed: a number of at least 500 ms" in lines[3]


def test_misspelt_key_is_a_warning_with_line_and_nearest_key() -> None:
    loaded = read("bind_prot = 1\n" + CAMERA + "permited_users = []\n")
    assert loaded.warnings == (
        "n.toml:1: bind_prot: unknown key, ignored; did you mean `bind_port`?",
        (
            "n.toml:7: cameras[0].permited_users: unknown key, ignored; "
            "did you mean `cameras.permitted_users`?"
        ),
    )


def test_a_text_where_a_list_belongs_is_told_with_its_brackets() -> None:
    (line,) = errors('cameras = []\n[rtsp]\nauth = "basic"\n')
    assert 'n.toml:3: rtsp.auth: "basic" is of the wrong kind, did you mean ["basic"]?' in line


def test_misplaced_key_is_told_where_it_belongs() -> None:
    loaded = read('cameras = []\n[mqtt]\nserver = "s"\nport = 1\nenable_preview = false\n')
    assert loaded.warnings == (
        (
            "n.toml:5: mqtt.enable_preview: unknown key, ignored; "
            "did you mean `cameras.mqtt.enable_preview`?"
        ),
    )
    assert read(CAMERA + "[cameras.mqtt]\nstream = 1").warnings[0].endswith("`cameras.stream`?")


def test_key_that_resembles_nothing_gets_no_suggestion() -> None:
    assert read("cameras = []\nqwxyz = 1").warnings == ("n.toml:2: qwxyz: unknown key, ignored",)


def test_unknown_key_stays_visible_when_the_file_is_refused() -> None:
    lines = errors(CAMERA.replace("password", "pasword"))
    assert lines[0].startswith("n.toml:1: cameras[0].password: `password` is missing; allowed: ")
    assert 'password = "" states an empty one' in lines[0]
    assert lines[1].startswith("n.toml:5: cameras[0].pasword: unknown key")


def test_empty_password_is_legal_if_it_is_stated() -> None:
    camera = read(CAMERA.replace('"p"', '""')).config.cameras[0]
    assert camera.password.get_secret_value() == ""


def test_missing_cameras_key_is_refused() -> None:
    assert errors("") == ("n.toml:1: cameras: `cameras` is missing; allowed: [[cameras]] tables",)


def test_camera_without_address_and_uid_is_refused() -> None:
    (line,) = errors(CAMERA.replace('address = "h"\n', ""))
    assert line.startswith("n.toml:1: cameras[0]: the camera has neither `address` nor `uid`")


@pytest.mark.parametrize("name", ["", " ", "a/b", "a+b", "a#b", "..", "a\\nb"])
def test_name_that_paths_and_topics_cannot_carry_is_refused(name: str) -> None:
    (line,) = errors(CAMERA.replace('"a"', f'"{name}"'))
    assert line.startswith("n.toml:2: cameras[0].name: ")


def test_second_camera_of_the_same_name_is_refused() -> None:
    (line,) = errors(CAMERA + CAMERA)
    assert line.startswith('n.toml:7: cameras[1].name: "a" is the name of another camera')


def test_two_spellings_of_one_key_are_refused() -> None:
    (line,) = errors(CAMERA + 'pass = "q"\n')
    assert (
        line == "n.toml:6: cameras[0].pass: `password` and `pass` mean the same; keep one of them"
    )


@pytest.mark.parametrize(
    "address", ["h", "h:9000", "192.0.2.1", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:9000"]
)
def test_address_forms(address: str) -> None:
    assert read(CAMERA.replace('"h"', f'"{address}"')).config.cameras[0].address == address


@pytest.mark.parametrize("address", ["rtsp://h", "h/x", "h:", "h:0", "h:65536", ":9", "a b", "h:٣"])
def test_address_that_is_none_is_refused(address: str) -> None:
    (line,) = errors(CAMERA.replace('"h"', f'"{address}"'))
    assert line.startswith("n.toml:3: cameras[0].address: ")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('range = "10.0.0.0/8"', "no range of multicast groups"),
        ('range = "239.1.2.3/24"', "begins at another address"),
        ('range = "239.1.2.0/31"', "2 addresses for 3 streams; allowed: a range with one for each"),
        ("port = 9001", "`port` is odd"),
        ("port = 7998", "`rtp_port` is one of those of `multicast.port`: 7998 to 8005"),
    ],
)
def test_groups_that_cannot_be_are_refused(written: str, said: str) -> None:
    text = '[[cameras]]\nname = "a"\naddress = "h"\nusername = "u"\npassword = "sesame"\n'
    assert said in errors(f"{text}[rtsp.multicast]\nenabled = true\n{written}")[0]


def test_odd_rtp_port_is_refused() -> None:
    assert "rtsp: `rtp_port` is odd" in errors("cameras = []\n[rtsp]\nrtp_port = 8001")[0]


@pytest.mark.parametrize("login", ['token = "abc"', 'users = ["me"]'])
def test_http_for_others_needs_a_login(login: str) -> None:
    text = 'cameras = []\n[http]\nbind = "0.0.0.0"\n'
    assert errors(text)[0].startswith("n.toml:2: http: `bind` lets other machines in")
    assert read(text + login).config.http


# ---------------------------------------------------------------- rules between tables
def test_permitted_user_that_is_not_defined_is_a_warning() -> None:
    loaded = read('[[users]]\nname = "me"\npass = "x"\n' + CAMERA + 'permitted_users = ["mee"]')
    assert loaded.warnings == (
        (
            'n.toml:9: cameras[0].permitted_users[0]: "mee" is not defined in [[users]] '
            "and cannot log in"
        ),
    )


def test_anyone_without_users_is_a_warning() -> None:
    (warning,) = read(CAMERA + 'permitted_users = ["anyone"]').warnings
    assert "lets everybody watch" in warning


@pytest.mark.parametrize(
    ("certificate", "rtsp", "notices"),
    [
        ("", 'auth = ["basic"]', 1),
        ("", "", 0),
        ("c.pem", 'auth = ["basic"]', 0),
        ("c.pem", 'auth = ["basic"]\ntls_port = 8322', 1),
    ],
)
def test_passwords_in_clear_are_a_notice(
    tmp_path: Path, certificate: str, rtsp: str, notices: int
) -> None:
    key = ""
    if certificate:
        (tmp_path / certificate).write_text("")
        key = f'certificate = "{tmp_path / certificate}"\n'
    users = '[[users]]\nname = "me"\npass = "x"'
    loaded = read(f"{key}cameras = []\n{users}\n[rtsp]\n{rtsp}")
    assert loaded.warnings == ()
    assert len(loaded.notices) == notices
    assert all("readable on the network" in notice for notice in loaded.notices)


def test_a_list_of_no_ways_to_log_in_is_refused() -> None:
    (line,) = errors("cameras = []\n[rtsp]\nauth = []")
    assert '`auth` is empty; allowed: at least one of "digest-md5"' in line


def test_tls_port_needs_a_certificate_and_a_port_of_its_own() -> None:
    (line,) = read("cameras = []\n[rtsp]\ntls_port = 8322").warnings
    assert line.startswith("n.toml:3: rtsp.tls_port: without a `certificate` there is no TLS")
    (line,) = errors(f'certificate = "{__file__}"\ncameras = []\n[rtsp]\ntls_port = 8554')
    assert line.startswith("n.toml:4: rtsp.tls_port: 8554 is `bind_port` too")


def test_keys_of_players_certificates_that_do_nothing_are_notices() -> None:
    (notice,) = read('tls_client_auth = "require"\ncameras = []').notices
    assert "everybody is let in" in notice
    files = f'certificate = "{__file__}"\ntls_client_ca = "{__file__}"\n'
    (notice,) = read(files + "cameras = []").notices
    assert notice.startswith("n.toml:2: tls_client_ca: nobody is asked")


def test_user_without_password_and_user_defined_twice_are_warnings() -> None:
    loaded = read('cameras = []\n[[users]]\nname = "me"\n[[users]]\nname = "me"\npass = "x"')
    assert "without a password" in loaded.warnings[0]
    assert "defined twice" in loaded.warnings[1]


def test_keys_without_effect_are_notices() -> None:
    loaded = read(CAMERA + 'transcode_to = "h264"\n')
    assert loaded.warnings == ()
    assert loaded.notices == (
        "n.toml:6: cameras[0].transcode_to: accepted, but without effect in this version",
    )


# ---------------------------------------------------------------- variables and files
def test_variables_are_replaced_and_escaped() -> None:
    text = CAMERA.replace('"h"', '"${HOST}:${PORT:-9000}"').replace('"p"', '"$${HOST}$x"')
    camera = read(text, HOST="cam").config.cameras[0]
    assert camera.address == "cam:9000"
    assert camera.password.get_secret_value() == "${HOST}$x"


def test_variable_may_hold_a_number() -> None:
    assert read('bind_port = "${P}"\ncameras = []', P="554").config.bind_port == 554


def test_missing_variable_is_named_with_its_line() -> None:
    (line,) = errors(CAMERA.replace('"p"', '"${NO_SUCH}"'))
    assert line.startswith("n.toml:5: cameras[0].password: the environment has no variable NO_SUCH")


def test_secret_comes_from_a_file_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("sesame open\n\n")
    (tmp_path / "broker").write_text("me\r\nsesame shut\r\n")
    text = CAMERA.replace('password = "p"', 'pass_file = "secret"')
    text += '[mqtt]\nserver = "s"\nport = 1\ncredentials_file = "broker"\n'
    file = tmp_path / "n.toml"
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    config = load(file).config
    assert config.cameras[0].password.get_secret_value() == "sesame open\n"
    assert config.mqtt
    assert config.mqtt.credentials
    assert config.mqtt.credentials[1].get_secret_value() == "sesame shut"
    assert redact("x sesame shut x") == "x *** x"


def test_secret_file_that_cannot_be_read_is_named_with_its_line() -> None:
    (line,) = errors(CAMERA.replace('password = "p"', 'password_file = "no-such-file"'))
    assert line.startswith("n.toml:5: cameras[0].password_file: cannot be read: No such file")


def test_secret_and_its_file_exclude_each_other(tmp_path: Path) -> None:
    (line,) = errors(CAMERA + f'password_file = "{tmp_path}"\n')
    assert line == "n.toml:6: cameras[0].password_file: `password` is given too; keep one of them"


@pytest.mark.parametrize("key", ["certificate", "tls_client_ca"])
def test_certificate_that_is_not_there_is_a_warning(key: str) -> None:
    warnings = read(f'{key} = "/no/such.pem"\ncameras = []').warnings
    expected = (
        f"n.toml:1: {key}: this file cannot be read, and the server does not start without it"
    )
    assert expected in warnings


# ---------------------------------------------------------------- files
def test_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="No such file") as caught:
        load(tmp_path / "absent.toml")
    assert caught.value.context.startswith("Failed to read the ")


def test_file_that_is_not_text_is_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_bytes(b"bind = '0.0.0.0'\n# \xff\n")
    with pytest.raises(ConfigFileError, match=r"n\.toml:2: not UTF-8"):
        load(file)


def test_file_that_is_too_long_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "n.toml"
    file.write_bytes(b"#" * (4 * 1024 * 1024 + 1))
    with pytest.raises(ConfigFileError, match="longer than"):
        load(file)


# ---------------------------------------------------------------- secrets
SECRET = "S3cr3t-Wörd"


@pytest.mark.parametrize(
    "text",
    [
        CAMERA.replace('"p"', f'["{SECRET}"]'),
        CAMERA.replace('"p"', f'{{ x = "{SECRET}" }}'),
        CAMERA.replace('"p"', SECRET),
        CAMERA.replace('"p"', f'"{SECRET}').replace("password", "pass"),
        CAMERA.replace("password", "pasword").replace('"p"', f'"{SECRET}"'),
        CAMERA.replace('"h"', f'"admin:{SECRET}@h"'),
        CAMERA.replace('"p"', f'"{SECRET}"') + 'stream = "x"\nuid = 5\n',
        CAMERA.replace('"p"', f'"{SECRET}"') + f'stream = "{SECRET}"\n',
        CAMERA.replace('"p"', f'"{SECRET}"') + f'pass = "{SECRET}"\n',
        CAMERA.replace('"p"', '"${SECRET}"') + 'channel = "${SECRET}"\n',
        CAMERA + f'uid = ["{SECRET}"]\n',
        f'cameras = "{SECRET}@"',
        f'cameras = []\nusers = "{SECRET}@"',
        f'cameras = []\n[[users]]\nname = "anyone"\npass = "{SECRET}"',
        f'cameras = []\n[mqtt]\nserver = "s"\nport = 1\ncredentials = ["{SECRET}"]',
        f'cameras = []\n[mqtt]\nserver = "s"\nport = 1\ncredentials = "u:{SECRET}"',
        f'cameras = []\n[http]\nport = "x"\ntoken = "{SECRET}"',
    ],
)
def test_no_secret_in_an_error(text: str) -> None:
    with pytest.raises(ConfigFileError) as caught:
        read(text, SECRET=SECRET)
    for shown in (str(caught.value), repr(caught.value), caught.value.context):
        assert SECRET not in shown
        assert "S3cr3t" not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_no_secret_in_a_value_or_a_warning() -> None:
    loaded = read(
        CAMERA.replace('"p"', f'"{SECRET}"')
        + f'uid = "{SECRET}1"\npasswrd = "{SECRET}"\n'
        + f'[[users]]\nname = "me"\npass = "{SECRET}2"\n'
        + f'[mqtt]\nserver = "s"\nport = 1\ncredentials = ["me", "{SECRET}3"]\n'
        + f'[http]\ntoken = "{SECRET}4"\n'
    )
    assert loaded.warnings
    for shown in (repr(loaded), str(loaded.config), *loaded.warnings, *loaded.notices):
        assert "S3cr3t" not in shown
    assert redact(f"{SECRET} {SECRET}1 {SECRET}2 {SECRET}3 {SECRET}4") == "*** *** *** *** ***"


HEADERS = ["[[cameras]]\n", "[mqtt]\n", "[cameras.mqtt]\n"]
VALUES = ["[1]\n", '"x"\n', "5\n", "{a = 1}\n", "[]\n"]


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [*HEADERS, "name = ", "cameras = ", "port = ", "password_file = ", "mqtt.", *VALUES]
            ),
            max_size=12,
        ).map("".join),
    )
)
def test_any_text_loads_or_is_a_config_error(text: str) -> None:
    with suppress(ConfigError):
        assert loads(text, environ={}).config.bind
