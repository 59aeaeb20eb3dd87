"""Certificates made for a test, and the player's end of TLS on a socket that never blocks."""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Identity", "TlsPipe", "client_context", "make_identity"]

RECEIVE_BYTES = 256 * 1024
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its key, ready to sign others and to be written into a file."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    def key_pem(self, password: bytes | None = None) -> str:
        encryption = (
            serialization.BestAvailableEncryption(password)
            if password
            else serialization.NoEncryption()
        )
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        ).decode()

    def write(self, file: Path) -> Path:
        """Write certificate and key into one file, as the bridge takes them."""
        file.write_text(self.certificate_pem + self.key_pem())
        return file


def make_identity(
    name: str = "127.0.0.1",
    *,
    signed_by: Identity | None = None,
    begin: datetime | None = None,
    lasts: timedelta = 2 * A_DAY,
) -> Identity:
    """Make a certificate for an address; signed by itself, as at home, unless ``signed_by``."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = begin or datetime.now(UTC) - A_DAY
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signed_by.certificate.subject if signed_by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + lasts)
        .add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
    )
    if name[0].isdigit():
        address = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
        builder = builder.add_extension(address, critical=False)
    return Identity(builder.sign(signed_by.key if signed_by else key, hashes.SHA256()), key)


def client_context(trusted: Identity | None = None, own: Path | None = None) -> ssl.SSLContext:
    """Return what a player connects with: it looks at the certificate only if one is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trusted is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(cadata=trusted.certificate_pem)
    if own is not None:
        context.load_cert_chain(own)
    return context


class TlsPipe:
    """TLS on a connected socket; for one reader and one writer."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        self.ended_cleanly = False
        """Whether the server announced the end."""

    async def open(self) -> None:
        """Shake hands. Raises SSLError, or ConnectionError when the server closes instead."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    raise ConnectionResetError("the server ended the handshake") from None
            else:
                return
            finally:
                await self._flush()  # also what tells the server that it is not trusted

    async def receive(self) -> bytes:
        """Return what came; empty at the end."""
        while True:
            data = b""
            try:
                data = self.tls.read(RECEIVE_BYTES)
            except ssl.SSLZeroReturnError:
                pass
            except ssl.SSLWantReadError:
                if not await self._fill():
                    return b""
                continue
            self.ended_cleanly = not data
            return data

    async def send(self, data: bytes) -> None:
        """Send everything."""
        self.tls.write(data)
        await self._flush()

    async def _fill(self) -> bool:
        data = await asyncio.get_running_loop().sock_recv(self._sock, RECEIVE_BYTES)
        self._incoming.write(data)
        return bool(data)

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await asyncio.get_running_loop().sock_sendall(self._sock, data)
