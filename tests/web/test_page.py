"""The page's files, the description of the API, and the headers of every answer."""

from pathlib import Path
from typing import Final

import pytest

from neolink.web.assets import load_assets
from neolink.web.headers import HEADERS
from support.web_bench import BEARER, LOGIN, OPEN, running_server, say

FILES: Final = ("/", "/static/icon.svg", "/api/v1/openapi.json")


@pytest.mark.parametrize("path", FILES)
async def test_a_file_that_is_known_is_not_sent_again(path: str) -> None:
    async with running_server(settings=LOGIN) as bridge:
        async with bridge.client.get(path) as answer:
            assert answer.status == 200
            assert answer.headers["Cache-Control"] == "no-cache"
            tag = answer.headers["ETag"]
            assert await answer.read()
        for known in (tag, f'"other", W/{tag}', "*"):
            async with bridge.client.get(path, headers={"If-None-Match": known}) as answer:
                assert (answer.status, await answer.read()) == (304, b"")
                assert answer.headers["ETag"] == tag
        for unknown in ('"other"', "nonsense", ""):
            assert await bridge.status(path, headers={"If-None-Match": unknown}) == 200


@pytest.mark.parametrize("path", [*FILES, "/health", "/api/v1/cameras", "/api/v1/session"])
async def test_head_tells_what_get_would(path: str) -> None:
    async with running_server() as bridge:
        async with bridge.client.get(path) as wanted:
            length = len(await wanted.read())
        async with bridge.client.head(path) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
            assert answer.headers["Content-Type"] == wanted.headers["Content-Type"]
            assert int(answer.headers["Content-Length"]) == pytest.approx(length, abs=8)


async def test_files_have_the_type_that_browsers_insist_on() -> None:
    async with running_server() as bridge:
        async with bridge.client.get("/static/icon.svg") as answer:
            assert answer.headers["Content-Type"] == "image/svg+xml"
        async with bridge.client.get("/") as answer:
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/..%2fserver.py",
        "/static/%2e%2e/server.py",
        "/static/..%5cserver.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/icon.svg%00",
        "/static/./icon.svg",
        "/static/js/../icon.svg",
        "/static/",
        "/static",
        "/static/%ff%fe",
        "/static/" + "a/" * 1000,
        "//static/icon.svg",
        "/server.py",
    ],
)
async def test_nothing_but_the_files_of_the_page_is_served(path: str) -> None:
    async with running_server() as bridge:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answer = await say(bridge.server.port, request.encode())
        assert answer.startswith(b"HTTP/1.1 404 ")
        assert b"Cache-Control: no-store" in answer


def test_files_of_other_types_are_not_loaded(tmp_path: Path) -> None:
    for name in ("page.html", "notes.txt", ".hidden", "js/a.js", "js/a.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert set(load_assets(tmp_path)) == {"page.html", "js/a.js"}
    assert load_assets(tmp_path / "no such folder") == {}


RAW: Final = {
    "page": b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "no route": b"GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "no method": b"BREW / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "wrong method": b"PUT /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "no login": b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "metrics": b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "old": b"GET /healthz HTTP/1.0\r\n\r\n",
    "bad host": b"GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
    "expectation": b"GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nConnection: close\r\n\r\n",
    "connect": b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", RAW.values(), ids=RAW.keys())
async def test_every_answer_has_the_headers_that_keep_browsers_safe(request_bytes: bytes) -> None:
    async with running_server(settings=LOGIN) as bridge:
        answer = (await say(bridge.server.port, request_bytes, limit_s=1)).decode()
    for name, value in HEADERS.items():
        assert answer.count(f"\r\n{name}: {value}\r\n") == 1, name
    assert "aiohttp" not in answer.lower()
    assert "python" not in answer.lower()


def test_the_page_can_neither_load_nor_be_framed_from_elsewhere() -> None:
    policy = dict(
        part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == policy["style-src"] == "'self'"
    assert not any("unsafe" in value or "http" in value for value in policy.values())


@pytest.mark.parametrize("path", ["/health", "/metrics", "/api/v1/cameras", "/api/v1/nope", "/x"])
async def test_what_is_of_the_moment_is_not_stored(path: str) -> None:
    async with running_server(settings=LOGIN) as bridge:
        for headers in (BEARER, {}):
            async with bridge.client.get(path, headers=headers) as answer:
                assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/nope", "/api", "/api/v1/", "/api/v1/cameras/", "/health/"])
async def test_errors_of_unknown_addresses_have_the_shape_of_all_errors(path: str) -> None:
    async with running_server(settings=OPEN) as bridge:
        told = await bridge.json(path)
    message = "there is nothing at this address"
    assert told == {"error": {"code": "not_found", "message": message}}


async def test_another_method_is_answered_with_those_that_there_are() -> None:
    async with running_server(settings=OPEN) as bridge, bridge.client.post("/health") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET,HEAD"
        assert (await answer.json())["error"]["code"] == "method_not_allowed"
