"""Players that talk, over live sockets, to a loudspeaker that only listens."""

import asyncio
import logging
import random
from dataclasses import replace

import pytest

from neolink.errors import ConnectionLost, NeolinkError, Unsupported
from neolink.media.g711 import decode_pcmu
from neolink.rtp.rtcp import Bye, SenderReport
from neolink.rtsp_server.mounts.backchannel import Intercom
from neolink.rtsp_server.settings import Access
from support.rtsp_bench import Bench, StartServer
from support.rtsp_talker import BACK_CHANNEL, REQUIRE, Heard, Microphone, Talker
from support.waiting import until

TAG = REQUIRE[1]
LONGEST = 4000
"""A packet of half a second of A-law, longer than what other frames may have."""


def listen(bench: Bench, lack: NeolinkError | None = None) -> Heard:
    """Give the camera a loudspeaker."""
    heard = Heard(lack)
    for mount in bench.mounts.values():
        mount.intercom = Intercom(heard, bench.clock)
    return heard


def counts(bench: Bench) -> dict[str, int]:
    intercom = bench.mount.intercom
    assert intercom is not None
    return {name: count for name, count in intercom.counts.items() if count}


async def talker(bench: Bench, transport: str = "tcp", path: str = "porch") -> Talker:
    return Talker(await bench.client(path), transport)


def microphone(packet_s: float = 0.02) -> Microphone:
    return Microphone(0, "PCMU", 8000, packet_s)


# ---------------------------------------------------------------- who is offered it
async def test_nobody_is_told_of_the_back_channel_who_does_not_ask(start: StartServer) -> None:
    bench = await start()
    listen(bench)
    client = await bench.client()
    response = await client.describe()
    assert b"sendonly" not in response.body
    assert b"trackID=3" not in response.body


@pytest.mark.parametrize("name", ["Require", "Proxy-Require", "require"])
async def test_who_requires_it_is_told_of_one_track_in_several_formats(
    start: StartServer, name: str
) -> None:
    bench = await start()
    listen(bench)
    one = await talker(bench)
    response = await one.describe((name, TAG))
    lines = response.body.decode().split("\r\n")
    begin = lines.index("m=audio 0 RTP/AVP 0 8 99")
    assert lines[begin + 1 :] == [
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:99 L16/16000/1",
        "a=control:trackID=3",
        "a=sendonly",
        "",
    ]
    assert [line for line in lines[:begin] if line.endswith("only")] == ["a=recvonly"]


async def test_go2rtc_asks_by_the_url(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench, path="porch?backchannel=1")
    await one.begin()
    await one.send(microphone().packet())
    await until(lambda: heard.said)


