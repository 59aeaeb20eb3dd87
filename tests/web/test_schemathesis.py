"""schemathesis tries the API against its description: all shapes, no 5xx, no way round a login.

It knows nothing of us but ``openapi.json``. What it tries is the same in every run.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

import neolink.web
from neolink.rtsp_server.settings import Access
from neolink.web.settings import HttpLimits
from support.web_bench import BEARER, LOGIN, OPEN, OWN, FakeLine, FakeView, running_server

pytestmark = pytest.mark.foreign

PROGRAM: Final = Path(sys.executable).with_name("schemathesis")
DESCRIPTION: Final = Path(neolink.web.__file__).with_name("openapi.json")

CONFIGURATION: Final = """\
[[operations]]
# the cameras of these tests have no live video: 503, as described
include-path-regex = "/(live|hls/.*)$"
[operations.checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]
"""

OPTIONS: Final = (
    *("--phases", "examples,coverage,fuzzing"),
    *("--max-examples", "4"),
    "--generation-deterministic",
    "--continue-on-failure",
    *("--request-timeout", "5"),
    *("--exclude-path", "/api/v1/events"),  # it has no end: see test_events.py
    *("--warnings", "off"),
    "--no-color",
)

PATIENT: Final = replace(LOGIN, limits=HttpLimits(free_logins=1_000_000))
"""Guesses are answered 401, so that all is tried, not 429."""


async def run(url: str, folder: Path, options: Sequence[str]) -> str:
    """Let schemathesis try a server; return what it says. Fails with that if it found anything."""
    configuration = folder / "schemathesis.toml"
    configuration.write_text(CONFIGURATION)
    process = await asyncio.create_subprocess_exec(
        *(PROGRAM, "--config-file", configuration, "run", DESCRIPTION, "--url", url),
        *(*OPTIONS, *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=folder,
    )
    try:
        async with asyncio.timeout(90):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    text = said.decode(errors="replace")
    assert process.returncode == 0, text
    return text


def make_view() -> FakeView:
    view = FakeView(jpeg=b"\xff\xd8 a picture \xff\xd9")
    view.log = {"cam1": [FakeLine(1.7e9, "connected")]}
    view.access_by_camera = {"cam2": Access(anonymous=False, users=frozenset({"guest"}))}
    return view


async def test_without_a_login(tmp_path: Path) -> None:
    async with running_server(make_view(), OPEN) as bridge:
        said = await run(bridge.url, tmp_path, ["--exclude-checks", "ignored_auth"])
        assert "21 passed" in said
        assert bridge.view.kicked


async def test_with_the_token(tmp_path: Path) -> None:
    async with running_server(make_view(), PATIENT) as bridge:
        token = f"Authorization: {BEARER['Authorization']}"
        said = await run(bridge.url, tmp_path, ["--header", token])
        assert "21 passed" in said
        assert bridge.view.kicked
        assert await bridge.status("/api/v1/cameras", headers=BEARER) == 200


async def test_as_a_user_who_may_not_see_everything(tmp_path: Path) -> None:
    async with running_server(make_view(), PATIENT) as bridge:
        assert await bridge.log_in("viewer") == 204
        cookie = "; ".join(f"{one.key}={one.value}" for one in bridge.client.cookie_jar)
        options = ["--header", f"Cookie: {cookie}", "--header", f"X-Neolink: {OWN['X-Neolink']}"]
        options += ["--exclude-operation-id", "logOut"]
        options += ["--exclude-checks", "ignored_auth"]  # it cannot take this cookie away
        said = await run(bridge.url, tmp_path, options)
        assert "20 passed" in said
        assert await bridge.status("/api/v1/cameras") == 200, "the session must have lasted"


async def test_as_nobody(tmp_path: Path) -> None:
    async with running_server(make_view(), PATIENT) as bridge:
        said = await run(bridge.url, tmp_path, [])
        assert "21 passed" in said
        assert (bridge.view.kicked, bridge.view.asked) == ([], 0)
