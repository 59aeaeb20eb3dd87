"""The program as a process sees it: output, exit codes, and how errors are told."""

import subprocess
import sys
import types
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import pytest

from neolink import __version__
from neolink.cli import main as main_module
from neolink.cli.context import Invocation
from neolink.cli.main import COMMANDS, main
from neolink.errors import ConfigError, ConnectionLost
from neolink.log import forget_secrets, register_secret

SMALL = '[[cameras]]\nname = "a"\naddress = "h"\nusername = "u"\npassword = "sesame"\n'


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "n.toml"
    path.write_text(SMALL)
    yield path
    forget_secrets()


class Stub:
    """Stands for ``neolink rtsp``: remembers what it was told, then does what it is given."""

    def __init__(self) -> None:
        self.invocation: Invocation | None = None
        self.error: BaseException | None = None
        self.result: int | None = None

    def command(self) -> click.Command:
        @click.command()
        @click.pass_obj
        def rtsp(invocation: Invocation) -> int | None:
            self.invocation = invocation
            if self.error:
                raise self.error
            return self.result

        return rtsp


@pytest.fixture
def rtsp(monkeypatch: pytest.MonkeyPatch) -> Stub:
    stub = Stub()
    module = types.ModuleType("stub_of_run")
    module.__dict__["rtsp"] = stub.command()
    monkeypatch.setitem(sys.modules, "stub_of_run", module)
    monkeypatch.setitem(COMMANDS, "rtsp", ("stub_of_run:rtsp", "Serve."))
    return stub


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_no_arguments_show_the_help_on_stdout_and_end_with_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run() == 2
    out, err = capsys.readouterr()
    assert "Usage: neolink" in out
    assert err == ""


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["help"]])
def test_help_lists_the_commands_without_importing_them(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(COMMANDS, "rtsp", ("neolink.cli.no_such_module:rtsp", "Serve."))
    assert run(*arguments) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in ("rtsp", "check-config", "simulate", "demo", "--config"))


@pytest.mark.parametrize("arguments", [["help", "check-config"], ["check-config", "--help"]])
def test_help_of_a_command(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 0
    out = capsys.readouterr().out
    assert "Usage: neolink check-config" in out
    assert "--strict" in out
    assert "--config" in out


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(option) == 0
    assert capsys.readouterr().out == f"neolink {__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["--nonsense"], ["help", "nonsense"], ["-c"]])
def test_usage_error_ends_with_2(
    arguments: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Error: " in err


@pytest.mark.parametrize(
    "arguments",
    [["-c", "x", "rtsp"], ["rtsp", "-c", "x"], ["--config=x", "rtsp"], ["rtsp", "--config", "x"]],
)
def test_config_is_accepted_before_and_after_the_command(
    arguments: Sequence[str], rtsp: Stub
) -> None:
    assert run(*arguments) == 0
    assert rtsp.invocation
    assert rtsp.invocation.config_path == Path("x")


def test_verbosity_adds_up_before_and_after_the_command(rtsp: Stub) -> None:
    assert run("-v", "rtsp", "-v") == 0
    assert rtsp.invocation
    assert rtsp.invocation.verbosity == 2


def test_config_reaches_a_command_that_declares_the_option_itself(
    rtsp: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    @click.command()
    @click.option("-c", "--config")
    def own(config: str) -> None:
        seen.append(config)

    sys.modules["stub_of_run"].__dict__["rtsp"] = own
    assert run("-c", "x", "rtsp") == 0
    assert run("rtsp", "-c", "y") == 0
    assert seen == ["x", "y"]


def test_config_without_a_command_runs_rtsp_after_a_warning(
    rtsp: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    rtsp.result = 0
    assert run("-c", "x") == 0
    assert rtsp.invocation
    assert rtsp.invocation.config_path == Path("x")
    assert "neolink rtsp --config FILE" in capsys.readouterr().err


def test_exit_code_of_a_command_is_the_programs(rtsp: Stub) -> None:
    rtsp.result = 1
    assert run("rtsp") == 1
    assert run("-c", "x") == 1


def test_interrupt_is_a_clean_end(rtsp: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    rtsp.error = KeyboardInterrupt()
    assert run("rtsp") == 0
    assert capsys.readouterr().err.strip() == ""


def test_error_is_told_with_its_causes_and_without_a_traceback(
    rtsp: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    rtsp.error = ConnectionLost("the camera is gone")
    rtsp.error.__cause__ = OSError(113, "No route to host")
    rtsp.error.__cause__.__cause__ = ValueError("deep")
    assert run("rtsp") == 1
    assert capsys.readouterr().err == (
        "Error: the camera is gone\n\nCaused by:\n"
        "    0: [Errno 113] No route to host\n    1: ValueError: deep\n"
    )


def test_group_with_one_error_is_told_as_that_error(
    rtsp: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    rtsp.error = ExceptionGroup("tasks", [ExceptionGroup("tasks", [ConfigError("bad")])])
    assert run("rtsp") == 1
    assert capsys.readouterr().err == "Error: bad\n"


def test_group_with_several_errors_tells_them_all(
    rtsp: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    rtsp.error = ExceptionGroup("two tasks failed", [ConfigError("one"), KeyError("two")])
    assert run("rtsp") == 1
    err = capsys.readouterr().err
    assert "0: one" in err
    assert "1: KeyError: 'two'" in err


def test_second_v_shows_the_traceback(rtsp: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    rtsp.error = ValueError("bug")
    assert run("-vv", "rtsp") == 1
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert err.endswith("Error: ValueError: bug\n")


def test_errors_are_told_without_secrets(rtsp: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    register_secret("open sesame")
    rtsp.error = ValueError("login open sesame")
    assert run("-vv", "rtsp") == 1
    assert "sesame" not in capsys.readouterr().err
    forget_secrets()


def test_missing_config_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("check-config") == 1
    assert capsys.readouterr().err == "Error: Must supply --config file\n"


def test_load_config_sets_up_logging_and_tells_warnings(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUST_LOG", raising=False)
    monkeypatch.delenv("NEOLINK_LOG", raising=False)
    file.write_text(SMALL + "nmae = 1\n")
    script = (
        "from pathlib import Path; from neolink.cli.context import Invocation;"
        f"run = Invocation(Path({str(file)!r})); run.load_config(); run.load_config()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    first, second, again = done.stderr.splitlines()  # the version is told at the start alone
    assert first.endswith(f" INFO  neolink] Neolink {__version__} release")
    assert "WARN  neolink] " in second
    assert "nmae: unknown key" in again
    assert "nmae: unknown key" in second


def test_load_config_refuses_a_bad_filter_in_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEOLINK_LOG", "loud")
    with pytest.raises(ConfigError, match="NEOLINK_LOG or RUST_LOG: not a log level: 'loud'"):
        Invocation(file).load_config()


def test_every_command_in_the_table_has_a_place_and_a_line() -> None:
    for place, text in main_module.COMMANDS.values():
        module, _, attribute = place.partition(":")
        assert module.startswith("neolink.cli.")
        assert attribute.isidentifier()
        assert text.endswith(".")
