"""The server from open to close: its port, its reload, faults below it, and nothing left."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from neolink.clock import ManualClock, SystemClock
from neolink.errors import ConfigError
from neolink.web.server import WebServer
from neolink.web.settings import HttpSettings
from support.waiting import until
from support.web_bench import (
    BEARER,
    HOST,
    LOGIN,
    OPEN,
    FakeView,
    next_event,
    running_server,
    say,
)

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def make(settings: HttpSettings = OPEN) -> WebServer:
    return WebServer(settings, FakeView(), SystemClock())


# ---------------------------------------------------------------- opening
def test_strangers_are_not_let_in_without_a_login() -> None:
    server = make(replace(OPEN, bind="0.0.0.0"))
    with pytest.raises(ConfigError, match=r"\[http\] bind: 0.0.0.0 lets other machines in"):
        server.open()
    server.close()


def test_a_port_that_is_taken_names_the_key() -> None:
    first = make()
    first.open()
    second = make(replace(OPEN, port=first.port))
    with pytest.raises(ConfigError, match=rf"cannot listen on {HOST}:{first.port} .*\[http\] port"):
        second.open()
    first.close()
    second.close()


async def test_it_listens_on_ipv6_too() -> None:
    server = make(replace(OPEN, bind="::1"))
    server.open()
    running = asyncio.create_task(server.run())
    reader, writer = await asyncio.open_connection("::1", server.port)
    writer.write(b"GET /api/v1/cameras HTTP/1.0\r\n\r\n")  # which host is told by the socket
    assert b"rtsp://[::1]:8554/cam1/main" in await reader.read()
    writer.transport.abort()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_a_user_who_can_never_log_in_is_told_at_the_start(caplog: pytest.LogCaptureFixture) -> None:
    make(replace(LOGIN, users={"viewer": ""})).close()
    assert "viewer has no password and cannot log in here" in caplog.text


# ---------------------------------------------------------------- closing
async def test_close_leaves_nothing_whatever_was_under_way(quick: None) -> None:
    others = asyncio.all_tasks()
    view = FakeView()
    server = WebServer(OPEN, view, SystemClock())
    server.open()
    port = server.port
    running = asyncio.create_task(server.run())
    hangs = asyncio.Event()

    async def never(*_: object) -> bytes:
        await hangs.wait()
        return b""

    view.act(snapshot=never)
    paths = (b"/api/v1/events", b"/api/v1/cameras/cam1/snapshot.jpg", b"/healthz")
    clients = [asyncio.create_task(say(port, GET % path)) for path in paths]
    clients += [asyncio.create_task(say(port, raw)) for raw in (b"", b"GET / HT")]
    await until(lambda: server.connections == 5)
    await until(lambda: len(server.context.events) == 1)
    running.cancel()
    async with asyncio.timeout(2):
        await asyncio.wait([running, *clients])
    assert server.connections == 0
    assert len(server.context.events) == 0
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(HOST, port)
    await until(lambda: asyncio.all_tasks() <= others)
    server.close()


async def test_a_server_that_was_ended_can_run_again() -> None:
    server = make()
    for _ in range(2):
        server.open()
        port = server.port
        running = asyncio.create_task(server.run())
        answer = await say(
            port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        assert answer.startswith(b"HTTP/1.1 200 ")
        running.cancel()
        await asyncio.wait([running])


# ---------------------------------------------------------------- reload
async def test_a_reload_changes_who_may_log_in_and_not_where_is_listened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_server(settings=LOGIN) as bridge:
        settings = replace(LOGIN, bind="192.0.2.1", port=1, token="another")
        bridge.server.reload(settings)
        assert "[http] bind, port: takes effect after a restart" in caplog.text
        assert await bridge.status("/api/v1/cameras", headers=BEARER) == 401
        another = {"Authorization": "Bearer another"}
        assert await bridge.status("/api/v1/cameras", headers=another) == 200


async def test_sessions_of_changed_users_end_and_those_of_others_go_on() -> None:
    async with running_server(settings=LOGIN) as bridge:
        sessions = bridge.server.context.gate.sessions
        for user in ("viewer", "guest", None):
            bridge.client.cookie_jar.clear()
            assert await bridge.log_in(user) == 204
        bridge.server.reload(replace(LOGIN, users={**LOGIN.users, "viewer": "another"}))
        assert {one.user for one in sessions._sessions.values()} == {"guest", None}
        bridge.server.reload(replace(LOGIN, token=None))
        assert {one.user for one in sessions._sessions.values()} == {"guest"}


async def test_a_password_that_changed_while_no_login_was_needed_ends_its_sessions() -> None:
    async with running_server(settings=LOGIN) as bridge:
        await bridge.log_in("viewer")
        changed = replace(LOGIN, users={"viewer": "another"})
        bridge.server.reload(replace(changed, needs_login=False))
        assert await bridge.status("/api/v1/cameras") == 200
        bridge.server.reload(changed)
        assert await bridge.status("/api/v1/cameras") == 401


async def test_streams_of_who_needed_no_login_end_when_one_is_needed(quick: None) -> None:
    async with running_server(settings=OPEN, clock=ManualClock()) as bridge:
        async with bridge.client.get("/api/v1/events") as stream:
            await next_event(stream, "cameras")
            bridge.server.reload(LOGIN)
            async with asyncio.timeout(3):
                await stream.content.read()
        assert await bridge.status("/api/v1/cameras") == 401


async def test_a_listener_open_to_others_never_goes_over_to_no_login(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running_server(settings=replace(LOGIN, bind="0.0.0.0")) as bridge:
        bridge.server.reload(OPEN)
        assert await bridge.status("/api/v1/cameras") == 401
        assert "nobody can log in until a restart" in caplog.text


# ---------------------------------------------------------------- faults below
@pytest.mark.parametrize("error", [ZeroDivisionError, TimeoutError, ConnectionResetError, KeyError])
async def test_a_fault_of_the_bridge_is_answered_500_and_told_once(
    error: Callable[[], Exception], caplog: pytest.LogCaptureFixture
) -> None:
    async with running_server(settings=OPEN) as bridge:

        def fail(*_: object) -> None:
            raise error()

        bridge.view.act(history=fail)
        for _ in range(5):
            path = "/api/v1/cameras/cam1/streams/main/history"
            async with bridge.client.get(path) as answer:
                assert answer.status == 500
                told = await answer.json()
        assert told["error"] == {
            "code": "internal",
            "message": "a fault of the bridge; its log tells more",
        }
        assert await bridge.status("/healthz") == 200
    errors = [one for one in caplog.records if one.levelno >= logging.ERROR]
    assert [one.getMessage() for one in errors] == [
        "GET /api/v1/cameras/{name}/streams/{kind}/history: failed"
    ]


async def test_a_fault_in_the_middle_of_an_answer_breaks_it_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> object:
        yield "neolink_up 1\n" * 10_000
        raise ZeroDivisionError

    monkeypatch.setattr("neolink.web.probes.render", broken)
    async with running_server(settings=OPEN) as bridge:
        answer = await say(bridge.server.port, GET % b"/metrics")
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.count(b"HTTP/1.1") == 1, "no second answer inside the first"
        assert not answer.endswith(b"\r\n0\r\n\r\n"), "a client must notice that it is cut"
        assert await bridge.status("/healthz") == 200
    assert "GET /metrics: failed" in caplog.text


async def test_what_was_sent_is_never_written_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_server(settings=LOGIN) as bridge:
        bridge.view.act(history=lambda *_: 1 / 0)
        await bridge.log_in("viewer", "a-wrong-password")
        await bridge.status("/api/v1/cameras", headers={"Authorization": "Bearer a-wrong-token"})
        path = "/api/v1/cameras/cam1/streams/main/history?x=%0aa-forged-line"
        await bridge.status(path, headers=BEARER)
        await say(bridge.server.port, b"GET /\r\na-forged-line HTTP/1.1\r\n\r\n")
    ours = [one for one in caplog.records if one.name.startswith(("neolink", "aiohttp"))]
    text = "\n".join(one.getMessage() for one in ours)
    assert "HTTP login from 127.0.0.1 refused: wrong user name or password" in text
    for secret in ("a-wrong-password", "a-wrong-token", "a-forged-line", BEARER["Authorization"]):
        assert secret not in text
