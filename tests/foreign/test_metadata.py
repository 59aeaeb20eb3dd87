"""The metadata track in front of real players: it disturbs nobody, and two of them read it."""

import asyncio
import re
from collections.abc import Iterator

import pytest

from neolink.media.tracks import StreamKind
from neolink.rtp.packet import RtpPacket
from neolink.simulator.profile import CameraProfile
from neolink.simulator.tone import TONE_HZ, dominant_frequency
from support.bridge import RunningBridge, running_bridge
from support.onvif import Message, documents, messages
from support.players import PLAYERS, Transport, play
from support.processes import need_programs, run_for

pytestmark = pytest.mark.foreign

SECONDS = 2.0
PROFILE = CameraProfile(name="porch", streams=(StreamKind.SUB,))
CLIP = PROFILE.clip(StreamKind.SUB)
SIZE = (CLIP.width, CLIP.height)
DOCUMENT = re.compile(rb"<\?xml.*?</tt:MetadataStream>", re.DOTALL)


def url_of(bridge: RunningBridge) -> str:
    return bridge.url("porch", "sub", metadata="1")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("player", PLAYERS)
async def test_a_player_of_picture_and_sound_is_not_disturbed(
    player: str, transport: Transport
) -> None:
    async with running_bridge(PROFILE) as bridge:
        playback = await play(
            player, url_of(bridge), seconds=SECONDS, transport=transport, size=SIZE
        )
    assert playback.errors == ()
    assert None not in playback.frames
    assert playback.missing(len(CLIP.access_units)) == 0
    assert len(playback.frames) >= 0.9 * SECONDS * CLIP.frame_rate
    if player != "opencv":  # which has no sound
        assert playback.samples is not None
        assert playback.rate is not None
        settled = playback.samples[playback.rate // 4 :].tolist()
        assert dominant_frequency(settled, playback.rate) == pytest.approx(TONE_HZ, rel=0.01)


async def _walk_by(bridge: RunningBridge) -> None:
    """Let a person come once somebody takes the track, and go, again and again."""
    while not bridge.camera.stats.requests[31]:  # noqa: ASYNC110 - a count that announces nothing
        await asyncio.sleep(0.05)
    while True:
        for status, ai_type in (("MD", "people"), ("none", "none")):
            await asyncio.sleep(0.3)
            bridge.camera.push_motion(0, status, ai_type)


AT_THE_END = "GstRTSPSrc:source: Could not write to resource"
"""gst-launch that is told to end may close the connection by TEARDOWN, and then send PAUSE."""


async def _run(bridge: RunningBridge, command: str) -> bytes:
    """Return what a program writes of the track while a person walks by."""
    walking = asyncio.create_task(_walk_by(bridge))
    try:
        ended = await run_for(command.split(), seconds=SECONDS)
    finally:
        walking.cancel()
        await asyncio.wait([walking])
    said = (ended.stdout + ended.stderr).splitlines()
    assert [line for line in said if line.startswith("ERROR") and AT_THE_END not in line] == []
    return ended.outputs[0]


def _packets(stream: bytes) -> Iterator[RtpPacket]:
    """Yield the packets of a stream, each behind its length (RFC 4571)."""
    at = 0
    while at + 2 <= len(stream):
        end = at + 2 + int.from_bytes(stream[at : at + 2], "big")
        yield RtpPacket.parse(stream[at + 2 : end])
        at = end


def _check(found: list[list[Message]]) -> None:
    assert {message.operation for message in found[0]} == {"Initialized"}
    persons = [
        message.is_on
        for document in found
        for message in document
        if message.topic.endswith("PeopleDetect")
    ]
    assert len(persons) >= 4
    assert persons == [number % 2 == 1 for number in range(len(persons))]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_gstreamer_receives_the_documents(transport: Transport) -> None:
    need_programs("gst-launch-1.0")
    command = (
        f"gst-launch-1.0 -e rtspsrc name=source location={{url}} protocols={transport}"
        " source. ! application/x-rtp,media=video ! fakesink async=false"
        " source. ! application/x-rtp,media=audio ! fakesink async=false"
        " source. ! application/x-rtp,media=application,clock-rate=90000,"
        "encoding-name=VND.ONVIF.METADATA ! rtpstreampay ! fdsink async=false sync=false fd={0}"
    )
    async with running_bridge(PROFILE) as bridge:
        stream = await _run(bridge, command.replace("{url}", url_of(bridge)))
    _check([messages(document) for document in documents(_packets(stream))])


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_ffmpeg_copies_the_documents(transport: Transport) -> None:
    need_programs("ffmpeg")
    command = (
        f"ffmpeg -hide_banner -nostdin -v error -rtsp_transport {transport} -i {{url}}"
        " -map 0:d -c copy -flush_packets 1 -f data pipe:{0}"
    )
    async with running_bridge(PROFILE) as bridge:
        stream = await _run(bridge, command.replace("{url}", url_of(bridge)))
    _check([messages(document) for document in DOCUMENT.findall(stream)])
