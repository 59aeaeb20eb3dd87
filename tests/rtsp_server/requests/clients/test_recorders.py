"""Recorders: Blue Iris, Synology, Hikvision, Bosch, HappyTime, Grandstream, Qognify, Nx, UniFi."""

import pytest

from neolink.rtsp.headers import parse_transports
from support.recorded import Recorded
from support.rtsp_bench import Bench, StartServer

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
PLAY = """
    PLAY rtsp://HOST/porch/ RTSP/1.0
    CSeq: 5
    Session: SESSION
"""
TCP = "RTP/AVP/TCP;unicast"
SIGNED = "    Authorization: DIGEST({0})\n"
SESSION = "    Session: SESSION\n"


async def test_blue_iris_is_never_told_404_of_a_camera_that_starts_neolink_148(
    start: StartServer,
) -> None:
    bench = await start(described=False, setup_timeout_s=0.02)
    async with Recorded(bench.server.port) as player:
        starting = await player.say(DESCRIBE, 503)
        assert starting.headers.get("Retry-After") == "3"
        with bench.camera.stream.hold():
            bench.camera.pictures(30)
        await player.say(DESCRIBE)


async def test_blue_iris_and_scrypted_ask_without_scheme_and_host_scrypted_1543(
    bench: Bench, player: Recorded
) -> None:
    described = await player.say("DESCRIBE /porch RTSP/1.0\nCSeq: 1")
    assert described.headers.get("Content-Base") == "/porch/"
    assert b"a=control:trackID=0\r\n" in described.body
    await player.say(f"SETUP /porch/trackID=0 RTSP/1.0\nCSeq: 2\nTransport: {TCP}")
    await player.say("PLAY /porch RTSP/1.0\nCSeq: 3\nSession: SESSION")
    bench.camera.pictures(1)
    await player.media()


async def test_synology_signs_by_md5_and_uses_the_path_of_a_reolink_camera_neolink_335(
    guarded: Bench, stranger: Recorded
) -> None:
    text = DESCRIBE.replace("/porch", "//h264Preview_01_main")
    await stranger.say(text, 401)
    await stranger.say(text + SIGNED.format("rtsp://HOST//h264Preview_01_main"))
    setup = SETUP.format(0, TCP).replace("/porch", "/h264Preview_01_main")
    await stranger.say(setup + SIGNED.format("rtsp://HOST/h264Preview_01_main/trackID=0"))
    await stranger.say(PLAY)
    guarded.camera.pictures(1)
    await stranger.media()


@pytest.mark.parametrize(
    ("signed", "path"),
    [
        pytest.param("/porch/trackID=0", "", id="bosch-bvms-signs-the-path"),
        pytest.param("rtsp://HOST/porch", "", id="happytime-signs-the-base-gortsplib-964"),
        pytest.param("rtsp://HOST/porch/", "", id="vlc-signs-the-base-with-slash"),
        pytest.param("rtsp://10.0.0.9:554/porch/trackID=0", "", id="behind-another-address"),
        pytest.param("rtsp://me:x@HOST/porch/trackID=0", "", id="hikvision-signs-the-login-too"),
        pytest.param("rtsp://HOST/porch/trackID=0", "me:x@", id="and-asks-with-it"),
    ],
)
async def test_recorders_sign_their_setup_in_their_own_way(
    guarded: Bench, signed: str, path: str
) -> None:
    """Also where the rest of the connection was not logged in, so that nothing is forgiven."""
    async with Recorded(guarded.server.port) as recorder:
        setup = SETUP.format(0, TCP).replace("rtsp://", f"rtsp://{path}")
        await recorder.say(setup, 401)
        await recorder.say(setup + SIGNED.format(signed))