@pytest.mark.parametrize("value", ["0", "", "no"])
async def test_other_values_in_the_url_ask_for_nothing(start: StartServer, value: str) -> None:
    bench = await start()
    listen(bench)
    client = await bench.client(f"porch?backchannel={value}")
    assert b"sendonly" not in (await client.describe()).body


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
async def test_a_camera_without_a_loudspeaker_answers_551(start: StartServer, method: str) -> None:
    bench = await start()
    listen(bench, Unsupported("the camera has no loudspeaker"))
    client = await bench.client()
    headers = (REQUIRE, ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1"))
    url = client.track_url(0) if method == "SETUP" else None
    response = await client.request(method, url, *headers)
    assert response.status == 551
    assert response.headers.get("Unsupported") == TAG
    assert (await client.describe()).status == 200, "the connection goes on"


async def test_why_one_cannot_talk_is_told_once_to_who_requires_it_too(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    lack = "the camera's loudspeaker takes blocks of 2 samples at 8000 Hz"
    listen(bench, Unsupported(lack))
    client = await bench.client()
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert (await client.request("DESCRIBE", None, REQUIRE)).status == 551
    assert caplog.text.count(f"the back channel is left out: {lack}") == 1


@pytest.mark.parametrize("mode", ["record", '"RECORD"', "receive"])
async def test_the_back_channel_may_be_set_up_as_a_recording(start: StartServer, mode: str) -> None:
    bench = await start()
    listen(bench)
    client = await bench.client()
    assert (await client.request("DESCRIBE", None, REQUIRE)).status == 200
    transport = ("Transport", f"RTP/AVP/TCP;unicast;interleaved=0-1;mode={mode}")
    url = client.track_url(BACK_CHANNEL)
    assert (await client.request("SETUP", url, REQUIRE, transport)).status == 200


async def test_where_talking_is_switched_off_there_is_no_loudspeaker(start: StartServer) -> None:
    bench = await start()
    listen(bench)
    for mount in bench.server.context.mounts:
        mount.settings = replace(mount.settings, has_talk=False)
    client = await bench.client("porch?backchannel=1")
    assert (await client.request("DESCRIBE", None, REQUIRE)).status == 551
    assert b"sendonly" not in (await client.describe()).body


async def test_an_unknown_option_beside_it_is_still_refused_alone(start: StartServer) -> None:
    bench = await start()
    listen(bench)
    client = await bench.client()
    response = await client.request("DESCRIBE", None, ("Require", f"{TAG}, com.example.x"))
    assert (response.status, response.headers.get("Unsupported")) == (551, "com.example.x")


async def test_a_camera_that_cannot_be_asked_now_is_503(start: StartServer) -> None:
    bench = await start()
    listen(bench, ConnectionLost("not connected"))
    client = await bench.client()
    response = await client.request("DESCRIBE", None, REQUIRE)
    assert response.status == 503
    assert response.headers.get("Retry-After") == "3"


@pytest.mark.parametrize("lack", [Unsupported("no loudspeaker"), ConnectionLost("not connected")])
async def test_the_url_alone_is_ignored_without_a_loudspeaker_and_told_once(
    start: StartServer, lack: NeolinkError, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    listen(bench, lack)
    client = await bench.client("porch?backchannel=1")
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            assert b"sendonly" not in (await client.describe()).body
    assert caplog.text.count(f"the back channel is left out: {lack}") == 1


async def test_nothing_of_the_camera_is_told_before_the_login(start: StartServer) -> None:
    bench = await start(
        access=Access(anonymous=False, users=frozenset({"viewer"})), users={"viewer": "sesame"}
    )
    listen(bench, Unsupported("the camera has no loudspeaker"))
    client = await bench.client()
    assert (await client.request("DESCRIBE", None, REQUIRE)).status == 401


async def test_a_server_without_an_intercom_answers_551(start: StartServer) -> None:
    bench = await start()
    client = await bench.client()
    assert (await client.request("DESCRIBE", None, REQUIRE)).status == 551


# ---------------------------------------------------------------- SETUP and PLAY
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_what_is_said_is_heard_and_pictures_go_on(start: StartServer, transport: str) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench, transport)
    await one.begin()
    mic = microphone()
    for packet in mic.packets(10):
        await one.send(packet)
    await until(lambda: len(heard.said) == 10)
    bench.camera.until_key()
    bench.camera.pictures(5)
    await one.client.until(lambda: len(one.client.tracks[0].packets) >= 5)


async def test_setup_while_playing_succeeds(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    assert (await one.describe()).status == 200
    assert (await one.client.setup(0)).status == 200
    assert (await one.client.play()).status == 200
    assert (await one.setup()).status == 200
    await one.send(microphone().packet())
    await until(lambda: heard.said)
    assert (await one.client.setup(0, "RTP/AVP/TCP;interleaved=8-9")).status == 455


async def test_go2rtc_sets_the_back_channel_up_again_with_the_same_channels(
    start: StartServer,
) -> None:
    """gortsplib#1167: a server that answered 400 broke the reconnect."""
    bench = await start()
    listen(bench)
    one = await talker(bench)
    await one.begin()
    first = one.client.tracks[BACK_CHANNEL].granted
    assert (await one.setup()).status == 200
    assert one.client.tracks[BACK_CHANNEL].granted == first


async def test_the_setup_names_no_source_and_play_no_start_of_the_back_channel(
    start: StartServer,
) -> None:
    bench = await start()
    listen(bench)
    one = await talker(bench)
    await one.describe()
    await one.client.setup(0)
    assert "ssrc" not in ((await one.setup()).headers.get("Transport") or "")
    response = await one.client.play()
    assert "trackID=3" not in (response.headers.get("RTP-Info") or "")


async def test_one_may_talk_without_watching(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    await one.describe()
    assert (await one.setup()).status == 200
    assert (await one.client.play()).status == 200
    await one.send(microphone().packet())
    await until(lambda: heard.said)
    assert (await one.client.teardown()).status == 200
    assert heard.ends == 1


async def test_a_setup_without_a_track_never_means_the_back_channel(start: StartServer) -> None:
    bench = await start()
    listen(bench)
    one = await talker(bench)
    await one.describe()
    header = ("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")
    response = await one.client.request("SETUP", one.client.base, REQUIRE, header)
    assert response.status == 200, "of pictures, the only other track"
    assert "ssrc" in (response.headers.get("Transport") or "")


async def test_the_track_of_a_camera_without_a_loudspeaker_does_not_exist(
    start: StartServer,
) -> None:
    bench = await start()
    listen(bench, Unsupported("no loudspeaker"))
    client = await bench.client()
    await client.describe()
    assert (await client.setup(BACK_CHANNEL)).status == 404


# ---------------------------------------------------------------- the end
@pytest.mark.parametrize("end", ["teardown", "track", "pause", "close", "bye"])
async def test_whoever_stops_gives_the_loudspeaker_away(start: StartServer, end: str) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    await one.begin()
    await one.send(microphone().packet())
    await until(lambda: heard.said)
    channels = one.client.tracks[BACK_CHANNEL].granted.interleaved
    assert channels is not None
    match end:
        case "teardown":
            await one.client.teardown()
        case "track":
            await one.client.teardown(BACK_CHANNEL)
        case "pause":
            await one.client.pause()
        case "close":
            await one.client.close()
        case "bye":
            await one.client.send_frame(channels[1], Bye((0x1234,)).serialize())
    await until(lambda: heard.ends == 1)
    if end in {"track", "bye"}:
        bench.camera.until_key()
        bench.camera.pictures(5)
        await one.client.until(lambda: len(one.client.tracks[0].packets) >= 5)


async def test_who_talks_when_it_is_switched_off_is_not_heard_any_more(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    await one.begin()
    voice = microphone()
    await one.send(voice.packet())
    await until(lambda: heard.said)
    bench.mount.settings = replace(bench.mount.settings, has_talk=False)
    await one.send(voice.packet())
    await until(lambda: heard.ends == 1)
    assert len(heard.said) == 1


async def test_what_comes_before_play_is_not_for_the_camera(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    await one.describe()
    await one.client.setup(0)
    await one.setup()
    await one.send(microphone().packet())
    assert (await one.client.play()).status == 200
    assert not heard.said


async def test_the_second_who_speaks_is_heard_when_the_first_has_left(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    first, second = await talker(bench), await talker(bench)
    await first.begin()
    await second.begin()
    await first.send(microphone().packet())
    await until(lambda: heard.said)
    await second.send(microphone().packet())
    await until(lambda: counts(bench).get("interrupted") == 1)
    assert len(heard.said) == 1
    await first.client.teardown()
    await second.send(microphone().packet())
    await until(lambda: len(heard.said) == 2)


# ---------------------------------------------------------------- UDP reports
async def test_a_talker_over_udp_is_told_how_it_arrives(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench, "udp")
    await one.begin()
    mic = microphone()
    await one.send(mic.packet())
    await until(lambda: len(heard.said) == 1)
    await one.send_rtcp(SenderReport(mic.ssrc, 0xAAAA_BBBB_CCCC_DDDD, 0, 1, 160).serialize())
    next(mic.packets(1))  # lost
    bench.clock.advance(5.1)
    await asyncio.sleep(0.05)  # the report has another port, and no answer
    await one.send(mic.packet())
    await one.client.until(lambda: bool(one.reports))
    (block,) = one.reports[0].reports
    assert (block.ssrc, block.cumulative_lost) == (mic.ssrc, 1)
    assert block.last_sr == 0xBBBB_CCCC


async def test_a_talker_over_tcp_is_not_told(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    await one.begin()
    mic = microphone()
    await one.send(mic.packet())
    bench.clock.advance(6)
    await one.send(mic.packet())
    await until(lambda: len(heard.said) == 2)
    await one.client.get_parameter()
    assert not one.reports


# ---------------------------------------------------------------- hostile
async def test_long_packets_are_taken_on_the_back_channel_alone(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    await one.begin()
    await one.client.send_frame(0, bytes(LONGEST))
    await one.send(microphone(LONGEST / 8000).packet())
    await until(lambda: heard.said)
    assert len(heard.said[0][0]) == 2 * LONGEST


async def test_whatever_is_sent_there_ends_nothing(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    watcher = await bench.player("porch")
    one = await talker(bench)
    await one.begin()
    chance = random.Random(7)
    channels = one.client.tracks[BACK_CHANNEL].granted.interleaved
    assert channels is not None
    for _ in range(300):
        garbage = chance.randbytes(chance.choice([0, 1, 11, 12, 40, 300, 5000]))
        await one.client.send_frame(channels[0], garbage)
        await one.client.send_frame(channels[1], garbage)
    await one.client.send_frame(channels[0], b"\x80\x00" + bytes(65_533))
    await one.send(microphone().packet())
    await until(lambda: heard.pcm.endswith(decode_pcmu(microphone().packet()[12:])))
    assert counts(bench)["malformed"] > 100
    bench.camera.until_key()
    bench.camera.pictures(5)
    for client in (watcher, one.client):
        await client.until(lambda client=client: len(client.tracks[0].packets) >= 5)  # type: ignore[misc]  # bound


async def test_a_flood_is_bounded_and_counted(start: StartServer) -> None:
    bench = await start()
    heard = listen(bench)
    one = await talker(bench)
    await one.begin()
    mic = microphone()
    for packet in mic.packets(3000):
        await one.send(packet)
    await until(lambda: sum(counts(bench).values()) == 3000)
    assert len(heard.said) <= 50
    assert counts(bench)["flooded"] >= 2950
