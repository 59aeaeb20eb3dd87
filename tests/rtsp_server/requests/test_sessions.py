"""Sessions over real sockets: whose they are, what keeps them alive, how they end."""

import pytest

from neolink.hub.demand import DemandState
from neolink.rtp.rtcp import ReceiverReport
from support.media import AAC, H265, L16
from support.rtsp_bench import TCP, Bench, StartServer, prepared
from support.rtsp_client import RtspClient, UdpPair
from support.waiting import until

# ---------------------------------------------------------------- TEARDOWN


async def test_teardown_ends_the_session_and_nothing_follows(start: StartServer) -> None:
    bench = await start()
    client = await bench.player()
    bench.camera.pictures(3)
    assert (await client.teardown()).status == 200
    track = client.tracks[0]
    seen = len(track.packets)
    bench.camera.pictures(5)
    assert (await client.request("OPTIONS", session=None)).status == 200
    assert len(track.packets) == seen
    assert not bench.server.context.players
    assert (await client.teardown()).status == 454


async def test_teardown_of_one_track_leaves_the_other_without_a_break(start: StartServer) -> None:
    bench = await start(audio=L16)
    client = await bench.player()
    bench.camera.pictures(3)
    video, audio = client.tracks[0], client.tracks[1]
    await client.until(lambda: len(video.timestamps) >= 5)
    assert (await client.teardown(1)).status == 200
    seen = len(audio.packets)
    units = len(video.timestamps)
    bench.camera.pictures(10)
    await client.until(lambda: len(video.timestamps) >= units + 9)
    assert video.gaps == 0
    assert len(audio.packets) == seen
    assert (await client.teardown(0)).status == 200
    assert not bench.server.context.players


@pytest.mark.parametrize("track", [None, 0, 1])
async def test_the_answer_to_teardown_names_the_session(
    start: StartServer, track: int | None
) -> None:
    """RFC 2326 section 12.37: what SETUP began ends with it."""
    client = await (await start(audio=L16)).player()
    session = client.builder.session
    answer = await client.teardown(track)
    assert session
    assert answer.headers.get("Session") == f"{session};timeout=60"


@pytest.mark.parametrize("url", ["", "/", "*"])
async def test_teardown_knows_its_session_by_its_id(start: StartServer, url: str) -> None:
    bench = await start()
    client = await bench.player()
    target = "*" if url == "*" else bench.url("porch") + url
    assert (await client.request("TEARDOWN", target)).status == 200


async def test_the_last_to_leave_stops_the_camera(start: StartServer) -> None:
    bench = await start(grace_s=0.01)
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)
    first, second = [await bench.player() for _ in range(2)]
    await first.teardown()
    assert str(bench.camera.stream.state) == "starting"
    await second.close()
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)


# ---------------------------------------------------------------- sessions and connections


async def test_a_tcp_session_dies_with_its_connection(start: StartServer) -> None:
    bench = await start()
    client = await bench.player()
    await client.close()
    await until(lambda: not bench.server.context.players)
    assert bench.mount.player_count == 0


async def test_a_udp_session_outlives_its_connection_and_is_found_on_another(
    start: StartServer,
) -> None:
    bench = await start()
    client = await bench.client()
    await client.watch(transport="udp")
    await client.close_tcp()
    await until(lambda: not bench.server.door.connections)
    bench.camera.pictures(6)
    track = client.tracks[0]
    await until(lambda: len(track.timestamps) >= 6)
    other = await bench.client()
    other.builder.session = client.builder.session
    assert (await other.get_parameter()).status == 200
    assert (await other.teardown()).status == 200
    await until(lambda: track.has_ended)
    assert not client.faults


async def test_two_sessions_on_one_connection_play_both(start: StartServer) -> None:
    bench = await start()
    client = await bench.client()
    await client.describe()
    await client.setup(0, TCP)
    first, first_track = client.builder.session, client.tracks[0]
    await client.setup(0, TCP, session=None)
    second_track = client.tracks[0]
    assert first != client.builder.session
    assert first_track.granted.interleaved == (0, 1)
    assert second_track.granted.interleaved == (2, 3)
    assert (await client.request("PLAY", client.base, session=first)).status == 200
    assert (await client.request("PLAY", client.base)).status == 200
    bench.camera.pictures(20)
    await client.until(lambda: min(len(first_track.packets), len(second_track.packets)) > 20)
    assert first_track.gaps == second_track.gaps == 0


async def test_ffmpeg_falls_back_from_udp_to_tcp_on_one_connection(start: StartServer) -> None:
    """It pauses, forgets its session, and sets up a new one that plays."""
    bench = await start()
    client = await bench.client()
    await client.watch(transport="udp")
    assert (await client.pause()).status == 200
    abandoned = client.builder.session
    client.builder.session = None
    assert (await client.setup(0, TCP)).status == 200
    assert client.builder.session != abandoned
    assert (await client.play()).status == 200
    assert len(bench.server.context.players) == 1
    assert not bench.server.context.udp_peers
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)
    assert (await client.request("PLAY", session=abandoned)).status == 454


