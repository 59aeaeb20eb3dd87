"""Every method over real sockets: what it answers in each state, and what it then does."""

import asyncio
import logging
from dataclasses import replace

import pytest

from neolink.hub.demand import DemandState
from neolink.media.tracks import ParameterSets
from neolink.rtp.rtcp import Bye, ReceiverReport, ReportBlock
from neolink.rtsp.client import Preference
from neolink.rtsp.headers import parse_rtp_info, parse_transports
from neolink.rtsp.message import Request
from neolink.rtsp_server.mount import MAX_UNKNOWN_OPTIONS
from neolink.rtsp_server.settings import Access, StartMode
from support.media import AAC, H264, H265, L16
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import RtspClient, UdpPair
from support.waiting import until

TCP = "RTP/AVP/TCP;unicast"


async def prepared(bench: Bench, state: str) -> RtspClient:
    """Return a client whose session is in a state: ``init``, ``ready`` or ``playing``."""
    client = await bench.client()
    await client.describe()
    if state != "init":
        assert (await client.setup(0)).status == 200
    if state == "playing":
        assert (await client.play()).status == 200
    return client


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


# ---------------------------------------------------------------- status codes


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("DESCRIBE", "nowhere", [], 404),
        ("DESCRIBE", "porch/../yard", [], 404),
        ("DESCRIBE", "porch%00", [], 400),
        ("DESCRIBE", "porch", [("Accept", "text/html")], 406),
        ("DESCRIBE", "porch", [("Accept", "text/html, */*")], 200),
        ("DESCRIBE", "porch", [("Require", "www.onvif.org/ver20/backchannel")], 551),
        ("DESCRIBE", "porch", [("Require", "play.basic")], 200),
        ("SETUP", "porch/trackID=0", [], 461),
        ("SETUP", "porch/trackID=0", [("Transport", "RAW/RAW/UDP;unicast")], 461),
        ("SETUP", "porch/trackID=0", [("Transport", "RTP/AVP;multicast")], 461),
        ("SETUP", "porch/trackID=0", [("Transport", "RTP/SAVP/TCP;unicast")], 461),
        ("SETUP", "porch/trackID=0", [("Transport", f"{TCP};interleaved=256-257")], 400),
        ("SETUP", "porch/trackID=0", [("Transport", "RTP/AVP;unicast;client_port=80-81")], 462),
        ("SETUP", "porch", [("Transport", TCP)], 459),
        ("SETUP", "porch/trackID=7", [("Transport", TCP)], 404),
        ("SETUP", "porch/trackID=x", [("Transport", TCP)], 404),
        ("SETUP", "nowhere/trackID=0", [("Transport", TCP)], 404),
        ("SETUP", "porch/trackID=0", [("Transport", TCP), ("Require", "funny")], 551),
    ],
)
async def test_status_codes(
    start: StartServer, method: str, path: str, headers: list[tuple[str, str]], status: int
) -> None:
    bench = await start(audio=AAC)
    client = await bench.client()
    response = await client.request(method, bench.url(path), *headers)
    assert response.status == status
    if status == 551:
        assert response.headers.get("Unsupported") == headers[-1][1]
    if status != 200:
        assert not bench.server.context.players
    if status != 400:
        assert (await client.options()).status == 200


async def test_a_parameter_that_is_set_is_451(start: StartServer) -> None:
    client = await (await start()).client()
    assert (await client.request("SET_PARAMETER", body=b"x: 1\r\n")).status == 451


async def test_another_path_in_a_session_is_459(start: StartServer) -> None:
    bench = await start("porch", "yard")
    client = await prepared(bench, "ready")
    url = bench.url("yard/trackID=0")
    assert (await client.request("SETUP", url, ("Transport", TCP))).status == 459


async def test_play_of_one_track_of_several_is_460(start: StartServer) -> None:
    client = await (await start(audio=AAC)).client()
    await client.describe()
    await client.setup(0)
    await client.setup(1)
    assert (await client.play(client.track_url(0))).status == 460
    assert (await client.play()).status == 200


async def test_play_of_the_only_track_by_its_url_plays(start: StartServer) -> None:
    client = await prepared(await start(), "ready")
    assert (await client.play(client.track_url(0))).status == 200


async def test_a_camera_that_does_not_come_is_503_with_a_time_to_retry(start: StartServer) -> None:
    bench = await start(grace_s=0.01, described=False, setup_timeout_s=0.02)
    client = await bench.client()
    for method in ("DESCRIBE", "SETUP"):
        response = await client.request(method, bench.url("porch/trackID=0"), ("Transport", TCP))
        assert response.status == 503
        assert response.headers.get("Retry-After") == "3"
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)


