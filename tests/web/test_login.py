"""Tokens, logins, cookies, and requests that another page caused."""

import gzip
import json
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from neolink.clock import ManualClock
from neolink.web.settings import HttpLimits
from support.web_bench import BEARER, LOGIN, OPEN, OWN, PASSWORDS, TOKEN, running_server

CAMERAS = "/api/v1/cameras"
SESSION = "/api/v1/session"
VIEWER = {"user": "viewer", "password": PASSWORDS["viewer"]}


# ---------------------------------------------------------------- token
async def test_token_opens_everything() -> None:
    async with running_server(settings=LOGIN) as bridge:
        assert await bridge.status(CAMERAS) == 401
        assert await bridge.status(CAMERAS, headers=BEARER) == 200
        assert await bridge.status("/metrics", headers={"Authorization": f"bearer {TOKEN}"}) == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer wrong",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN} {TOKEN}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer \udcff\udcfe",
    ],
)
async def test_what_is_not_quite_the_token_is_refused(authorization: str) -> None:
    async with running_server(settings=LOGIN) as bridge:
        headers = {"Authorization": authorization}
        async with bridge.client.get(CAMERAS, headers=headers) as answer:
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="neolink"'
            assert (await answer.json())["error"]["code"] == "unauthorized"


async def test_without_a_token_configured_an_empty_one_opens_nothing() -> None:
    async with running_server(settings=replace(LOGIN, token=None)) as bridge:
        assert await bridge.status(CAMERAS, headers={"Authorization": "Bearer "}) == 401
        assert await bridge.log_in(None, "") == 401


async def test_token_in_the_url_is_not_a_login() -> None:
    async with running_server(settings=LOGIN) as bridge:
        assert await bridge.status(f"{CAMERAS}?token={TOKEN}&access_token={TOKEN}") == 401


async def test_a_proxy_s_own_password_beside_the_cookie_does_no_harm() -> None:
    async with running_server(settings=LOGIN) as bridge:
        assert await bridge.log_in() == 204
        assert await bridge.status(CAMERAS, headers={"Authorization": "Basic eDp5"}) == 200


# ---------------------------------------------------------------- session
async def test_login_gives_a_cookie_that_no_script_and_no_other_site_can_use() -> None:
    async with running_server(settings=LOGIN) as bridge:
        async with bridge.client.post(SESSION, json=VIEWER) as answer:
            assert answer.status == 204
            cookie = answer.headers["Set-Cookie"]
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=strict", "path=/", "max-age=2592000"} <= attributes
        assert "secure" not in attributes
        assert not any(part.startswith("domain") for part in attributes)
        assert await bridge.status(CAMERAS) == 200


async def test_cookie_is_only_for_https_where_the_proxy_speaks_it() -> None:
    async with running_server(settings=LOGIN) as bridge:
        headers = {"X-Forwarded-Proto": "https"}
        async with bridge.client.post(SESSION, json=VIEWER, headers=headers) as answer:
            assert "; Secure" in answer.headers["Set-Cookie"]


async def test_who_am_i_tells_who_and_no_more() -> None:
    async with running_server(settings=LOGIN) as bridge:
        nobody = {
            "user": None,
            "needs_login": True,
            "has_session": False,
            "may_kick": False,
            "version": "",
        }
        assert await bridge.json(SESSION) == nobody
        await bridge.log_in("viewer")
        known = await bridge.json(SESSION)
        assert known["user"] == "viewer"
        assert known["has_session"]
        assert not known["needs_login"]
        await bridge.log_in(None)
        assert (await bridge.json(SESSION))["user"] is None


async def test_log_out_ends_the_session_for_whoever_has_the_cookie() -> None:
    async with running_server(settings=LOGIN) as bridge:
        await bridge.log_in()
        stolen = {"Cookie": _cookie(bridge.client)}
        assert await bridge.status(SESSION, "DELETE", OWN) == 204
        assert await bridge.status(CAMERAS) == 401
        async with ClientSession() as thief:
            answer = await thief.get(bridge.url + CAMERAS, headers=stolen)
            assert answer.status == 401


