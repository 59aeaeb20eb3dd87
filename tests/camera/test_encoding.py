"""What the streams are set to: asked once per login, told in readings."""

from neolink.media.tracks import StreamKind
from neolink.simulator.profile import CameraProfile
from support.bridge import running_bridge
from support.waiting import until


async def test_the_bit_rate_that_each_stream_is_set_to_is_known_after_the_login() -> None:
    async with running_bridge(CameraProfile(name="porch")) as running:
        sources = running.bridge.cameras[0].streams
        await until(lambda: all(source.nominal_bitrate_bps for source in sources))
        (camera,) = running.bridge.observer.read().cameras
        rates = {stream.kind: stream.nominal_bitrate_bps for stream in camera.streams}
    assert set(rates) == set(StreamKind)
    main, sub = rates[StreamKind.MAIN], rates[StreamKind.SUB]
    assert main is not None
    assert sub is not None
    assert main > sub > 100_000


async def test_each_channel_of_a_recorder_is_asked_for_its_own() -> None:
    async with running_bridge(CameraProfile(name="nvr", channels=2)) as running:
        sources = running.bridge.cameras[0].streams
        await until(lambda: all(source.nominal_bitrate_bps for source in sources))
        assert {source.channel_id for source in sources} == {0, 1}
