"""TLS on a wire: the handshake, records of whole blobs, and what a failed handshake means in words.

Certificates are loaded elsewhere; nothing of RTSP is known here.

Hot path: :meth:`TlsWire.send` encrypts a blob in memory and gives all its records to the wire below
in one call. OpenSSL on the socket itself would make a system call for each 16 KiB.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from typing import Final

from neolink.rtsp_server.wires.wire import RECEIVE_BYTES, Blob, HandshakeError, SendAgain, Wire

__all__ = ["TlsWire"]

PIECE_BYTES: Final = 64 * 1024
"""So much is encrypted at a stretch. A larger blob can stop in between, so that nobody is slow
and looks stalled, and little is encrypted that cannot leave."""

MOST_UNASKED_BYTES: Final = 64 * 1024
"""Answers of TLS itself that may wait to leave; a peer could ask for them without end."""

HINTS: Final[Mapping[str, str]] = {
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "it shows no certificate (see tls_client_auth)",
    "NO_SHARED_CIPHER": "it knows no cipher that is safe today",
    "UNSUPPORTED_PROTOCOL": "it knows no TLS 1.2 or newer",
    "UNKNOWN_CA": "it does not trust our certificate: let it trust it, or not look at it",
    "BAD_CERTIFICATE": "it does not accept our certificate: let it trust it, or not look at it",
    "CERTIFICATE_UNKNOWN": "it does not accept our certificate: let it trust it, or not look at it",
    "CERTIFICATE_EXPIRED": "our certificate is no longer valid: renew the file",
}
"""By the end of OpenSSL's reason."""


class TlsWire:
    """The server's end of TLS on another wire, which it owns."""

    is_secure: Final = True

    def __init__(self, below: Wire, context: ssl.SSLContext) -> None:
        self.peer = below.peer
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._is_ready = False
        self._begun = memoryview(b"")
        """Records that the wire below has not taken."""
        self._begun_size = 0
        """Bytes of the blob that they hold; the next ``send`` brings these again."""

    @property
    def local_host(self) -> str:
        """Our own address, as the peer reached it. Raises OSError when the peer is gone."""
        return self._below.local_host

    # -- the handshake ----------------------------------------------------------------

    async def open(self) -> None:
        """Shake hands. Raises HandshakeError, and OSError when the peer is gone."""
        first = b""
        while not self._is_ready:
            try:
                self._tls.do_handshake()
                self._is_ready = True
            except ssl.SSLWantReadError:
                data = await self._answer()
                first = first or data[:8]
                if not data:
                    raise _end_of_handshake(first) from None
                self._incoming.write(data)
            except ssl.SSLError as error:
                with contextlib.suppress(OSError):
                    self._below.send(self._outgoing.read())  # tells the peer why
                raise HandshakeError(_explain(error, first)) from None
        await self._flush()

    async def _answer(self) -> bytes:
        """Send what the handshake has to say and return what comes back; empty at the end."""
        try:
            await self._flush()
            return await self._below.receive()
        except ConnectionError:  # GnuTLS ends what it does not trust so
            return b""

    async def _flush(self) -> None:
        """Send what waits; nobody else sends yet."""
        rest = memoryview(self._outgoing.read())
        while rest:
            try:
                rest = rest[self._below.send(rest) :]
            except BlockingIOError:
                await self._until_writable()

    async def _until_writable(self) -> None:
        is_writable = asyncio.Event()
        self._below.wait_writable(is_writable.set)
        try:
            await is_writable.wait()
        finally:
            self._below.stop_waiting()

    # -- bytes ------------------------------------------------------------------------

    async def receive(self) -> bytes:
        """Wait for bytes and return them; empty at the end, which need not be announced.

        Raises OSError when it broke.
        """
        while True:
            try:
                return self._tls.read(RECEIVE_BYTES)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                data = await self._below.receive()
            if not data:
                return b""
            self._incoming.write(data)
            if self._outgoing.pending > MOST_UNASKED_BYTES:
                raise ConnectionAbortedError("asks for new TLS keys without end")
            await asyncio.sleep(0)  # records without an end may hold nothing

    def send(self, blob: Blob, /) -> int:
        """Give bytes away without waiting; return how many were taken.

        Raises SendAgain when none were, because records that hold the first of them wait; and
        another OSError when the peer is gone.
        """
        taken = 0
        if self._begun:
            self._send_records(self._begun)
            taken = self._begun_size
        view = memoryview(blob)
        while taken < len(view):
            piece = view[taken : taken + PIECE_BYTES]
            self._tls.write(piece)
            self._begun_size = len(piece)
            try:
                self._send_records(memoryview(self._outgoing.read()))
            except SendAgain:
                if taken:
                    return taken
                raise
            taken += len(piece)
        return taken

    def _send_records(self, records: memoryview) -> None:
        """Give records to the wire below; raise SendAgain when some of them must wait."""
        try:
            sent = self._below.send(records)
        except BlockingIOError:
            sent = 0
        self._begun = records[sent:]
        if self._begun:
            raise SendAgain

    def wait_writable(self, callback: Callable[[], None]) -> None:
        """Call back whenever ``send`` is worth another try, until ``stop_waiting``."""
        self._below.wait_writable(callback)

    def stop_waiting(self) -> None:
        """Call back no more."""
        self._below.stop_waiting()

    @property
    def unacknowledged_bytes(self) -> int | None:
        """Bytes that were taken and the peer has not confirmed; None where nothing tells."""
        waiting = self._below.unacknowledged_bytes
        return None if waiting is None else waiting + len(self._begun)

    def close(self) -> None:
        """Say that this is the end, if that can leave at once, and close the wire below."""
        if self._is_ready and not self._begun:
            with contextlib.suppress(OSError):
                self._tls.unwrap()
            with contextlib.suppress(OSError):
                self._below.send(self._outgoing.read())
        self._below.close()


def _end_of_handshake(first: bytes) -> Exception:
    if not first:
        return ConnectionResetError("closed before the TLS handshake")
    return HandshakeError(
        "it closed the connection in the middle: perhaps it does not trust our certificate"
    )


def _explain(error: ssl.SSLError, first: bytes) -> str:
    """Return what went wrong, and what helps; ``first`` is how the peer began."""
    if not first.startswith(b"\x16"):
        if first[:3].isalpha():
            return "it speaks in clear to the TLS port: use rtsps:// in its URL"
        return "what it sends is no TLS"
    reason = error.reason or ""
    hint = next((hint for end, hint in HINTS.items() if reason.endswith(end)), "")
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = f"its certificate is not accepted: {error.verify_message}"
    return hint or reason.replace("_", " ").lower() or str(error)
