"""Readings as JSON: what is derived of them, and not only copied."""

from dataclasses import replace

import pytest

from neolink.health.values import CameraHealth, Health, HealthState
from neolink.media.tracks import StreamKind
from neolink.readings import StreamReading
from neolink.web.views import RtspAddress, camera_view
from support.readings import camera_reading, stream_reading

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
H264_SUB = stream_reading(kind=SUB)
H264_MAIN = replace(stream_reading(kind=MAIN), presentation=H264_SUB.presentation)
H265_MAIN = stream_reading(kind=MAIN)


def auto_url(*streams: StreamReading, name: str = "porch") -> object:
    health = CameraHealth(name, Health(HealthState.OK, (), 0.0, ""), {})
    camera = camera_reading(name, streams=streams)
    shown = camera_view(camera, health, None, rtsp=RtspAddress("[::1]", 8554), unix_s=0.0)
    return shown["rtsp_auto_url"]


def test_players_are_offered_both_streams_by_one_address_where_both_have_one_codec() -> None:
    assert auto_url(H264_MAIN, H264_SUB) == "rtsp://[::1]:8554/porch/auto"
    assert auto_url(H264_MAIN, H264_SUB, name="back door") == "rtsp://[::1]:8554/back%20door/auto"


def test_addresses_say_when_players_must_come_with_tls() -> None:
    address = RtspAddress("bridge.lan", 8554, has_tls=True)
    assert address.url("porch", MAIN) == "rtsps://bridge.lan:8554/porch/main"
    assert address.adaptive_url("porch") == "rtsps://bridge.lan:8554/porch/auto"


@pytest.mark.parametrize(
    "streams",
    [
        (),
        (H264_SUB,),
        (H265_MAIN, H264_SUB),
        (H264_MAIN, replace(H264_SUB, presentation=None)),
        (H264_MAIN, replace(H264_SUB, kind=StreamKind.EXTERN)),
    ],
)
def test_they_are_not_where_that_could_not_work(streams: tuple[StreamReading, ...]) -> None:
    assert auto_url(*streams) is None
