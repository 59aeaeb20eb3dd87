"""``neolink doctor`` as its users run it: which camera, what is written, how it ends."""

import io
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from neolink.baichuan.ids import MessageId
from neolink.cli.doctor import Screen
from neolink.cli.main import main
from neolink.doctor.findings import Cause, Check, failure
from neolink.doctor.verdict import Report
from neolink.log import forget_secrets
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import Stall
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.program import program

PASSWORD = "sesame-51d0"
UID = "UID0SECRET000001"
PROFILE = CameraProfile(name="porch", password=PASSWORD, uid=UID)
SUB = StreamKind.SUB
QUICK = ("--stream", "sub", "--seconds", "1")


@pytest.fixture(autouse=True)
def _no_secrets_left() -> Iterator[None]:
    yield
    forget_secrets()


def camera(name: str = "porch", port: int = 9, *, password: str = PASSWORD, more: str = "") -> str:
    return (
        f'[[cameras]]\nname = "{name}"\naddress = "127.0.0.1:{port}"\nuid = "{UID}"\n'
        f'username = "admin"\npassword = "{password}"\n{more}\n'
    )


def config(folder: Path, *cameras: str) -> Path:
    path = folder / "neolink.toml"
    path.write_text(f'[state]\npath = "{folder / "state"}"\n' + "".join(cameras))
    return path


def run(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as caught:
        main(["doctor", *map(str, arguments)])
    assert isinstance(caught.value.code, int)
    return caught.value.code


# ---------------------------------------------------------------- which camera
def test_one_of_several_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path, camera("porch"), camera("gate"))
    assert run("-c", path) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Which camera? There are porch and gate." in err


def test_unknown_camera_is_answered_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, camera("porch"), camera("gate"))
    assert run("proch", "-c", path) == 1
    out = capsys.readouterr().out
    assert "Did you mean porch?" in out
    assert out.endswith("proch cannot be watched: the configuration has no camera called proch.\n")


def test_configuration_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("porch") == 1
    assert capsys.readouterr().err == "Error: Must supply --config file\n"


@pytest.mark.parametrize("option", [("--stream", "best"), ("--seconds", "0"), ("--nonsense",)])
def test_wrong_option_is_a_usage_error(option: tuple[str, ...], tmp_path: Path) -> None:
    assert run(*option, "-c", config(tmp_path, camera())) == 2


def test_bad_configuration_is_told_as_by_all_commands_and_in_json_as_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path, camera(more="channel_id = 99"))
    assert run("-c", path) == 1
    assert "Error: Failed to validate" in capsys.readouterr().err
    assert run("-c", path, "--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert document["cause"] == "bad_configuration"
    assert "channel_id" in document["summary"]
    assert PASSWORD not in str(document)


# ---------------------------------------------------------------- what is written
async def test_healthy_camera_ends_with_0_and_findings_then_a_verdict(tmp_path: Path) -> None:
    async with SimulatedCamera(PROFILE) as device:
        path = config(tmp_path, camera(port=device.port, more="nmae = 1"))
        async with program("doctor", "-c", str(path), *QUICK) as doctor:
            assert await doctor.until_ended() == 0
    lines = doctor.stdout.splitlines()
    assert lines[-1] == "porch: all is well."
    checks = [line.split()[1] for line in lines if line.startswith("  ok ")]
    assert checks == list(Check)
    assert "\x1b" not in doctor.stdout
    assert "warning: " in doctor.stderr
    assert "nmae: unknown key" in doctor.stderr
    assert all(secret not in doctor.stdout + doctor.stderr for secret in (PASSWORD, UID))


async def test_json_is_all_that_is_written(tmp_path: Path) -> None:
    async with SimulatedCamera(PROFILE) as device:
        path = config(tmp_path, camera(port=device.port, more="enabled = false"))
        async with program("doctor", "porch", "--json", "-c", str(path), *QUICK) as doctor:
            assert await doctor.until_ended() == 0
    document = json.loads(doctor.stdout)
    assert set(document) == {
        *("camera", "address", "can_be_watched", "cause", "summary", "advice"),
        *("took_s", "findings"),
    }
    assert document["camera"] == "porch"
    assert document["address"] == f"127.0.0.1:{device.port}"
    assert document["can_be_watched"] is True
    assert document["cause"] == "camera_disabled"
    keys = {"check", "severity", "cause", "stream", "text", "advice", "figures"}
    assert all(set(finding) == keys for finding in document["findings"])
    play = document["findings"][-1]
    assert (play["check"], play["severity"], play["stream"]) == ("play", "ok", "sub")
    assert play["figures"]["width"] == 640


async def test_refused_password_is_tried_once_in_three_runs(tmp_path: Path) -> None:
    async with SimulatedCamera(PROFILE) as device:
        path = config(tmp_path, camera(port=device.port, password="not-that-one"))
        for _ in range(3):
            async with program("doctor", "-c", str(path)) as doctor:
                assert await doctor.until_ended() == 1
            assert device.stats.refused_logins == 1
            assert "FAIL  login" in doctor.stdout
            assert "not-that-one" not in doctor.stdout + doctor.stderr
    assert "not tried again with the same password" in doctor.stdout.replace("\n", " ").replace(
        " " * 23, ""
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_signal_ends_it_with_a_logout(number: signal.Signals, tmp_path: Path) -> None:
    async with SimulatedCamera(PROFILE) as device:
        device.begin(Stall())
        path = config(tmp_path, camera(port=device.port))
        async with program("doctor", "-c", str(path), *QUICK) as doctor:
            await device.wait_for(lambda stats: stats.video_starts[0, SUB] > 0, timeout_s=20)
            doctor.process.send_signal(number)
            assert await doctor.until_ended() == 130
        assert device.stats.requests[MessageId.LOGOUT] == 1
        assert device.stats.video_stops[0, SUB] == 1
    assert "Stopped before the end." in doctor.stderr
    assert "Traceback" not in doctor.stderr
    assert "cannot be watched" not in doctor.stdout


# ---------------------------------------------------------------- on a terminal
class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


FINDING = failure(Check.LOGIN, Cause.WRONG_PASSWORD, "refused", "Correct it.")


@pytest.mark.parametrize(
    ("environ", "has_progress", "has_colours"),
    [
        ({"TERM": "xterm"}, True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, False, False),
    ],
)
def test_terminal_shows_progress_and_colours(
    environ: dict[str, str],
    has_progress: bool,
    has_colours: bool,
) -> None:
    terminal = Terminal()
    screen = Screen(terminal, environ)
    screen.begin(Check.LOGIN, "logging in")
    screen.take(FINDING)
    screen.close(Report(camera="porch", address="", findings=(FINDING,)))
    out = terminal.getvalue()
    assert ("logging in" in out) == has_progress
    assert ("\x1b[2K" in out) == has_progress
    assert ("\x1b[1;31m" in out) == has_colours
    assert "porch cannot be watched: refused." in out


def test_advice_is_not_repeated_at_once() -> None:
    pipe = io.StringIO()
    screen = Screen(pipe, {})
    for _ in range(2):
        screen.take(FINDING)
    assert pipe.getvalue().count("refused") == 2
    assert pipe.getvalue().count("Correct it.") == 1


def test_pipe_gets_findings_alone() -> None:
    pipe = io.StringIO()
    screen = Screen(pipe, {"TERM": "xterm"})
    screen.begin(Check.LOGIN, "logging in")
    screen.take(FINDING)
    shown = "  FAIL  login          refused\n                       > Correct it.\n"
    assert pipe.getvalue() == shown
