"""The bundled pictures for a camera that was never seen: a test pattern, and words that say why.

The data in ``splash/`` is made by ``scripts/make_splash.py``; its README tells how. Nothing is
drawn or encoded here: pictures are put together from slices, so the standard library suffices.

Every picture is one IDR picture of three slices with the same parameter sets: the pattern's top,
a band of text, the pattern's bottom. Slices of an intra picture do not depend on each other
(ISO 14496-10 section 6.4.1) and no deblocking crosses them, so any pattern takes any text.
"""

from enum import StrEnum
from functools import cache
from importlib.resources import files

from neolink.errors import ConfigError
from neolink.media import h264
from neolink.media.nal import split_annex_b
from neolink.media.tracks import ParameterSets, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit

__all__ = ["PLAIN_PATTERN", "SPLASH_PATTERNS", "SplashReason", "splash_track", "splash_unit"]

PLAIN_PATTERN = "last"
"""Name for "no pattern": a calm dark picture, where the camera has no last picture to show."""

SPLASH_PATTERNS = (
    "smpte",
    "snow",
    "black",
    "white",
    "red",
    "green",
    "blue",
    "checkers-1",
    "checkers-2",
    "checkers-4",
    "checkers-8",
    "circular",
    "blink",
    "smpte75",
    "zone-plate",
    "gamut",
    "chroma-zone-plate",
    "solid-color",
    "ball",
    "smpte100",
    "bar",
    "pinwheel",
    "spokes",
    "gradient",
    "colors",
    "smpte-rp-219",
)
"""The drawn patterns, named as in the configuration; ``PLAIN_PATTERN`` is allowed beside them."""

ID_FIELD_BITS = 7
"""Width of the idr_pic_id suffix that is free in every bundled slice."""
ID_TICKS = 9000  # 0.1 s: pictures closer together than that would share their idr_pic_id

_HEAD_LENGTH = 8  # bytes that surely hold the slice header up to idr_pic_id
_TOP, _BAND, _BOTTOM = range(3)


class SplashReason(StrEnum):
    """Why there is no picture of the camera. The value names the file."""

    STARTING = "starting"
    UNREACHABLE = "unreachable"
    WRONG_PASSWORD = "wrong-password"  # noqa: S105 - names a picture
    ACCOUNT_LOCKED = "account-locked"
    LOGIN_REFUSED = "login-refused"
    """For any other reason than the password; the log tells it."""
    TOO_MANY_SESSIONS = "too-many-sessions"
    ASLEEP = "asleep"
    NO_VIDEO = "no-video"
    """The camera is there but sends no picture."""
    UNSUPPORTED = "unsupported"
    """The camera can be found only by its UID."""

    @property
    def headline(self) -> str:
        """What is the matter, in two or three words."""
        return _WORDS[self][0]

    @property
    def advice(self) -> str:
        """What happens or what to do next, in one short sentence."""
        return _WORDS[self][1]


# After a change of these words the pictures must be made again; a test compares them.
_WORDS = {
    SplashReason.STARTING: ("Starting", "Waiting for the camera's first picture."),
    SplashReason.UNREACHABLE: ("Camera unreachable", "Check its power, network and address."),
    SplashReason.WRONG_PASSWORD: (
        "Wrong password",
        "Check user name and password in the settings.",
    ),
    SplashReason.ACCOUNT_LOCKED: (
        "Account locked",
        "Correct the password, then restart the camera.",
    ),
    SplashReason.LOGIN_REFUSED: ("Login refused", "The log of the bridge says why."),
    SplashReason.TOO_MANY_SESSIONS: (
        "Too many sessions",
        "Close other apps that watch this camera.",
    ),
    SplashReason.ASLEEP: ("Camera asleep", "It saves its battery and wakes up on motion."),
    SplashReason.NO_VIDEO: ("Camera sends no video", "Try another stream or restart the camera."),
    SplashReason.UNSUPPORTED: ("UID not supported", "Set the camera's network address instead."),
}


@cache
def splash_track() -> VideoTrack:
    """Return the one track that all bundled pictures belong to."""
    sps, pps = (bytes(nal) for nal in _nal_units("patterns", PLAIN_PATTERN)[:2])
    info = h264.parse_sps(sps)
    return VideoTrack(
        codec=VideoCodec.H264,
        parameter_sets=ParameterSets(sps=sps, pps=(pps,)),
        width=info.width,
        height=info.height,
        frame_rate=info.frame_rate,
        profile=info.profile,
    )


def splash_unit(pattern: str, reason: SplashReason | None, pts: int) -> AccessUnit:
    """Return the picture of ``pattern`` (or ``PLAIN_PATTERN``) that tells ``reason``, if any.

    It is a random access point of ``splash_track()``. Neighbouring IDR pictures must differ in
    idr_pic_id (ISO 14496-10 section 7.4.3), else a decoder may take them for one picture; it
    follows from ``pts`` (90 kHz), so pictures 0.1 s to 12 s apart differ.
    Raises ConfigError for an unknown pattern.
    """
    if pattern != PLAIN_PATTERN and pattern not in SPLASH_PATTERNS:
        allowed = ", ".join((PLAIN_PATTERN, *SPLASH_PATTERNS))
        raise ConfigError(f"splash pattern: expected one of {allowed}; got {pattern!r}")
    picture_id = pts // ID_TICKS % (1 << ID_FIELD_BITS)
    return AccessUnit(splash_track(), _picture(pattern, reason, picture_id), pts, True)


@cache
def _nal_units(kind: str, name: str) -> tuple[memoryview, ...]:
    data = (files("neolink.hub") / "splash" / kind / f"{name}.h264").read_bytes()
    return tuple(split_annex_b(data))


def _picture(pattern: str, reason: SplashReason | None, picture_id: int) -> tuple[memoryview, ...]:
    slices = pattern_slices = _nal_units("patterns", pattern)[2:]
    if reason is not None:
        band = _nal_units("reasons", reason)[2:][_BAND]
        slices = (pattern_slices[_TOP], band, pattern_slices[_BOTTOM])
    return tuple(_numbered(nal, picture_id) for nal in slices)


def _numbered(nal: memoryview, picture_id: int) -> memoryview:
    """Write the picture's number into a slice, whose field for it is all zero.

    The head holds no emulation prevention (the generator sees to it) and more ones need none.
    """
    shift = 8 * _HEAD_LENGTH - ID_FIELD_BITS - _id_field_offset(nal)
    head = int.from_bytes(nal[:_HEAD_LENGTH]) | picture_id << shift
    return memoryview(b"".join((head.to_bytes(_HEAD_LENGTH), nal[_HEAD_LENGTH:])))


def _id_field_offset(nal: memoryview) -> int:
    """Return the bits before the free field (ISO 14496-10 section 7.3.3).

    They are the NAL unit header, first_mb_in_slice, slice_type 7, pic_parameter_set_id 0,
    frame_num, and the prefix of idr_pic_id. Only first_mb_in_slice differs in length.
    """
    first_mb_prefix = 56 - (int.from_bytes(nal[1:8])).bit_length()
    return 8 + (2 * first_mb_prefix + 1) + 7 + 1 + 4 + (ID_FIELD_BITS + 1)
