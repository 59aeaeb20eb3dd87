"""Apps and libraries: ExoPlayer, Larix, QuickTime, retina, Scrypted, Media Foundation, Locomote."""

from neolink.rtsp.auth import Scheme
from neolink.rtsp_server.settings import Access, RtspSettings
from support.recorded import Recorded
from support.rtsp_bench import Bench, StartServer
from support.waiting import until

DESCRIBE = """
    DESCRIBE rtsp://HOST/porch RTSP/1.0
    CSeq: 2
    Accept: application/sdp
"""
SETUP = """
    SETUP rtsp://HOST/porch/trackID={0} RTSP/1.0
    CSeq: 3
    Transport: {1}
"""
IN_SESSION = """
    {0} rtsp://HOST/porch/ RTSP/1.0
    CSeq: 5
    Session: SESSION
"""
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


async def test_exoplayer_finds_parameter_sets_and_pings_each_30_s_media_662_2208(
    bench: Bench, player: Recorded
) -> None:
    described = await player.say(DESCRIBE)
    assert b"packetization-mode=1;" in described.body
    assert b"sprop-parameter-sets=" in described.body
    assert b"sprop-parameter-sets=," not in described.body
    await player.say(SETUP.format(0, TCP))
    for _ in range(6):
        bench.pass_time(30)
        await player.say(IN_SESSION.format("OPTIONS"))


async def test_media_foundation_pings_at_exactly_the_timeout(
    bench: Bench, player: Recorded
) -> None:
    answer = await player.say(SETUP.format(0, TCP))
    timeout_s = int((answer.headers.get("Session") or "").partition("timeout=")[2])
    assert timeout_s == RtspSettings().session_timeout_s
    for _ in range(4):
        bench.pass_time(timeout_s)
        await player.say(IN_SESSION.format("GET_PARAMETER"))


async def test_larix_repeats_the_timeout_in_its_session_mediamtx_815(
    bench: Bench, player: Recorded
) -> None:
    await player.say(SETUP.format(0, TCP))
    text = IN_SESSION.replace("SESSION", "SESSION;timeout=60")
    await player.say(text.format("PLAY"))
    await player.say(text.replace(";timeout", " ; timeout ").format("GET_PARAMETER"))
    bench.camera.pictures(1)
    await player.media()
    await player.say(text.format("TEARDOWN"))


async def test_quicktime_leaves_the_channels_to_us_mediamtx_1650(
    bench: Bench, player: Recorded
) -> None:
    answer = await player.say(SETUP.format(0, "RTP/AVP/TCP;unicast"))
    assert ";interleaved=0-1;" in (answer.headers.get("Transport") or "")
    await player.say(IN_SESSION.format("PLAY"))
    bench.camera.pictures(1)
    await player.media()


async def test_retina_ends_its_old_session_from_a_new_connection(bench: Bench) -> None:
    """Moonfire does so before it begins anew, also where the old one is long gone."""
    async with Recorded(bench.server.port) as old, Recorded(bench.server.port) as new:
        await old.say(SETUP.format(0, TCP))
        await old.say(IN_SESSION.format("PLAY"))
        new.session = old.session
        await new.say(IN_SESSION.format("TEARDOWN"))
        assert not bench.server.context.players
        await new.say(IN_SESSION.format("TEARDOWN"), 454)
        await new.say(SETUP.format(0, TCP))
        await new.say(IN_SESSION.format("PLAY"))


async def test_retina_may_use_every_method_that_is_listed_retina_133_136(
    bench: Bench, player: Recorded
) -> None:
    """With a session, without one, and with an empty body that has a type."""
    listed = (await player.say("OPTIONS rtsp://HOST/porch RTSP/1.0\nCSeq: 1")).headers.get("Public")
    await player.say(SETUP.format(0, TCP))
    for method in (listed or "").split(", "):
        if method not in {"SETUP", "TEARDOWN"}:
            text = IN_SESSION.format(method) + "    Content-Type: text/parameters\n"
            await player.say(text)
    await player.say(IN_SESSION.format("TEARDOWN"))
    assert not bench.server.context.players


async def test_scrypted_joins_the_control_to_content_base_scrypted_1543(
    bench: Bench, player: Recorded
) -> None:
    described = await player.say(DESCRIBE)
    base = described.headers.get("Content-Base") or ""
    assert base.endswith("/")
    await player.say(f"SETUP {base}trackID=0 RTSP/1.0\nCSeq: 3\nTransport: {TCP}")
    await player.say(IN_SESSION.format("PLAY"))
    bench.camera.pictures(1)
    await player.media()


async def test_locomote_needs_rtp_info_also_when_nothing_is_known_locomote_177(
    start: StartServer,
) -> None:
    bench = await start()
    async with Recorded(bench.server.port) as player:
        await player.say(DESCRIBE.replace("/porch", "/porch?start=live"))
        await player.say(SETUP.format(0, TCP))
        played = await player.say(IN_SESSION.format("PLAY"))
        url = f"url=rtsp://{player.host}/porch/trackID=0"
        assert (played.headers.get("RTP-Info") or "").startswith(url)


async def test_an_app_goes_to_sleep_with_udp_and_comes_back_on_another_connection(
    bench: Bench,
) -> None:
    """A session over UDP outlives its connection; whoever takes it up keeps it."""
    async with Recorded(bench.server.port) as first:
        await first.say(SETUP.format(0, "RTP/AVP;unicast;client_port=42000-42001"))
        await first.say(IN_SESSION.format("PLAY"))
    await until(lambda: not bench.server.door.connections)
    async with Recorded(bench.server.port) as second:
        second.session = first.session
        for _ in range(3):
            await second.say(IN_SESSION.format("GET_PARAMETER"))
            bench.pass_time(80)
        await second.say(IN_SESSION.format("PAUSE"))
        await second.say(IN_SESSION.format("TEARDOWN"))


async def test_rtspclientsharp_knows_only_basic_100(start: StartServer) -> None:
    """It is let in where the file allows that."""
    access = Access(anonymous=False, users=frozenset({"me"}))
    bench = await start(access=access, users={"me": "sesame"}, schemes=tuple(Scheme))
    async with Recorded(bench.server.port) as player:
        refused = await player.say(DESCRIBE, 401)
        assert 'Basic realm="neolink"' in refused.headers.get_all("WWW-Authenticate")
        await player.say(DESCRIBE + "    Authorization: Basic bWU6c2VzYW1l\n")
