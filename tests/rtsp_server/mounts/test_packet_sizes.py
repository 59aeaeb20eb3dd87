"""Packets of other sizes than usual: asked for by URL over TCP, by Blocksize over UDP."""

import pytest

from neolink.rtp.formats import AudioChoice
from neolink.rtsp_server.mounts.numbers import MOST_SIZES, USUAL
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO
from support.media import L16
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import ReceivedTrack, RtspClient
from support.waiting import until

USUAL_BYTES = 1400


def largest(track: ReceivedTrack) -> int:
    return max(len(packet.serialize()) for packet in track.packets)


async def see_pictures(bench: Bench, client: RtspClient, tracks: int = 1) -> None:
    """Have the camera send until every track has shown three whole groups of pictures."""
    bench.camera.key_size = 9000
    seen = [len(client.tracks[number].packets) for number in range(tracks)]
    bench.camera.pictures(3 * bench.camera.gop)
    await client.until(
        lambda: all(len(client.tracks[n].packets) > seen[n] + 10 for n in range(tracks))
    )


@pytest.mark.parametrize(
    ("query", "at_most", "above"),
    [
        ("", USUAL_BYTES, 1300),
        ("?pkt_size=500", 500, 490),
        ("?pkt_size=8000", 8000, 7000),
        ("?start=live&pkt_size=60000", 9100, 9000),  # a whole key frame
    ],
)
async def test_over_tcp_the_url_says_how_large_packets_may_be(
    start: StartServer, query: str, at_most: int, above: int
) -> None:
    bench = await start(audio=L16)
    async with RtspClient(bench.url(f"porch{query}")) as client:
        await client.watch()  # holds SSRC, numbers and RTP-Info to what was announced
        await see_pictures(bench, client, tracks=2)
        assert above < largest(client.tracks[VIDEO]) <= at_most
        assert client.tracks[VIDEO].gaps == client.tracks[AUDIO].gaps == 0
        assert len(client.tracks[VIDEO].video_units()) >= 2 * bench.camera.gop


@pytest.mark.parametrize(
    ("blocksize", "at_most", "above"),
    [("700", 712, 690), ("60000", USUAL_BYTES, 1300), ("0", USUAL_BYTES, 1300), ("1", 500, 490)],
)
async def test_over_udp_blocksize_makes_packets_smaller_and_never_larger(
    start: StartServer, blocksize: str, at_most: int, above: int
) -> None:
    bench = await start(audio=L16)
    async with RtspClient(bench.url("porch?pkt_size=9000")) as client:
        await client.describe()
        for track in (VIDEO, AUDIO):
            await client.setup(track, "udp", headers=(("Blocksize", blocksize),))
        await client.play()
        await see_pictures(bench, client, tracks=2)
        assert above < largest(client.tracks[VIDEO]) <= at_most
        assert largest(client.tracks[AUDIO]) <= at_most


async def test_each_track_has_the_size_of_its_transport(start: StartServer) -> None:
    bench = await start(audio=L16)
    async with RtspClient(bench.url("porch?pkt_size=9000")) as client:
        await client.describe()
        await client.setup(VIDEO, "udp", headers=(("Blocksize", "600"),))
        await client.setup(VIDEO, "tcp")  # it thinks better of it
        await client.setup(AUDIO, "udp", headers=(("Blocksize", "600"),))
        await client.play()
        await see_pictures(bench, client, tracks=2)
        assert largest(client.tracks[VIDEO]) > USUAL_BYTES
        assert largest(client.tracks[AUDIO]) <= 612


@pytest.mark.parametrize("asked", ["many", "499", "60001", "-1", "²", ""])
async def test_a_size_that_cannot_be_is_told_once_and_not_given(
    start: StartServer, asked: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    for _ in range(2):
        async with RtspClient(bench.url(f"porch?pkt_size={asked}")) as client:
            await client.watch()
            await see_pictures(bench, client)
            assert largest(client.tracks[VIDEO]) <= USUAL_BYTES
    (told,) = [one.getMessage() for one in caplog.records if "pkt_size" in one.getMessage()]
    assert "allowed: 500 to 60000" in told


async def test_more_sizes_than_are_made_share_the_next_smaller_one(start: StartServer) -> None:
    bench = await start()
    sizes = [2000 + 1000 * number for number in range(MOST_SIZES + 1)]
    clients = [await bench.player(f"porch?pkt_size={size}", VIDEO) for size in sizes]
    made = [pictures.size for pictures in bench.mount._senders.pictures]
    assert made == [USUAL, *sizes[:-1]]
    assert clients[-1].tracks[VIDEO].granted.ssrc == clients[-2].tracks[VIDEO].granted.ssrc
    for client in clients:
        await client.close()
    await until(lambda: len(bench.mount._senders.pictures) == 1)
    late = await bench.player(f"porch?pkt_size={sizes[-1]}", VIDEO)
    await see_pictures(bench, late)
    assert largest(late.tracks[VIDEO]) > sizes[-2]


async def test_numbers_of_a_size_are_forgotten_with_its_last_player(start: StartServer) -> None:
    bench = await start()
    client = await bench.player("porch?pkt_size=3000", VIDEO)
    ssrc = client.tracks[VIDEO].granted.ssrc
    assert ssrc == bench.mount.ssrc(VIDEO, AudioChoice.AUTO, 3000)
    await client.teardown()
    assert bench.mount.ssrc(VIDEO, AudioChoice.AUTO, 3000) != ssrc


async def test_a_size_that_comes_again_has_the_source_that_is_announced(start: StartServer) -> None:
    bench = await start(audio=L16)
    await bench.player("porch", VIDEO, AUDIO)
    for _ in range(2):
        async with RtspClient(bench.url("porch?pkt_size=700")) as client:
            await client.watch()  # holds SSRC, numbers and RTP-Info to what was announced
            await see_pictures(bench, client, tracks=2)
            await client.teardown()
    assert {size for _, size in bench.mount._senders.sounds} == {USUAL}
