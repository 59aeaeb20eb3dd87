"""FFmpeg and what is built on it: Frigate, Home Assistant, OpenCV, mpv, motion."""

from neolink.rtsp.headers import parse_rtp_info
from support.recorded import Recorded
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import UdpPair
from support.waiting import until

URL = "rtsp://HOST/porch"

OPTIONS = """
    OPTIONS rtsp://HOST/porch RTSP/1.0
    CSeq: 1
    User-Agent: Lavf59.27.100
"""
DESCRIBE = """
    DESCRIBE rtsp://HOST/porch RTSP/1.0
    Accept: application/sdp
    CSeq: 2
    User-Agent: Lavf59.27.100
"""
SETUP = """
    SETUP rtsp://HOST/porch/trackID={0} RTSP/1.0
    Transport: RTP/AVP/TCP;unicast;interleaved={1}
    CSeq: 3
    User-Agent: Lavf59.27.100
"""
IN_SESSION = """
    {0} rtsp://HOST/porch/ RTSP/1.0
    CSeq: 9
    User-Agent: Lavf59.27.100
    Session: SESSION
"""
PLAY = IN_SESSION.format("PLAY") + "    Range: npt=0.000-\n"


async def test_ffmpeg_plays_and_finds_all_that_it_looks_for(bench: Bench, player: Recorded) -> None:
    """``GET_PARAMETER`` in Public of OPTIONS, ``;timeout=`` without a blank, no ``WMServer``."""
    options = await player.say(OPTIONS)
    assert "GET_PARAMETER" in (options.headers.get("Public") or "")
    assert "WMServer" not in (options.headers.get("Server") or "")
    assert "RealServer" not in (options.headers.get("Server") or "")
    described = await player.say(DESCRIBE)
    assert described.headers.get("Content-Base") == f"rtsp://{player.host}/porch/"
    setup = await player.say(SETUP.format(0, "0-1"))
    assert ";timeout=60" in (setup.headers.get("Session") or "")
    await player.say(SETUP.format(1, "2-3") + "    Session: SESSION\n")
    await player.say(PLAY)
    bench.camera.pictures(3)
    await player.media(3)
    assert (await player.say(IN_SESSION.format("GET_PARAMETER"))).body == b""
    await player.say(IN_SESSION.format("TEARDOWN"))


async def test_ffmpeg_gets_rtp_info_of_a_url_with_a_query(bench: Bench, player: Recorded) -> None:
    """It joins the control to the query, and takes RTP-Info only where the text is the same."""
    del bench
    await player.say(OPTIONS)
    described = await player.say(DESCRIBE.replace("/porch", "/porch?start=gop"))
    base = described.headers.get("Content-Base")
    assert base is not None
    urls = [f"{base}trackID={track}" for track in (0, 1)]
    session = ""
    for number, url in enumerate(urls):
        await player.say(f"""
            SETUP {url} RTSP/1.0
            Transport: RTP/AVP/TCP;unicast;interleaved={2 * number}-{2 * number + 1}
            CSeq: 3{session}""")
        session = "\n            Session: SESSION"
    played = await player.say(f"PLAY {base} RTSP/1.0\nCSeq: 5\nSession: SESSION")
    header = played.headers.get("RTP-Info") or ""
    assert [entry.url for entry in parse_rtp_info(header)] == urls
    assert ", " not in header
    assert not header.endswith(";")


async def test_ffmpeg_falls_back_to_tcp_on_461_go2rtc_1718_motion_759(start: StartServer) -> None:
    bench = await start(is_udp_enabled=False)
    async with Recorded(bench.server.port) as player:
        await player.say(DESCRIBE)
        udp = SETUP.replace(
            "RTP/AVP/TCP;unicast;interleaved={1}", "RTP/AVP/UDP;unicast;client_port={1}"
        )
        await player.say(udp.format(0, "20000-20001"), 461)
        await player.say(SETUP.format(0, "0-1"))
        await player.say(PLAY)
        bench.camera.pictures(1)
        await player.media()


async def test_ffmpeg_whose_udp_stays_silent_sets_up_tcp_on_the_same_connection(
    start: StartServer,
) -> None:
    """``UDP timeout, retrying with TCP``: PAUSE, then SETUP as if there had been no session."""
    bench = await start()
    pair = UdpPair()
    async with Recorded(bench.server.port) as player:
        await player.say(DESCRIBE)
        udp = SETUP.replace(
            "RTP/AVP/TCP;unicast;interleaved={1}", "RTP/AVP/UDP;unicast;client_port={1}"
        )
        await player.say(udp.format(0, f"{pair.ports[0]}-{pair.ports[1]}"))
        await player.say(PLAY)
        await player.say(IN_SESSION.format("PAUSE"))
        old = player.session
        await player.say(SETUP.format(0, "0-1"))
        assert player.session != old
        await player.say(PLAY)
        bench.camera.pictures(1)
        await player.media()
        assert list(bench.server.context.players) == [player.session]
    pair.close()


async def test_frigate_that_is_killed_leaves_nothing_behind(bench: Bench) -> None:
    for _ in range(5):
        async with Recorded(bench.server.port) as player:
            await player.say(
                SETUP.format(0, "0-1").replace("Lavf59.27.100", "FFmpeg Frigate/0.14.1")
            )
            await player.say(PLAY)
    await until(lambda: not bench.server.context.players)
    assert bench.mount.player_count == 0


async def test_frigate_gets_the_reply_to_its_ping_at_once_frigate_1605_9729(
    bench: Bench, player: Recorded
) -> None:
    """``CSeq 10 expected, 0 received``: a reply may come between pictures, never behind them."""
    await player.say(SETUP.format(0, "0-1"))
    await player.say(PLAY)
    bench.camera.size = 200_000
    for _ in range(3):
        bench.camera.pictures(10)
        assert (await player.say(IN_SESSION.format("GET_PARAMETER"))).cseq == "9"
    assert len(player.session) >= 16
