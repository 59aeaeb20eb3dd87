"""VLC and others on live555."""

import re

from support.recorded import Recorded
from support.rtsp_bench import Bench

AGENT = "User-Agent: LibVLC/3.0.18 (LIVE555 Streaming Media v2016.11.28)"

OPTIONS = f"""
    OPTIONS rtsp://HOST/porch RTSP/1.0
    CSeq: 2
    {AGENT}
"""
DESCRIBE = f"""
    DESCRIBE rtsp://HOST/porch RTSP/1.0
    CSeq: 3
    {AGENT}
    Accept: application/sdp
"""
SETUP = f"""
    SETUP rtsp://HOST/porch/trackID=0 RTSP/1.0
    CSeq: 4
    {AGENT}
    Transport: RTP/AVP/TCP;unicast;interleaved=0-1
"""
IN_SESSION = f"""
    {{0}} rtsp://HOST/porch/ RTSP/1.0
    CSeq: 6
    {AGENT}
    Session: SESSION
"""
SIGNED = "    Authorization: DIGEST({0})\n"

PATTERN = re.compile(r'Digest realm="[^"]*", nonce="[^"]*"(, stale=[a-z]+)?')
"""What live555 can read: nothing may come in between or behind."""


async def test_vlc_reads_our_last_digest_line_and_signs_the_base_url_with_slash(
    guarded: Bench, stranger: Recorded
) -> None:
    await stranger.say(OPTIONS)
    refused = await stranger.say(DESCRIBE, 401)
    last = [line for line in refused.headers.get_all("WWW-Authenticate") if "Digest" in line][-1]
    assert PATTERN.fullmatch(last)
    await stranger.say(DESCRIBE + SIGNED.format("rtsp://HOST/porch"))
    await stranger.say(SETUP + SIGNED.format("rtsp://HOST/porch/"))
    play = IN_SESSION.format("PLAY") + "    Range: npt=0.000-\n"
    await stranger.say(play + SIGNED.format("rtsp://HOST/porch/"))
    guarded.camera.pictures(1)
    await stranger.media()


async def test_vlc_pings_some_seconds_late_mediamtx_1213(bench: Bench, player: Recorded) -> None:
    await player.say(SETUP)
    for _ in range(5):
        bench.pass_time(66)
        await player.say(IN_SESSION.format("GET_PARAMETER"))


async def test_vlc_seeks_in_a_live_stream_neolink_68(bench: Bench, player: Recorded) -> None:
    await player.say(SETUP)
    for wanted in ("npt=0.000-", "npt=12.5-", "npt=now-", "npt=0-", "clock=20260101T000000Z-", "?"):
        played = await player.say(IN_SESSION.format("PLAY") + f"    Range: {wanted}\n")
        assert played.headers.get("Range") == "npt=now-"
    bench.camera.pictures(1)
    await player.media()


async def test_an_old_live555_asks_in_setup_to_start_at_once(
    bench: Bench, player: Recorded
) -> None:
    await player.say(SETUP + "    x-playNow: \n    Range: npt=0.000-\n")
    assert bench.mount.player_count == 0
    await player.say(IN_SESSION.format("PLAY"))


async def test_live555_pings_without_a_path(bench: Bench, player: Recorded) -> None:
    await player.say(SETUP)
    bench.pass_time(80)
    await player.say(f"GET_PARAMETER * RTSP/1.0\nCSeq: 7\n{AGENT}\nSession: SESSION")
    bench.pass_time(80)
    await player.say(IN_SESSION.format("TEARDOWN"))


async def test_live555_hears_nothing_after_its_teardown_retina_17(
    bench: Bench, player: Recorded
) -> None:
    await player.say(SETUP)
    await player.say(IN_SESSION.format("PLAY"))
    bench.camera.pictures(5)
    await player.say(IN_SESSION.format("TEARDOWN"))
    bench.camera.pictures(5)
    await player.say(OPTIONS)
    assert player.frames == []
