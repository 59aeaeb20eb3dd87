"""``neolink demo`` as a process: URLs that work, a clean end, a port that is taken."""

import signal
import socket
import time

import pytest
from aiohttp import ClientSession

from support.program import program
from support.rtsp_client import RtspClient

HOST = "127.0.0.1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_prints_urls_that_play_and_ends_cleanly(number: signal.Signals) -> None:
    async with program("demo", "--port", "0", "--http-port", "0") as demo:
        await demo.until_printed("Page:")
        urls = list(dict.fromkeys(demo.urls))
        assert [url.split("/", 3)[3] for url in urls] == [
            f"{camera}/{kind}"
            for camera in ("porch", "garden")
            for kind in ("main", "sub", "extern")
        ]
        page = demo.pages[0]
        async with ClientSession() as client, client.get(f"{page}api/v1/cameras") as answer:
            assert [one["name"] for one in (await answer.json())["cameras"]] == ["porch", "garden"]
        codecs = {}
        for url in urls:
            async with RtspClient(url) as player:
                assert (await player.describe()).status == 200
                codecs[url.split("/", 3)[3]] = [media.encoding for media in player.media]
        assert codecs["porch/main"][0] == "H264"
        assert codecs["garden/main"][0] == "H265"
        async with RtspClient(urls[1]) as player:
            await player.watch(0)
            await player.until(lambda: len(player.tracks[0].packets) > 5)
            began_s = time.monotonic()
            demo.process.send_signal(number)
            assert await demo.until_ended() == 0
            assert time.monotonic() - began_s < 5
    assert demo.stdout.rstrip().endswith("Demo ended.")
    assert "Traceback" not in demo.stderr


async def test_a_port_that_is_taken_is_told_with_the_option_that_chooses_another() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        async with program("demo", "--port", str(port)) as demo:
            assert await demo.until_ended() == 1
    assert f":{port}: Address already in use" in demo.stderr
    assert "--port" in demo.stderr
    assert "Address already in use" in demo.stderr
    assert "bind_port" not in demo.stderr
    assert "Traceback" not in demo.stderr
