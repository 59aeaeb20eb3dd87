"""Both engines joined in memory, at every level and with bytes delivered in any pieces."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import (
    Event,
    LoggedIn,
    LoginRefused,
    MediaBytes,
    ProtocolTrouble,
    Pushed,
    Reply,
    Resynchronized,
)
from neolink.baichuan.ids import MessageId
from neolink.baichuan.login import Credentials
from neolink.baichuan.server import (
    BinaryReceived,
    ClientAuthenticated,
    Requested,
    ServerEvent,
    ServerProtocol,
)
from neolink.baichuan.xml import Extension, parse_body, serialize_body
from neolink.baichuan.xml.login import DeviceInfo, LoginUser
from neolink.baichuan.xml.streams import Preview, StreamInfoList
from neolink.errors import LoginRefusal

ADMIN = Credentials("admin", "pässwörd <&>")
INFO = b"1002" + bytes(28)
PICTURE = b"00dcH264" + bytes(range(250)) * 500
LEVELS = pytest.mark.parametrize("level", Encryption)


class Pair:
    """A client and a simulated camera that answers logins; bytes travel ``size`` at a time."""

    def __init__(
        self,
        level: Encryption,
        *,
        wants: Encryption = Encryption.FULL_AES,
        password: str = ADMIN.password,
        size: int = 1 << 20,
    ) -> None:
        self.client = ClientProtocol(
            Credentials("admin", password), max_encryption=wants, strict=True
        )
        self.server = ServerProtocol(ADMIN, nonce="0-AhnEZyUg6eKrJFIWgXPF", encryption=level)
        self.size = size
        self._buffer = bytearray()
        self.client.start_login()

    def exchange(self) -> tuple[list[Event], list[ServerEvent]]:
        """Carry bytes until both ends are silent."""
        client_events: list[Event] = []
        server_events: list[ServerEvent] = []
        while data := self.client.data_to_send():
            for piece in self.pieces(data):
                for event in self.server.receive_data(piece):
                    server_events.append(event)
                    if isinstance(event, ClientAuthenticated):
                        body = serialize_body(DeviceInfo(type="ipc"), StreamInfoList())
                        self.server.accept_login(event.request, body)
            for piece in self.pieces(self.server.data_to_send()):
                client_events += self.give(piece)
        return client_events, server_events

    def receive(self) -> list[Event]:
        """Carry what the camera has to say."""
        pieces = self.pieces(self.server.data_to_send())
        return [event for piece in pieces for event in self.give(piece)]

    def give(self, piece: bytes) -> list[Event]:
        """Let the client read it out of a buffer in which something else stands afterwards."""
        self._buffer[:] = piece
        events = self.client.receive_data(memoryview(self._buffer))
        self._buffer[:] = b"\xee" * len(piece)
        return events

    def pieces(self, data: bytes) -> Iterator[bytes]:
        return (data[start : start + self.size] for start in range(0, len(data), self.size))


def connected(level: Encryption, size: int = 1 << 20) -> Pair:
    pair = Pair(level, size=size)
    (event,), _ = pair.exchange()
    assert isinstance(event, LoggedIn)
    return pair


@LEVELS
@pytest.mark.parametrize("wants", Encryption)
def test_a_login_settles_on_the_weaker_level(level: Encryption, wants: Encryption) -> None:
    pair = Pair(level, wants=wants)
    (event,), (seen,) = pair.exchange()
    assert isinstance(event, LoggedIn)
    assert isinstance(seen, ClientAuthenticated)
    assert event.encryption is seen.encryption is min(level, wants)
    assert event.body.get(DeviceInfo) == DeviceInfo(type="ipc")
    assert pair.client.encryption is pair.server.encryption is min(level, wants)


@LEVELS
def test_a_wrong_password_is_refused(level: Encryption) -> None:
    events, _ = Pair(level, password="wrong").exchange()
    assert events == [LoginRefused(LoginRefusal.WRONG_CREDENTIALS, 401)]


@LEVELS
def test_requests_and_replies_arrive_as_sent(level: Encryption) -> None:
    pair = connected(level)
    body = serialize_body(LoginUser(user_ver=1))
    extension = Extension(channel_id=5)
    number = pair.client.request(80, extension=extension, body=body, channel=6, stream_type=1)
    _, (event,) = pair.exchange()
    assert isinstance(event, Requested)
    assert (event.extension, event.body) == (extension, body.strip())
    pair.server.reply(event.header, body=body, extension=extension)
    assert pair.receive() == [Reply(80, number, 200, 6, extension, body.strip())]


@LEVELS
def test_media_arrives_as_sent(level: Encryption) -> None:
    pair = connected(level)
    number = pair.client.request(
        MessageId.PREVIEW_START, body=serialize_body(Preview(0, 0, "mainStream"))
    )
    _, (event,) = pair.exchange()
    assert isinstance(event, Requested)
    pair.server.send_media(event.header, INFO, starts_packet=True)
    pair.server.send_media(event.header, PICTURE, starts_packet=True)
    pair.server.send_media(event.header, PICTURE[:5], starts_packet=True)
    pair.server.send_media(event.header, PICTURE[5:], starts_packet=False)
    reply, *media = pair.receive()
    assert reply == Reply(3, number, 200, 0, reply_extension(reply))
    data = b"".join(one.data for one in media if isinstance(one, MediaBytes))
    assert data == INFO + PICTURE + PICTURE
    assert {type(one) for one in media} == {MediaBytes}
    assert {type(one.data) for one in media if isinstance(one, MediaBytes)} == {bytes}


def reply_extension(event: Event) -> Extension:
    assert isinstance(event, Reply)
    assert event.extension is not None
    assert event.extension.binary_data
    return event.extension


@LEVELS
def test_a_snapshot_ends_with_a_reply(level: Encryption) -> None:
    pair = connected(level)
    number = pair.client.request(MessageId.SNAPSHOT)
    _, (event,) = pair.exchange()
    assert isinstance(event, Requested)
    pair.server.reply(event.header, body=serialize_body(Preview()))
    pair.server.send_binary_part(event.header, PICTURE[:40_000])
    pair.server.send_binary_part(event.header, PICTURE[40_000:50_000])
    pair.server.send_binary_part(event.header, b"", status=201)
    first, one, two, last = pair.receive()
    assert isinstance(first, Reply)
    assert isinstance(one, MediaBytes)
    assert isinstance(two, MediaBytes)
    assert one.data + two.data == PICTURE[:50_000]
    assert isinstance(last, Reply)
    assert (last.status, last.number) == (201, number)


@LEVELS
def test_two_previews_and_a_push_interleave(level: Encryption) -> None:
    pair = connected(level)
    numbers = [pair.client.request(3, stream_type=kind) for kind in (0, 1)]
    _, requests = pair.exchange()
    headers = [event.header for event in requests if isinstance(event, Requested)]
    for index in range(3):
        for header in headers:
            data = bytes([index, header.stream_type]) * 100
            pair.server.send_media(header, data, starts_packet=True)
        pair.server.push(MessageId.ALARM_EVENTS, serialize_body(Preview()))
    events = pair.receive()
    assert sum(isinstance(event, Pushed) for event in events) == 3
    for kind, number in enumerate(numbers):
        media = [e.data for e in events if isinstance(e, MediaBytes) and e.number == number]
        assert media == [bytes([index, kind]) * 100 for index in range(3)]


@LEVELS
def test_talk_arrives_as_sent(level: Encryption) -> None:
    pair = connected(level)
    for data in (b"01wb one", b"01wb two"):
        pair.client.send_binary(202, 9, data, Extension(binary_data=True, channel_id=0))
        _, (event,) = pair.exchange()
        assert isinstance(event, BinaryReceived)
        assert event.data == data


def test_keepalives_do_not_go_round_in_circles() -> None:
    pair = connected(Encryption.FULL_AES)
    pair.server.push(MessageId.UDP_KEEPALIVE, b"")
    assert [type(event) for event in pair.receive()] == [Pushed]
    client_events, server_events = pair.exchange()
    assert client_events == []
    assert [type(event) for event in server_events] == [Requested]


def script(pair: Pair) -> list[Event]:
    """Run one session of everything; every event of the client in order."""
    events, _ = pair.exchange()
    for message_id in (3, 109, 93):
        pair.client.request(message_id, body=serialize_body(Preview(0, 256)))
    _, requests = pair.exchange()
    preview, snapshot, ping = (one.header for one in requests if isinstance(one, Requested))
    pair.server.send_media(preview, INFO, starts_packet=True)
    pair.server.push(78, serialize_body(Preview()))
    pair.server.send_media(preview, PICTURE[:60_000], starts_packet=True)
    pair.server.reply(snapshot, body=serialize_body(Preview()))
    pair.server.send_binary_part(snapshot, b"jpeg", status=201)
    pair.server.reply(ping, status=405)
    return events + pair.receive()


@LEVELS
@settings(max_examples=15, deadline=None)
@given(size=st.one_of(st.integers(1, 64), st.integers(65, 70_000)))
def test_any_chunking_of_a_session_gives_the_same_events(level: Encryption, size: int) -> None:
    login, *events = script(Pair(level, size=size))
    expected_login, *expected = script(Pair(level))
    assert events == expected
    assert repr(login) == repr(expected_login)
    troubles = (ProtocolTrouble, Resynchronized)
    assert not any(isinstance(event, troubles) for event in events)


def test_the_client_survives_damage_in_the_middle_of_media() -> None:
    pair = Pair(Encryption.FULL_AES)
    pair.client = ClientProtocol(ADMIN)
    pair.client.start_login()
    pair.exchange()
    pair.client.request(3)
    _, (event,) = pair.exchange()
    assert isinstance(event, Requested)
    for _ in range(3):
        pair.server.send_media(event.header, PICTURE, starts_packet=True)
    data = bytearray(pair.server.data_to_send())
    del data[150_000:150_100]
    events = pair.client.receive_data(data)
    pair.server.reply(event.header, body=serialize_body(Preview(1)))
    assert any(isinstance(one, Resynchronized) for one in events)
    (last,) = pair.receive()
    assert isinstance(last, Reply)
    assert parse_body(last.body).get(Preview) == Preview(1)
