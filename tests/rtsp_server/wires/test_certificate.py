"""The certificate's file: what is wrong with it in words, and renewal while everything runs."""

import logging
import os
import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neolink.errors import ConfigError
from neolink.rtsp_server.settings import RtspSettings, TlsClientAuth
from neolink.rtsp_server.wires.certificate import Certificate, load_context
from support.tls import Identity, make_identity

YEAR = timedelta(days=365)
ONE, OTHER = make_identity(), make_identity()
CERTIFICATE, KEY = ONE.certificate_pem, ONE.key_pem()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return ONE.write(tmp_path / "server.pem")


def names_of(context: ssl.SSLContext) -> bytes:
    """Return the certificate that a context shows, by shaking hands with it."""
    ours, theirs = socket.socketpair()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with ours, theirs:
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(to_server, to_client, server_side=True)
        client = trusting.wrap_bio(to_client, to_server)
        for end in (client, server, client):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
        shown = client.getpeercert(binary_form=True)
        assert shown is not None
        return shown


def der(identity: Identity) -> bytes:
    return ssl.PEM_cert_to_DER_cert(identity.certificate_pem)


# ---------------------------------------------------------------- what is wrong, in words


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "holds no certificate"),
        (KEY, "holds no certificate"),
        (CERTIFICATE, "holds no private key: append it"),
        (CERTIFICATE + OTHER.key_pem(), "not that of its first certificate"),
        (CERTIFICATE + ONE.key_pem(b"sesame"), "is encrypted: store it without a password"),
        (CERTIFICATE[:300] + "\n" + KEY, "cannot be used"),
        ("\x00\xff" * 50, "holds no certificate"),
    ],
    ids=["empty", "only-key", "only-certificate", "foreign-key", "encrypted", "torn", "binary"],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "server.pem"
    file.write_text(text)
    with pytest.raises(ConfigError, match=told) as caught:
        load_context(RtspSettings(certificate=file))
    assert str(caught.value).startswith(f"certificate: {file}: ")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (Path.unlink, "No such file"),
        (lambda file: (file.unlink(), file.mkdir()), "Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    file: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(file)
    with pytest.raises(ConfigError, match=f"cannot be read: {told}"):
        load_context(RtspSettings(certificate=file))


@pytest.mark.parametrize(
    ("text", "told"), [(None, "cannot be read"), ("nothing", "holds no certificates")]
)
def test_authorities_that_cannot_be_used_say_why(file: Path, text: str | None, told: str) -> None:
    other = file.with_name("players.pem")
    if text is not None:
        other.write_text(text)
    settings = RtspSettings(
        certificate=file, tls_client_auth=TlsClientAuth.REQUIRE, tls_client_ca=other
    )
    with pytest.raises(ConfigError, match=told) as caught:
        load_context(settings)
    assert str(caught.value).startswith(f"tls_client_ca: {other}: ")


@pytest.mark.parametrize(
    ("begin", "told"),
    [(datetime.now(UTC) - YEAR, "no longer valid"), (datetime.now(UTC) + YEAR, "not valid before")],
)
def test_a_certificate_that_is_not_valid_today_is_told_and_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, begin: datetime, told: str
) -> None:
    file = make_identity(begin=begin).write(tmp_path / "server.pem")
    load_context(RtspSettings(certificate=file))
    assert told in caplog.text
    assert str(file) in caplog.text


def test_a_good_certificate_is_used_without_a_word(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = load_context(RtspSettings(certificate=file))
    assert names_of(context) == der(ONE)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not caplog.messages


def test_a_certificate_that_only_openssl_can_read_is_used(tmp_path: Path) -> None:
    """Its dates cannot be told. One of X.509 version 2 is, which no tool makes any more."""
    plain = b"\xa0\x03\x02\x01\x02"  # version 3, as it is written
    odd = ssl.DER_cert_to_PEM_cert(der(ONE).replace(plain, plain[:-1] + b"\x01", 1))
    file = tmp_path / "server.pem"
    file.write_text(odd + KEY)
    assert names_of(load_context(RtspSettings(certificate=file))) != der(ONE)


# ---------------------------------------------------------------- renewal


def renew(file: Path, text: str, *, at: int) -> None:
    """Write a file whose time of change differs for sure."""
    file.write_text(text)
    os.utime(file, (at, at))


def test_a_renewed_file_is_taken_when_it_was_the_same_at_two_looks(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    certificate = Certificate(RtspSettings(certificate=file))
    renew(file, OTHER.certificate_pem, at=1)
    certificate.look()
    renew(file, OTHER.certificate_pem + OTHER.key_pem(), at=2)
    certificate.look()
    assert names_of(certificate.context) == der(ONE)
    certificate.look()
    assert names_of(certificate.context) == der(OTHER)
    assert caplog.messages == [f"certificate: {file} is used from now on"]
    loaded = certificate.context
    certificate.look()
    assert certificate.context is loaded


@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: renew(file, "torn", at=1)])
def test_a_broken_file_is_told_once_and_changes_nothing(
    file: Path, caplog: pytest.LogCaptureFixture, spoil: Callable[[Path], None]
) -> None:
    certificate = Certificate(RtspSettings(certificate=file))
    spoil(file)
    for _ in range(4):
        certificate.look()
    assert names_of(certificate.context) == der(ONE)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "the certificate of before goes on to be used" in record.getMessage()
    renew(file, OTHER.certificate_pem + OTHER.key_pem(), at=3)
    certificate.look()
    certificate.look()
    assert names_of(certificate.context) == der(OTHER)


def test_another_file_of_the_settings_is_taken_at_once(file: Path) -> None:
    certificate = Certificate(RtspSettings(certificate=file))
    other = OTHER.write(file.with_name("other.pem"))
    certificate.change(RtspSettings(certificate=other))
    assert names_of(certificate.context) == der(OTHER)


def test_settings_that_name_no_good_file_keep_the_old_one(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificate = Certificate(RtspSettings(certificate=file))
    certificate.change(RtspSettings(certificate=file.with_name("none.pem")))
    assert names_of(certificate.context) == der(ONE)
    assert "none.pem: cannot be read" in caplog.text


def test_settings_that_name_the_same_files_load_nothing(file: Path) -> None:
    certificate = Certificate(RtspSettings(certificate=file))
    loaded = certificate.context
    certificate.change(RtspSettings(certificate=file, rtp_port=5000))
    assert certificate.context is loaded
