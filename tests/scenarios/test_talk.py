"""Two-way audio through the whole bridge: a player's RTP becomes what a simulated camera plays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from neolink.baichuan.ids import MessageId
from neolink.camera import speaker as speaker_module
from neolink.camera.commands import talk as talk_module
from neolink.rtsp_server.mounts import backchannel as backchannel_module
from neolink.rtsp_server.mounts.backchannel import Intercom
from neolink.simulator.faults import make_fault
from neolink.simulator.loudspeaker import TalkProfile
from neolink.simulator.profile import CameraProfile
from support.bridge import RunningBridge, running_bridge
from support.listening import MOST_DRY_S, assert_tone, measured_lateness
from support.rtsp_client import RtspClient
from support.rtsp_talker import REQUIRE, Microphone, Talker
from support.scenario import until_soon

pytestmark = pytest.mark.alone

PROFILE = CameraProfile(name="porch", talk=TalkProfile())
FORMATS = [(0, "PCMU", 8000), (8, "PCMA", 8000), (99, "L16", 16_000)]


@asynccontextmanager
async def talking(
    bridge: RunningBridge, transport: str = "tcp", stream: str = "sub"
) -> AsyncIterator[Talker]:
    """Play a stream and be ready to talk."""
    async with RtspClient(bridge.url("porch", stream)) as client:
        talker = Talker(client, transport)
        await talker.begin()
        yield talker


def mic(packet_s: float = 0.02) -> Microphone:
    return Microphone(0, "PCMU", 8000, packet_s)


def intercom(bridge: RunningBridge) -> Intercom:
    found = next(iter(bridge.bridge.mounts.values())).intercom
    assert found is not None
    return found


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(("payload_type", "encoding", "rate"), FORMATS)
async def test_a_tone_is_heard_at_its_pitch_and_in_time(
    payload_type: int, encoding: str, rate: int, transport: str
) -> None:
    async with (
        running_bridge(PROFILE) as bridge,
        talking(bridge, transport) as talker,
        measured_lateness() as late,
    ):
        await talker.speak(Microphone(payload_type, encoding, rate), 1.5)
        heard = bridge.camera.loudspeaker()
        assert heard.resets == 0
        await talker.client.teardown()
        await until_soon(lambda: heard.resets == 1, "the end of the talk")
        assert_tone(heard, 1.5, late_s=late.most_s)
        assert heard.reset_times[0] >= (heard.plays_until_s or 0), "the last block was cut off"
        assert heard.reset_times[0] <= (heard.plays_until_s or 0) + 0.3 + late.most_s


@pytest.mark.parametrize(
    "talk",
    [
        TalkProfile(first_nibble="low"),
        TalkProfile(sample_rate=8000, block_samples=1016),
        TalkProfile(duplex="HDX", answers_every_message=True),
        TalkProfile(buffer_s=0.25),
    ],
    ids=["low nibble first", "8 kHz", "doorbell", "short buffer"],
)
async def test_other_loudspeakers_hear_it_as_well(talk: TalkProfile) -> None:
    async with running_bridge(replace(PROFILE, talk=talk)) as bridge:
        for device in bridge.bridge._devices:  # no file is read here that could say so
            (channel,) = device.channels
            is_high = talk.first_nibble == "high"
            device.camera.speaker(replace(channel, has_high_talk_nibble_first=is_high))
        async with talking(bridge) as talker, measured_lateness() as late:
            await talker.speak(mic(), 1.2)
            await talker.client.teardown()
            heard = bridge.camera.loudspeaker()
            await until_soon(lambda: heard.resets == 1, "the end of the talk")
            assert_tone(heard, 1.2, late_s=late.most_s)


async def test_packets_that_come_in_heaps_and_out_of_order_are_heard_without_a_gap() -> None:
    async with (
        running_bridge(PROFILE) as bridge,
        talking(bridge, "udp") as talker,
        measured_lateness() as late,
    ):
        microphone, loop = mic(), asyncio.get_running_loop()
        begin_s = loop.time()
        for heap in range(20):
            await asyncio.sleep(max(0.0, begin_s + heap * 0.06 - loop.time()))
            first, second, third = microphone.packets(3)
            for packet in (second, first, third) if heap else (first, second, third):
                await talker.send(packet)
        await talker.client.teardown()
        heard = bridge.camera.loudspeaker()
        await until_soon(lambda: heard.resets == 1, "the end of the talk")
        assert_tone(heard, 1.2, late_s=late.most_s)


@pytest.mark.parametrize(
    "talk", [TalkProfile(), TalkProfile(sample_rate=8000, block_samples=1016)], ids=["16k", "8k"]
)
async def test_a_lost_packet_is_heard_as_its_own_length_of_silence_and_no_more(
    talk: TalkProfile,
) -> None:
    async with (
        running_bridge(replace(PROFILE, talk=talk)) as bridge,
        talking(bridge, "udp") as one,
        measured_lateness() as late,
    ):
        microphone, loop = mic(), asyncio.get_running_loop()
        begin_s = loop.time()
        for number, packet in enumerate(microphone.packets(90)):
            await asyncio.sleep(max(0.0, begin_s + number * 0.02 - loop.time()))
            if number % 20 != 10:
                await one.send(packet)
        await one.client.teardown()
        heard = bridge.camera.loudspeaker()
        await until_soon(lambda: heard.resets == 1, "the end of the talk")
        assert_tone(heard, 1.8, longest_gap_s=0.03, late_s=late.most_s)


async def test_setup_and_play_ask_nothing_of_the_camera_and_silence_ends_the_talk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speaker_module, "SILENCE_S", 0.4)
    async with (
        running_bridge(PROFILE) as bridge,
        talking(bridge) as talker,
        measured_lateness() as late,
    ):
        requests = bridge.camera.stats.requests
        assert requests[MessageId.TALK_ABILITY] == 1
        assert requests[MessageId.TALK_CONFIG] == 0
        await talker.speak(mic(), 0.6)
        heard = bridge.camera.loudspeaker()
        await until_soon(lambda: heard.resets == 1, "the end of the talk")
        await talker.speak(mic(), 0.6)  # of a microphone whose numbers begin anew
        await until_soon(lambda: heard.resets == 2, "the end of the second talk")
        assert not heard.complaints
        assert heard.dry_s < MOST_DRY_S + late.most_s


async def test_players_of_main_and_sub_stream_share_the_loudspeaker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backchannel_module, "SILENCE_S", 0.5)
    async with (
        running_bridge(PROFILE) as bridge,
        talking(bridge, stream="main") as first,
        talking(bridge, stream="sub") as second,
    ):
        heard = bridge.camera.loudspeaker()
        ours, theirs, counters = mic(), mic(), intercom(bridge).counters
        await first.send(ours.packet())
        await until_soon(lambda: counters.heard == 1, "the first packet")
        await asyncio.gather(first.speak(ours, 0.8), second.speak(theirs, 0.8))
        await until_soon(
            lambda: (counters.heard, counters.interrupted) == (41, 40), lambda: str(counters)
        )
        await asyncio.sleep(0.55)  # the silence that gives the loudspeaker away
        await second.speak(theirs, 0.4)
        await until_soon(lambda: counters.heard == 61, lambda: str(counters))
        assert counters.interrupted == 40
        assert heard.talks == 1, "the camera is not asked again for who speaks"


async def test_a_lost_camera_ends_the_talk_and_neither_session_nor_pictures() -> None:
    async with running_bridge(PROFILE) as bridge, talking(bridge) as talker:
        speaking = asyncio.create_task(talker.speak(mic(), 60.0))  # until it is cancelled
        heard = bridge.camera.loudspeaker()
        await until_soon(lambda: heard.blocks > 3, "sound")
        bridge.camera.cut()
        await until_soon(lambda: heard.talks == 2, "a talk on the next login")
        blocks, pictures = heard.blocks, len(talker.client.tracks[0].packets)
        await until_soon(lambda: heard.blocks > blocks + 5, "sound again")
        await until_soon(
            lambda: len(talker.client.tracks[0].packets) > pictures + 20, "pictures again"
        )
        speaking.cancel()
        await asyncio.wait([speaking])
        assert not heard.complaints
        assert heard.overruns == 0
        assert (await talker.client.teardown()).status == 200


async def test_a_loudspeaker_in_use_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talk_module, "TAKE_OVER_PAUSE_S", 0.2)
    async with running_bridge(PROFILE) as bridge, talking(bridge) as talker:
        bridge.camera.begin(make_fault("talk_busy"))
        await talker.speak(mic(), 1.0)
        heard = bridge.camera.loudspeaker()
        await talker.client.teardown()
        await until_soon(lambda: heard.resets == 1, "the end of the talk")
        assert heard.blocks >= 10


async def test_a_camera_without_a_loudspeaker_is_served_as_ever() -> None:
    async with running_bridge(replace(PROFILE, talk=None)) as bridge:
        async with RtspClient(bridge.url("porch", "sub")) as client:
            response = await client.request("DESCRIBE", None, REQUIRE)
            assert response.status == 551
            assert response.headers.get("Unsupported") == REQUIRE[1]
        async with RtspClient(bridge.url("porch", "sub", backchannel="1")) as client:
            response = await client.describe()
            assert response.status == 200
            assert b"sendonly" not in response.body
            assert (await client.setup(0)).status == 200
            assert (await client.play()).status == 200
            await client.until(lambda: len(client.tracks[0].packets) > 5)


async def test_another_order_of_nibbles_is_taken_without_a_break() -> None:
    async with running_bridge(PROFILE) as bridge, talking(bridge) as talker:
        before = bridge.bridge.settings
        cameras = [replace(one, has_high_talk_nibble_first=False) for one in before.cameras]
        await bridge.bridge.reload(replace(before, cameras=cameras))
        await talker.speak(mic(), 0.4)
        heard = bridge.camera.loudspeaker()
        await talker.client.teardown()
        await until_soon(lambda: heard.resets == 1, "the end of the talk")
        assert "nibble order" in heard.complaints[0]
        assert bridge.camera.stats.logins == 1
