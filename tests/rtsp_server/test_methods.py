from support.rtsp_bench import StartServer


async def test_smoke(start: StartServer) -> None:
    bench = await start()
    client = await bench.player()
    bench.camera.pictures(3)
    track = client.tracks[0]
    await client.until(lambda: len(track.timestamps) >= 3)
    assert not track.gaps
    assert len(track.video_units()) >= 2
    assert 0, (len(track.video_units()), track.timestamps)
