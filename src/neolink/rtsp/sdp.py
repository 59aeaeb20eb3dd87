"""Session descriptions: written for players, and read by our own client (RFC 4566).

The payload format's attributes come from RFC 6184 section 8, RFC 7798 section 7 and RFC 3640
section 4. Which track gets which payload type is decided elsewhere. The reader is tolerant: it
passes over what it does not understand.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from neolink.media.tracks import AudioTrack, ParameterSets, VideoCodec, VideoTrack

__all__ = [
    "MediaDescription",
    "NamedFormat",
    "describe",
    "describe_audio",
    "describe_back_channel",
    "describe_metadata",
    "describe_video",
    "fmtp_aac",
    "fmtp_h264",
    "fmtp_h265",
    "parse",
    "session_attributes",
]

Kind = Literal["video", "audio", "application"]

_MAX_PARAMETER_SETS_LENGTH: Final = 2048
"""Characters of parameter sets that still leave a description short enough for every player."""

_MAX_NAME_LENGTH: Final = 200

FMTP_OPUS: Final = "sprop-stereo=0"
"""Format parameters of Opus (RFC 7587 section 6.1): rtpmap says two channels, one is sent."""

_MONO_BY_NAME: Final = frozenset({"PCMU", "PCMA", "G722"})
"""Encodings whose channel count is not written when it is one."""

_UNWRITABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINE_END: Final = re.compile(r"\r\n?|\n")


class NamedFormat(Protocol):
    """What a description needs to know of an RTP payload format."""

    @property
    def payload_type(self) -> int:
        """Number in the RTP header, unique in the whole description."""

    @property
    def encoding_name(self) -> str:
        """Registered name of the payload format."""

    @property
    def clock_rate(self) -> int:
        """Ticks of the RTP timestamp per second."""

    @property
    def channels(self) -> int:
        """Audio channels; without meaning for video."""


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One ``m=`` section with one payload format.

    ``channels`` is ``None`` where the format has none. ``attributes`` are further ``a=`` lines,
    name and value, the value ``None`` for a flag. ``direction`` is seen from the player.
    """

    kind: str
    payload_type: int
    encoding: str
    clock_rate: int
    control: str
    channels: int | None = None
    fmtp: str | None = None
    attributes: tuple[tuple[str, str | None], ...] = ()
    direction: str = "recvonly"
    port: int = 0
    """Of a multicast group; else 0, as SETUP agrees on it."""
    others: tuple["MediaDescription", ...] = ()
    """Other payload formats of the same track, of which only the format counts."""

    @property
    def rtpmap(self) -> str:
        """Encoding name, clock rate and, where it is usual, the channel count."""
        is_silent = self.channels is None or (
            self.channels == 1 and self.encoding.upper() in _MONO_BY_NAME
        )
        suffix = "" if is_silent else f"/{self.channels}"
        return f"{self.encoding}/{self.clock_rate}{suffix}"


def describe_video(track: VideoTrack, payload: NamedFormat, control: str) -> MediaDescription:
    """Media description of a video track."""
    make_fmtp = fmtp_h264 if track.codec is VideoCodec.H264 else fmtp_h265
    return replace(_describe("video", payload, control), fmtp=make_fmtp(track.parameter_sets))


def describe_audio(
    track: AudioTrack, payload: NamedFormat, control: str, *, packet_ms: int | None = None
) -> MediaDescription:
    """Media description of an audio track in ``payload``; ``packet_ms`` of sound per packet."""
    fmtp = {"MPEG4-GENERIC": fmtp_aac(track.config), "OPUS": FMTP_OPUS}
    return replace(
        _describe("audio", payload, control),
        channels=payload.channels,
        fmtp=fmtp.get(payload.encoding_name.upper()),
        attributes=() if packet_ms is None else (("ptime", str(packet_ms)),),
    )


def describe_metadata(payload: NamedFormat, control: str) -> MediaDescription:
    """Media description of a track of XML documents."""
    return _describe("application", payload, control)


def _describe(kind: str, payload: NamedFormat, control: str) -> MediaDescription:
    return MediaDescription(
        kind=kind,
        payload_type=payload.payload_type,
        encoding=payload.encoding_name,
        clock_rate=payload.clock_rate,
        control=control,
    )


