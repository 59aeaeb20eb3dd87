"""The metadata track over live sockets: offered when asked for, its documents, its RTP."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import pytest

from neolink.media.events import EventKind
from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.rtsp_server.mounts import metadata as metadata_module
from neolink.rtsp_server.mounts.metadata import LEAST_PAUSE_S, MAX_WAITING
from neolink.rtsp_server.mounts.parcel import AUDIO, METADATA, VIDEO
from neolink.rtsp_server.settings import MulticastSettings
from support.media import AAC
from support.onvif import Message, documents, messages
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import ReceivedTrack, RtspClient
from support.waiting import until

MOTION, PERSON, VISITOR = EventKind.MOTION, EventKind.PERSON, EventKind.VISITOR
WITH = "porch?metadata=1"
USUAL = ["IsMotion", "PeopleDetect", "VehicleDetect", "DogCatDetect"]

Transport = Literal["tcp", "udp"]
both = pytest.mark.parametrize("transport", ["tcp", "udp"])


async def watch(
    bench: Bench, *tracks: int, path: str = WITH, transport: Transport = "tcp"
) -> RtspClient:
    """Play these tracks of a stream, described as it is for a player of all of them."""
    client = await bench.client(path)
    await client.describe()
    for track in tracks:
        assert (await setup(client, track, transport)).status == 200
    assert (await client.play()).status == 200
    return client


async def setup(client: RtspClient, track: int, transport: str = "tcp") -> Any:
    """Set up a track, and look at what comes as its own description says."""
    response = await client.setup(track, transport)
    if response.status == 200:
        control = f"trackID={track}"
        (found,) = [media for media in client.media if media.control == control]
        client.tracks[track].description = found
    return response


def told(client: RtspClient) -> list[list[Message]]:
    """Return the messages of each document that is complete."""
    packets = client.tracks[METADATA].packets
    ends = [number for number, packet in enumerate(packets, 1) if packet.marker]
    return [messages(one) for one in documents(packets[: ends[-1] if ends else 0])]


async def until_told(client: RtspClient, count: int) -> list[list[Message]]:
    await client.until(lambda: len(told(client)) >= count, f"{count} documents")
    return told(client)


def names(found: list[Message]) -> list[str]:
    """Return by what each message can be told: the last part of its topic, or its item."""
    return [
        "IsMotion" if "IsMotion" in message.data else message.topic.rpartition("/")[2]
        for message in found
    ]


def publish(bench: Bench, *kinds: EventKind) -> None:
    bench.mount.stream.events.publish(frozenset(kinds))


# ---------------------------------------------------------------- the offer
@pytest.mark.parametrize(
    ("setting", "query", "is_offered"),
    [
        (False, "", False),
        (False, "?metadata=1", True),
        (False, "?metadata=TRUE", True),
        (False, "?metadata=0", False),
        (True, "", True),
        (True, "?metadata=0", False),
        (False, "?metadata=maybe", False),
        (True, "?metadata=maybe", True),
    ],
)
async def test_the_track_is_offered_where_it_was_asked_for(
    start: StartServer, setting: bool, query: str, is_offered: bool
) -> None:
    bench = await start(audio=AAC)
    bench.mount.settings = replace(bench.mount.settings, has_metadata=setting)
    client = await bench.client(f"porch{query}")
    await client.describe()
    kinds = [media.kind for media in client.media]
    assert kinds == ["video", "audio", "application"][: 2 + is_offered]
    response = await client.setup(METADATA)
    assert response.status == (200 if is_offered else 404)


async def test_the_description_says_what_recorders_look_for(start: StartServer) -> None:
    bench = await start(audio=AAC)
    client = await bench.client(WITH)
    response = await client.describe()
    assert response.body.decode().endswith(
        "m=application 0 RTP/AVP 98\r\n"
        "a=rtpmap:98 vnd.onvif.metadata/90000\r\n"
        "a=control:trackID=2\r\n"
        "a=recvonly\r\n"
    )


async def test_a_player_that_leaves_out_the_query_in_setup_has_what_was_described(
    start: StartServer,
) -> None:
    bench = await start()
    client = await bench.client(WITH)
    await client.describe()
    client.base = bench.url("porch")
    assert (await client.setup(METADATA)).status == 200


# ---------------------------------------------------------------- documents
@both
async def test_states_come_right_after_play_and_then_each_change(
    start: StartServer, transport: Transport
) -> None:
    bench = await start(audio=AAC)
    client = await watch(bench, VIDEO, AUDIO, METADATA, transport=transport)
    (first,) = await until_told(client, 1)
    assert names(first) == USUAL
    assert {message.operation for message in first} == {"Initialized"}
    assert not any(message.is_on for message in first)
    publish(bench, MOTION)
    publish(bench, MOTION, PERSON)
    publish(bench)
    await client.until(lambda: sum(map(len, told(client))) >= len(USUAL) + 4, "all changes")
    changes = [message for found in told(client)[1:] for message in found]
    assert {message.operation for message in changes} == {"Changed"}
    assert list(zip(names(changes), [message.is_on for message in changes], strict=True)) == [
        ("IsMotion", True),
        ("PeopleDetect", True),
        ("IsMotion", False),
        ("PeopleDetect", False),
    ]


@both
async def test_the_track_alone_can_be_played(start: StartServer, transport: Transport) -> None:
    bench = await start()
    client = await watch(bench, METADATA, transport=transport)
    await until_told(client, 1)
    assert bench.mount.player_count == 1
    publish(bench, MOTION, VISITOR)
    _, changed = await until_told(client, 2)
    assert names(changed) == ["IsMotion", "DigitalInput", "Visitor"]
    bench.camera.pictures(10)
    assert list(client.tracks) == [METADATA]


async def test_who_comes_later_is_told_what_goes_on(start: StartServer) -> None:
    bench = await start()
    first = await watch(bench, METADATA)
    publish(bench, MOTION, VISITOR)
    await until_told(first, 2)
    second = await watch(bench, VIDEO, METADATA)
    (states,) = await until_told(second, 1)
    assert {message.operation for message in states} == {"Initialized"}
    assert [name for name, one in zip(names(states), states, strict=True) if one.is_on] == [
        "IsMotion",
        "DigitalInput",
        "Visitor",
    ]
    assert (await until_told(first, 3))[2] == states  # all share one row of packets


async def test_without_news_an_empty_document_comes_again_and_again(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_module, "KEEP_ALIVE_S", 0.05)
    bench = await start()
    client = await watch(bench, METADATA)
    found = await until_told(client, 4)
    assert found[1:4] == [[], [], []]
    stamps = client.tracks[METADATA].timestamps
    assert len(set(stamps)) == len(stamps)


async def test_a_flood_of_changes_costs_few_documents_and_ends_with_the_truth(
    start: StartServer,
) -> None:
    bench = await start()
    client = await watch(bench, METADATA)
    await until_told(client, 1)
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    for _ in range(10 * MAX_WAITING):
        publish(bench, MOTION, PERSON)
        publish(bench)
    publish(bench, MOTION)
    feed = bench.mount.metadata

    def motion() -> list[bool]:
        return [one.is_on for found in told(client)[1:] for one in found if "IsMotion" in one.data]

    await client.until(lambda: motion()[-1:] == [True], "the last change")
    assert feed.documents <= 3 + (loop.time() - began_s) / LEAST_PAUSE_S
    assert feed.changes_dropped > 0
    assert len(motion()) <= feed.documents * MAX_WAITING
    assert client.tracks[METADATA].gaps == 0


async def test_a_long_document_spans_packets_of_one_timestamp(start: StartServer) -> None:
    bench = await start()
    client = await watch(bench, METADATA)
    publish(bench, *EventKind)
    _, changed = await until_told(client, 2)
    assert len(changed) == len(EventKind) + 1
    packets = client.tracks[METADATA].packets
    assert len({packet.timestamp for packet in packets}) == 2 < len(packets)
    assert [packet.marker for packet in packets].count(True) == 2


async def test_each_who_joins_a_group_has_the_states_told(start: StartServer) -> None:
    bench = await start(multicast=MulticastSettings(is_enabled=True))
    for count in (1, 2):
        client = await bench.client(WITH)
        await client.describe()
        response = await setup(client, METADATA, "RTP/AVP;multicast")
        assert response.status == 200
        await client.play()
        assert bench.mount.metadata.documents == count


# ---------------------------------------------------------------- RTP
async def test_documents_are_on_the_clock_of_the_pictures(start: StartServer) -> None:
    bench = await start()
    client = await watch(bench, VIDEO, METADATA)
    await until_told(client, 1)
    bench.camera.pictures(10)
    bench.clock.advance(0.5)
    publish(bench, MOTION)
    await until_told(client, 2)
    video, track = client.tracks[VIDEO], client.tracks[METADATA]
    assert video.granted.ssrc != track.granted.ssrc

    def media_s(of: ReceivedTrack, timestamp: int) -> float:
        report = of.reports[-1]
        ticks = (timestamp - report.rtp_timestamp + (1 << 31)) % (1 << 32) - (1 << 31)
        return report.ntp_time / (1 << 32) + ticks / VIDEO_CLOCK_RATE

    picture_s = media_s(video, video.timestamps[-1])
    assert media_s(track, track.timestamps[-1]) == pytest.approx(picture_s + 0.5, abs=1e-4)


async def test_play_promises_the_first_packet(start: StartServer) -> None:
    bench = await start()
    client = await watch(bench, VIDEO, METADATA)
    await until_told(client, 1)  # the client holds it to RTP-Info
    assert client.tracks[METADATA].announced is None
    assert (await client.pause()).status == 200
    publish(bench, MOTION)
    before = len(told(client))
    assert (await client.play()).status == 200
    found = await until_told(client, before + 1)
    assert {message.operation for message in found[before]} == {"Initialized"}


async def test_play_promises_the_first_packet_also_where_a_change_waits(
    start: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata_module, "LEAST_PAUSE_S", 60)
    bench = await start()
    first = await watch(bench, VIDEO, METADATA)
    bench.camera.pictures(3)
    publish(bench, MOTION)
    second = await watch(bench, VIDEO, METADATA)
    (states,) = await until_told(second, 1)  # the client holds it to RTP-Info
    assert second.tracks[METADATA].announced is None
    assert {message.operation for message in states} == {"Initialized"}
    assert [names(found) for found in await until_told(first, 3)] == [USUAL, ["IsMotion"], USUAL]


@both
async def test_pause_and_teardown_end_the_demand(start: StartServer, transport: Transport) -> None:
    bench = await start()
    asked: list[bool] = []
    bench.mount.stream.events.on_demand = asked.append
    client = await watch(bench, VIDEO, METADATA, transport=transport)
    await until_told(client, 1)
    assert asked == [True]
    await client.pause()
    assert asked == [True, False]
    await client.play()
    assert (await client.teardown(METADATA)).status == 200
    assert asked == [True, False, True, False]
    seen = len(client.tracks[VIDEO].packets)
    bench.camera.pictures(3)
    await client.until(lambda: len(client.tracks[VIDEO].packets) > seen)


async def test_players_without_the_track_do_not_have_events_asked_for(start: StartServer) -> None:
    bench = await start(audio=AAC)
    asked: list[bool] = []
    bench.mount.stream.events.on_demand = asked.append
    client = await watch(bench, VIDEO, AUDIO)
    bench.camera.pictures(5)
    await client.until(lambda: bool(client.tracks[AUDIO].packets))
    assert asked == []
    assert bench.mount.metadata.documents == 0


async def test_a_reader_too_slow_for_pictures_misses_no_change(start: StartServer) -> None:
    bench = await start(max_frames=50)
    client = await bench.client(WITH, receive_buffer=4096)
    await client.describe()
    for track in (VIDEO, METADATA):
        await setup(client, track)
    await client.play()
    await until_told(client, 1)
    client.stop_reading()
    player = next(iter(bench.server.context.players.values()))
    bench.camera.key_size = bench.camera.size = 200_000
    while not player.sums.units_dropped:
        bench.camera.pictures(10)
        await asyncio.sleep(0)
    publish(bench, MOTION)
    client.resume_reading()
    found = await until_told(client, 2)
    assert names(found[1]) == ["IsMotion"]


async def test_a_document_that_cannot_be_sent_is_logged_and_the_next_one_comes(
    start: StartServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    client = await watch(bench, METADATA)
    await until_told(client, 1)
    send: Callable[[bytes], None] = bench.mount.metadata._send

    def fail(data: bytes) -> None:
        raise ValueError(data)

    monkeypatch.setattr(bench.mount.metadata, "_send", fail)
    publish(bench, MOTION)
    await until(lambda: "a metadata document was not sent" in caplog.text)
    monkeypatch.setattr(bench.mount.metadata, "_send", send)
    publish(bench)
    await until_told(client, 2)
