"""Any bytes from a camera or a client give events or a declared error, nothing else.

The first byte chooses the way: framing alone, the client's engine or the camera's engine.
"""

import sys

import atheris

with atheris.instrument_imports():
    from neolink.baichuan.client import ClientProtocol
    from neolink.baichuan.crypto import Encryption, xor
    from neolink.baichuan.header import Header
    from neolink.baichuan.ids import MessageClass
    from neolink.baichuan.login import Credentials, LegacyLogin
    from neolink.baichuan.message import Message, MessageReader
    from neolink.baichuan.server import ClientAuthenticated, ServerProtocol
    from neolink.baichuan.xml import serialize_body
    from neolink.baichuan.xml.login import DeviceInfo, EncryptionBody
    from neolink.errors import RemoteProtocolError

NONCE = "0123456789ABCDEF"
CREDENTIALS = Credentials("admin", "123456")


def logged_in_client(code: int, *, strict: bool) -> ClientProtocol:
    """Let a client through the login, so that the input reaches what lies behind."""
    client = ClientProtocol(CREDENTIALS, strict=strict)
    client.start_login()
    nonce = xor(serialize_body(EncryptionBody("md5", NONCE)), 0)
    greeting = Header(1, status=code, message_class=MessageClass.LEGACY_REPLY)
    verdict = Header(1, status=200, message_class=MessageClass.REPLY)
    device = xor(serialize_body(DeviceInfo(type="ipc")), 0)
    client.receive_data(Message.compose(greeting, payload=nonce).serialize())
    client.receive_data(Message.compose(verdict, payload=device).serialize())
    client.request(3)
    return client


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def feed_reader(data: bytes, *, strict: bool) -> None:
    whole, dripped = MessageReader(strict=strict), MessageReader(strict=strict)
    expected = [*whole.feed(data), *whole.receive_eof()]
    results = [result for piece in in_pieces(data, 7) for result in dripped.feed(piece)]
    results += dripped.receive_eof()
    assert results == expected


def feed_client(client: ClientProtocol, data: bytes) -> None:
    client.receive_data(data)
    client.receive_eof()
    client.data_to_send()


def feed_server(data: bytes) -> None:
    server = ServerProtocol(CREDENTIALS, nonce=NONCE, encryption=Encryption.FULL_AES)
    for event in server.receive_data(data):
        if isinstance(event, ClientAuthenticated):
            server.accept_login(event.request, b"")
    server.data_to_send()


def one_input(data: bytes) -> None:
    way, data = data[:1], data[1:]
    strict = way >= b"\x80"
    fresh = ClientProtocol(CREDENTIALS, strict=strict)
    fresh.start_login()
    try:
        match way[0] & 7 if way else 0:
            case 0:
                feed_reader(data, strict=strict)
            case 1:
                feed_client(fresh, data)
            case 2:
                feed_client(logged_in_client(0xDD01, strict=strict), data)
            case 3:
                feed_client(logged_in_client(0xDD12, strict=strict), data)
            case 4:
                LegacyLogin.parse(data)
            case _:
                feed_server(data)
    except RemoteProtocolError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
