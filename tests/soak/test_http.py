"""The client of the soak: single requests, and a viewer's WebSocket at a real bridge."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from soak.bridge import HTTP_TOKEN
from soak.browsers import WebVisitors, make_live_witnesses, run_live_witness
from soak.http import LiveSocket, ask, bearer, live_path, masked
from soak.live_witness import LiveWitness
from soak.schedule import KINDS, WebBehaviour, WebVisit
from soak.wire import HOST, Disconnected, Refused

from neolink.media.tracks import StreamKind
from neolink.web.settings import HttpSettings
from support.bridge import running_bridge
from support.camera_bench import PROFILE
from support.waiting import until

SETTINGS = HttpSettings(needs_login=True, token=HTTP_TOKEN)
KNOWN = bearer(HTTP_TOKEN)


@asynccontextmanager
async def bridge(camera: str = "cam0") -> AsyncIterator[int]:
    """Give the HTTP port of a bridge with one camera."""
    async with running_bridge(replace(PROFILE, name=camera), http=SETTINGS) as running:
        web = running.bridge.onlookers.web
        assert web is not None
        yield web.port


def now_s() -> float:
    return asyncio.get_running_loop().time()


# ---------------------------------------------------------------- requests
async def test_an_answer_is_whole() -> None:
    async with bridge() as port:
        assert (await ask(port, "/healthz", {})).text == "ok\n"
        assert (await ask(port, "/metrics", {})).status == 401
        assert (await ask(port, "/metrics", KNOWN)).status == 200


@pytest.mark.parametrize(
    "answer", [b"", b"hello", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"]
)
async def test_half_an_answer_is_none(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        with pytest.raises(Disconnected):
            await ask(server.sockets[0].getsockname()[1], "/", {})


async def test_a_viewer_that_may_not_watch_is_refused() -> None:
    async with bridge() as port:
        with pytest.raises(Refused, match="401"):
            await LiveSocket.open(port, live_path(0, "sub", has_sound=False), {})


async def test_a_goodbye_is_answered_and_pings_are_too() -> None:
    async with bridge() as port:
        live = await LiveSocket.open(port, live_path(0, "sub", has_sound=False), KNOWN)
        with contextlib.closing(live):
            while not any(isinstance(one, bytes) for one in await live.receive()):
                pass
            assert await live.leave()


async def collect(live: LiveSocket, messages: list[str | bytes]) -> None:
    messages += await live.messages()
    while True:
        messages += await live.receive()


async def test_frames_in_any_pieces_are_put_together() -> None:
    said = b"\x81\x02hi" + b"\x82\x7e\x01\x00" + bytes(256) + b"\x89\x01p" + b"\x88\x05\x03\xe9bye"
    heard = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        for byte in said:
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(0)
        heard.extend(await reader.readexactly(7))
        writer.close()

    messages: list[str | bytes] = []
    async with await asyncio.start_server(serve, HOST, 0) as server:
        live = await LiveSocket.open(server.sockets[0].getsockname()[1], "/", {})
        with contextlib.closing(live), pytest.raises(Disconnected, match="by the server: bye"):
            await collect(live, messages)
        await until(lambda: heard)
    assert messages == ["hi", bytes(256)]
    mask, body = heard[2:6], heard[6:]
    assert heard[:2] == masked(10, b"p")[:2]
    assert bytes(one ^ mask[at] for at, one in enumerate(body)) == b"p"


# ---------------------------------------------------------------- who comes
async def test_a_steady_browser_finds_nothing_wrong_and_notes_an_end() -> None:
    async with bridge() as port:
        witness = LiveWitness("w", 0, StreamKind.SUB, has_sound=True)
        watching = asyncio.create_task(run_live_witness(witness, port, now_s))
        await until(lambda: witness.fragments > 20)
        assert witness.violations == []
        assert witness.word_at(now_s()) == "live"
        players = (await ask(port, "/api/v1/players", KNOWN)).text
        number = players.partition('"number":')[2].partition(",")[0].strip()
        assert (await ask(port, f"/api/v1/players/{number}", KNOWN, method="DELETE")).status == 204
        await until(lambda: witness.sessions == 2)
        assert witness.violations[0].text == "told of an end: ended by an operator"
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (WebBehaviour.WATCH, "left"),
        (WebBehaviour.VANISH, "left"),
        (WebBehaviour.RESET, "left"),
        (WebBehaviour.RELOAD, "left"),
        (WebBehaviour.TALK, "ended by the server"),
        (WebBehaviour.EVENTS, "left"),
        (WebBehaviour.DEAF, "left"),
        (WebBehaviour.SNAPSHOTS, "left"),
        (WebBehaviour.SCRAPE, "left"),
        (WebBehaviour.WRONG_LOGIN, "refused"),
        (WebBehaviour.GARBAGE, "ended by the server"),
    ],
)
async def test_a_visitor_is_treated_as_documented(behaviour: WebBehaviour, outcome: str) -> None:
    async with bridge() as port:
        visitors = WebVisitors(port, now_s, [])
        visit = WebVisit(now_s(), 0, StreamKind.SUB, behaviour, duration_s=0.5, seed=3)
        await visitors._visit(visit)
        assert visitors.surprises == []
        assert visitors.outcomes == {f"{behaviour}: {outcome}": 1}


async def test_a_server_that_answers_wrongly_is_a_surprise() -> None:
    async with bridge("cam1") as port:
        visitors = WebVisitors(port, now_s, [])
        for behaviour in (WebBehaviour.WATCH, WebBehaviour.SNAPSHOTS):
            await visitors._visit(WebVisit(0.0, 0, StreamKind.SUB, behaviour, 0.1, seed=3))
    assert "live video was answered 404" in visitors.surprises[0]
    assert "is answered 404" in visitors.surprises[1]


def test_there_is_a_steady_browser_for_each_kind_of_stream() -> None:
    assert [one.kind for one in make_live_witnesses(2)] == list(KINDS)
