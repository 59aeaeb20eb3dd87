"""A fault of the program itself ends what it is in, is told, and harms nobody else."""

import asyncio
from typing import Any

import pytest

from neolink.rtsp_server import server as module
from neolink.rtsp_server.mounts.backchannel import Intercom
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import RtspClient
from support.rtsp_talker import Heard, Microphone, Talker
from support.waiting import until


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was told with a traceback."""
    return [record.getMessage() for record in caplog.records if record.exc_info]


def _break(*_: object) -> Any:
    raise ZeroDivisionError("a mistake")


async def goes_on(bench: Bench, client: RtspClient) -> None:
    """Check that a player is sent pictures, and that the server still serves."""
    before = len(client.tracks[0].packets)
    bench.camera.until_key()
    bench.camera.pictures(5)
    await client.until(lambda: len(client.tracks[0].packets) >= before + 5)
    assert not bench.running.done()
    assert (await (await bench.client()).options()).status == 200


@pytest.fixture
async def complaints() -> Any:
    """Return what reaches the loop itself: nothing that we could have told in words may."""
    loop, found = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: found.append(str(context)))
    yield found
    loop.set_exception_handler(None)
    assert not found


@pytest.mark.usefixtures("complaints")
async def test_a_look_that_fails_ends_no_session_and_is_told_once_in_a_while(
    start: StartServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "SWEEP_S", 0.001)
    bench = await start()
    client, looks = await bench.player(), 0

    def fail(_: float) -> None:
        nonlocal looks
        looks += 1
        _break()

    later: list[float] = []
    monkeypatch.setattr(bench.server.door, "sweep", fail)
    monkeypatch.setattr(bench.server._upkeep, "sweep", later.append)
    await until(lambda: looks > 20)
    assert len(later) >= 20
    assert told(caplog) == ["looking after players failed, it goes on in a second"]
    await goes_on(bench, client)


@pytest.mark.usefixtures("complaints")
async def test_a_connection_whose_end_fails_is_closed_all_the_same(
    start: StartServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    client, leaving = await bench.player(), await bench.player()
    (_, connection) = bench.server.door.connections
    assert connection._handler is not None
    monkeypatch.setattr(connection._handler, "close", _break)
    await leaving.close()
    await until(lambda: len(bench.server.door.connections) == 1)
    assert told(caplog) == [f"{connection.name}: internal error at its end"]
    await goes_on(bench, client)


@pytest.mark.usefixtures("complaints")
async def test_a_datagram_that_cannot_be_handled_ends_its_own_session(
    start: StartServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    heard = Heard()
    bench.mount.intercom = Intercom(heard, bench.clock)
    client = await bench.client()
    await client.watch(transport="udp")
    talker = Talker(await bench.client(), "udp")
    await talker.begin()
    monkeypatch.setattr(heard, "say", _break)
    await talker.send(Microphone(0, "PCMU", 8000).packet())
    await talker.client.until(lambda: talker.client.tracks[0].has_ended)
    assert told(caplog) == ["failed"]
    (record,) = (one for one in caplog.records if one.exc_info)
    assert vars(record)["camera"] == "porch"
    assert vars(record)["client"]
    assert len(bench.server.context.players) == 1
    await goes_on(bench, client)