async def test_grandstream_signs_describe_rightly_and_setup_with_garbage_mediamtx_2880(
    guarded: Bench, stranger: Recorded
) -> None:
    del guarded
    await stranger.say(DESCRIBE, 401)
    described = await stranger.say(DESCRIBE + SIGNED.format("rtsp://HOST/porch"))
    assert b"a=control:trackID=0\r\n" in described.body
    garbage = '    Authorization: Digest username="me", response="0"\n'
    await stranger.say(SETUP.format(0, TCP) + garbage)
    await stranger.say(SETUP.format(1, TCP) + garbage + SESSION)
    await stranger.say(PLAY + garbage)


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param("1-2", id="qognify-begins-odd-mediamtx-1762"),
        pytest.param("2-3", id="audio-first-mediamtx-402"),
        pytest.param("8-9", id="any"),
    ],
)
async def test_recorders_choose_their_own_channels(
    bench: Bench, player: Recorded, pair: str
) -> None:
    await player.say(SETUP.format(0, f"{TCP};interleaved={pair}"))
    await player.say(PLAY)
    bench.camera.pictures(1)
    first = int(pair[0])
    assert {frame.channel for frame in await player.media(3)} <= {first, first + 1}


async def test_hikvision_sets_up_sound_that_it_does_not_use_fang_hacks_253(
    bench: Bench, player: Recorded
) -> None:
    await player.say(SETUP.format(0, f"{TCP};interleaved=0-1"))
    await player.say(SETUP.format(1, f"{TCP};interleaved=2-3") + SESSION)
    await player.say(PLAY + "    Range: npt=0.000000-\n")
    bench.camera.pictures(1)
    await player.media()


async def test_a_list_of_transports_is_taken_in_its_order_avigilon_go2rtc_1725(
    start: StartServer,
) -> None:
    bench = await start(is_udp_enabled=False)
    offers = f"RTP/SAVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=5000-5001,{TCP}"
    async with Recorded(bench.server.port) as player:
        answer = await player.say(SETUP.format(0, offers))
        assert (answer.headers.get("Transport") or "").startswith(f"{TCP};interleaved=0-1;")


async def test_nx_witness_needs_another_source_per_track_sharprtsp_23(
    bench: Bench, player: Recorded
) -> None:
    del bench
    sources = []
    for track in (0, 1):
        answer = await player.say(SETUP.format(track, TCP) + (SESSION if track else ""))
        (granted,) = parse_transports(answer.headers.get("Transport") or "")
        sources.append(granted.ssrc)
    assert None not in sources
    assert len(set(sources)) == 2


async def test_unifi_protect_plays_by_tcp_and_leaves_out_the_query_go2rtc_1538(
    bench: Bench, player: Recorded
) -> None:
    await player.say(DESCRIBE.replace("/porch", "/porch?start=live"))
    await player.say(SETUP.format(0, TCP))
    await player.say(SETUP.format(1, TCP) + SESSION)
    await player.say(PLAY)
    bench.camera.pictures(15)
    await player.media(3)


async def test_unifi_urls_with_srtp_are_served_as_they_can_be(
    bench: Bench, player: Recorded
) -> None:
    """``?enableSrtp`` is on every URL that UniFi hands out; it has no value."""
    described = await player.say(DESCRIBE.replace("/porch", "/porch?enableSrtp"))
    assert b"RTP/AVP 96\r\n" in described.body
    assert b"a=key-mgmt" not in described.body
    await player.say(SETUP.format(0, f"RTP/SAVP/TCP;unicast;interleaved=0-1,{TCP}"))
    await player.say(PLAY)
    bench.camera.pictures(3)
    await player.media(3)


async def test_onvif_clients_require_what_is_not_there_and_are_told_its_name(
    bench: Bench, player: Recorded
) -> None:
    del bench
    for header in ("Require", "Proxy-Require"):
        for method in ("DESCRIBE", "OPTIONS", "PLAY"):
            text = f"{method} rtsp://HOST/porch RTSP/1.0\nCSeq: 2\n{header}: onvif-replay, funny"
            refused = await player.say(text, 551)
            assert refused.headers.get("Unsupported") == "onvif-replay, funny"
