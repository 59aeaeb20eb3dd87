"""Values of single RTSP headers: Session, Range, RTP-Info, Require, Accept; and Transport's.

Text in, values out, and back (RFC 2326 section 12). What they lead to is decided elsewhere.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from neolink.rtsp.errors import RtspError
from neolink.rtsp.fields import Headers, split_quoted
from neolink.rtsp.transport import Delivery, Protocol, Transport, parse_transports

__all__ = [
    "LIVE_RANGE",
    "Delivery",
    "Protocol",
    "Range",
    "RtpInfo",
    "SessionHeader",
    "Transport",
    "accepts_sdp",
    "check_required",
    "date_header",
    "parse_blocksize",
    "parse_rtp_info",
    "parse_tags",
    "parse_transports",
    "serialize_rtp_info",
]


_SESSION_ID: Final = re.compile(r"[A-Za-z0-9$\-_.+]{1,128}")
_TIMEOUT: Final = re.compile(r"timeout\s*=\s*([0-9]{1,6})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SessionHeader:
    """A ``Session`` header: the identifier and, from a server, its timeout in seconds."""

    id: str
    timeout_s: int | None = None

    @classmethod
    def parse(cls, value: str) -> "SessionHeader":
        """Parse ``ID[;timeout=N]``; clients send parameters too.

        Raises RtspError 454 for what cannot be an identifier of ours.
        """
        identifier, *parameters = (part.strip() for part in value.split(";"))
        if not _SESSION_ID.fullmatch(identifier):
            raise RtspError(454, "malformed session identifier")
        timeouts = (found for text in parameters if (found := _TIMEOUT.fullmatch(text)))
        found = next(timeouts, None)
        return cls(identifier, int(found[1]) if found else None)

    def serialize(self) -> str:
        """``ID;timeout=N`` without any blank: ffmpeg matches that text."""
        return self.id if self.timeout_s is None else f"{self.id};timeout={self.timeout_s}"


_NPT_SECONDS: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{0,9})?")
_NPT_CLOCK: Final = re.compile(r"([0-9]{1,6}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]{0,9})?)")


@dataclass(frozen=True, slots=True)
class Range:
    """A ``Range`` header. ``start`` and ``end`` are in the notation of ``unit``, empty if open."""

    unit: str
    start: str
    end: str = ""

    @classmethod
    def parse(cls, value: str) -> "Range":
        """Parse ``unit=start-[end]``, any unit. Raises RtspError 457 if there is no such form."""
        text = value.partition(";")[0]
        unit, equals, span = text.partition("=")
        start, dash, end = span.partition("-")
        if not equals or not unit.strip() or not dash:
            raise RtspError(457, "expected a Range of the form unit=start-end")
        return cls(unit.strip().lower(), start.strip(), end.strip())

    @property
    def is_now(self) -> bool:
        """Whether the range begins at the live instant."""
        return self.unit == "npt" and self.start.lower() == "now"

    @property
    def start_s(self) -> float | None:
        """Start in seconds for ``npt``; ``None`` for ``now``, other units and nonsense."""
        if self.unit != "npt":
            return None
        if _NPT_SECONDS.fullmatch(self.start):
            return float(self.start)
        found = _NPT_CLOCK.fullmatch(self.start)
        if found is None:
            return None
        return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])

    def serialize(self) -> str:
        """``unit=start-end``."""
        return f"{self.unit}={self.start}-{self.end}"


LIVE_RANGE: Final = Range("npt", "now")
"""The range of every live presentation."""

_TAIL: Final = re.compile(r"[;,\s]+\Z")
_RTP_INFO_SEPARATOR: Final = re.compile(r",\s*(?=url=)", re.IGNORECASE)
_RTP_INFO_PARAMETER: Final = re.compile(r";\s*(seq|rtptime)\s*=\s*([0-9]{1,10})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RtpInfo:
    """Entry of ``RTP-Info``: the first packet that follows on one track.

    ``url`` is the text that the client used in SETUP. ``sequence`` and ``rtp_time`` are
    ``None`` while the first packet is not known.
    """

    url: str
    sequence: int | None = None
    rtp_time: int | None = None

    def serialize(self) -> str:
        """Return the entry without any blank, as players compare it."""
        sequence = "" if self.sequence is None else f";seq={self.sequence}"
        rtp_time = "" if self.rtp_time is None else f";rtptime={self.rtp_time}"
        return f"url={self.url}{sequence}{rtp_time}"


def serialize_rtp_info(entries: Iterable[RtpInfo]) -> str:
    """Header text of several tracks: no blank behind the comma, nothing behind the last."""
    return ",".join(entry.serialize() for entry in entries)


def parse_rtp_info(value: str) -> list[RtpInfo]:
    """Parse ``RTP-Info``; URLs may contain commas and semicolons.

    Raises RtspError 400 for an entry without URL or with numbers out of range.
    """
    entries = (_TAIL.sub("", part).strip() for part in _RTP_INFO_SEPARATOR.split(value))
    return [_parse_rtp_info_entry(entry) for entry in entries if entry]


def _parse_rtp_info_entry(text: str) -> RtpInfo:
    name, _, rest = text.partition("=")
    found = {match[1].lower(): int(match[2]) for match in _RTP_INFO_PARAMETER.finditer(rest)}
    first = _RTP_INFO_PARAMETER.search(rest)
    url = rest[: first.start()] if first else rest
    if name.lower() != "url" or not url:
        raise RtspError(400, "RTP-Info entry without url")
    if found.get("seq", 0) > 0xFFFF or found.get("rtptime", 0) > 0xFFFF_FFFF:
        raise RtspError(400, "RTP-Info number out of range")
    return RtpInfo(url, found.get("seq"), found.get("rtptime"))


def parse_tags(value: str) -> tuple[str, ...]:
    """Option tags of ``Require``, ``Proxy-Require``, ``Supported`` or ``Unsupported``."""
    return tuple(split_quoted(value, ","))


def check_required(headers: Headers, known: Iterable[str]) -> tuple[str, ...]:
    """Return the option tags that a request requires, all of them in ``known``.

    Raises RtspError 551 with an ``Unsupported`` header naming the others.
    """
    required = (
        *parse_tags(headers.get("Require") or ""),
        *parse_tags(headers.get("Proxy-Require") or ""),
    )
    supported = {tag.lower() for tag in known}
    unknown = [tag for tag in required if tag.lower() not in supported]
    if unknown:
        text = ", ".join(unknown)
        raise RtspError(551, "required options", headers=(("Unsupported", text),))
    return required


_SDP_TYPES: Final = frozenset({"application/sdp", "application/*", "*/*"})


def accepts_sdp(headers: Headers) -> bool:
    """Whether the answer to DESCRIBE may be SDP; without ``Accept`` it may."""
    value = headers.get("Accept")
    if not value:
        return True
    offered = (part.partition(";")[0].strip().lower() for part in value.split(","))
    return not _SDP_TYPES.isdisjoint(offered)


def parse_blocksize(value: str | None) -> int | None:
    """Largest RTP payload that a client wants, ``None`` for absent, zero or nonsense."""
    found = re.fullmatch(r"[ \t]*([0-9]{1,7})[ \t]*", value or "")
    return (int(found[1]) or None) if found else None


def date_header(now_unix_s: float) -> str:
    """Value of ``Date``: RFC 1123 form, in GMT, the same in every locale."""
    return formatdate(now_unix_s, usegmt=True)
