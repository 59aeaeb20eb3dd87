"""RTSP request URLs: what they name, and the base URL that answers carry.

Scheme and host never matter for routing (translated addresses, proxies, names for the same
machine). Which paths exist is the server's concern.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from neolink.rtsp.errors import RtspError

__all__ = ["Target", "base_url", "control_url", "without_credentials"]

_AUTHORITY: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*://)([^/?]*)")
_TRACK: Final = re.compile(r"/trackID(?:=|%3D)([^/]*)/*\Z", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_TRACK_NUMBER: Final = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True, slots=True)
class _Parts:
    """A request URL cut at its seams, nothing decoded. ``query`` is ``None`` without ``?``."""

    scheme: str
    authority: str
    path: str
    query: str | None
    track: str | None


def _split(url: str) -> _Parts:
    found = _AUTHORITY.match(url)
    scheme, authority = (found[1], found[2]) if found else ("", "")
    rest = url[found.end() :] if found else url
    path, mark, text = rest.partition("?")
    query = text if mark else None
    if path and not path.startswith("/"):
        path = "/" + path
    # ffmpeg and live555 append the control to the whole URL, behind the query
    if query is not None and (in_query := _TRACK.search("/" + query)):
        query = ("/" + query)[1 : in_query.start()]
        return _Parts(scheme, authority, path, query, in_query[1])
    if query is not None:
        query = query.rstrip("/")
    if in_path := _TRACK.search(path):
        return _Parts(scheme, authority, path[: in_path.start()], query, in_path[1])
    return _Parts(scheme, authority, path, query, None)


def _decode(text: str, what: str) -> str:
    """Percent-decode once. UTF-8 where it is valid, otherwise one character per byte."""
    raw = unquote_to_bytes(text.encode("latin-1" if max(text, default="") <= "\xff" else "utf-8"))
    try:
        decoded = raw.decode()
    except UnicodeDecodeError:
        decoded = raw.decode("latin-1")
    if _CONTROL.search(decoded):
        raise RtspError(400, f"control character in the {what} of the URL")
    return decoded


def _decode_query(query: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for item in query.split("&"):
        if item:
            name, _, value = item.partition("=")
            pairs[_decode(name, "query")] = _decode(value, "query")
    return pairs


@dataclass(frozen=True, slots=True)
class Target:
    """What a request URL names.

    ``path`` is decoded, without slash at either end, and has no empty or dot segments.
    ``track`` is the number behind ``/trackID=``, ``None`` for the whole presentation.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    track: int | None = None
    has_credentials: bool = False
    is_asterisk: bool = False

    @classmethod
    def parse(cls, url: str) -> "Target":
        """Parse a request URL: absolute, without scheme and host, or ``*``.

        Raises RtspError: 400 for control characters, 404 for ``..`` and for a track that is
        no number.
        """
        if url == "*":
            return cls(path="", is_asterisk=True)
        parts = _split(url)
        segments = [
            part for part in _decode(parts.path, "path").split("/") if part not in ("", ".")
        ]
        if ".." in segments:
            raise RtspError(404, "the URL's path climbs out of its root")
        return cls(
            path="/".join(segments),
            query=_decode_query(parts.query or ""),
            track=_track_number(parts.track),
            has_credentials="@" in parts.authority,
        )


def _track_number(text: str | None) -> int | None:
    if text is None:
        return None
    if not _TRACK_NUMBER.fullmatch(text):
        raise RtspError(404, "the URL's track is no number")
    return int(text)


def without_credentials(url: str) -> str:
    """Return the URL without user name and password: the form for logs and answers."""
    found = _AUTHORITY.match(url)
    if found is None:
        return url
    host = found[2].rpartition("@")[2]
    return f"{found[1]}{host}{url[found.end() :]}"


def base_url(request_url: str) -> str:
    """Return the ``Content-Base`` for the answer to a DESCRIBE of ``request_url``.

    The client's own scheme, authority and path without credentials; ``/`` at the end of the
    path *and* of the query, if there is one: ``rtsp://h/cam1/?a=b/``. ffmpeg and live555 append
    the control to that text and get ``rtsp://h/cam1/?a=b/trackID=0``. rtspsrc resolves it by
    the rules of URLs and gets ``rtsp://h/cam1/trackID=0``: the right path, without the query,
    which a server must then remember from DESCRIBE. (``rtsp://h/cam1?a=b/`` would lead rtspsrc
    to ``rtsp://h/trackID=0``.)
    """
    if request_url == "*":
        return request_url
    parts = _split(request_url)
    host = parts.authority.rpartition("@")[2]
    base = f"{parts.scheme}{host}{parts.path.rstrip('/')}/"
    return f"{base}?{parts.query}/" if parts.query else base


def control_url(base: str, control: str) -> str:
    """Return the URL of a media control attribute, as ffmpeg and live555 compute it.

    RFC 2326 section C.1.1, read the way those players do: joined as text.
    """
    if control in ("", "*"):
        return base
    if _AUTHORITY.match(control):
        return control
    return base + control if base.endswith("/") else f"{base}/{control}"
