"""Fuzz what a tunnel reads: HTTP heads, base64, WebSocket frames. Two chunkings must agree."""

import sys

import atheris

with atheris.instrument_imports():
    from neolink.rtsp.base64_stream import Base64Decoder
    from neolink.rtsp.errors import MessageError
    from neolink.rtsp.grammar import Limits
    from neolink.rtsp.http_head import HttpHeadReader
    from neolink.rtsp.tunnel import parse_wish, serialize_refusal
    from neolink.websocket import Data, FrameReader, WebSocketError

MAX_MESSAGE = 300
LIMITS = Limits(url=64, headers=8, header_name=32, header_value=64, head=512)


def head(chunks: list[bytes]) -> object:
    """Read a head, and what it wants."""
    reader = HttpHeadReader(LIMITS)
    for index, chunk in enumerate(chunks):
        try:
            request = reader.feed(chunk)
        except MessageError as error:
            return serialize_refusal(error, ())
        if request is not None:
            rest = reader.rest + b"".join(chunks[index + 1 :])
            try:
                return parse_wish(request), rest
            except MessageError as error:
                return serialize_refusal(error, ()), rest
    return None


def base64(chunks: list[bytes]) -> object:
    """Decode a stream; an error hides how far it came."""
    decoder = Base64Decoder()
    decoded = b""
    for chunk in chunks:
        try:
            decoded += decoder.feed(chunk)
        except MessageError as error:
            return error.status
    return decoded


def frames(chunks: list[bytes]) -> object:
    """Read frames; data is joined, what is between it is kept in order."""
    reader = FrameReader(MAX_MESSAGE)
    events: list[object] = []
    for chunk in chunks:
        try:
            found = reader.feed(chunk)
        except WebSocketError as error:
            return error.code
        for event in found:
            if isinstance(event, Data) and events and isinstance(last := events[-1], Data):
                events[-1] = Data(last.payload + event.payload)
            else:
                events.append(event)
    return events


READERS = head, base64, frames


def one_input(data: bytes) -> None:
    """First byte: which reader, and the size of the chunks. The rest: what the peer sends."""
    if not data:
        return
    read = READERS[data[0] % len(READERS)]
    size = data[0] // len(READERS) + 1
    stream = data[1:]
    if read is head and data[0] & 0x80:
        stream = b"GET / HTTP/1.1\r\n" + stream
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert read(chunks) == read([stream] if stream else [])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
