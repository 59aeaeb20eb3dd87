"""``neolink simulate`` as a user runs it."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from neolink.cli.main import cli

HOST = "127.93.11.8"  # an address of its own, so that consecutive ports are free


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        found: int = probe.getsockname()[1]
    return found


@contextmanager
def simulate(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "neolink", "simulate", "--bind", HOST, *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cameras_are_announced_and_end_cleanly(port: int, number: signal.Signals) -> None:
    arguments = ("--port", str(port), "--cameras", "2", "--password", "hidden-word")
    with simulate(*arguments, "--codec", "h265", "--audio", "none") as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().rstrip() for _ in range(2)]
        rest = "user admin, H265 + no audio, main 1280x720@25, sub 640x360@15, extern 896x512@20"
        assert lines == [f"{HOST}:{port}: {rest}", f"{HOST}:{port + 1}: {rest}"]
        socket.create_connection((HOST, port + 1), timeout=5).close()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert out == ""
    assert "Traceback" not in err
    assert "hidden-word" not in err


def test_password_is_made_up_and_shown(port: int) -> None:
    with simulate("--port", str(port)) as process:
        assert process.stdout is not None
        assert re.search(r", password [\w-]{12}$", process.stdout.readline().rstrip())


def test_counters_are_shown_when_asked_for(port: int) -> None:
    with simulate("--port", str(port), "--password", "x", "--seed", "7") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with socket.create_connection((HOST, port), timeout=5):
            process.send_signal(signal.SIGUSR1)
            line = process.stdout.readline().rstrip()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    start = rf"{re.escape(HOST)}:{port}: [01] connections \([01] open\); 0 logins, 0 refused; "
    assert re.match(start, line)
    assert process.returncode == 0
    assert "Traceback" not in err


def test_a_loudspeaker_tells_what_it_was_given(port: int) -> None:
    with simulate("--port", str(port), "--password", "x", "--talk") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGUSR1)
        line = process.stdout.readline().rstrip()
    assert line.endswith("; 0 talks, 0 blocks of speech, 0 overruns")


@pytest.mark.parametrize("pause", ["0", "-1", "often"])
def test_motion_wants_a_pause(pause: str) -> None:
    result = CliRunner().invoke(cli, ["simulate", "--motion", pause])
    assert result.exit_code == 2
    assert "'--motion'" in result.output


def test_port_in_use_is_named(port: int) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, port))
        taken.listen()
        with simulate("--port", str(port)) as process:
            _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.strip() == f"Error: cannot listen on {HOST}:{port}: Address already in use"


def test_unknown_fault_is_named(tmp_path: Path, port: int) -> None:
    path = tmp_path / "storm.toml"
    path.write_text('[[fault]]\nat_s = 1\nname = "flood"\n')
    with simulate("--port", str(port), "--scenario", str(path)) as process:
        out, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert out == ""
    assert f"Error: {path}: fault 1: unknown fault 'flood'; there are account_locked, burst" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "65535", "--cameras", "2"],
        ["--cameras", "0"],
        ["--codec", "mjpeg"],
        ["--encryption", "rot13"],
        ["--fps", "0"],
        ["--seed", "1", "--scenario", "storm.toml"],
    ],
)
def test_impossible_options_are_usage_errors(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, ["simulate", *arguments])
    assert result.exit_code == 2


def test_all_options_of_the_contract_are_there() -> None:
    text = CliRunner().invoke(cli, ["simulate", "--help"]).output
    names = "bind port cameras username password encryption codec audio fps kbps gop scenario seed"
    assert all(f"--{name}" in text for name in names.split())