def describe_back_channel(payloads: Sequence[NamedFormat], control: str) -> MediaDescription:
    """Media description of a track that the player sends, in any of these formats.

    ``sendonly`` is seen from the player, as ONVIF has it (Streaming Specification, 5.3.1).
    """
    first, *others = (
        MediaDescription(
            kind="audio",
            payload_type=payload.payload_type,
            encoding=payload.encoding_name,
            clock_rate=payload.clock_rate,
            control=control,
            channels=payload.channels,
            direction="sendonly",
        )
        for payload in payloads
    )
    return replace(first, others=tuple(others))


def _base64(nal_unit: bytes) -> str:
    return b64encode(nal_unit).decode("ascii")


def fmtp_h264(sets: ParameterSets) -> str:
    """Format parameters of H.264 (RFC 6184 section 8.1).

    Parameter sets are left out, rather than written empty, while SPS or PPS is unknown; and
    when they are too long for a player's line buffer, since they are sent in band as well.
    """
    parts = ["packetization-mode=1"]
    if len(sets.sps) >= 4:
        parts.append(f"profile-level-id={sets.sps[1:4].hex().upper()}")
    sprop = ",".join(_base64(nal_unit) for nal_unit in (sets.sps, *sets.pps))
    is_complete = len(sets.sps) >= 4 and bool(sets.pps) and all(sets.pps)
    if is_complete and len(sprop) <= _MAX_PARAMETER_SETS_LENGTH:
        parts.append(f"sprop-parameter-sets={sprop}")
    return ";".join(parts)


def fmtp_h265(sets: ParameterSets) -> str | None:
    """Format parameters of H.265 (RFC 7798 section 7.1): all three sets or no line at all."""
    if not (sets.vps and sets.sps and sets.pps and all(sets.pps)):
        return None
    pps = ",".join(map(_base64, sets.pps))
    text = f"sprop-vps={_base64(sets.vps)};sprop-sps={_base64(sets.sps)};sprop-pps={pps}"
    return text if len(text) <= _MAX_PARAMETER_SETS_LENGTH else None


def fmtp_aac(config: bytes) -> str:
    """Format parameters of AAC-hbr (RFC 3640 section 4.1) with an AudioSpecificConfig."""
    text = "streamtype=5;profile-level-id=1;mode=AAC-hbr;"
    text += "sizelength=13;indexlength=3;indexdeltalength=3"
    return f"{text};config={config.hex().upper()}" if config else text


def describe(
    media: Sequence[MediaDescription],
    *,
    session_id: int,
    version: int,
    name: str,
    address_family: Literal["IP4", "IP6"] = "IP4",
    address: str | None = None,
    group: str | None = None,
    bandwidth_kbps: int | None = None,
    framerate: float | None = None,
    dimensions: tuple[int, int] | None = None,
) -> str:
    """Write the description of a live presentation, with CRLF line ends.

    ``session_id`` is the start of the stream in unix seconds, ``version`` grows with every
    change. ``address`` is our own one, for ``o=``; ``group`` is a multicast group with its TTL,
    which ``media`` name ports of. Bandwidth, frame rate and size (width,
    height) are the video's.
    """
    unspecified = "0.0.0.0" if address_family == "IP4" else "::"  # noqa: S104 -- no bind: RFC 2326 C.1.7
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN {address_family} {address or unspecified}",
        f"s={_UNWRITABLE.sub(' ', name).strip()[:_MAX_NAME_LENGTH].strip() or '-'}",
        f"c=IN IP4 {group}" if group else f"c=IN {address_family} {unspecified}",
        "t=0 0",
        "a=tool:neolink",
        "a=type:broadcast",
        "a=control:*",
        "a=range:npt=now-",
    ]
    for item in media:
        is_video = item.kind == "video"
        lines += _media_lines(
            item,
            bandwidth_kbps if is_video else None,
            _picture_attributes(framerate, dimensions) if is_video else (),
        )
    return "\r\n".join(lines) + "\r\n"


def _picture_attributes(
    framerate: float | None, dimensions: tuple[int, int] | None
) -> tuple[tuple[str, str], ...]:
    rate = () if not framerate else (("framerate", f"{framerate:g}"),)
    size = () if dimensions is None else (("x-dimensions", f"{dimensions[0]},{dimensions[1]}"),)
    return (*rate, *size)


