"""Every method over real sockets: what it answers in each state, and what it then does."""

import asyncio

import pytest

from neolink.hub.demand import DemandState
from neolink.rtsp.headers import parse_rtp_info, parse_transports
from neolink.rtsp.message import Request
from neolink.rtsp_server.settings import StartMode
from neolink.rtsp_server.wires.wire import RECEIVE_BYTES, PlainWire
from support.media import AAC, L16
from support.rtsp_bench import TCP, StartServer, prepared
from support.waiting import until

# ---------------------------------------------------------------- the state table


@pytest.mark.parametrize(
    ("method", "init", "ready", "playing"),
    [
        ("OPTIONS", 200, 200, 200),
        ("DESCRIBE", 200, 200, 200),
        ("GET_PARAMETER", 200, 200, 200),
        ("SET_PARAMETER", 200, 200, 200),
        ("PLAY", 454, 200, 200),
        ("PAUSE", 454, 200, 200),
        ("TEARDOWN", 454, 200, 200),
        ("ANNOUNCE", 405, 405, 405),
        ("RECORD", 405, 405, 405),
        ("REDIRECT", 501, 501, 501),
        ("REGISTER", 501, 501, 501),
        ("Play", 501, 501, 501),
    ],
)
async def test_each_method_in_each_state(
    start: StartServer, method: str, init: int, ready: int, playing: int
) -> None:
    bench = await start()
    for state, status in (("init", init), ("ready", ready), ("playing", playing)):
        client = await prepared(bench, state)
        response = await client.request(method, client.base)
        assert response.status == status, state


async def test_setup_in_each_state(start: StartServer) -> None:
    bench = await start(audio=AAC)
    client = await bench.client()
    await client.describe()
    first = await client.setup(0)
    assert first.status == 200
    assert (await client.setup(1)).status == 200
    playing = await bench.player("porch", 0)
    assert (await playing.setup(1)).status == 455
    repeat = await playing.setup(0)
    assert repeat.status == 200
    granted = parse_transports(repeat.headers.get("Transport") or "")
    assert granted == [playing.tracks[0].granted]


@pytest.mark.parametrize("method", ["OPTIONS", "GET_PARAMETER", "PLAY", "PAUSE", "TEARDOWN"])
async def test_an_unknown_session_is_454_in_every_method(start: StartServer, method: str) -> None:
    client = await (await start()).client()
    for session in ("0123456789abcdef", "x y", "1"):
        response = await client.request(method, session=session)
        assert response.status == 454
    assert (await client.options()).status == 200


async def test_what_is_offered_is_listed(start: StartServer) -> None:
    client = await (await start()).client()
    public = (await client.options()).headers.get("Public") or ""
    assert {"DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"} <= set(
        public.split(", ")
    )
    assert (await client.request("OPTIONS", "*")).status == 200
    refused = await client.request("ANNOUNCE")
    assert refused.headers.get("Allow") == public