@pytest.mark.parametrize("method", ["PLAY", "TEARDOWN", "GET_PARAMETER", "SETUP"])
async def test_a_session_of_another_peer_is_454(start: StartServer, method: str) -> None:
    bench = await start(bind="0.0.0.0")
    client = await prepared(bench, "ready")
    thief = await bench.client(local_host="127.0.0.2")
    headers = [("Transport", TCP)] if method == "SETUP" else []
    session = client.builder.session
    response = await thief.request(method, client.track_url(0), *headers, session=session)
    assert response.status == 454
    assert (await client.play()).status == 200


async def test_setup_without_a_session_always_begins_a_new_one(start: StartServer) -> None:
    bench = await start()
    client = await prepared(bench, "ready")
    before = client.builder.session
    await client.setup(0, TCP, session=None)
    assert client.builder.session != before
    assert len(bench.server.context.players) == 2


async def test_a_session_interleaved_elsewhere_is_not_split(start: StartServer) -> None:
    bench = await start(audio=AAC)
    client = await prepared(bench, "ready")
    other = await bench.client()
    other.builder.session = client.builder.session
    assert (await other.setup(1, TCP)).status == 461


async def test_the_session_header_has_its_timeout_in_every_answer(start: StartServer) -> None:
    bench = await start(session_timeout_s=44)
    client = await bench.client()
    answers = [await client.setup(0, TCP), await client.play(), await client.get_parameter()]
    answers += [await client.options(), await client.pause()]
    assert {answer.headers.get("Session") for answer in answers} == {
        f"{client.builder.session};timeout=44"
    }


# ---------------------------------------------------------------- what keeps a session alive

LIMIT_S = 90
"""1.5 times the timeout that players are told."""


def lives(bench: Bench, client: RtspClient) -> bool:
    return client.builder.session in bench.server.context.players