async def test_describe_waits_for_a_camera_that_comes(start: StartServer) -> None:
    bench = await start(described=False, setup_timeout_s=3)
    client = await bench.client()
    asking = asyncio.create_task(client.describe())
    await until(lambda: bench.camera.stream.state is DemandState.STARTING)
    bench.camera.pictures(30)
    assert (await asking).status == 200


async def test_limits_of_players_are_453_and_end_nobody(start: StartServer) -> None:
    bench = await start("porch", "yard", max_clients=3, max_clients_of_camera=2)
    for _ in range(2):
        await bench.player("porch")
    third = await bench.client("porch")
    await third.describe()
    assert (await third.setup(0)).status == 453
    await bench.player("yard")
    fourth = await bench.client("yard")
    await fourth.describe()
    assert (await fourth.setup(0)).status == 453
    assert len(bench.server.context.players) == 3


async def test_sessions_of_one_connection_are_limited(start: StartServer) -> None:
    bench = await start(max_sessions_per_connection=2)
    client = await bench.client()
    await client.describe()
    statuses = [(await client.setup(0, TCP, session=None)).status for _ in range(3)]
    assert statuses == [200, 200, 453]


async def test_three_bad_requests_end_the_connection(start: StartServer) -> None:
    bench = await start()
    client = await bench.client()
    url = bench.url("porch%00")
    for _ in range(3):
        assert (await client.request("DESCRIBE", url)).status == 400
    await client.until_closed()


async def test_our_own_fault_is_500_and_the_connection_goes_on(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = await start()
    client = await bench.client()
    monkeypatch.setattr(bench.server.context.mounts, "find", lambda _: 1 / 0)
    assert (await client.describe()).status == 500
    monkeypatch.undo()
    assert (await client.describe()).status == 200


# ---------------------------------------------------------------- description


async def test_a_description_names_what_players_need(start: StartServer) -> None:
    bench = await start(audio=AAC)
    client = await bench.client("porch?start=live")
    response = await client.describe()
    assert response.headers.get("Content-Base") == bench.url("porch/?start=live/")
    assert response.headers.get("Cache-Control") == "no-cache"
    video, audio = client.media
    assert (video.encoding, video.clock_rate, video.control) == ("H264", 90_000, "trackID=0")
    assert (audio.encoding, audio.clock_rate, audio.control) == (
        "MPEG4-GENERIC", 16_000, "trackID=1"
    )  # fmt: skip
    assert (await client.describe()).body == response.body


async def test_the_version_grows_with_the_parameter_sets(start: StartServer) -> None:
    bench = await start()
    client = await bench.client()
    before = (await client.describe()).body
    sets = ParameterSets(b"\x67\x64\x00\x28\x01", H264.parameter_sets.pps)
    bench.camera.video = replace(H264, parameter_sets=sets)
    with bench.camera.stream.hold():
        bench.camera.picture(key=True)
    after = (await client.describe()).body

    def version(body: bytes) -> int:
        return int(body.split(b"o=- ")[1].split()[1])

    assert version(after) == version(before) + 1


@pytest.mark.parametrize(
    ("audio", "query", "encoding"),
    [
        (L16, "", "L16"),
        (L16, "?audio=pcmu", "PCMU"),
        (L16, "?audio=PCMA", "PCMA"),
        (L16, "?audio=auto", "L16"),
        (L16, "?audio=nonsense", "L16"),
        (AAC, "?audio=pcmu", "MPEG4-GENERIC"),
        (AAC, "?audio=none", None),
    ],
)
async def test_the_url_chooses_the_sound(
    start: StartServer, audio: object, query: str, encoding: str | None
) -> None:
    bench = await start(audio=audio)
    client = await bench.player(f"porch{query}")
    assert [media.encoding for media in client.media[1:]] == ([encoding] if encoding else [])
    if encoding:
        bench.camera.pictures(10)
        await client.until(lambda: bool(client.tracks[1].packets))


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?audio=opus", "audio 'opus' is not known in this version: it comes as the camera sends"),
        ("?audio=pcmu", "the sound is AAC and cannot become pcmu; it comes as the camera sends it"),
        ("?start=soon", "start 'soon' is not known in this version: fast is taken; allowed: fast,"),
    ],
)
async def test_an_option_of_the_url_that_cannot_be_had_is_told_once(
    start: StartServer, query: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start(audio=AAC)
    await bench.player(f"porch{query}")
    await bench.player(f"porch{query}")
    (warning,) = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert warning.message.startswith(told)


async def test_no_more_than_a_few_made_up_options_are_told(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start(audio=AAC)
    for number in range(MAX_UNKNOWN_OPTIONS + 5):
        client = await bench.client(f"porch?audio=made-up-{number}")
        await client.describe()
    told = [one for one in caplog.records if "made-up" in one.message]
    assert len(told) == MAX_UNKNOWN_OPTIONS


async def test_a_later_setup_cannot_add_sound_that_the_session_does_not_want(
    start: StartServer,
) -> None:
    bench = await start(audio=AAC)
    client = await bench.client("porch?audio=none")
    await client.setup(0, TCP)
    client.base = bench.url("porch")
    assert (await client.setup(1, TCP)).status == 404


# ---------------------------------------------------------------- PLAY


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


@pytest.mark.parametrize("cseq", ["0", "007", "4294967296", "a-1"])
async def test_cseq_is_echoed_as_it_came(start: StartServer, cseq: str) -> None:
    client = await (await start()).client()
    request = client.build("OPTIONS")
    answer = await client.ask(
        Request("OPTIONS", client.url, headers=type(request.headers)([("cseq", cseq)]))
    )
    assert answer.cseq == cseq


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
    await until(lambda: not bench.server._connections)
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


# ---------------------------------------------------------------- transports


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (["0-1", "2-3"], ["0-1", "2-3"]),
        (["2-3", "0-1"], ["2-3", "0-1"]),
        (["5-6", "7-8"], ["5-6", "7-8"]),
        (["", ""], ["0-1", "2-3"]),
        (["0-1", "0-1"], ["0-1", "2-3"]),
        (["1-2", "2-3"], ["1-2", "4-5"]),
        (["0-1", "1-2"], ["0-1", "2-3"]),
        (["4", "254-255"], ["4-5", "254-255"]),
        (["255", ""], ["0-1", "2-3"]),
    ],
)
async def test_interleaved_channels(
    start: StartServer, asked: list[str], granted: list[str]
) -> None:
    bench = await start(audio=AAC)
    client = await bench.client()
    await client.describe()
    for track, pair in enumerate(asked):
        header = f"{TCP};interleaved={pair}" if pair else TCP
        response = await client.setup(track, header)
        if pair == "255":
            assert response.status == 400
            return
        assert f";interleaved={granted[track]};" in (response.headers.get("Transport") or "")


