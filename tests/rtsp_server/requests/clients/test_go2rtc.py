"""go2rtc, and gortsplib's client, which mediamtx and Home Assistant's bridges pull with."""

import hashlib
import re

from neolink.rtsp.headers import parse_transports
from support.recorded import Recorded
from support.rtsp_bench import Bench

DESCRIBE = """
    DESCRIBE rtsp://HOST/porch RTSP/1.0
    CSeq: 2
    User-Agent: go2rtc/1.9.4
    Accept: application/sdp
"""
SETUP = """
    SETUP rtsp://HOST/porch/trackID={0} RTSP/1.0
    CSeq: 3
    User-Agent: go2rtc/1.9.4
    Transport: RTP/AVP/TCP;unicast;interleaved={1}
"""
IN_SESSION = """
    {0} rtsp://HOST/porch/ RTSP/1.0
    CSeq: 5
    User-Agent: go2rtc/1.9.4
    Session: SESSION
"""
SIGNED = "    Authorization: DIGEST({0})\n"


async def test_go2rtc_reads_the_first_challenge_alone_and_knows_only_md5(
    guarded: Bench, stranger: Recorded
) -> None:
    """That line is the one for SHA-256; its realm and nonce are good for MD5 too."""
    del guarded
    refused = await stranger.say(DESCRIBE, 401)
    first = refused.headers.get_all("WWW-Authenticate")[0]
    assert "SHA-256" in first
    found = re.search(r'realm="([^"]+)", nonce="([^"]+)"', first)
    assert found is not None
    assert found.groups() == (stranger.realm, stranger.nonce)
    await stranger.say(DESCRIBE + SIGNED.format("rtsp://HOST/porch"))


async def test_go2rtc_uses_a_nonce_on_a_second_connection_raptor_6(
    guarded: Bench, stranger: Recorded
) -> None:
    await stranger.say(DESCRIBE, 401)
    async with Recorded(guarded.server.port) as second:
        second.realm, second.nonce = stranger.realm, stranger.nonce
        await second.say(DESCRIBE + SIGNED.format("rtsp://HOST/porch"))


async def test_go2rtc_sets_up_again_what_it_has_gortsplib_1167(
    bench: Bench, player: Recorded
) -> None:
    first = await player.say(SETUP.format(0, "0-1"))
    session = "    Session: SESSION\n"
    again = await player.say(SETUP.format(0, "0-1") + session)
    assert again.headers.get("Transport") == first.headers.get("Transport")
    await player.say(SETUP.format(1, "2-3") + session)
    await player.say(IN_SESSION.format("PLAY"))
    while_playing = await player.say(SETUP.format(0, "0-1") + session)
    assert while_playing.headers.get("Transport") == first.headers.get("Transport")
    bench.camera.pictures(1)
    await player.media()


async def test_go2rtc_pings_by_options_five_seconds_before_the_end(
    bench: Bench, player: Recorded
) -> None:
    await player.say(SETUP.format(0, "0-1"))
    for _ in range(4):
        bench.pass_time(55)
        await player.say(IN_SESSION.format("OPTIONS"))


async def test_go2rtc_doubles_a_slash_go2rtc_1236_mediamtx_3517(
    bench: Bench, player: Recorded
) -> None:
    del bench
    await player.say(DESCRIBE.replace("HOST/porch", "HOST//porch"))
    await player.say(SETUP.format(0, "0-1").replace("HOST/porch", "HOST//porch"))
    await player.say(IN_SESSION.format("PLAY").replace("HOST/porch", "HOST//porch/"))


async def test_gortsplib_prefers_sha256_wherever_it_stands(
    guarded: Bench, stranger: Recorded
) -> None:
    del guarded
    await stranger.say(DESCRIBE, 401)

    def sha256(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    uri = f"rtsp://{stranger.host}/porch"
    secret, asked = sha256(f"me:{stranger.realm}:sesame"), sha256(f"DESCRIBE:{uri}")
    response = sha256(f"{secret}:{stranger.nonce}:{asked}")
    await stranger.say(
        DESCRIBE + f'    Authorization: Digest username="me", realm="{stranger.realm}",'
        f' nonce="{stranger.nonce}", uri="{uri}", response="{response}", algorithm="SHA-256"\n'
    )


async def test_gortsplib_has_the_reply_to_play_before_the_first_picture(
    bench: Bench, player: Recorded
) -> None:
    """``TestServerPlayTCPResponseBeforeFrames``: cached pictures are sent at once, but after."""
    await player.say(SETUP.format(0, "0-1"))
    (played,) = await player.say_all(IN_SESSION.format("PLAY"))
    assert played.status == 200
    assert player.frames == []
    assert len(await player.media(3)) >= 3
    assert bench.mount.player_count == 1


async def test_a_proxy_invents_a_session_mediamtx_579(bench: Bench, player: Recorded) -> None:
    del bench
    for invented in ("12345678", "12-34$AB", "x" * 200):
        await player.say(SETUP.format(0, "0-1") + f"    Session: {invented}\n", 454)
    await player.say(SETUP.format(0, "0-1"))


async def test_a_header_without_a_value_mediamtx_34(bench: Bench, player: Recorded) -> None:
    del bench
    await player.say(DESCRIBE + "    X-Empty:\n")


async def test_the_same_channels_for_two_tracks_are_told_apart(
    bench: Bench, player: Recorded
) -> None:
    del bench
    await player.say(SETUP.format(0, "0-1"))
    answer = await player.say(SETUP.format(1, "0-1") + "    Session: SESSION\n")
    (granted,) = parse_transports(answer.headers.get("Transport") or "")
    assert granted.interleaved == (2, 3)
