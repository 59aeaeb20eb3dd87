"""GStreamer's rtspsrc, and what is built on it: Kurento, DeepStream, many viewers."""

import asyncio

from support.recorded import Recorded
from support.rtsp_bench import Bench

AGENT = "User-Agent: GStreamer/1.22.0"

SETUP = f"""
    SETUP rtsp://HOST/porch/trackID={{0}} RTSP/1.0
    CSeq: 4
    {AGENT}
    Transport: RTP/AVP/TCP;unicast;interleaved={{1}}
    Blocksize: 1400
    Accept-Ranges: npt
"""
IN_SESSION = f"""
    {{0}} rtsp://HOST/porch/ RTSP/1.0
    CSeq: 6
    {AGENT}
    Session: SESSION
"""


async def test_gstreamer_is_answered_without_delay_gortsplib_752(
    bench: Bench, player: Recorded
) -> None:
    del bench
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await player.say(SETUP.format(0, "0-1"))
    await player.say(SETUP.format(1, "2-3") + "    Session: SESSION\n")
    await player.say(IN_SESSION.format("PLAY") + "    Range: npt=0-\n")
    assert loop.time() - began_s < 0.5


async def test_gstreamer_pings_by_set_parameter_mediamtx_842_retina_133(
    bench: Bench, player: Recorded
) -> None:
    await player.say(SETUP.format(0, "0-1"))
    for _ in range(3):
        bench.pass_time(80)
        pinged = await player.say(IN_SESSION.format("SET_PARAMETER"))
        assert pinged.headers.get("Session") == f"{player.session};timeout=60"


async def test_gstreamer_resolves_controls_by_the_rules_of_urls_and_loses_the_query(
    bench: Bench, player: Recorded
) -> None:
    del bench
    described = await player.say(f"""
        DESCRIBE rtsp://HOST/porch?audio=none RTSP/1.0
        CSeq: 2
        {AGENT}
        Accept: application/sdp""")
    assert b"m=audio" not in described.body
    await player.say(SETUP.format(0, "0-1"))
    session = player.session
    await player.say(SETUP.format(1, "2-3") + f"    Session: {session}\n", 404)


async def test_gstreamer_puts_the_query_behind_the_control(bench: Bench, player: Recorded) -> None:
    text = SETUP.format("0?audio=none", "0-1")
    await player.say(text)
    (session,) = bench.server.context.sessions
    assert (session.path, list(session.tracks)) == ("porch", [0])


async def test_gstreamer_is_gone_a_moment_after_its_teardown(
    bench: Bench, player: Recorded
) -> None:
    await player.say(SETUP.format(0, "0-1"))
    answers = await player.say_all(IN_SESSION.format("PAUSE"), IN_SESSION.format("TEARDOWN"))
    assert [answer.status for answer in answers] == [200, 200]
    assert not bench.server.context.players