async def test_a_login_ends_the_session_before_it() -> None:
    async with running_server(settings=LOGIN) as bridge:
        await bridge.log_in()
        first = {"Cookie": _cookie(bridge.client)}
        assert await bridge.log_in("guest") == 204
        async with ClientSession() as thief:
            answer = await thief.get(bridge.url + CAMERAS, headers=first)
            assert answer.status == 401


async def test_a_key_that_was_planted_before_a_login_never_becomes_good() -> None:
    planted = {"Cookie": "neolink_session=planted", **OWN}
    async with running_server(settings=LOGIN) as bridge, ClientSession(bridge.url) as victim:
        async with victim.post(SESSION, json=VIEWER, headers=planted) as answer:
            assert answer.status == 204
            assert answer.cookies["neolink_session"].value != "planted"
        answer = await victim.get(CAMERAS, headers=planted)
        assert answer.status == 401


@pytest.mark.parametrize(
    "cookie",
    [
        "neolink_session=",
        "neolink_session=x",
        'neolink_session="\\377"',
        "neolink_session",
        ";;=",
        "=\udcff",
    ],
)
async def test_cookies_that_are_none_are_nobody(cookie: str) -> None:
    async with running_server(settings=LOGIN) as bridge, ClientSession() as client:
        answer = await client.get(bridge.url + CAMERAS, headers={"Cookie": cookie})
        assert answer.status == 401


async def test_an_unused_session_expires_and_a_used_one_lives_on() -> None:
    clock = ManualClock()
    limits = HttpLimits(session_idle_s=100, session_age_s=250)
    async with running_server(settings=replace(LOGIN, limits=limits), clock=clock) as bridge:
        await bridge.log_in()
        for _ in range(2):
            clock.advance(99)
            assert await bridge.status(CAMERAS) == 200
        clock.advance(99)
        assert await bridge.status(CAMERAS) == 401, "too old, however much it was used"
        await bridge.log_in()
        clock.advance(101)
        assert await bridge.status(CAMERAS) == 401, "unused for too long"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 10_000, 400),
        (b'{"user":"viewer"}', 400),
        (b'{"user":"viewer","password":1}', 400),
        (b'{"token":null}', 400),
        (b'{"user":"viewer","password":"x","more":1}', 400),
        (b'{"token":"x","user":"viewer","password":"x"}', 400),
        (b'{"user":"viewer","password":"\\ud800"}', 401),
        (b'{"user":"\\udfff","password":"x"}', 401),
        (b"\xff\xfe\x00", 400),
        (b'{"token":' + b"9" * 9000 + b"}", 400),
        (b'{"token":"' + b"x" * 20_000 + b'"}', 413),
    ],
)
async def test_bodies_that_are_no_login_are_refused(body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    async with running_server(settings=LOGIN) as bridge:
        async with bridge.client.post(SESSION, data=body, headers=headers) as answer:
            assert answer.status == status
            assert (await answer.json())["error"]["message"]
        assert await bridge.log_in() == 204


async def test_a_form_cannot_log_in() -> None:
    async with (
        running_server(settings=LOGIN) as bridge,
        bridge.client.post(SESSION, data=VIEWER) as answer,
    ):
        assert answer.status == 415


async def test_a_packed_body_is_not_inflated() -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps(VIEWER).encode())
    async with (
        running_server(settings=LOGIN) as bridge,
        bridge.client.post(SESSION, data=packed, headers=headers) as answer,
    ):
        assert answer.status == 400


async def test_a_user_without_password_cannot_log_in() -> None:
    settings = replace(LOGIN, users={"viewer": ""})
    async with running_server(settings=settings) as bridge:
        assert await bridge.log_in("viewer", "") == 401


@pytest.mark.parametrize("user", ["viewer", "nobody", ""])
async def test_a_wrong_login_does_not_tell_whether_the_user_exists(user: str) -> None:
    async with running_server(settings=LOGIN) as bridge:
        body = {"user": user, "password": "wrong"}
        async with bridge.client.post(SESSION, json=body) as answer:
            words = (await answer.json())["error"]["message"]
        assert words == "wrong user name or password"