def _media_lines(
    item: MediaDescription,
    bandwidth_kbps: int | None,
    extra: tuple[tuple[str, str], ...],
) -> list[str]:
    formats = (item, *item.others)
    attributes: list[tuple[str, str | None]] = [
        *(("rtpmap", f"{one.payload_type} {one.rtpmap}") for one in formats),
        *(("fmtp", f"{one.payload_type} {one.fmtp}") for one in formats if one.fmtp),
        *extra,
        *item.attributes,
        ("control", item.control),
        (item.direction, None),
    ]
    return [
        f"m={item.kind} {item.port} RTP/AVP {' '.join(str(one.payload_type) for one in formats)}",
        *([f"b=AS:{bandwidth_kbps}"] if bandwidth_kbps else []),
        *(f"a={name}" if value is None else f"a={name}:{value}" for name, value in attributes),
    ]


# ---------------------------------------------------------------- reading

_MEDIA_LINE: Final = re.compile(
    r"(\w{1,32}) [0-9/]{1,16} [\w/]{1,32} ([0-9]{1,3})(?: .*)?", re.ASCII
)
_RTPMAP: Final = re.compile(
    r"([0-9]{1,3})\s+([^\s/]{1,64})/([0-9]{1,9})(?:/([0-9]{1,3}))?\s*", re.ASCII
)
_DIRECTIONS: Final = frozenset({"sendonly", "recvonly", "sendrecv", "inactive"})
_STATIC_FORMATS: Final[dict[int, tuple[str, int, int | None]]] = {
    0: ("PCMU", 8000, None),
    3: ("GSM", 8000, None),
    5: ("DVI4", 8000, None),
    6: ("DVI4", 16000, None),
    8: ("PCMA", 8000, None),
    9: ("G722", 8000, None),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    14: ("MPA", 90000, None),
    26: ("JPEG", 90000, None),
    33: ("MP2T", 90000, None),
}
"""Encoding, clock rate and channels of payload types that need no rtpmap (RFC 3551)."""


def parse(text: str) -> list[MediaDescription]:
    """Read the media sections of a description, each with its first payload format.

    Sections whose ``m=`` line or format cannot be understood are left out. Never raises.
    """
    sections: list[list[str]] = []
    for line in _LINE_END.split(text):
        if line.startswith("m="):
            sections.append([line[2:]])
        elif sections:
            sections[-1].append(line)
    return [media for section in sections if (media := _parse_section(section)) is not None]


def session_attributes(text: str) -> dict[str, str]:
    """Attributes before the first media section; flags have an empty value. Never raises."""
    head = re.split(r"^m=", text, maxsplit=1, flags=re.MULTILINE)[0]
    pairs = (line[2:].partition(":") for line in _LINE_END.split(head) if line.startswith("a="))
    return {name: value.strip() for name, _, value in pairs}


def _parse_section(lines: list[str]) -> MediaDescription | None:
    found = _MEDIA_LINE.fullmatch(lines[0].strip())
    if found is None or int(found[2]) > 127:
        return None
    payload_type = int(found[2])
    named = _STATIC_FORMATS.get(payload_type)
    fmtp: str | None = None
    control, direction = "", "sendrecv"
    others: list[tuple[str, str | None]] = []
    for line in lines[1:]:
        if not line.startswith("a="):
            continue
        name, colon, raw = line[2:].partition(":")
        value = raw.strip()
        match name:
            case "rtpmap":
                named = _parse_rtpmap(value, payload_type) or named
            case "fmtp":
                number, _, parameters = value.partition(" ")
                fmtp = parameters.strip() if number == str(payload_type) else fmtp
            case "control":
                control = value
            case _ if name in _DIRECTIONS:
                direction = name
            case _:
                others.append((name, value if colon else None))
    if named is None:
        return None
    encoding, clock_rate, channels = named
    return MediaDescription(
        kind=found[1],
        payload_type=payload_type,
        encoding=encoding,
        clock_rate=clock_rate,
        control=control,
        channels=channels,
        fmtp=fmtp or None,
        attributes=tuple(others),
        direction=direction,
    )


def _parse_rtpmap(value: str, payload_type: int) -> tuple[str, int, int | None] | None:
    found = _RTPMAP.fullmatch(value)
    if found is None or int(found[1]) != payload_type:
        return None
    return found[2], int(found[3]), int(found[4]) if found[4] else None
