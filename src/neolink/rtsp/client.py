"""The asking side of RTSP, without a socket: numbered requests that answer challenges.

For tests and probes. Nothing here knows what a session is doing.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable
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
from neolink.rtsp.fields import Headers
from neolink.rtsp.headers import SessionHeader
from neolink.rtsp.message import Request, Response
from neolink.rtsp.url import without_credentials

__all__ = ["Preference", "RequestBuilder"]

Preference = tuple[str, ...]
"""Names of schemes, best first: ``SHA-256``, ``MD5``, ``Basic``."""

_STRONGEST_FIRST: Final[Preference] = (Algorithm.SHA_256, Algorithm.MD5, "Basic")


class RequestBuilder:
    """Builds the requests of one connection and learns from the answers.

    ``session`` is the identifier learnt from the last answer that had one. ``prefer`` are the
    schemes that challenges are searched for, best first. ``new_cnonce`` makes client nonces,
    needed only where a server asks for ``qop``.
    """

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str = "",
        user_agent: str = "neolink",
        prefer: Preference = _STRONGEST_FIRST,
        new_cnonce: Callable[[], str] = lambda: "0a4f113b",
    ) -> None:
        self.url = without_credentials(url)
        self.session: str | None = None
        self._user = user
        self._password = password
        self._user_agent = user_agent
        self._prefer = prefer
        self._new_cnonce = new_cnonce
        self._cseq = 0
        self._nonce_count = 0
        self._scheme = ""
        self._challenge: Parameters | None = None

    def __repr__(self) -> str:
        return f"RequestBuilder({self.url!r}, user={self._user!r}, session={self.session!r})"

    def build(
        self,
        method: str,
        url: str | None = None,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Request:
        """Return the next request, with ``CSeq``, ``Authorization`` and ``Session`` as known."""
        target = self.url if url is None else url
        self._cseq += 1
        fields = [("CSeq", str(self._cseq)), ("User-Agent", self._user_agent)]
        if self._challenge is not None:
            fields.append(("Authorization", self._authorization(method, target)))
        if self.session is not None:
            fields.append(("Session", self.session))
        return Request(method, target, headers=Headers((*fields, *headers)), body=body)

    def learn(self, response: Response) -> bool:
        """Take session and challenge from a response; tell whether to ask once more.

        That is so for the first challenge and for a stale nonce, not for a wrong password.
        """
        if (value := response.headers.get("Session")) is not None:
            self.session = SessionHeader.parse(value).id
        if response.status != 401 or self._user is None:
            return False
        was_answered = self._challenge is not None
        self._choose(response.headers.get_all("WWW-Authenticate"))
        if self._challenge is None:
            return False
        is_stale = (self._challenge.text("stale") or "").lower() == "true"
        return not was_answered or is_stale

    def _choose(self, lines: list[str]) -> None:
        offered: dict[str, Parameters] = {}
        for line in lines:
            scheme, _, rest = line.strip().partition(" ")
            found = parameters(rest)
            is_digest = scheme.lower() == "digest"
            name = (found.text("algorithm") or Algorithm.MD5).upper() if is_digest else scheme
            offered[name.lower()] = found
        known = next((name for name in self._prefer if name.lower() in offered), None)
        self._challenge = None if known is None else offered[known.lower()]
        self._scheme = known or ""
        self._nonce_count = 0

    def _authorization(self, method: str, uri: str) -> str:
        assert self._challenge is not None
        user, password = (self._user or "").encode(), self._password.encode()
        if self._scheme == "Basic":
            return "Basic " + b64encode(user + b":" + password).decode("ascii")
        algorithm = Algorithm(self._scheme)
        realm, nonce = self._challenge.text("realm") or "", self._challenge.text("nonce")
        if nonce is None:
            raise RtspError(401, "digest challenge without a nonce")
        hashed = hash_credentials(algorithm, user, realm.encode("latin-1"), password)
        protection = self._protection()
        response = digest_response(
            algorithm,
            hashed,
            nonce=nonce.encode("latin-1"),
            method=method,
            uri=uri.encode("latin-1"),
            protection=protection,
        )
        fields = {
            "username": _quote(user.decode("latin-1")),
            "realm": _quote(realm),
            "nonce": _quote(nonce),
            "uri": _quote(uri),
            "response": _quote(response.decode("ascii")),
        }
        if algorithm is not Algorithm.MD5:
            fields["algorithm"] = algorithm.value
        if protection is not None:
            fields["qop"] = protection.qop.decode("ascii")
            fields["nc"] = protection.nonce_count.decode("ascii")
            fields["cnonce"] = _quote(protection.client_nonce.decode("latin-1"))
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())

    def _protection(self) -> QualityOfProtection | None:
        assert self._challenge is not None
        offered = (self._challenge.text("qop") or "").lower().split(",")
        if "auth" not in (item.strip() for item in offered):
            return None
        self._nonce_count += 1
        count = f"{self._nonce_count:08x}".encode("ascii")
        return QualityOfProtection(b"auth", count, self._new_cnonce().encode("latin-1"))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