# ---------------------------------------------------------------- other pages
@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1", "http://[::1", "", "file://"]
)
async def test_changes_that_another_page_caused_are_refused(origin: str) -> None:
    async with running_server(settings=LOGIN) as bridge:
        headers = {"Origin": origin, **OWN}
        async with bridge.client.post(SESSION, json=VIEWER, headers=headers) as answer:
            assert answer.status == 403
            assert (await answer.json())["error"]["code"] == "foreign_origin"
        await bridge.log_in()
        for change in ("/api/v1/players/1", SESSION):
            assert await bridge.status(change, "DELETE", headers) == 403
        assert bridge.view.kicked == []


async def test_changes_of_our_own_page_are_done() -> None:
    async with running_server(settings=LOGIN) as bridge:
        headers = {"Origin": bridge.url, **OWN}
        async with bridge.client.post(SESSION, json=VIEWER, headers=headers) as answer:
            assert answer.status == 204
        assert await bridge.status("/api/v1/players/1", "DELETE", headers) == 204


async def test_a_change_with_a_cookie_needs_the_header_that_no_form_can_send() -> None:
    async with running_server(settings=LOGIN) as bridge:
        await bridge.log_in()
        assert await bridge.status("/api/v1/players/1", "DELETE") == 403
        assert await bridge.status(SESSION, "DELETE") == 403
        assert bridge.view.kicked == []
        assert await bridge.status("/api/v1/players/1", "DELETE", BEARER) == 204


async def test_a_websocket_of_another_page_is_refused() -> None:
    async with running_server(settings=LOGIN) as bridge:
        await bridge.log_in()
        headers = {
            "Origin": "http://evil.example",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        live = "/api/v1/cameras/cam1/streams/main/live"
        assert await bridge.status(live, headers=headers) == 403


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "192.0.2.7", "127.0.0.1.evil.example"]
)
async def test_without_a_login_names_of_others_are_refused(host: str, method: str) -> None:
    async with running_server(settings=OPEN) as bridge:
        headers = {"Host": host}
        path = CAMERAS if method == "GET" else "/api/v1/players/1"
        assert await bridge.status(path, method, headers) == 421
        assert bridge.view.kicked == []


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "127.9.9.9", "[::1]:8080"]
)
async def test_without_a_login_names_of_this_machine_are_answered(host: str) -> None:
    async with running_server(settings=OPEN) as bridge:
        assert await bridge.status(CAMERAS, headers={"Host": host}) == 200


@pytest.mark.parametrize("host", ["a b", "x@y", "a:b:c", "[::1", "a/b", "x" * 300, "héé"])
async def test_what_is_no_host_name_is_refused(host: str) -> None:
    async with running_server(settings=LOGIN) as bridge:
        assert await bridge.status(CAMERAS, headers={"Host": host, **BEARER}) == 400


async def test_with_a_login_any_name_leads_here_and_is_used_in_rtsp_urls() -> None:
    async with running_server(settings=LOGIN) as bridge:
        headers = {"Host": "Bridge.Example:8443", **BEARER}
        cameras = (await bridge.json(CAMERAS, headers))["cameras"]
        assert cameras[0]["streams"][0]["rtsp_url"] == "rtsp://bridge.example:8554/cam1/main"


async def test_without_a_login_everybody_may_see_and_do_everything() -> None:
    async with running_server(settings=OPEN) as bridge:
        assert not (await bridge.json(SESSION))["needs_login"]
        async with bridge.client.post(SESSION, json=VIEWER) as answer:
            assert answer.status == 204
            assert "Set-Cookie" not in answer.headers
        assert await bridge.status("/api/v1/players/1", "DELETE") == 204


def _cookie(client: ClientSession) -> str:
    return "; ".join(f"{cookie.key}={cookie.value}" for cookie in client.cookie_jar)
