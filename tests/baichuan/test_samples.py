"""Messages captured from real cameras decode to the facts that are known about them."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.crypto import Encryption, xor
from neolink.baichuan.events import LoggedIn, LoginRefused, MediaBytes, Reply
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageClass, MessageId, StreamType
from neolink.baichuan.login import Credentials, LegacyLogin
from neolink.baichuan.message import Message, MessageReader
from neolink.baichuan.sections import Sections
from neolink.baichuan.server import ServerProtocol
from neolink.baichuan.xml import Extension, parse_body
from neolink.baichuan.xml.login import DeviceInfo, DeviceResolution, EncryptionBody
from neolink.baichuan.xml.streams import Preview, StreamInfoList
from neolink.errors import LoginRefusal

NONCE = "9E6D1FCB9E69846D"
CREDENTIALS = Credentials("admin", "")
CLEAR_OR_BC = Sections(Encryption.BC)


def read(path: Path) -> Message:
    """Read the one message of a file, also in steps of one byte."""
    data = path.read_bytes()
    (message,) = MessageReader(strict=True).feed(data)
    drip = MessageReader(strict=True)
    assert [one for byte in data for one in drip.feed(bytes([byte]))] == [message]
    assert isinstance(message, Message)
    assert message.serialize() == data
    return message


def text_of(message: Message) -> bytes:
    return CLEAR_OR_BC.decrypt_xml(message.payload, message.header.channel)


def greeted(samples: Path) -> ClientProtocol:
    client = ClientProtocol(CREDENTIALS)
    client.start_login()
    client.data_to_send()
    assert client.receive_data((samples / "bc/model_sample_modern_login.bin").read_bytes()) == []
    return client


def test_legacy_login(samples: Path) -> None:
    message = read(samples / "bc/model_sample_legacy_login.bin")
    assert message.header == Header(
        1, 1836, number=256, status=0xDC01, message_class=MessageClass.LEGACY_REQUEST
    )
    assert message.header.size == 20
    login = LegacyLogin.parse(bytes(message.payload))
    assert (login.user_hash, login.password_hash) == ("21232F297A57A5A743894A0E4A801FC", "")
    assert login == LegacyLogin.of(CREDENTIALS)
    assert login.serialize() == message.payload


def test_the_camera_engine_answers_the_legacy_login(samples: Path) -> None:
    server = ServerProtocol(CREDENTIALS, nonce=NONCE)
    assert server.receive_data((samples / "bc/model_sample_legacy_login.bin").read_bytes()) == []
    (answer,) = MessageReader().feed(server.data_to_send())
    assert isinstance(answer, Message)
    captured = read(samples / "bc/model_sample_modern_login.bin")
    assert answer.header == captured.header
    assert answer.payload == captured.payload


def test_nonce_reply(samples: Path) -> None:
    message = read(samples / "bc/model_sample_modern_login.bin")
    assert message.header == Header(
        1, 145, number=256, status=0xDD01, message_class=MessageClass.LEGACY_REPLY
    )
    assert parse_body(text_of(message)).get(EncryptionBody) == EncryptionBody("md5", NONCE)


def test_bc_cipher(samples: Path) -> None:
    cipher_text = (samples / "bc/xml_crypto_sample1.bin").read_bytes()
    plain = (samples / "bc/xml_crypto_sample1_plaintext.bin").read_bytes()
    assert xor(cipher_text, 0) == plain
    assert read(samples / "bc/model_sample_modern_login.bin").payload == cipher_text


def test_nonce_reply_of_a_battery_camera(samples: Path) -> None:
    message = read(samples / "bc/battery_enc.bin")
    assert (message.header.status, message.header.number) == (0xDD03, 1)
    assert message.header.body_length == 175
    body = parse_body(text_of(message)).get(EncryptionBody)
    assert body is not None
    assert body.nonce == "0-AhnEZyUg6eKrJFIWgXPF"


def test_the_client_answers_the_nonce_with_the_known_hashes(samples: Path) -> None:
    client = greeted(samples)
    (message,) = MessageReader().feed(client.data_to_send())
    assert isinstance(message, Message)
    text = text_of(message)
    assert b"<userName>9F07915E819A076E2E14169830769D6</userName>" in text
    assert b"<password>8EFECD610524A98390F118D2789BE3B</password>" in text


def test_refused_login(samples: Path) -> None:
    message = read(samples / "bc/modern_login_failed.bin")
    assert message.header == Header(1, status=400, message_class=MessageClass.REPLY)
    events = greeted(samples).receive_data(message.serialize())
    assert events == [LoginRefused(LoginRefusal.WRONG_CREDENTIALS, 400)]


def test_accepted_login(samples: Path) -> None:
    message = read(samples / "bc/modern_login_success.bin")
    header = message.header
    assert (header.status, header.body_length, header.payload_offset) == (200, 2949, 0)
    (event,) = greeted(samples).receive_data(message.serialize())
    assert isinstance(event, LoggedIn)
    assert event.encryption is Encryption.BC
    device = event.body.get(DeviceInfo)
    assert device is not None
    assert (device.type, device.type_info, device.ptz_mode) == ("ipc", "IPC", "none")
    assert (device.channel_num, device.analog_chn_num, device.user_ver) == (1, 1, 1)
    assert (device.norm, device.osd_format, device.soft_ver) == ("NTSC", "YMD", 33554880)
    assert isinstance(device.resolution, DeviceResolution)
    assert (device.resolution.width, device.resolution.height) == (3840, 2160)
    streams = event.body.get(StreamInfoList)
    assert streams is not None
    assert len(streams.stream_infos) == 3


def test_preview_begins(samples: Path) -> None:
    first = read(samples / "bc/modern_video_start1.bin")
    second = read(samples / "bc/modern_video_start2.bin")
    assert first.header == Header(3, 138, 0, 0, 2304, 200, MessageClass.REPLY, 106)
    assert first.header.routing == 0x09000000
    assert second.header == Header(3, 30344, 0, 0, 2304, 200, MessageClass.REPLY, 0)
    client = greeted(samples)
    client.receive_data((samples / "bc/modern_login_success.bin").read_bytes())
    client.request(MessageId.PREVIEW_START, number=2304)
    reply, info, media = client.receive_data(first.serialize() + second.serialize())
    assert reply == Reply(3, 2304, 200, 0, Extension(binary_data=True))
    assert info == MediaBytes(
        3,
        2304,
        bytes.fromhex("3130303220000000000f00007008000000147804081434277804081434270000"),
    )
    assert media == MediaBytes(3, 2304, bytes(second.payload))
    assert bytes(second.payload).startswith(b"00dcH265" + (310307).to_bytes(4, "little"))


def test_media_is_recognized_also_when_the_mark_was_missed(samples: Path) -> None:
    client = greeted(samples)
    client.receive_data((samples / "bc/modern_login_success.bin").read_bytes())
    message = read(samples / "bc/modern_video_start2.bin")
    assert client.receive_data(message.serialize()) == [MediaBytes(3, 2304, bytes(message.payload))]


@pytest.mark.parametrize(
    ("name", "offset", "length", "stream_type"),
    [
        ("mainstream", 138, 170, StreamType.MAIN),
        ("substream", 143, 171, StreamType.SUB),
        ("externstream", 140, 175, StreamType.EXTERN),
    ],
)
def test_preview_requests(
    samples: Path, name: str, offset: int, length: int, stream_type: StreamType
) -> None:
    message = read(samples / f"bc/xml_{name}_b800.bin")
    assert message.header == Header(3, length, channel=offset)
    assert message.header.message_class == MessageClass.REQUEST
    assert message.header.size == 24
    preview = parse_body(text_of(message)).get(Preview)
    assert preview == Preview(0, stream_type.handle, stream_type.wire_name)


def tcp_segments(capture: bytes) -> Iterator[tuple[int, bytes]]:
    """Give (source port, payload) of every TCP segment in a pcapng file, Ethernet and IPv4 only."""
    position = 0
    while position < len(capture):
        kind, length = struct.unpack_from("<II", capture, position)
        if kind == 6:  # enhanced packet
            (captured,) = struct.unpack_from("<I", capture, position + 20)
            frame = capture[position + 28 : position + 28 + captured]
            packet = frame[14:]
            (total,) = struct.unpack_from(">H", packet, 2)
            segment = packet[(packet[0] & 15) * 4 : total]
            if frame[12:14] == b"\x08\x00" and packet[9] == 6:
                yield struct.unpack_from(">H", segment)[0], segment[(segment[12] >> 4) * 4 :]
        position += length


def test_firmware_upload(samples: Path) -> None:
    capture = (samples / "bc/e1_firmwareupgrade.pcapng").read_bytes()
    segments = [(port, data) for port, data in tcp_segments(capture) if data]
    first, *_ = (data for port, data in segments if port == 59935)
    (request,) = MessageReader(strict=True).feed(first)
    assert isinstance(request, Message)
    assert request.header.message_id == MessageId.FIRMWARE_UPLOAD
    assert (request.header.number, request.header.body_length) == (12544, 256)
    assert request.header.message_class == MessageClass.REQUEST
    text = text_of(request)
    assert b"IPC_517SD5.115_20102200.E1.GC4623.3MP.WIFI8188FTV.PT.REOLINK.pak" in text
    assert b"<fileSize>9491791</fileSize>" in text

    replies = b"".join(data for port, data in segments if port == 9000)
    messages = MessageReader(strict=True).feed(replies)
    assert len(messages) == 252
    for message in messages:
        assert isinstance(message, Message)
        header = message.header
        assert (header.message_id, header.status, header.number) == (67, 200, 12544)
        assert (header.body_length, header.message_class) == (0, MessageClass.REPLY)


def test_three_messages_of_a_datagram(samples: Path) -> None:
    data = (samples / "bcudp/udp_data.bin").read_bytes()[20:]
    messages = MessageReader(strict=True).feed(data)
    assert [message.header for message in messages if isinstance(message, Message)] == [
        Header(3, length, 0, 1, 7936, 200, MessageClass.REPLY, 0) for length in (224, 240, 640)
    ]