async def test_an_answer_to_nothing_that_was_asked_is_passed_over(start: StartServer) -> None:
    """Some players answer a request that another server made."""
    client = await prepared(await start(), "playing")
    await client.send(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 2\r\n\r\nok" * 5)
    assert (await client.get_parameter()).status == 200


@pytest.mark.parametrize("method", ["GET_PARAMETER", "SET_PARAMETER"])
async def test_the_answer_to_a_ping_has_a_length(start: StartServer, method: str) -> None:
    """Some players wait for one."""
    client = await prepared(await start(), "ready")
    answer = await client.request(method, client.base)
    assert (answer.headers.get("Content-Length"), answer.body) == ("0", b"")


# ---------------------------------------------------------------- PLAY


async def test_rtp_info_has_the_order_of_setup(start: StartServer) -> None:
    client = await (await start(audio=L16)).client()
    await client.describe()
    for track in (1, 0):
        await client.setup(track)
    entries = parse_rtp_info((await client.play()).headers.get("RTP-Info") or "")
    assert [entry.url for entry in entries] == [client.tracks[1].url, client.tracks[0].url]


async def test_play_while_it_plays_names_all_tracks_and_promises_no_packet(
    start: StartServer,
) -> None:
    """Some players stop without RTP-Info; nothing begins, so no number would be true."""
    client = await (await start(audio=L16)).player()
    entries = parse_rtp_info((await client.play()).headers.get("RTP-Info") or "")
    assert [entry.url for entry in entries] == [client.tracks[0].url, client.tracks[1].url]
    assert {(entry.sequence, entry.rtp_time) for entry in entries} == {(None, None)}


async def test_headers_of_recordings_and_of_other_servers_change_nothing(
    start: StartServer,
) -> None:
    bench = await start()
    client = await bench.client()
    await client.describe()
    odd = (
        ("Rate-Control", "no"),
        ("Immediate", "yes"),
        ("Frames", "intra"),
        ("x-Dynamic-Rate", "1"),
        ("Pipelined-Requests", "5"),
        ("Accept-Ranges", "npt, clock"),
    )
    assert (await client.setup(0, headers=odd)).status == 200
    played = await client.request("PLAY", client.base, *odd)
    assert played.headers.get("Range") == "npt=now-"
    assert not {name for name, _ in odd} & {name for name, _ in played.headers}
    bench.camera.pictures(3)
    await client.until(lambda: len(client.tracks[0].timestamps) >= 8)


@pytest.mark.parametrize("mode", list(StartMode))
async def test_rtp_info_is_kept(start: StartServer, mode: StartMode) -> None:
    """The client itself compares the first packets with what RTP-Info promised."""
    bench = await start(audio=L16)
    await bench.player()
    bench.camera.pictures(7)
    client = await bench.client(f"porch?start={mode}")
    await client.describe()
    await client.setup(0)
    await client.setup(1)
    response = await client.play()
    entries = parse_rtp_info(response.headers.get("RTP-Info") or "")
    assert [entry.url for entry in entries] == [client.tracks[0].url, client.tracks[1].url]
    assert [entry.sequence is None for entry in entries] == [mode is StartMode.LIVE] * 2
    bench.camera.pictures(15)
    await client.until(lambda: min(len(t.packets) for t in client.tracks.values()) > 5)
    assert all(track.announced is None for track in client.tracks.values())
    assert all(track.gaps == 0 for track in client.tracks.values())


async def test_play_answers_range_scale_and_speed(start: StartServer) -> None:
    client = await prepared(await start(), "ready")
    asked = (("Range", "clock=20260101T000000Z-"), ("Scale", "2.0"), ("Speed", "4"))
    response = await client.request("PLAY", client.base, *asked)
    assert response.headers.get("Range") == "npt=now-"
    assert response.headers.get("Scale") == response.headers.get("Speed") == "1.000"


async def test_playing_twice_changes_nothing(start: StartServer) -> None:
    bench = await start()
    client = await bench.player()
    bench.camera.pictures(2)
    assert (await client.request("PLAY", client.base)).status == 200
    bench.camera.pictures(6)
    track = client.tracks[0]
    await client.until(lambda: len(track.timestamps) >= 11)
    assert track.gaps == 0
    assert bench.mount.player_count == 1


async def test_a_pause_stops_media_and_play_goes_on_at_a_random_access(start: StartServer) -> None:
    bench = await start()
    client = await bench.player()
    bench.camera.pictures(3)
    track = client.tracks[0]
    await client.until(lambda: len(track.timestamps) >= 8)
    for _ in range(2):
        assert (await client.pause()).status == 200
        assert bench.mount.player_count == 0
        seen = len(track.packets)
        bench.camera.pictures(8)
        assert (await client.get_parameter()).status == 200
        assert len(track.packets) == seen
        assert (await client.play()).status == 200
        bench.camera.pictures(2)
        await client.until(lambda: len(track.packets) > track.play_from + 4)
        assert track.packets[track.play_from].payload[0] & 0x1F == 24  # STAP-A: parameter sets
        assert track.gaps == 0


async def test_pipelined_requests_are_answered_in_order(start: StartServer) -> None:
    bench = await start(audio=AAC)
    client = await bench.client()
    await client.describe()
    (first,) = await client.ask_all(client.build("SETUP", client.track_url(0), ("Transport", TCP)))
    client.builder.learn(first)
    client._begin_track(0, client.track_url(0), first, None)
    second = client.build("SETUP", client.track_url(1), ("Transport", TCP))
    requests = [
        second,
        client.build("PLAY", client.base),
        client.build("GET_PARAMETER", client.base),
        client.build("PAUSE", client.base),
        client.build("TEARDOWN", client.base),
        client.build("OPTIONS", client.base, session=None),
    ]
    answers = await client.ask_all(*requests)
    assert [answer.status for answer in answers] == [200] * 6


async def test_a_describe_that_waits_holds_back_what_follows(start: StartServer) -> None:
    bench = await start(described=False, setup_timeout_s=3)
    client = await bench.client()
    both = [client.build("DESCRIBE"), client.build("OPTIONS")]
    asking = asyncio.create_task(client.ask_all(*both))
    await until(lambda: bench.camera.stream.state is DemandState.STARTING)
    assert not asking.done()
    bench.camera.pictures(30)
    assert [answer.status for answer in await asking] == [200, 200]


async def test_a_describe_that_waits_holds_back_no_picture_of_its_connection(
    start: StartServer,
) -> None:
    bench = await start("porch", "yard", described=False, setup_timeout_s=3)
    porch, yard = bench.cameras["porch"], bench.cameras["yard"]
    with porch.stream.hold():
        porch.pictures(30)
        client = await bench.player("porch", 0)
    asking = asyncio.create_task(client.request("DESCRIBE", bench.url("yard"), session=None))
    await until(lambda: yard.stream.state is DemandState.STARTING)
    seen = len(client.tracks[0].timestamps)
    porch.pictures(20)
    await client.until(lambda: len(client.tracks[0].timestamps) >= seen + 20)
    assert not asking.done()
    yard.pictures(30)
    assert (await asking).status == 200
    assert client.tracks[0].gaps == 0


async def test_no_more_is_read_while_requests_wait(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood behind a request that waits stays with its sender; all of it is answered in order."""
    bench = await start(described=False, setup_timeout_s=3)
    client = await bench.client()
    receive, read = PlainWire.receive, []

    async def counted(wire: PlainWire) -> bytes:
        read.append(await receive(wire))
        return read[-1]

    monkeypatch.setattr(PlainWire, "receive", counted)
    await client.options()  # the wait that was begun before is over
    requests = [client.build("DESCRIBE")] + [client.build("OPTIONS") for _ in range(5000)]
    asking = asyncio.create_task(client.ask_all(*requests))
    await until(lambda: bench.camera.stream.state is DemandState.STARTING)
    for _ in range(20):
        await asyncio.sleep(0)
    assert sum(map(len, read)) <= 2 * RECEIVE_BYTES
    bench.camera.pictures(30)
    assert {answer.status for answer in await asking} == {200}


@pytest.mark.parametrize("cseq", ["0", "007", "4294967296", "a-1"])
async def test_cseq_is_echoed_as_it_came(start: StartServer, cseq: str) -> None:
    client = await (await start()).client()
    request = client.build("OPTIONS")
    answer = await client.ask(
        Request("OPTIONS", client.url, headers=type(request.headers)([("cseq", cseq)]))
    )
    assert answer.cseq == cseq
