"""HTTP digest arithmetic and the parameters of challenges and answers (RFC 2617, RFC 7616).

Shared by the server's authenticator and the client. Nothing is decided here.
"""

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum

from neolink.rtsp.fields import split_quoted, unquote_string

__all__ = ["Algorithm", "QualityOfProtection", "digest_response", "hash_credentials", "parameters"]


class Algorithm(StrEnum):
    """Hash functions of a digest, spelled as in ``algorithm=``."""

    MD5 = "MD5"
    SHA_256 = "SHA-256"

    def hex_digest(self, data: bytes) -> bytes:
        """Hash ``data`` into lower-case hex digits."""
        if self is Algorithm.MD5:
            return hashlib.md5(data, usedforsecurity=False).hexdigest().encode()
        return hashlib.sha256(data).hexdigest().encode()


@dataclass(frozen=True, slots=True)
class QualityOfProtection:
    """The parameters that an answer with ``qop`` adds: ``qop``, ``nc`` and ``cnonce``."""

    qop: bytes
    nonce_count: bytes
    client_nonce: bytes


def hash_credentials(algorithm: Algorithm, user: bytes, realm: bytes, password: bytes) -> bytes:
    """``H(A1)`` in hex (RFC 7616 section 3.4.2)."""
    return algorithm.hex_digest(b":".join((user, realm, password)))


def digest_response(
    algorithm: Algorithm,
    hashed_credentials: bytes,
    *,
    nonce: bytes,
    method: str,
    uri: bytes,
    protection: QualityOfProtection | None = None,
) -> bytes:
    """``response`` in hex: RFC 7616 section 3.4.1, or RFC 2069's form without ``protection``."""
    request = algorithm.hex_digest(method.encode("latin-1", "replace") + b":" + uri)
    middle = (
        (nonce,)
        if protection is None
        else (nonce, protection.nonce_count, protection.client_nonce, protection.qop)
    )
    return algorithm.hex_digest(b":".join((hashed_credentials, *middle, request)))


@dataclass(frozen=True, slots=True)
class Parameters:
    """Parameters of a challenge or answer, by lower-case name. The values are not shown."""

    values: dict[str, str] = field(repr=False)

    def text(self, name: str) -> str | None:
        """Value without quotes and escapes, ``None`` when absent."""
        raw = self.values.get(name)
        return None if raw is None else unquote_string(raw)

    def raw(self, name: str) -> str | None:
        """Value without quotes but with its backslashes, ``None`` when absent."""
        raw = self.values.get(name)
        return raw[1:-1] if raw is not None and raw[:1] == raw[-1:] == '"' else raw


def parameters(text: str) -> Parameters:
    """Split ``name=value, name="value"``. Of repeated names the first one counts."""
    values: dict[str, str] = {}
    for item in split_quoted(text, ","):
        name, equals, value = item.partition("=")
        if equals:
            values.setdefault(name.strip().lower(), value.strip())
    return Parameters(values)
