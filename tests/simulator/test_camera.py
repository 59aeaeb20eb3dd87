"""A client's engine against a simulated connection: no sockets, a clock that is moved by hand."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan.bcmedia import (
    AacPacket,
    AdpcmPacket,
    InfoPacket,
    VideoPacket,
)
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import LoggedIn, LoginRefused, MediaBytes, Pushed, Reply
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageClass, MessageId, StreamType
from neolink.baichuan.login import Credentials, LegacyLogin
from neolink.baichuan.message import Message
from neolink.baichuan.xml import Extension, parse_body, serialize_body
from neolink.baichuan.xml.events import AlarmEventList
from neolink.baichuan.xml.still import Snap
from neolink.baichuan.xml.streams import Preview
from neolink.baichuan.xml.system import SystemGeneral
from neolink.errors import LoginRefusal
from neolink.media.tracks import StreamKind, VideoCodec
from support.camera_link import PASSWORD, Bench, frames


# ---------------------------------------------------------------- login
@pytest.mark.parametrize("level", list(Encryption))
async def test_login_settles_on_the_level_of_the_camera(bench: Bench, level: Encryption) -> None:
    link = bench.link(bench.device(encryption=level))
    verdict = link.log_in()
    assert isinstance(verdict, LoggedIn)
    assert verdict.encryption is level
    assert verdict.body.names == ("DeviceInfo", "StreamInfoList")
    assert link.device.stats.logins == link.device.stats.open_sessions == 1


@pytest.mark.parametrize("status", [400, 401])
async def test_wrong_password_is_refused_with_the_status_of_the_model(
    bench: Bench, status: int
) -> None:
    link = bench.link(bench.device(wrong_credentials_status=status), "guess")
    verdict = link.log_in()
    assert verdict == LoginRefused(LoginRefusal.WRONG_CREDENTIALS, status)
    assert link.device.stats.refused_logins == 1
    assert link.device.stats.logins == 0


async def test_account_is_locked_after_five_wrong_passwords_and_opens_again(bench: Bench) -> None:
    device = bench.device()
    for _ in range(5):
        assert bench.link(device, "guess").log_in().status == 401  # type: ignore[union-attr]  # refused
    locked = bench.link(device).log_in()
    assert locked == LoginRefused(LoginRefusal.ACCOUNT_LOCKED, 421)
    bench.clock.advance(301)
    assert isinstance(bench.link(device).log_in(), LoggedIn)


async def test_right_password_forgives_the_wrong_ones_before(bench: Bench) -> None:
    device = bench.device()
    for password in ("guess",) * 4 + (PASSWORD,) + ("guess",) * 4:
        bench.link(device, password).log_in()
    assert isinstance(bench.link(device).log_in(), LoggedIn)


async def test_one_session_too_many_is_refused_until_another_ends(bench: Bench) -> None:
    device = bench.device(max_sessions=1)
    first = bench.link(device)
    assert isinstance(first.log_in(), LoggedIn)
    second = bench.link(device)
    verdict = second.log_in()
    assert isinstance(verdict, LoginRefused)
    assert verdict.status == 422
    assert second.transport.was_closed
    first.lose()
    assert isinstance(bench.link(device).log_in(), LoggedIn)


async def test_refuse_login_answers_every_login(bench: Bench) -> None:
    verdict = bench.link(bench.device(refuse_login=406)).log_in()
    assert verdict == LoginRefused(LoginRefusal.DEVICE_BOUND, 406)


async def test_legacy_probe_is_answered_with_the_nonce(bench: Bench) -> None:
    link = bench.link(bench.device())
    header = Header(MessageId.LOGIN, message_class=MessageClass.LEGACY_REQUEST)
    body = LegacyLogin.of(Credentials("admin", "123456")).serialize()
    link.connection.data_received(Message.compose(header, payload=body).serialize())
    answer = Header.parse(link.transport.written)
    assert answer is not None
    assert answer.message_class == MessageClass.LEGACY_REPLY
    assert answer.status == 0xDD01


async def test_requests_before_the_login_are_refused(bench: Bench) -> None:
    link = bench.link(bench.device())
    link.connection.data_received(Message.compose(Header(MessageId.PING, number=7)).serialize())
    answer = Header.parse(link.transport.written)
    assert answer is not None
    assert (answer.message_id, answer.number, answer.status) == (MessageId.PING, 7, 401)
    assert not link.device.stats.requests


async def test_camera_speaks_first_after_a_login(bench: Bench) -> None:
    link = bench.link(bench.device(has_battery=True))
    link.client.start_login()
    pushed = [one.message_id for one in link.exchange() if isinstance(one, Pushed)]
    assert pushed == [78, 79, 252]


# ---------------------------------------------------------------- requests
async def test_unknown_request_is_answered_405(bench: Bench) -> None:
    assert bench.logged_in().ask(721).status == 405


async def test_keepalive_of_a_client_is_never_answered(bench: Bench) -> None:
    link = bench.logged_in()
    link.client.request(MessageId.UDP_KEEPALIVE)
    assert link.exchange() == []
    assert link.device.stats.requests[MessageId.UDP_KEEPALIVE] == 1


async def test_set_time_is_told_again_and_runs_on(bench: Bench) -> None:
    link = bench.logged_in(clock_error_s=-1e9)
    general = SystemGeneral(
        time_zone=-3600, year=2024, month=2, day=29, hour=23, minute=59, second=50
    )
    assert link.ask(MessageId.GENERAL_SET, serialize_body(general)).status == 200
    bench.clock.advance(15)
    told = parse_body(link.ask(MessageId.GENERAL_GET).body).get(SystemGeneral)
    assert told is not None
    assert (told.year, told.month, told.day) == (2024, 3, 1)
    assert (told.hour, told.minute, told.second, told.time_zone) == (0, 0, 5, -3600)
    assert link.device.stats.time_sets == 1


async def test_logout_is_answered_and_ends_the_connection(bench: Bench) -> None:
    link = bench.logged_in()
    assert link.ask(MessageId.LOGOUT).status == 200
    assert link.transport.was_closed


async def test_reboot_resets_all_connections_and_refuses_for_a_while(bench: Bench) -> None:
    link = bench.logged_in(reboot_s=3.0)
    assert link.ask(MessageId.REBOOT).status == 200
    assert link.transport.was_aborted
    assert link.device.is_refusing
    link.run(2.9)
    assert link.device.is_refusing
    link.run(0.2)
    assert not link.device.is_refusing


MESSAGES = st.builds(
    lambda message_id, channel, number, payload: Message.compose(
        Header(message_id, channel=channel, number=number), payload=payload
    ).serialize(),
    st.sampled_from([*MessageId]),
    st.integers(0, 255),
    st.integers(0, 65535),
    st.binary(max_size=40)
    | st.sampled_from([serialize_body(Preview(0, 0, "mainStream")), serialize_body(Snap(0))]),
)


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=60) | MESSAGES, max_size=8), st.booleans())
def test_no_bytes_of_a_client_raise(chunks: list[bytes], is_logged_in: bool) -> None:
    async def receive() -> None:
        bench = Bench()
        link = bench.logged_in() if is_logged_in else bench.link(bench.device())
        for chunk in chunks:
            link.connection.data_received(chunk)
            bench.clock.advance(0.06)
            link.device.send_due(bench.clock.monotonic_s())
        link.lose()
        assert not link.device.stats.active_streams

    asyncio.run(receive())


# ---------------------------------------------------------------- previews
async def test_preview_is_info_then_100_ms_later_a_key_frame(bench: Bench) -> None:
    link = bench.logged_in()
    _, status = link.start()
    assert status == 200
    assert [type(one) for one in link.packets] == [InfoPacket]
    assert not frames(link.run(0.08))
    started = frames(link.run(0.04))
    assert started[0].is_key_frame
    assert link.device.stats.video_starts == {(0, "main"): 1}


@pytest.mark.parametrize("level", list(Encryption))
@pytest.mark.parametrize("audio", ["aac", "adpcm", None])
async def test_preview_runs_in_real_time(
    bench: Bench, level: Encryption, audio: str | None
) -> None:
    link = bench.logged_in(encryption=level, audio=audio, codec=VideoCodec.H265)
    link.start()
    link.run(0.1)
    packets = link.run(4.0)
    pictures = frames(packets)
    assert len(pictures) in (99, 100, 101)
    steps = [b.microseconds - a.microseconds for a, b in pairwise(pictures)]
    assert set(steps) == {40_000}
    keys = [index for index, one in enumerate(pictures) if one.is_key_frame]
    assert keys[:2] == [0, 50]
    kinds = {type(one) for one in packets} - {VideoPacket}
    assert kinds == {"aac": {AacPacket}, "adpcm": {AdpcmPacket}, None: set()}[audio]
    assert link.damages == link.media.discarded_bytes == 0


async def test_stats_tell_the_counter_of_the_last_picture(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(1.0)
    sent = link.device.stats.frames_sent[0, StreamKind.MAIN]
    assert sent == len(frames(link.packets))
    assert link.device.stats.last_counter[0, StreamKind.MAIN] == sent - 1


async def test_stop_ends_the_stream_of_its_number_only(bench: Bench) -> None:
    link = bench.logged_in(channels=2)
    main, _ = link.start()
    link.start(StreamType.SUB, channel=1)
    link.run(0.5)
    stop = serialize_body(Preview(0, StreamType.MAIN.handle))
    link.client.request(MessageId.PREVIEW_STOP, body=stop, number=main)
    link.exchange()
    assert link.device.stats.active_streams == {(1, "sub"): 1}
    before = link.device.stats.frames_sent.copy()
    link.run(1.0)
    more = link.device.stats.frames_sent - before
    assert set(more) == {(1, "sub")}
    assert 14 <= more[1, StreamKind.SUB] <= 16


async def test_stop_under_another_number_finds_the_stream_by_its_handle(bench: Bench) -> None:
    link = bench.logged_in()
    link.start(StreamType.SUB)
    stop = serialize_body(Preview(0, StreamType.SUB.handle))
    assert link.ask(MessageId.PREVIEW_STOP, stop).status == 200
    assert not link.device.stats.active_streams


async def test_lost_connection_ends_its_streams(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.start(StreamType.SUB)
    link.lose()
    stats = link.device.stats
    assert not stats.active_streams
    assert stats.open_connections == stats.open_sessions == 0


@pytest.mark.parametrize(
    "body",
    [
        serialize_body(Preview(0, 1024, "externStream")),
        serialize_body(Preview(1, 0, "mainStream")),
        serialize_body(Preview(0, 0, "teleStream")),
        serialize_body(Preview(0, 0)),
        b"<?xml version='1.0'?><body><Preview></body>",
        b"",
    ],
)
async def test_stream_that_does_not_exist_is_answered_400(bench: Bench, body: bytes) -> None:
    link = bench.logged_in(streams=(StreamKind.MAIN, StreamKind.SUB))
    assert link.ask(MessageId.PREVIEW_START, body).status == 400
    assert not link.device.stats.video_starts


async def test_media_clock_wraps(bench: Bench) -> None:
    link = bench.logged_in(clock_start_us=(1 << 32) - 500_000)
    link.start()
    times = [one.microseconds for one in frames(link.run(1.0))]
    assert times[0] > 1 << 31
    assert times[-1] < 1 << 20


async def test_another_frame_rate_alone_plays_the_bundled_clip_faster(bench: Bench) -> None:
    link = bench.logged_in(frame_rate=200)
    link.start()
    info = link.packets[0]
    assert isinstance(info, InfoPacket)
    assert info.frame_rate == 200
    assert 175 <= len(frames(link.run(1.0))) <= 185


async def test_slow_client_loses_whole_gops(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.5)
    link.transport.unread = 10_000_000
    assert frames(link.run(1.0)) == []
    assert link.device.stats.frames_dropped[0, StreamKind.MAIN] == 25
    link.transport.unread = 0
    after = frames(link.run(3.0))
    assert after[0].is_key_frame
    assert not link.transport.was_aborted


async def test_client_that_never_reads_is_reset(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.2)
    link.transport.unread = 10_000_000
    link.run(25.0, step_s=0.2)
    assert link.transport.was_aborted
    assert link.device.stats.backlog_resets == 1


# ---------------------------------------------------------------- snapshots and events
@pytest.mark.parametrize("level", list(Encryption))
@pytest.mark.parametrize(("stream", "size"), [("main", (1280, 720)), ("sub", (640, 360))])
async def test_snapshot_is_announced_then_sent_in_marked_parts(
    bench: Bench, level: Encryption, stream: str, size: tuple[int, int]
) -> None:
    link = bench.logged_in(encryption=level)
    body = serialize_body(Snap(0, 0, 0, 0, stream))
    announced = link.ask(MessageId.SNAPSHOT, body, Extension(channel_id=0))
    told = parse_body(announced.body).get(Snap)
    assert told is not None
    bench.clock.advance(0.04)
    link.device.send_due(bench.clock.monotonic_s())
    assert not link.transport.written
    bench.clock.advance(0.02)
    link.device.send_due(bench.clock.monotonic_s())
    events = link.exchange()
    picture = b"".join(one.data for one in events if isinstance(one, MediaBytes))
    assert len(picture) == told.picture_size
    assert picture.startswith(b"\xff\xd8")
    assert picture.endswith(b"\xff\xd9")
    assert jpeg_size(picture) == size
    last = events[-1]
    assert isinstance(last, Reply)
    assert last.status == 201
    assert link.device.stats.snapshots == 1


async def test_snapshot_of_a_channel_that_does_not_exist_is_answered_400(bench: Bench) -> None:
    link = bench.logged_in()
    assert link.ask(MessageId.SNAPSHOT, extension=Extension(channel_id=3)).status == 400


async def test_only_subscribers_hear_of_motion(bench: Bench) -> None:
    device = bench.device()
    deaf, listening = bench.link(device), bench.link(device)
    deaf.log_in()
    listening.log_in()
    assert listening.ask(MessageId.ALARM_SUBSCRIBE).status == 200
    device.push_event(MessageId.ALARM_EVENTS, serialize_body(AlarmEventList()))
    assert deaf.exchange() == []
    assert [type(one) for one in listening.exchange()] == [Pushed]


def jpeg_size(picture: bytes) -> tuple[int, int]:
    """Read width and height from the frame header (ITU-T T.81, B.2.2)."""
    position = 2
    while picture[position + 1] not in (0xC0, 0xC1, 0xC2):
        position += 2 + int.from_bytes(picture[position + 2 : position + 4], "big")
    height = int.from_bytes(picture[position + 5 : position + 7], "big")
    return int.from_bytes(picture[position + 7 : position + 9], "big"), height
