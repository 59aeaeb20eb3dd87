"""Who a request comes from: challenges and the answers to them (RFC 2617, RFC 7616).

Whether that user may watch a camera is decided elsewhere; so is slowing down of guessing.
Nonces carry their own proof, so nothing is remembered between requests.
"""

import binascii
import hashlib
import hmac
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from neolink.rtsp.digest import (
    Algorithm,
    Parameters,
    QualityOfProtection,
    digest_response,
    hash_credentials,
    parameters,
)
from neolink.rtsp.errors import RtspError
from neolink.rtsp.url import Target

__all__ = ["NONCE_LIFETIME_S", "AuthOutcome", "AuthResult", "Authenticator"]

NONCE_LIFETIME_S: Final = 300

_NONCE_LENGTH: Final = 24
_NONCE_MAC_LENGTH: Final = 16


class AuthOutcome(Enum):
    """What became of an ``Authorization`` header. All but ``OK`` are answered with 401.

    ``MISSING`` is how every player begins and no failure. ``STALE`` means the right password
    for an old nonce: challenge with ``stale=True``. ``WRONG`` and ``MALFORMED`` are attempts.
    """

    OK = auto()
    MISSING = auto()
    WRONG = auto()
    STALE = auto()
    MALFORMED = auto()


@dataclass(frozen=True, slots=True)
class AuthResult:
    """Outcome of one answer; ``user`` is the configured name, only with ``OK``."""

    outcome: AuthOutcome
    user: str | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the request comes from ``user``."""
        return self.outcome is AuthOutcome.OK


class _Nonce(Enum):
    FRESH = auto()
    EXPIRED = auto()
    FOREIGN = auto()


@dataclass(frozen=True, slots=True)
class _Account:
    """A user in one text encoding. ``hashes`` are H(A1); the password itself is not kept.

    ``user`` is ``None`` for the stand-in of unknown users, who never gets in.
    """

    user: str | None
    hashes: Mapping[Algorithm, bytes] = field(repr=False)


class Authenticator:
    """Challenges players and checks their answers, for one realm and its users.

    ``secret_key`` signs nonces: with the same key another instance (after a change of users)
    goes on to accept them. Raises ValueError for a realm that cannot be quoted.
    """

    def __init__(
        self,
        realm: str,
        secret_key: bytes,
        users: Mapping[str, str],
        *,
        offers_sha256: bool = True,
        offers_basic: bool = True,
    ) -> None:
        if not realm.isascii() or not realm.isprintable() or '"' in realm or "\\" in realm:
            raise ValueError("the realm must be printable ASCII without quotes and backslashes")
        self._realm = realm.encode()
        self._key = secret_key
        self._offers_sha256 = offers_sha256
        self._offers_basic = offers_basic
        self._accounts: dict[bytes, list[_Account]] = {}
        for user, password in users.items():
            for name, account in self._encodings(user, password):
                self._accounts.setdefault(name, []).append(account)
        # an unknown user costs as much time as a wrong password
        self._nobody = [_Account(None, self._hash(b"", secret_key))]

    def __repr__(self) -> str:
        return f"Authenticator(realm={self._realm.decode()!r})"

    def challenges(self, now_unix_s: float, *, stale: bool = False) -> list[str]:
        """Return the values of ``WWW-Authenticate``, one header each, in the order to send them.

        SHA-256, Basic, MD5: players that take the last digest line land on MD5, written in the
        one form all of them can read; the others find SHA-256. One nonce serves both.
        """
        start = f'Digest realm="{self._realm.decode()}", nonce="{self._new_nonce(now_unix_s)}"'
        suffix = ", stale=true" if stale else ""
        lines = [f"{start}, algorithm=SHA-256{suffix}"] if self._offers_sha256 else []
        if self._offers_basic:
            lines.append(f'Basic realm="{self._realm.decode()}"')
        lines.append(f"{start}{suffix}")
        return lines

    def verify(
        self,
        header_value: str | None,
        method: str,
        request_url: str,
        now_unix_s: float,
        *,
        allow_stale: bool = False,
    ) -> AuthResult:
        """Check an ``Authorization`` header (``None`` when absent). Never raises.

        ``allow_stale`` accepts a nonce of ours past its lifetime: for requests inside a session
        that was authenticated on the same connection.
        """
        if header_value is None or not header_value.strip():
            return AuthResult(AuthOutcome.MISSING)
        scheme, _, rest = header_value.strip().partition(" ")
        match scheme.lower():
            case "basic":
                return self._verify_basic(rest)
            case "digest":
                return self._verify_digest(
                    parameters(rest), method, request_url, now_unix_s, allow_stale=allow_stale
                )
            case _:
                return AuthResult(AuthOutcome.MALFORMED)

    # ------------------------------------------------------------ basic

    def _verify_basic(self, text: str) -> AuthResult:
        if not self._offers_basic:
            return AuthResult(AuthOutcome.WRONG)
        encoded = text.strip().rstrip("=")
        try:
            decoded = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except ValueError:
            return AuthResult(AuthOutcome.MALFORMED)
        name, colon, password = decoded.partition(b":")
        if not colon:
            return AuthResult(AuthOutcome.MALFORMED)
        hashed = hash_credentials(Algorithm.SHA_256, name, self._realm, password)
        for account in self._candidates(name):
            is_right = hmac.compare_digest(hashed, account.hashes[Algorithm.SHA_256])
            if is_right and account.user is not None:
                return AuthResult(AuthOutcome.OK, account.user)
        return AuthResult(AuthOutcome.WRONG)

    # ------------------------------------------------------------ digest

    def _verify_digest(
        self,
        answer: Parameters,
        method: str,
        request_url: str,
        now_unix_s: float,
        *,
        allow_stale: bool,
    ) -> AuthResult:
        algorithm = _algorithm(answer)
        uri = answer.text("uri")
        nonce, response = answer.text("nonce"), answer.text("response")
        if algorithm is None or uri is None or nonce is None or not response:
            return AuthResult(AuthOutcome.MALFORMED)
        try:
            protection = _protection(answer)
            is_plausible = _names_same(uri, request_url)
        except RtspError:
            return AuthResult(AuthOutcome.MALFORMED)
        user = self._matching_user(answer, algorithm, method, protection)
        if user is None or not is_plausible:
            return AuthResult(AuthOutcome.WRONG)
        state = self._nonce_state(nonce, now_unix_s)
        if state is _Nonce.FRESH or (state is _Nonce.EXPIRED and allow_stale):
            return AuthResult(AuthOutcome.OK, user)
        return AuthResult(AuthOutcome.STALE)

    def _matching_user(
        self,
        answer: Parameters,
        algorithm: Algorithm,
        method: str,
        protection: QualityOfProtection | None,
    ) -> str | None:
        # some players do not escape a backslash in the name they quote
        names = {answer.text("username") or "", answer.raw("username") or ""}
        response = _bytes(answer.text("response") or "").lower()
        for account in (found for name in names for found in self._candidates(_bytes(name))):
            expected = digest_response(
                algorithm,
                account.hashes[algorithm],
                nonce=_bytes(answer.text("nonce") or ""),
                method=method,
                uri=_bytes(answer.text("uri") or ""),
                protection=protection,
            )
            if hmac.compare_digest(expected, response) and account.user is not None:
                return account.user
        return None

    def _candidates(self, name: bytes) -> list[_Account]:
        return self._accounts.get(name, self._nobody)

    def _encodings(self, user: str, password: str) -> Iterator[tuple[bytes, _Account]]:
        """Yield the account once for each encoding of name and password that players use."""
        seen: set[tuple[bytes, bytes]] = set()
        for encoding in ("utf-8", "latin-1"):
            try:
                pair = user.encode(encoding), password.encode(encoding)
            except UnicodeEncodeError:
                continue
            if pair not in seen:
                seen.add(pair)
                yield pair[0], _Account(user, self._hash(*pair))

    def _hash(self, user: bytes, password: bytes) -> dict[Algorithm, bytes]:
        return {a: hash_credentials(a, user, self._realm, password) for a in Algorithm}

    # ------------------------------------------------------------ nonces

    def _new_nonce(self, now_unix_s: float) -> str:
        stamp = max(int(now_unix_s * 1e6), 0).to_bytes(8, "big")
        return urlsafe_b64encode(stamp + self._mac(stamp)).decode("ascii")

    def _mac(self, stamp: bytes) -> bytes:
        mac = hmac.new(self._key, b"rtsp nonce\0" + stamp + self._realm, hashlib.sha256)
        return mac.digest()[:_NONCE_MAC_LENGTH]

    def _nonce_state(self, nonce: str, now_unix_s: float) -> _Nonce:
        try:
            raw = urlsafe_b64decode(nonce.encode("ascii"))
        except (UnicodeEncodeError, binascii.Error):
            return _Nonce.FOREIGN
        if len(raw) != _NONCE_LENGTH:
            return _Nonce.FOREIGN
        stamp, mac = raw[:8], raw[8:]
        if not hmac.compare_digest(mac, self._mac(stamp)):
            return _Nonce.FOREIGN
        # the host's clock may be set back: a nonce of the near future is ours all the same
        age_s = now_unix_s - int.from_bytes(stamp, "big") / 1e6
        return _Nonce.FRESH if abs(age_s) <= NONCE_LIFETIME_S else _Nonce.EXPIRED


def _bytes(text: str) -> bytes:
    """Return the bytes that a header value stands for."""
    return text.encode("latin-1", "replace")


def _algorithm(answer: Parameters) -> Algorithm | None:
    name = (answer.text("algorithm") or Algorithm.MD5).upper()
    return Algorithm(name) if name in set(Algorithm) else None


def _protection(answer: Parameters) -> QualityOfProtection | None:
    qop = answer.text("qop")
    if not qop:
        return None
    count, client_nonce = answer.text("nc"), answer.text("cnonce")
    if qop.lower() != "auth" or not count or not client_nonce:
        raise RtspError(400, "digest with qop other than auth, or without nc or cnonce")
    return QualityOfProtection(_bytes(qop), _bytes(count), _bytes(client_nonce))


def _names_same(uri: str, request_url: str) -> bool:
    """Whether the digest's ``uri`` plausibly means the request's URL.

    Only path and query count: players differ in scheme, host, port, credentials and slashes.
    The presentation's URL stands for each of its tracks (live555 signs SETUP that way).
    """
    if uri == request_url:
        return True
    signed, requested = Target.parse(uri), Target.parse(request_url)
    return (
        bool(uri)
        and signed.path == requested.path
        and signed.query == requested.query
        and signed.is_asterisk == requested.is_asterisk
        and signed.track in (None, requested.track)
    )
