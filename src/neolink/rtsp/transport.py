"""The ``Transport`` header: alternatives asked for, and the one granted (RFC 2326 section 12.39).

Which alternative is granted, and on which ports or channels, is decided elsewhere.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from neolink.rtsp.errors import RtspError
from neolink.rtsp.fields import split_quoted, unquote_string

__all__ = ["Delivery", "Protocol", "Transport", "parse_transports"]


class Protocol(StrEnum):
    """What carries RTP packets."""

    UDP = "UDP"
    TCP = "TCP"


class Delivery(StrEnum):
    """Whether packets go to one receiver or to a group."""

    UNICAST = "unicast"
    MULTICAST = "multicast"


_PROFILE: Final = re.compile(r"RTP/S?AVPF?(?:/(UDP|TCP))?", re.IGNORECASE)
_PAIR: Final = re.compile(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?")
_SSRC: Final = re.compile(r"(?:0x)?([0-9a-f]{1,8})", re.IGNORECASE)
_TTL: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Transport:
    """One alternative of a ``Transport`` header, asked for or granted.

    ``profile`` is spelled as the client spelled it. Pairs are RTP first, RTCP second;
    ``port`` is the pair of a multicast group. ``mode`` is in upper case.
    """

    profile: str = "RTP/AVP"
    delivery: Delivery = Delivery.UNICAST
    destination: str | None = None
    source: str | None = None
    client_port: tuple[int, int] | None = None
    server_port: tuple[int, int] | None = None
    interleaved: tuple[int, int] | None = None
    port: tuple[int, int] | None = None
    ttl: int | None = None
    ssrc: int | None = None
    mode: str | None = None

    @property
    def protocol(self) -> Protocol:
        """UDP unless the profile names TCP."""
        return Protocol.TCP if self.profile.upper().endswith("/TCP") else Protocol.UDP

    @property
    def is_secure(self) -> bool:
        """Whether the profile asks for SRTP (RFC 3711)."""
        return "/SAVP" in self.profile.upper()

    @property
    def is_multicast(self) -> bool:
        """Whether the packets go to a group."""
        return self.delivery is Delivery.MULTICAST

    def serialize(self) -> str:
        """Return one alternative as header text, in the order that clients know."""
        parts = [
            self.profile,
            self.delivery.value,
            f"destination={self.destination}" if self.destination else "",
            f"source={self.source}" if self.source else "",
            _pair_text("client_port", self.client_port),
            _pair_text("server_port", self.server_port),
            _pair_text("interleaved", self.interleaved),
            _pair_text("port", self.port),
            f"ttl={self.ttl}" if self.ttl is not None else "",
            f"ssrc={self.ssrc:08X}" if self.ssrc is not None else "",
            f'mode="{self.mode}"' if self.mode else "",
        ]
        return ";".join(filter(None, parts))


def _pair_text(name: str, pair: tuple[int, int] | None) -> str:
    return f"{name}={pair[0]}-{pair[1]}" if pair else ""


def parse_transports(value: str) -> list[Transport]:
    """Parse a ``Transport`` header into its usable alternatives, in the client's order.

    Alternatives that are not RTP, or are malformed, are passed over as long as one is left.
    Raises RtspError: 461 when none is RTP, 400 when the first RTP one is malformed.
    """
    usable: list[Transport] = []
    fault: RtspError | None = None
    for alternative in split_quoted(value, ","):
        try:
            if (transport := _parse_alternative(alternative)) is not None:
                usable.append(transport)
        except RtspError as error:
            fault = fault or error
    if usable:
        return usable
    raise fault or RtspError(461, "the Transport header offers no RTP transport")


def _parse_alternative(text: str) -> Transport | None:
    profile, *rest = split_quoted(text, ";") or [""]
    found = _PROFILE.fullmatch(profile)
    if found is None:
        return None
    parameters: dict[str, str] = {}
    for item in rest:
        name, _, raw = item.partition("=")
        parameters.setdefault(name.strip().lower(), unquote_string(raw.strip()).strip())
    is_tcp = (found[1] or "").upper() == "TCP"
    client_port = _parse_pair("client_port", parameters, 1, 65535)
    # RFC 2326 defaults to multicast, but a client that names its own port wants unicast
    is_unicast = "unicast" in parameters or is_tcp or client_port is not None
    is_multicast = "multicast" in parameters or not is_unicast
    return Transport(
        profile=profile,
        delivery=Delivery.MULTICAST if is_multicast else Delivery.UNICAST,
        destination=parameters.get("destination") or None,
        source=parameters.get("source") or None,
        client_port=client_port,
        server_port=_parse_pair("server_port", parameters, 1, 65535),
        interleaved=_parse_pair("interleaved", parameters, 0, 255),
        port=_parse_pair("port", parameters, 1, 65535),
        ttl=_parse_ttl(parameters.get("ttl", "")),
        ssrc=_parse_ssrc(parameters.get("ssrc", "")),
        mode=parameters.get("mode", "").upper() or None,
    )


def _parse_pair(
    name: str, parameters: dict[str, str], lowest: int, highest: int
) -> tuple[int, int] | None:
    text = parameters.get(name)
    if not text:
        return None
    found = _PAIR.fullmatch(text)
    if found is None:
        raise RtspError(400, f"Transport parameter {name} is no pair of numbers")
    first = int(found[1])
    second = int(found[2]) if found[2] else first + 1
    if not (lowest <= first <= highest and lowest <= second <= highest):
        raise RtspError(400, f"Transport parameter {name} is outside {lowest} to {highest}")
    return first, second


def _parse_ttl(text: str) -> int | None:
    return int(text) if _TTL.fullmatch(text) and int(text) <= 255 else None


def _parse_ssrc(text: str) -> int | None:
    found = _SSRC.fullmatch(text)
    return int(found[1], 16) if found else None
