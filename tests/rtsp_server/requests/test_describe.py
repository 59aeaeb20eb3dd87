"""What DESCRIBE says, what a URL may choose, and what follows when the camera changes."""

import logging
from dataclasses import replace

import pytest

from neolink.media.tracks import ParameterSets
from neolink.rtsp_server.mounts.mount import MAX_UNKNOWN_OPTIONS
from support.media import AAC, H264, H265, L16
from support.rtsp_bench import TCP, StartServer

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
        ("?audio=mp3", "audio 'mp3' is not known in this version: auto is taken; allowed: auto,"),
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
