"""The first exchange with a camera, without credentials, and what answers if it is none.

No password leaves this machine here, so nothing of it counts as an attempt to log in. Protocol
reference, sections 2.1 to 2.3.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import LoginRefused
from neolink.baichuan.ids import MAGIC, MAGIC_SWAPPED
from neolink.baichuan.login import Credentials, LoginExchange
from neolink.baichuan.message import Message, MessageReader
from neolink.errors import LoginRefusal, RemoteProtocolError

__all__ = ["Greeted", "Greeting", "Service", "greet", "identify", "speak_text"]

MOST_BYTES = 64 * 1024
"""Of an answer; a greeting has a few hundred."""

TEXT = b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"
"""What servers of HTTP and RTSP both answer, each in its own way."""


class Greeted(StrEnum):
    """What came of a greeting."""

    WELCOME = "welcome"
    """A camera that goes on to ask for the credentials."""
    REFUSED = "refused"
    """A camera that does not."""
    FOREIGN = "foreign"
    """Something that speaks another protocol."""
    GARBLED = "garbled"
    """A camera, by its first bytes; the rest makes no sense."""
    SILENT = "silent"
    CLOSED = "closed"
    """Without a word."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """The answer to a greeting. ``data`` is how it began, ``chosen`` the encryption agreed on."""

    offered: Encryption
    outcome: Greeted
    chosen: Encryption | None = None
    refusal: LoginRefusal | None = None
    status: int = 0
    data: bytes = field(default=b"", repr=False)


class Service(StrEnum):
    """Who answers in a protocol that is not the cameras'."""

    HTTP = "a web server (HTTP)"
    TLS = "a server with TLS (HTTPS, as a rule)"
    RTSP = "an RTSP server"
    SSH = "an SSH server"
    FTP = "a file or mail server (FTP, SMTP)"
    UNKNOWN = "something that is not known here"

    @property
    def is_of_cameras(self) -> bool:
        """Whether cameras have such a service on another port."""
        return self in (Service.HTTP, Service.TLS, Service.RTSP)


_BEGINNINGS = (
    (b"HTTP/", Service.HTTP),
    (b"<!DOCTYPE", Service.HTTP),
    (b"<html", Service.HTTP),
    (b"<?xml", Service.HTTP),
    (b"RTSP/", Service.RTSP),
    (b"SSH-", Service.SSH),
    (b"220", Service.FTP),
    (b"\x15\x03", Service.TLS),  # an alert
    (b"\x16\x03", Service.TLS),
)


def identify(data: bytes) -> Service | None:
    """Tell who begins to speak like this; None for nothing at all or a camera."""
    if not data or data.startswith((MAGIC, MAGIC_SWAPPED)):
        return None
    if b"HTTPS port" in data:  # what web servers tell those who forgot TLS
        return Service.TLS
    folded = data.lstrip().lower()
    found = (service for start, service in _BEGINNINGS if folded.startswith(start.lower()))
    return next(found, Service.UNKNOWN)


async def greet(address: str, port: int, level: Encryption, *, timeout_s: float) -> Greeting:
    """Greet as a client that can do ``level``, and hang up after the answer. Raises nothing."""
    exchange = LoginExchange(Credentials("", ""), level)
    question = exchange.start().serialize()
    heard = await _converse(address, port, question, _is_enough, timeout_s)
    if identify(heard.data):
        return Greeting(level, Greeted.FOREIGN, data=heard.data)
    if not heard.data:
        return Greeting(level, Greeted.SILENT if heard.is_silent else Greeted.CLOSED)
    return _judge(exchange, heard.data, level)


async def speak_text(address: str, port: int, *, timeout_s: float) -> bytes:
    """Ask as a player or browser would, and return how the answer begins. Raises nothing."""
    return (await _converse(address, port, TEXT, bool, timeout_s)).data


def _judge(exchange: LoginExchange, data: bytes, level: Encryption) -> Greeting:
    status = 0
    try:
        message = _first_message(data)
        if message is None:
            return Greeting(level, Greeted.GARBLED, data=data)
        status = message.header.status
        answer = exchange.receive(message)
    except RemoteProtocolError:
        return Greeting(level, Greeted.GARBLED, status=status, data=data)
    if isinstance(answer, LoginRefused):
        return Greeting(level, Greeted.REFUSED, refusal=answer.reason, status=status)
    # else it is the message with the credentials, which is not sent
    return Greeting(level, Greeted.WELCOME, chosen=Encryption.from_reply(status))


def _first_message(data: bytes) -> Message | None:
    """Return the message that ``data`` begins with; raises RemoteProtocolError if it does not."""
    items = MessageReader(strict=True).feed(data)
    return next((item for item in items if isinstance(item, Message)), None)


def _is_enough(data: bytes) -> bool:
    try:
        return _first_message(data) is not None
    except RemoteProtocolError:
        return True


# ---------------------------------------------------------------- one question, one answer
@dataclass(slots=True)
class _Heard:
    data: bytes = b""
    is_silent: bool = False
    """Whether time was up before the other end said enough, or closed."""


async def _converse(
    address: str, port: int, question: bytes, is_enough: Callable[[bytes], bool], timeout_s: float
) -> _Heard:
    """Send a question on a connection of its own, and listen until that is enough."""
    heard = _Heard()
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(question)
            while len(heard.data) < MOST_BYTES and (data := await reader.read(MOST_BYTES)):
                heard.data += data
                if is_enough(heard.data):
                    break
    except TimeoutError:
        heard.is_silent = True
    except OSError:
        pass  # reset: as good as closed
    finally:
        if writer is not None:
            writer.transport.abort()
    return heard
