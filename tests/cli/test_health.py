"""``neolink health`` as a process, against the real HTTP server in front of made-up readings."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from neolink.camera.status import CameraState
from neolink.errors import LoginRefusal
from neolink.readings import BridgeReading
from neolink.web.settings import HttpSettings
from support.program import program
from support.readings import bridge_reading, camera_reading
from support.web_bench import HOST, FakeView, running_server

TOKEN = "token-9c41"
OPEN = HttpSettings(bind=HOST, port=0)
LOCKED = replace(OPEN, needs_login=True, token=TOKEN)
WELL = bridge_reading(cameras=2)
REFUSED = bridge_reading(
    cameras=2,
    given=(
        camera_reading(
            "garden",
            state=CameraState.AUTH_FAILED,
            refusal=LoginRefusal.WRONG_CREDENTIALS,
            next_attempt_in_s=28.0,
        ),
    ),
)
SHORT_OF_PICTURES = bridge_reading(cameras=1, given=(camera_reading("porch", battery_percent=3),))


async def asked(*arguments: str) -> tuple[int, str, str]:
    """Run the command; return exit code and output."""
    async with program("health", *arguments) as command:
        code = await command.until_ended()
    return code, command.stdout, command.stderr


async def asked_of(reading: BridgeReading, settings: HttpSettings, *more: str) -> tuple[int, str]:
    """Return exit code and all output of the command before a bridge that does like this."""
    async with running_server(FakeView(reading), settings) as running:
        code, stdout, stderr = await asked("--url", running.url, *more)
    return code, stdout + stderr


@asynccontextmanager
async def peer(
    answer: Callable[[asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """Listen with something that is no bridge; give its URL."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answer(writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# ---------------------------------------------------------------- what it says
async def test_a_healthy_bridge_is_one_line_and_exit_code_0() -> None:
    assert await asked_of(WELL, OPEN) == (0, "2 cameras: 2 ok\n")


async def test_a_camera_without_pictures_is_exit_code_1_and_its_reasons() -> None:
    code, text = await asked_of(REFUSED, OPEN)
    assert code == 1
    assert text.splitlines() == [
        "2 cameras: 1 ok, 1 auth failed (garden: wrong user name or password)",
        "garden: auth failed (trying again in 28 s, rarely so that no account gets locked)",
        "    wrong user name or password: check `username` and `password` of this camera",
    ]


async def test_degraded_asleep_and_disabled_are_exit_code_0() -> None:
    code, text = await asked_of(SHORT_OF_PICTURES, OPEN)
    assert code == 0
    assert "the battery is at 3 %: charge it" in text
    asleep = camera_reading("gate", state=CameraState.IDLE, streams=())
    off = camera_reading("shed", is_enabled=False, state=CameraState.IDLE, streams=())
    code, text = await asked_of(bridge_reading(cameras=2, given=(asleep, off)), OPEN)
    assert code == 0
    assert text.startswith("2 cameras: 1 disabled, 1 asleep\n")


# ---------------------------------------------------------------- where it asks
async def test_address_and_token_are_those_of_the_configuration(tmp_path: Path) -> None:
    async with running_server(FakeView(WELL), LOCKED) as running:
        file = tmp_path / "neolink.toml"
        file.write_text(
            f'cameras = []\n[http]\nbind = "0.0.0.0"\nport = {running.server.port}\n'
            f'token = "{TOKEN}"\n'
        )
        code, stdout, stderr = await asked("--config", str(file))
    assert (code, stdout) == (0, "2 cameras: 2 ok\n")
    assert TOKEN not in stdout + stderr


async def test_without_http_in_the_configuration_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "neolink.toml"
    file.write_text("cameras = []\n")
    code, _, stderr = await asked("--config", str(file))
    assert code == 1
    assert "[http] is not on" in stderr
    assert "Traceback" not in stderr


async def test_a_token_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert await asked_of(WELL, LOCKED, "--token-file", str(file)) == (0, "2 cameras: 2 ok\n")


async def test_a_missing_and_a_wrong_token_are_told_apart_and_not_shown(tmp_path: Path) -> None:
    code, text = await asked_of(WELL, LOCKED)
    assert code == 1
    assert "the token is needed" in text
    file = tmp_path / "token"
    file.write_text("quite another")
    code, text = await asked_of(WELL, LOCKED, "--token-file", str(file))
    assert code == 1
    assert "the token is not the one" in text
    assert "quite another" not in text


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"\xff\xfe"])
async def test_a_file_that_holds_no_token_is_an_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    code, _, stderr = await asked("--url", "http://127.0.0.1:9", "--token-file", str(file))
    assert code == 1
    assert "--token-file" in stderr
    assert "Traceback" not in stderr


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:8080", "https://h", "http://", "http://h:x", "http://me:secret@h", "http://["],
)
async def test_a_url_that_cannot_be_used_is_a_wrong_call_and_not_repeated(url: str) -> None:
    code, stdout, stderr = await asked("--url", url)
    assert code == 2
    assert "http://HOST:PORT" in stderr
    assert "secret" not in stdout + stderr


async def test_neither_url_nor_configuration_is_a_wrong_call() -> None:
    code, _, stderr = await asked()
    assert code == 2
    assert "--config FILE or --url URL" in stderr


# ---------------------------------------------------------------- who answers
PATIENCE_S = 3.0
"""How long an answer is waited for."""


async def seconds_of_a_call() -> float:
    """Return how long the command takes here that asks nobody."""
    began_s = time.monotonic()
    assert (await asked())[0] == 2
    return time.monotonic() - began_s


async def test_nobody_there_is_exit_code_1_at_once() -> None:
    usual_s, began_s = await seconds_of_a_call(), time.monotonic()
    code, _, stderr = await asked("--url", "http://127.0.0.1:9")
    assert code == 1
    assert "Connection refused; is the bridge running?" in stderr
    assert time.monotonic() - began_s < usual_s + 0.9 * PATIENCE_S


async def test_one_who_answers_in_drops_is_given_three_seconds() -> None:
    async def drop(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.2)

    usual_s = await seconds_of_a_call()
    async with peer(drop) as url:
        began_s = time.monotonic()
        code, _, stderr = await asked("--url", url)
        took_s = time.monotonic() - began_s
    assert code == 1
    assert f"no answer within {PATIENCE_S:g} s" in stderr
    assert PATIENCE_S < took_s < usual_s + 2 * PATIENCE_S


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "not neolink"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]", "not neolink"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>", "not neolink"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "status 404"),
        (b"RTSP/1.0 400 Bad Request\r\n\r\n", "does not speak HTTP"),
        (b"", "closed connection without response"),
    ],
)
async def test_what_is_no_bridge_is_called_so(answer: bytes, words: str) -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with peer(say) as url:
        code, stdout, stderr = await asked("--url", url)
    assert code == 1
    assert words in stderr
    assert not stdout
    assert "Traceback" not in stderr


async def test_what_answers_cannot_play_with_the_terminal() -> None:
    name = "\x1b[2Jporch"
    reading = bridge_reading(cameras=1, given=(camera_reading(name, battery_percent=3),))
    _, text = await asked_of(reading, OPEN)
    assert "\x1b" not in text
    assert "?[2Jporch" in text
