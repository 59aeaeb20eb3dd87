"""Events as a recorder gets them: a whole bridge, a simulated camera that sees something."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

import pytest

from neolink.baichuan.ids import MessageId
from neolink.hub.pause import PauseSettings
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.mounts.parcel import AUDIO, METADATA, VIDEO
from neolink.rtsp_server.settings import MountSettings
from neolink.simulator.server import SimulatedCamera
from neolink.simulator.stats import CameraStats
from support.bridge import RunningBridge
from support.camera_bench import PROFILE, settings_for
from support.onvif import documents, messages
from support.rtsp_client import RtspClient
from support.scenario import bridged, until_soon

Transport = Literal["tcp", "udp"]

MOTION = "tns1:RuleEngine/CellMotionDetector/Motion"
PERSON = "tns1:RuleEngine/MyRuleDetector/PeopleDetect"
VISITOR = "tns1:RuleEngine/MyRuleDetector/Visitor"
INPUT = "tns1:Device/Trigger/DigitalInput"

SCENES: list[tuple[str, str, set[str]]] = [
    ("MD", "none", {MOTION}),
    ("MD", "people", {MOTION, PERSON}),
    ("none", "people", {MOTION, PERSON}),
    ("visitor", "none", {MOTION, VISITOR, INPUT}),
    ("none", "none", set()),
]
"""What the camera tells (status, AI types), and which topics are on then."""


@asynccontextmanager
async def recorded(
    transport: Transport = "tcp",
    *tracks: int,
    mount: MountSettings | None = None,
    path: str = "sub",
) -> AsyncIterator[tuple[SimulatedCamera, RunningBridge, RtspClient]]:
    """Run a camera and a bridge that offers the track, and a strict client that plays it."""
    mount = mount or MountSettings(camera="", has_metadata=True)
    async with (
        SimulatedCamera(PROFILE) as camera,
        bridged(settings_for(camera, backoff_initial_s=0.01), mount=mount) as running,
        RtspClient(running.url("porch", path)) as client,
    ):
        await client.watch(*(tracks or (VIDEO, AUDIO, METADATA)), transport=transport)
        await camera.wait_for(has_subscribed(1))
        yield camera, running, client


def has_subscribed(count: int) -> Callable[[CameraStats], bool]:
    return lambda stats: stats.requests[MessageId.ALARM_SUBSCRIBE] == count


def states(client: RtspClient) -> dict[str, bool]:
    """Return what the client believes after all documents that are complete."""
    packets = client.tracks[METADATA].packets
    ends = [number for number, packet in enumerate(packets, 1) if packet.marker]
    known: dict[str, bool] = {}
    for document in documents(packets[: ends[-1] if ends else 0]):
        for message in messages(document):
            known[message.topic] = message.is_on
    return known


def on(client: RtspClient) -> set[str]:
    return {topic for topic, is_on in states(client).items() if is_on}


async def until_on(client: RtspClient, *topics: str) -> None:
    await client.until(lambda: on(client) == set(topics), f"{topics}")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_recorder_follows_what_the_camera_sees(transport: Transport) -> None:
    async with recorded(transport) as (camera, _, client):
        await client.until(lambda: MOTION in states(client), "the first states")
        assert on(client) == set()
        for status, ai_type, topics in (*SCENES, *SCENES):
            camera.push_motion(0, status, ai_type)
            await until_on(client, *topics)
        seen = {number: len(track.packets) for number, track in client.tracks.items()}
        await client.until(
            lambda: all(len(client.tracks[n].packets) > seen[n] for n in (VIDEO, AUDIO)),
            "picture and sound go on",
        )
        assert [track.gaps for track in client.tracks.values()] == [0, 0, 0]


@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_the_track_alone_keeps_the_camera_awake(transport: Transport) -> None:
    async with recorded(transport, METADATA) as (camera, _, client):
        camera.push_motion(0, "MD", "people")
        await until_on(client, MOTION, PERSON)
        assert set(client.tracks) == {METADATA}


async def test_who_comes_while_a_person_is_there_is_told_so_at_once() -> None:
    async with recorded() as (camera, running, first):
        camera.push_motion(0, "none", "people")
        await until_on(first, MOTION, PERSON)
        async with RtspClient(running.url("porch", "sub")) as second:
            await second.watch(VIDEO, AUDIO, METADATA)
            await second.until(lambda: bool(states(second)), "states")
            assert on(second) == {MOTION, PERSON}
        assert camera.stats.requests[MessageId.ALARM_SUBSCRIBE] == 1


async def test_events_outlive_a_login() -> None:
    async with recorded() as (camera, _, client):
        camera.push_motion(0, "MD", "people")
        await until_on(client, MOTION, PERSON)
        camera.cut()
        await camera.wait_for(has_subscribed(2))
        assert on(client) == {MOTION, PERSON}
        camera.push_motion(0, "none", "none")
        await until_on(client)


async def test_a_stream_that_rests_tells_of_events_on_the_same_subscription() -> None:
    pause = PauseSettings(on_motion=True, motion_timeout_s=0.1, first_look_s=0.3)
    mount = MountSettings(camera="", has_metadata=True, pause=pause)
    async with recorded("tcp", VIDEO, METADATA, mount=mount) as (camera, _, client):
        await camera.wait_for(lambda stats: not stats.active_streams[0, StreamKind.SUB])
        camera.push_motion()
        await until_on(client, MOTION)
        await camera.wait_for(lambda stats: stats.video_starts[0, StreamKind.SUB] == 2)
        camera.push_motion(0, "none", "none")
        await until_on(client)
        assert camera.stats.requests[MessageId.ALARM_SUBSCRIBE] == 1


async def test_the_track_is_offered_from_the_moment_that_it_is_configured() -> None:
    async with (
        SimulatedCamera(PROFILE) as camera,
        bridged(settings_for(camera)) as running,
        RtspClient(running.url("porch", "sub")) as before,
    ):
        await before.watch()
        assert METADATA not in before.tracks
        bridge = running.bridge
        (mount,) = bridge.settings.mounts
        await bridge.reload(replace(bridge.settings, mounts=[replace(mount, has_metadata=True)]))
        async with RtspClient(running.url("porch", "sub")) as client:
            await client.watch()
            await camera.wait_for(has_subscribed(1))
            camera.push_motion()
            await until_on(client, MOTION)
        await until_soon(lambda: not bridge.streams["porch", StreamKind.SUB].events.is_read)
        assert (await before.get_parameter()).status == 200
        camera.push_motion(0, "none", "none")