async def test_a_track_set_up_again_may_change_its_channels(start: StartServer) -> None:
    bench = await start()
    client = await prepared(bench, "ready")
    response = await client.setup(0, f"{TCP};interleaved=8-9")
    assert client.tracks[0].granted.interleaved == (8, 9)
    assert response.status == 200
    await client.play()
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)


async def test_the_answer_repeats_the_profile_and_names_the_source(start: StartServer) -> None:
    bench = await start()
    for profile in ("RTP/AVP", "rtp/avp", "RTP/AVP/UDP"):
        client = await bench.client()
        await client.describe()
        pair = UdpPair()
        ports = f"{pair.ports[0]}-{pair.ports[1]}"
        header = f"{profile};unicast;client_port={ports}"
        response = await client.setup(0, header, udp=pair)
        udp = bench.server.context.udp
        assert udp is not None
        server_ports = f"{udp.rtp_port}-{udp.rtp_port + 1}"
        ssrc = f"{client.tracks[0].granted.ssrc:08X}"
        assert response.headers.get("Transport") == (
            f"{profile};unicast;client_port={ports};server_port={server_ports}"
            f';ssrc={ssrc};mode="PLAY"'
        )
        await client.teardown()


async def test_the_first_alternative_that_can_be_served_is_taken(start: StartServer) -> None:
    bench = await start(is_udp_enabled=False)
    client = await bench.client()
    offer = "RTP/SAVP;unicast;client_port=5000-5001,RTP/AVP;unicast;client_port=5000-5001"
    assert (await client.setup(0, offer)).status == 461
    assert (await client.setup(0, f"{offer},{TCP}")).status == 200
    assert client.tracks[0].granted.interleaved == (0, 1)


async def test_udp_delivers_what_rtp_info_promised(start: StartServer) -> None:
    bench = await start(audio=L16)
    client = await bench.client()
    await client.watch(transport="udp")
    bench.camera.pictures(10)
    await client.until(lambda: len(client.tracks[0].timestamps) >= 15)
    await client.until(lambda: all(track.reports for track in client.tracks.values()))
    assert [track.gaps for track in client.tracks.values()] == [0, 0]


