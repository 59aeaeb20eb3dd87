"""Nonces of digests that carry their own proof, so that none is remembered.

``base64url(time || HMAC-SHA256(key, time || realm)[:16])`` says who gave it out and when, and
nothing of whom it was for. What an old one is worth is decided elsewhere.
"""

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from enum import Enum, auto
from typing import Final

__all__ = ["NONCE_LIFETIME_S", "NonceState", "Nonces"]

NONCE_LIFETIME_S: Final = 300

_LENGTH: Final = 24
_MAC_LENGTH: Final = 16


class NonceState(Enum):
    """What a nonce is. ``EXPIRED`` ones are ours too."""

    FRESH = auto()
    EXPIRED = auto()
    FOREIGN = auto()


class Nonces:
    """Makes and knows the nonces of one realm; instances with the same key know each other's."""

    def __init__(self, secret_key: bytes, realm: bytes) -> None:
        self._key = secret_key
        self._realm = realm

    def new(self, now_unix_s: float) -> str:
        """Return a nonce that is good from now on."""
        stamp = max(int(now_unix_s * 1e6), 0).to_bytes(8, "big")
        return urlsafe_b64encode(stamp + self._mac(stamp)).decode("ascii")

    def state(self, nonce: str, now_unix_s: float) -> NonceState:
        """Tell what a nonce is now. Never raises."""
        try:
            raw = urlsafe_b64decode(nonce.encode("ascii"))
        except (UnicodeEncodeError, binascii.Error):
            return NonceState.FOREIGN
        if len(raw) != _LENGTH:
            return NonceState.FOREIGN
        stamp, mac = raw[:8], raw[8:]
        if not hmac.compare_digest(mac, self._mac(stamp)):
            return NonceState.FOREIGN
        # the host's clock may be set back: a nonce of the near future is ours all the same
        age_s = now_unix_s - int.from_bytes(stamp, "big") / 1e6
        return NonceState.FRESH if abs(age_s) <= NONCE_LIFETIME_S else NonceState.EXPIRED

    def _mac(self, stamp: bytes) -> bytes:
        mac = hmac.new(self._key, b"rtsp nonce\0" + stamp + self._realm, hashlib.sha256)
        return mac.digest()[:_MAC_LENGTH]
