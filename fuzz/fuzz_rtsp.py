"""Fuzz the RTSP reader in both roles: two chunkings must agree, only declared errors may escape."""

import sys

import atheris

with atheris.instrument_imports():
    from neolink.rtsp.errors import MessageError
    from neolink.rtsp.message import Message
    from neolink.rtsp.reader import Limits, RtspReader

ROOMY = Limits(head=64 * 1024)
"""Written messages may be a little longer than what they were read from."""


def read(
    chunks: list[bytes], *, is_client: bool, limits: Limits
) -> tuple[list[Message], list[int]]:
    reader = RtspReader(limits, role="client" if is_client else "server")
    messages: list[Message] = []
    statuses: list[int] = []
    for chunk in chunks:
        pending = chunk
        while True:
            try:
                messages += reader.feed(pending)
                break
            except MessageError as error:
                messages += reader.completed_before_fault
                statuses.append(error.status)
                if error.close:
                    return messages, statuses
                pending = b""
    return messages, statuses


def one_input(data: bytes) -> None:
    """First byte: role and size of the chunks. The rest: what the peer sends."""
    if not data:
        return
    is_client = bool(data[0] & 1)
    size = max(data[0] >> 1, 1)
    stream = data[1:]
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    whole = read([stream], is_client=is_client, limits=Limits())
    assert read(chunks, is_client=is_client, limits=Limits()) == whole
    serialized = b"".join(message.serialize() for message in whole[0])
    again, statuses = read([serialized], is_client=True, limits=ROOMY)
    assert not statuses
    assert [message.serialize() for message in again] == [m.serialize() for m in whole[0]]


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
