"""The certificate of the TLS port: loaded, explained when it cannot be used, renewed while running.

No connection is handled here.
"""

import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from neolink.errors import ConfigError
from neolink.rtsp_server.settings import RtspSettings, TlsClientAuth

__all__ = ["Certificate", "load_context"]

_LOG = logging.getLogger(__name__)

VERIFY_MODES: Final = {
    TlsClientAuth.NONE: ssl.CERT_NONE,
    TlsClientAuth.REQUEST: ssl.CERT_OPTIONAL,
    TlsClientAuth.REQUIRE: ssl.CERT_REQUIRED,
}

Stamp = tuple[tuple[int, int, int] | None, ...]
"""Time of the last change, length and inode of each file; None for one that is not there."""


class Certificate:
    """The files that the settings name, as a context for new connections.

    Raises ConfigError when they cannot be used. Later they are followed: files that cannot be
    used change nothing but the log.
    """

    def __init__(self, settings: RtspSettings) -> None:
        self._settings = settings
        self._loaded = self._seen = self._stamp()
        self.context = load_context(settings)

    def change(self, settings: RtspSettings) -> None:
        """Go over to other files, or another rule of whom to let in."""
        names = ("certificate", "tls_client_auth", "tls_client_ca")
        is_same = all(getattr(settings, name) == getattr(self._settings, name) for name in names)
        self._settings = settings
        if not is_same:
            self._load(self._stamp())

    def look(self) -> None:
        """Load the files again when they have changed, and were the same at the last look.

        Call it about once a second: whoever writes them may not be done.
        """
        before, self._seen = self._seen, self._stamp()
        if self._seen != self._loaded and self._seen == before:
            self._load(self._seen)

    def _load(self, stamp: Stamp) -> None:
        self._loaded = self._seen = stamp
        try:
            self.context = load_context(self._settings)
        except ConfigError as error:
            _LOG.error("%s; the certificate of before goes on to be used", error)
        else:
            _LOG.info("certificate: %s is used from now on", self._settings.certificate)

    def _stamp(self) -> Stamp:
        return tuple(_stamp_of(file) for file in _files(self._settings))


def load_context(settings: RtspSettings) -> ssl.SSLContext:
    """Return what TLS connections are made with. Raises ConfigError: which file, what is wrong.

    Logs a certificate that is not valid today: players that look at it will refuse it.
    """
    file = settings.certificate
    assert file is not None  # asked only with TLS
    text = _read("certificate", file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    try:
        context.load_cert_chain(file, password=_no_password)
    except (ssl.SSLError, OSError, _IsEncryptedError) as error:
        raise ConfigError(f"certificate: {file}: {_explain(error, text)}") from None
    context.verify_mode = VERIFY_MODES[settings.tls_client_auth]
    if settings.tls_client_auth is not TlsClientAuth.NONE:
        _trust(context, settings.tls_client_ca or file)
    _tell_validity(file, text)
    return context


class _IsEncryptedError(Exception):
    """The private key asks for a password."""


def _no_password() -> bytes:
    raise _IsEncryptedError


def _explain(error: Exception, text: str) -> str:
    reason = getattr(error, "reason", None) or ""
    if "-----BEGIN CERTIFICATE-----" not in text:
        return "holds no certificate (a block that begins with BEGIN CERTIFICATE)"
    if "PRIVATE KEY-----" not in text:
        return "holds no private key: append it to this file (it is a block of its own)"
    if isinstance(error, _IsEncryptedError):
        return "its private key is encrypted: store it without a password (openssl pkey)"
    if reason == "KEY_VALUES_MISMATCH":
        return "its private key is not that of its first certificate"
    return f"cannot be used: {reason.replace('_', ' ').lower() or error}"


def _trust(context: ssl.SSLContext, file: Path) -> None:
    """Let in players whose certificate is in a file, or is signed by one of that file."""
    _read("tls_client_ca", file)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(file)
    except OSError as error:
        reason = str(getattr(error, "reason", None) or error).replace("_", " ").lower()
        raise ConfigError(f"tls_client_ca: {file}: holds no certificates: {reason}") from None


def _read(key: str, file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ConfigError(f"{key}: {file}: cannot be read: {error.strerror}") from None


def _tell_validity(file: Path, text: str) -> None:
    from cryptography import x509  # noqa: PLC0415 - most bridges have no certificate

    try:
        certificate = x509.load_pem_x509_certificate(text.encode())
    except Exception:  # noqa: BLE001 - of any kind (x509.InvalidVersion); OpenSSL could read it
        return
    now = datetime.now(UTC)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > end:
        _LOG.warning("certificate: %s is no longer valid since %s: renew it", file, end.date())
    elif now < begin:
        _LOG.warning("certificate: %s is not valid before %s: is the clock right?", file, begin)


def _files(settings: RtspSettings) -> list[Path]:
    return [file for file in (settings.certificate, settings.tls_client_ca) if file is not None]


def _stamp_of(file: Path) -> tuple[int, int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
