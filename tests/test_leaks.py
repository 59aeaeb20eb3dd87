"""The watch over passwords: tests that let the program write one fail, and only these."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.leaks import WORD, LeakWatch

TESTS = Path(__file__).parent

SUITE = f"""
import logging, subprocess, sys, threading
import click
from neolink.log import bind, register_secret, forget_secrets
PASSWORD = "{WORD}-0000"
LOG = logging.getLogger("neolink.somewhere")

def test_bad_log():
    LOG.warning("login with %s refused", PASSWORD)

def test_bad_context():
    bind(LOG, client="me:" + PASSWORD).warning("gone")

def test_bad_traceback():
    try:
        raise ValueError(PASSWORD)
    except ValueError:
        LOG.exception("failed")

def test_bad_basic_login():
    LOG.warning("Authorization: Basic YWRtaW46c2VzYW1lLTAwMDA=")

def test_bad_thread(capsys):
    thread = threading.Thread(target=LOG.error, args=(PASSWORD,))
    thread.start()
    thread.join()

def test_bad_click(capsys):
    click.echo(PASSWORD)
    assert PASSWORD in capsys.readouterr().out

def test_bad_click_error(capsys):
    click.echo(PASSWORD, err=True)
    capsys.readouterr()

def test_bad_output():
    print(PASSWORD)

def test_bad_process():
    subprocess.run([sys.executable, "-c", "print('{WORD}')"], check=True)

def test_bad_once_more():
    LOG.error(PASSWORD)

def test_good_silence():
    pass

def test_good_redaction():
    register_secret(PASSWORD)
    try:
        LOG.warning("login with %s refused", PASSWORD)
        LOG.debug(PASSWORD)
    finally:
        forget_secrets()

def test_good_mistake():
    LOG.propagate, logging.raiseExceptions = False, False
    LOG.warning("%d", "no number")
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_each_way_to_write_a_password_fails_the_test(
    tmp_path: Path, workers: tuple[str, ...]
) -> None:
    file = tmp_path / "test_suite.py"
    file.write_text(SUITE)
    command = ("-m", "pytest", "-p", "support.leaks", "-p", "no:cacheprovider", "-rA", *workers)
    ended = subprocess.run(
        [sys.executable, *command, str(file)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    outcomes = {
        name: outcome
        for outcome, name in re.findall(r"^(PASSED|FAILED) \S+::(\w+)", ended.stdout, re.MULTILINE)
    }
    wanted = re.findall(r"def (test_\w+)", SUITE)
    assert len(wanted) == 13
    assert outcomes == {
        name: "FAILED" if name.startswith("test_bad") else "PASSED" for name in wanted
    }, ended.stdout
    assert "a password was written" in ended.stdout


@pytest.mark.parametrize("user", ["", "a", "ab", "admin", "somebody else"])
@pytest.mark.parametrize("rest", ["", "-", "-7f3a", "x" * 30])
def test_a_password_is_found_within_base64(user: str, rest: str) -> None:
    watch = LeakWatch()
    login = base64.b64encode(f"{user}:{WORD}{rest}".encode()).decode()
    watch.look("here", f"Basic {login}")
    assert len(watch.take()) == 1
    assert watch.take() == []