@pytest.mark.parametrize(
    "method", ["OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "GET_PARAMETER", "SET_PARAMETER"]
)
async def test_every_method_keeps_the_session_that_it_names(
    start: StartServer, method: str
) -> None:
    bench = await start()
    client = await prepared(bench, "ready")
    for _ in range(3):
        bench.pass_time(LIMIT_S - 1)
        request = client.build(method, client.track_url(0), ("Transport", "RTP/AVP/TCP;unicast"))
        answer = await client.ask(request)
        assert answer.headers.get("Session") == f"{client.builder.session};timeout=60"
    bench.pass_time(0)  # what PLAY sent is a sign of life too
    bench.pass_time(LIMIT_S + 1)
    assert not lives(bench, client)


async def test_a_request_that_names_no_session_keeps_those_of_its_connection_alone(
    start: StartServer,
) -> None:
    bench = await start()
    client, other = await prepared(bench, "ready"), await prepared(bench, "ready")
    bench.pass_time(60)
    assert (await client.request("OPTIONS", session=None)).status == 200
    bench.pass_time(60)
    assert (lives(bench, client), lives(bench, other)) == (True, False)


async def test_a_request_that_names_a_session_keeps_no_other_of_its_connection(
    start: StartServer,
) -> None:
    bench = await start()
    client = await prepared(bench, "ready")
    old = client.builder.session
    await client.setup(0, TCP, session=None)
    for _ in range(2):
        bench.pass_time(60)
        assert (await client.get_parameter()).status == 200
    assert list(bench.server.context.players) == [client.builder.session]
    assert client.builder.session != old


async def test_an_unknown_session_in_describe_is_no_error(start: StartServer) -> None:
    """It describes a path, whatever became of the session."""
    bench = await start()
    client = await bench.client()
    answer = await client.request("DESCRIBE", session="0123456789abcdef")
    assert answer.status == 200
    assert "Session" not in answer.headers


async def test_nobody_else_keeps_a_session_alive(start: StartServer) -> None:
    bench = await start(bind="0.0.0.0")
    client = await prepared(bench, "ready")
    thief = await bench.client(local_host="127.0.0.2")
    for _ in range(2):
        for method in ("OPTIONS", "GET_PARAMETER", "PLAY", "DESCRIBE"):
            await thief.request(method, session=client.builder.session)
        bench.pass_time(46)
    assert not lives(bench, client)


async def test_reports_keep_the_session_of_their_channel_and_other_frames_none(
    start: StartServer,
) -> None:
    bench = await start(audio=L16)
    client, other = await prepared(bench, "ready"), await prepared(bench, "ready")
    for _ in range(2):
        bench.pass_time(60)
        await client.send_frame(1, ReceiverReport(7).serialize())
        await client.request("OPTIONS", session="unknown0unknown0")
        await other.send_frame(9, ReceiverReport(7).serialize())
        await other.request("OPTIONS", session="unknown0unknown0")
    assert (lives(bench, client), lives(bench, other)) == (True, False)


async def test_one_who_reads_is_alive_and_one_who_has_paused_must_say_so(
    start: StartServer,
) -> None:
    bench = await start()
    client, paused = await bench.player(), await bench.player()
    await paused.pause()
    for _ in range(5):
        bench.camera.pictures(1)
        bench.pass_time(30)
    assert (lives(bench, client), lives(bench, paused)) == (True, False)
    bench.pass_time(LIMIT_S + 1)
    assert not lives(bench, client)


async def test_a_udp_session_that_is_taken_up_belongs_to_that_connection(
    start: StartServer,
) -> None:
    """So nobody else gets its ports, and the connection is not idle."""
    bench = await start()
    client = await bench.client()
    await client.watch(transport="udp")
    header = client.tracks[0].granted.serialize().partition(";server_port")[0]
    await client.close_tcp()
    await until(lambda: not bench.server.door.connections)
    other, third = await bench.client(), await bench.client()
    other.builder.session = client.builder.session
    assert (await other.get_parameter()).status == 200
    assert (await third.setup(0, header)).status == 462
    bench.pass_time(80)
    assert (await other.get_parameter()).status == 200
    await other.close()
    await until(lambda: not bench.server.door.connections)
    fourth = await bench.client()
    assert (await fourth.setup(0, header)).status == 200
    assert not lives(bench, client)


async def test_a_request_that_was_begun_keeps_nothing_alive(start: StartServer) -> None:
    bench = await start(request_timeout_s=1000)
    client = await prepared(bench, "ready")
    for _ in range(2):
        bench.pass_time(46)
        await client.send(b"O")
        await until(lambda: bench.server.door.connections)
    assert not lives(bench, client)


# ---------------------------------------------------------------- tracks that change their way


async def test_a_track_goes_from_tcp_to_udp_and_to_tcp_on_another_connection(
    start: StartServer,
) -> None:
    bench = await start()
    client = await prepared(bench, "ready")
    pair = UdpPair()
    ports = f"{pair.ports[0]}-{pair.ports[1]}"
    udp = await client.setup(0, f"RTP/AVP;unicast;client_port={ports}", udp=pair)
    assert udp.status == 200
    other = await bench.client()
    other.builder.session = client.builder.session
    await other.describe()
    assert (await other.setup(0, TCP)).status == 200
    await client.close()
    assert (await other.play()).status == 200
    bench.camera.pictures(6)
    await other.until(lambda: len(other.tracks[0].timestamps) > 5)


async def test_channels_of_a_track_that_left_them_are_free(start: StartServer) -> None:
    bench = await start(audio=AAC)
    client = await bench.client()
    await client.describe()
    await client.setup(0, f"{TCP};interleaved=0-1")
    await client.setup(1, f"{TCP};interleaved=2-3")
    await client.teardown(0)
    answer = await client.setup(0, f"{TCP};interleaved=0-1")
    assert ";interleaved=0-1;" in (answer.headers.get("Transport") or "")
    pair = UdpPair()
    ports = f"{pair.ports[0]}-{pair.ports[1]}"
    await client.setup(1, f"RTP/AVP;unicast;client_port={ports}", udp=pair)
    answer = await client.setup(0, f"{TCP};interleaved=2-3")
    assert ";interleaved=2-3;" in (answer.headers.get("Transport") or "")


# ---------------------------------------------------------------- a stream that changes


@pytest.mark.parametrize("is_paused", [False, True])
@pytest.mark.parametrize("what", ["pictures", "sound"])
async def test_a_stream_that_became_another_after_setup_must_be_described_again(
    start: StartServer, what: str, is_paused: bool
) -> None:
    """Who plays is ended by it; who was about to play would get what it cannot decode."""
    bench = await start(audio=L16)
    client = await bench.client()
    await client.describe()
    for track in (0, 1):
        assert (await client.setup(track)).status == 200
    if is_paused:
        assert (await client.play()).status == 200
        assert (await client.pause()).status == 200
    with bench.mount.stream.hold():
        bench.camera.pictures(3)
        if what == "pictures":
            bench.camera.video = H265
        else:
            bench.mount.stream.source_lost()
            bench.camera.audio, bench.camera._audio_pts = AAC, None
        bench.camera.until_key()
        bench.camera.pictures(3)
    assert (await client.play()).status == 454
    assert not bench.server.context.players
    other = await bench.player("porch", 0, 1)
    bench.camera.pictures(10)
    await other.until(lambda: all(len(track.packets) > 5 for track in other.tracks.values()))