async def test_a_destination_is_never_used(start: StartServer) -> None:
    """Else anybody could aim a stream at a third machine."""
    bench = await start()
    victim, own = UdpPair("127.0.0.9"), UdpPair()
    client = await bench.client()
    header = f"RTP/AVP;unicast;destination=127.0.0.9;client_port={own.ports[0]}-{own.ports[1]}"
    response = await client.setup(0, header, udp=own)
    assert "destination" not in (response.headers.get("Transport") or "")
    await client.play()
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 4)
    with pytest.raises(BlockingIOError):
        victim.rtp.recv(1)
    victim.close()


async def test_ports_of_another_session_are_462_until_it_ends(start: StartServer) -> None:
    bench = await start(audio=AAC)
    first, second = await bench.client(), await bench.client()
    pair = UdpPair()
    header = f"RTP/AVP;unicast;client_port={pair.ports[0]}-{pair.ports[1]}"
    assert (await first.setup(0, header, udp=pair)).status == 200
    assert (await second.setup(0, header)).status == 462
    assert len(bench.server.context.players) == 1
    # Also when the track alone is torn down first.
    await first.setup(1, TCP)
    await first.teardown(0)
    await first.teardown()
    assert (await second.setup(0, header)).status == 200


# ---------------------------------------------------------------- RTCP of players


def report(ssrc: int | None, lost: int) -> bytes:
    assert ssrc is not None
    return ReceiverReport(7, (ReportBlock(ssrc, lost, 0, 0, 5, 0, 0),)).serialize()


async def test_reports_are_kept_over_tcp_and_udp(start: StartServer) -> None:
    bench = await start()
    tcp = await bench.player()
    udp = await (await bench.client()).watch(transport="udp")
    players = bench.server.context.players
    await tcp.send_frame(1, report(tcp.tracks[0].granted.ssrc, 11))
    await tcp.send_frame(99, b"unknown channel")
    pair, ports = udp.tracks[0].udp, bench.server.context.udp
    assert pair is not None
    assert ports is not None
    pair.rtcp.sendto(report(udp.tracks[0].granted.ssrc, 22), ("127.0.0.1", ports.rtp_port + 1))
    pair.rtp.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", ports.rtp_port))
    await until(lambda: all(player.reports for player in players.values()))
    assert [player.reports[0].fraction_lost for player in players.values()] == [11, 22]
    assert bench.server.context.malformed_rtcp == 0


async def test_malformed_reports_are_counted_and_harm_nothing(start: StartServer) -> None:
    bench = await start()
    client = await bench.player()
    await client.send_frame(1, b"\x80\xc9\x00\xff")
    assert (await client.get_parameter()).status == 200
    assert bench.server.context.malformed_rtcp == 1
    assert client.builder.session in bench.server.context.players


async def test_bye_ends_a_track_and_with_the_last_one_the_session(start: StartServer) -> None:
    bench = await start(audio=L16)
    client = await bench.player()
    bye = ReceiverReport(7).serialize() + Bye((7,)).serialize()
    await client.send_frame(3, bye)
    await client.get_parameter()
    bench.camera.pictures(10)
    await client.until(lambda: len(client.tracks[0].timestamps) >= 10)
    assert client.tracks[1].packets == []
    await client.send_frame(1, bye)
    assert (await client.request("GET_PARAMETER", session=None)).status == 200
    assert not bench.server.context.players


# ---------------------------------------------------------------- changes of the source


async def test_another_codec_says_bye_and_a_new_description_tells_it(start: StartServer) -> None:
    bench = await start(audio=L16)
    tcp = await bench.player()
    udp = await (await bench.client()).watch(transport="udp")
    bench.camera.pictures(2)
    bench.camera.video = H265
    bench.camera.picture(key=True)
    await tcp.until_closed()
    await udp.until(lambda: udp.tracks[0].has_ended)
    assert tcp.tracks[0].has_ended
    assert not bench.server.context.players
    again = await bench.player()
    assert again.media[0].encoding == "H265"
    bench.camera.pictures(6)
    await again.until(lambda: len(again.tracks[0].timestamps) > 5)
    assert again.tracks[0].video_units()


# ---------------------------------------------------------------- who may watch

