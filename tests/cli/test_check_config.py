"""``neolink check-config``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from neolink.cli.main import main
from neolink.log import forget_secrets
from support.tls import make_identity

CAMERA = '[[cameras]]\nname = "a"\naddress = "h"\nusername = "u"\npassword = "sesame"\n'


@pytest.fixture(autouse=True)
def _no_secrets_left() -> Iterator[None]:
    yield
    forget_secrets()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "n.toml"


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["check-config", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_good_file_shows_what_it_serves(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(
        'bind_port = 554\n[[users]]\nname = "me"\npass = "sesame"\n'
        + CAMERA.replace('"a"', '"storage shed"')
        + 'stream = "both"\n'
        + CAMERA.replace('"h"', '"[2001:db8::1]:9001"')
        + 'stream = "sub"\npermitted_users = ["anonymous"]\n'
    )
    assert run("-c", file) == 0
    out = capsys.readouterr().out
    rows = [line.split("  ") for line in out.splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    base = "rtsp://localhost:554"
    assert ["storage shed", "h", "main", "me", f"{base}/storage%20shed/main"] in cells
    assert ["storage shed", "h", "sub", "me", f"{base}/storage%20shed/sub"] in cells
    assert ["a", "[2001:db8::1]:9001", "sub", "everybody", f"{base}/a/sub"] in cells
    assert out.endswith("n.toml: 2 cameras, 3 streams, 0 warnings\n")
    assert "sesame" not in out


def test_warning_is_told_and_fails_only_when_strict(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(CAMERA + "enabld = false\n")
    assert run("-c", file) == 0
    text = f"warning: {file}:6: cameras[0].enabld: unknown key, ignored; did you mean"
    assert text in capsys.readouterr().out
    assert run("--strict", file) == 1


def test_notices_do_not_fail(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(CAMERA + 'transcode_to = "h264"\n')
    assert run("--strict", file) == 0
    assert capsys.readouterr().out.startswith(f"notice: {file}:6: cameras[0].transcode_to: ")


def test_bad_file_is_told_in_the_form_of_the_rust_program(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(CAMERA + "channel = 99\nstrict = 5\n")
    assert run(file) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"Error: Failed to validate the {file} config file\n\nCaused by:\n"
        f"    {file}:6: cameras[0].channel: 99: out of range; allowed: a number 0..31\n"
        f"    {file}:7: cameras[0].strict: 5 is of the wrong kind; allowed: true or false\n"
    )


def test_file_without_cameras_has_no_table(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("cameras = []\n")
    assert run(file) == 0
    assert capsys.readouterr().out == f"{file}: 0 cameras, 0 streams, 0 warnings\n"


def test_tls_changes_the_scheme(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_identity().write(file.with_name("c.pem"))
    head = 'certificate = "c.pem"\nbind = "192.0.2.1"\n'
    file.write_text(head + CAMERA + 'stream = "main"\n')
    assert run(file) == 0
    assert "rtsps://192.0.2.1:8554/a/main" in capsys.readouterr().out
    file.write_text(head + CAMERA + 'stream = "main"\n[rtsp]\ntls_port = 8322\n')
    assert run(file) == 0
    shown = capsys.readouterr().out
    assert "rtsp://192.0.2.1:8554/a/main" in shown
    assert "With TLS, the same paths: rtsps://192.0.2.1:8322/" in shown


def test_a_certificate_that_cannot_be_used_is_told(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.with_name("c.pem").write_text(make_identity().certificate_pem)
    file.write_text('certificate = "c.pem"\n' + CAMERA)
    assert run(file) == 1
    assert "c.pem: holds no private key" in capsys.readouterr().err
