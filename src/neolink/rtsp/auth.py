"""Who a request comes from: challenges and the answers to them (RFC 2617, RFC 7616).

Whether that user may watch a camera is decided elsewhere; so is slowing down of guessing.
Nonces carry their own proof, so nothing is remembered between requests.
"""

import hmac
from base64 import b64decode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
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
from neolink.rtsp.nonces import Nonces, NonceState
from neolink.rtsp.url import Target

__all__ = ["AuthOutcome", "AuthResult", "Authenticator", "Scheme"]


class Scheme(StrEnum):
    """A way to log in."""

    MD5 = "digest-md5"
    SHA_256 = "digest-sha256"
    BASIC = "basic"
    """The password itself, readable on the way."""


class AuthOutcome(Enum):
    """What became of an ``Authorization`` header. All but ``OK`` are answered with 401.

    ``MISSING`` is how every player begins and no failure. ``STALE`` means the right password
    for an old nonce: challenge with ``stale=True``. ``WRONG`` and ``MALFORMED`` are attempts.
    ``NOT_OFFERED`` is an answer by a scheme that is not accepted here, whatever it says.
    """

    OK = auto()
    MISSING = auto()
    NOT_OFFERED = auto()
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
    goes on to accept them. ``schemes`` are offered and accepted on every connection, Basic also
    where nobody can read along. Raises ValueError for a realm that cannot be quoted.
    """

    def __init__(
        self,
        realm: str,
        secret_key: bytes,
        users: Mapping[str, str],
        schemes: Collection[Scheme] = tuple(Scheme),
    ) -> None:
        if not realm.isascii() or not realm.isprintable() or '"' in realm or "\\" in realm:
            raise ValueError("the realm must be printable ASCII without quotes and backslashes")
        self._realm = realm.encode()
        self._nonces = Nonces(secret_key, self._realm)
        self._schemes = frozenset(schemes)
        self._accounts: dict[bytes, list[_Account]] = {}
        for user, password in users.items():
            for name, account in self._encodings(user, password):
                self._accounts.setdefault(name, []).append(account)
        # an unknown user costs as much time as a wrong password
        self._nobody = [_Account(None, self._hash(b"", secret_key))]

    def __repr__(self) -> str:
        return f"Authenticator(realm={self._realm.decode()!r})"

    def offered(self, *, is_secure: bool = False) -> frozenset[Scheme]:
        """Return the schemes that count on a connection; ``is_secure``: nobody reads along."""
        return self._schemes | {Scheme.BASIC} if is_secure else self._schemes

    def challenges(
        self, now_unix_s: float, *, stale: bool = False, is_secure: bool = False
    ) -> list[str]:
        """Return the values of ``WWW-Authenticate``, one header each, in the order to send them.

        SHA-256, Basic, MD5: players that take the last digest line land on MD5, written in the
        one form all of them can read; the others find SHA-256. One nonce serves both, also for
        players that read the first line alone and know nothing of its algorithm.
        """
        realm, nonce = self._realm.decode(), self._nonces.new(now_unix_s)
        digest = f'Digest realm="{realm}", nonce="{nonce}"'
        suffix = ", stale=true" if stale else ""
        lines = {
            Scheme.SHA_256: f"{digest}, algorithm=SHA-256{suffix}",
            Scheme.BASIC: f'Basic realm="{realm}"',
            Scheme.MD5: f"{digest}{suffix}",
        }
        offered = self.offered(is_secure=is_secure)
        return [line for scheme, line in lines.items() if scheme in offered]

    def verify(
        self,
        header_value: str | None,
        method: str,
        request_url: str,
        now_unix_s: float,
        *,
        allow_stale: bool = False,
        is_secure: bool = False,
    ) -> AuthResult:
        """Check an ``Authorization`` header (``None`` when absent). Never raises.

        ``allow_stale`` accepts a nonce of ours past its lifetime: for requests inside a session
        that was authenticated on the same connection. ``is_secure``: nobody reads along.
        """
        if header_value is None or not header_value.strip():
            return AuthResult(AuthOutcome.MISSING)
        name, _, rest = header_value.strip().partition(" ")
        answer = parameters(rest)
        scheme = _scheme(name, answer)
        if scheme is None:
            return AuthResult(AuthOutcome.MALFORMED)
        if scheme not in self.offered(is_secure=is_secure):
            return AuthResult(AuthOutcome.NOT_OFFERED)
        if scheme is Scheme.BASIC:
            return self._verify_basic(rest)
        algorithm = _ALGORITHMS[scheme]
        return self._verify_digest(
            answer, algorithm, method, request_url, now_unix_s, allow_stale=allow_stale
        )

    # ------------------------------------------------------------ basic

    def _verify_basic(self, text: str) -> AuthResult:
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
        algorithm: Algorithm,
        method: str,
        request_url: str,
        now_unix_s: float,
        *,
        allow_stale: bool,
    ) -> AuthResult:
        uri = answer.text("uri")
        nonce, response = answer.text("nonce"), answer.text("response")
        if uri is None or nonce is None or not response:
            return AuthResult(AuthOutcome.MALFORMED)
        try:
            protection = _protection(answer)
            is_plausible = _names_same(uri, request_url)
        except RtspError:
            return AuthResult(AuthOutcome.MALFORMED)
        user = self._matching_user(answer, algorithm, method, protection)
        if user is None or not is_plausible:
            return AuthResult(AuthOutcome.WRONG)
        state = self._nonces.state(nonce, now_unix_s)
        if state is NonceState.FRESH or (state is NonceState.EXPIRED and allow_stale):
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


def _bytes(text: str) -> bytes:
    """Return the bytes that a header value stands for."""
    return text.encode("latin-1", "replace")


_ALGORITHMS: Final = {Scheme.MD5: Algorithm.MD5, Scheme.SHA_256: Algorithm.SHA_256}


def _scheme(name: str, answer: Parameters) -> Scheme | None:
    """Return the scheme of an answer: by its first word and, for a digest, its algorithm."""
    if name.lower() == "basic":
        return Scheme.BASIC
    if name.lower() != "digest":
        return None
    algorithm = (answer.text("algorithm") or Algorithm.MD5).upper()
    return next((scheme for scheme, known in _ALGORITHMS.items() if known == algorithm), None)


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