USERS = {"me": "secret", "you": "other"}
MINE = Access(anonymous=False, users=frozenset({"me"}))
NOBODY = Access(anonymous=False)
SCHEMES: list[Preference] = [("Basic",), ("MD5",), ("SHA-256",)]


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_login_by_each_scheme(start: StartServer, scheme: Preference) -> None:
    bench = await start(users=USERS, access=MINE)
    client = await bench.client(user="me", password="secret", prefer=scheme)
    assert (await client.ask(client.build("DESCRIBE"))).status == 401
    await client.watch()
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    ("user", "password", "path", "status"),
    [
        (None, "", "porch", 401),
        ("me", "wrong", "porch", 401),
        ("stranger", "secret", "porch", 401),
        ("you", "other", "porch", 403),
        ("me", "secret", "porch", 200),
        ("me", "secret", "nobody", 403),
        (None, "", "nobody", 401),
        (None, "", "open", 200),
        ("me", "wrong", "open", 200),
        (None, "", "nowhere", 401),
        ("you", "other", "nowhere", 404),
    ],
)
async def test_who_may_watch_what(
    start: StartServer,
    scheme: Preference,
    user: str | None,
    password: str,
    path: str,
    status: int,
) -> None:
    access = {"porch": MINE, "nobody": NOBODY, "open": Access(anonymous=True)}
    bench = await start("porch", "nobody", "open", users=USERS, access=access)
    client = await bench.client(path, user=user, password=password, prefer=scheme)
    assert (await client.describe()).status == status
    assert (await client.setup(0, TCP)).status == status
    assert len(bench.server.context.players) == (status == 200)


async def test_without_users_an_unknown_path_is_404_and_a_closed_one_401(
    start: StartServer,
) -> None:
    bench = await start(access=NOBODY)
    assert (await (await bench.client("nowhere")).describe()).status == 404
    assert (await (await bench.client("porch")).describe()).status == 401


async def test_options_need_no_login_even_with_a_wrong_one(start: StartServer) -> None:
    bench = await start(users=USERS, access=MINE)
    client = await bench.client()
    response = await client.request("OPTIONS", None, ("Authorization", "Basic !!!"))
    assert response.status == 200


async def test_garbage_in_setup_is_forgiven_after_a_proven_describe(start: StartServer) -> None:
    """Some door stations sign DESCRIBE rightly and SETUP not at all."""
    bench = await start("porch", "yard", users=USERS, access=MINE)
    client = await bench.client(user="me", password="secret")
    assert (await client.describe()).status == 200
    garbage = ("Authorization", "Digest garbage")
    client.builder._challenge = None
    url, transport = client.track_url(0), ("Transport", TCP)
    assert (await client.ask(client.build("SETUP", url, transport, garbage))).status == 200
    elsewhere = client.build("SETUP", bench.url("yard/trackID=0"), transport, garbage)
    assert (await client.ask(elsewhere)).status == 401
    stranger = await bench.client()
    assert (await stranger.ask(stranger.build("SETUP", url, transport))).status == 401


async def test_who_guesses_waits_and_nobody_else(start: StartServer) -> None:
    bench = await start(users=USERS, access=MINE, wrong_login_delay_s=0.2)
    loop = asyncio.get_running_loop()

    async def guess(host: str, times: int) -> float:
        client = await bench.client(local_host=host, user="me", password="wrong", prefer=("Basic",))
        await client.ask(client.build("DESCRIBE"))
        client.builder.learn(await client.ask(client.build("DESCRIBE")))
        started = loop.time()
        for _ in range(times):
            assert (await client.ask(client.build("DESCRIBE"))).status == 401
        return loop.time() - started

    assert await guess("127.0.0.2", 5) < 0.2
    waiting = asyncio.create_task(guess("127.0.0.2", 1))
    honest = await bench.client(user="me", password="secret")
    assert (await honest.describe()).status == 200
    assert not waiting.done()
    assert await waiting >= 0.2


async def test_a_nonce_is_good_on_another_connection_and_old_ones_are_stale(
    start: StartServer,
) -> None:
    bench = await start(users=USERS, access=MINE)
    first = await bench.client(user="me", password="secret", prefer=("MD5",))
    await first.describe()
    second = await bench.client()
    second.builder = first.builder
    assert (await second.ask(second.build("DESCRIBE"))).status == 200
    bench.clock.advance(301)
    stale = await second.ask(second.build("DESCRIBE"))
    assert stale.status == 200  # proven on this connection: an old nonce goes on
    third = await bench.client()
    third.builder = first.builder
    refused = await third.ask(third.build("DESCRIBE"))
    assert refused.status == 401
    assert any("stale=true" in line for line in refused.headers.get_all("WWW-Authenticate"))


async def test_no_secret_is_logged(start: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    bench = await start(users=USERS, access=MINE)
    client = await bench.client(user="me", password="hunter2", prefer=("Basic",))
    url = client.url.replace("rtsp://", "rtsp://me:hunter2@")
    await client.request("DESCRIBE", url)
    await client.request("SETUP", f"{url}/trackID=0", ("Transport", TCP))
    assert caplog.text
    assert "hunter2" not in caplog.text
