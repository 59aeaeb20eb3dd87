"""All faults by name, and making one from a name and options, as scenario files do."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from neolink.errors import ConfigError
from neolink.media.tracks import StreamKind
from neolink.simulator.faults.base import Fault
from neolink.simulator.faults.behaviour import (
    AccountLocked,
    Busy,
    KeepaliveFlood,
    Privacy,
    SessionLimit,
    TalkBusy,
    WrongPassword,
)
from neolink.simulator.faults.clocks import ClockJump, ClockStandstill, ClockWrap, PosixJump
from neolink.simulator.faults.connection import Cut, Reboot, Refuse, Silence, Trickle, Truncate
from neolink.simulator.faults.media import (
    Burst,
    ChangeAudio,
    ChangeCodec,
    ChangeSize,
    EncryptLength,
    InfoFrameRate,
    LoseKeyFrames,
    Mute,
    Stall,
    WrongPadding,
)
from neolink.simulator.faults.wire import Duplicate, Garbage, HugeLength, Missing, WrongMagic
from neolink.simulator.faults.xml import Doctype, EmptyReplies, OversizeXml

__all__ = ["FAULTS", "make_fault"]

_CONNECTION = (Cut, Truncate, Refuse, Reboot, Silence, Trickle)
_WIRE = (Garbage, Duplicate, Missing, WrongMagic, HugeLength, EncryptLength, WrongPadding)
_MEDIA = (Stall, Burst, LoseKeyFrames, Mute, InfoFrameRate, ChangeSize, ChangeCodec, ChangeAudio)
_CLOCKS = (ClockJump, ClockStandstill, ClockWrap, PosixJump)
_BEHAVIOUR = (WrongPassword, AccountLocked, SessionLimit, Busy, TalkBusy, Privacy, KeepaliveFlood)
_XML = (Doctype, OversizeXml, EmptyReplies)
_KINDS: tuple[type[Fault], ...] = (
    *_CONNECTION,
    *_WIRE,
    *_MEDIA,
    *_CLOCKS,
    *_BEHAVIOUR,
    *_XML,
)

FAULTS: Mapping[str, type[Fault]] = MappingProxyType({kind.NAME: kind for kind in _KINDS})
"""All faults by name."""


def make_fault(name: str, **options: object) -> Fault:
    """Make a fault by its name. Raises ConfigError for an unknown name, option or value."""
    kind = FAULTS.get(name)
    if kind is None:
        raise ConfigError(f"unknown fault {name!r}; there are {', '.join(sorted(FAULTS))}")
    known = {one.name: one for one in fields(kind) if one.init}
    for option, value in options.items():
        if option not in known:
            allowed = ", ".join(sorted(known))
            raise ConfigError(f"{name}: unknown option {option!r}; there are {allowed}")
        _check_type(name, option, value, known[option].default)
    if "stream" in options:
        options["stream"] = _stream(name, options["stream"])
    return kind(**options)  # type: ignore[arg-type]  # checked above


def _check_type(name: str, option: str, value: object, default: object) -> None:
    """Demand the type of the default; a whole number serves as a decimal."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    match default:
        case bool():
            wanted, is_right = "true or false", isinstance(value, bool)
        case float():
            wanted, is_right = "a number", is_number
        case int():
            wanted, is_right = "a whole number", is_number and isinstance(value, int)
        case _:
            wanted, is_right = "text", isinstance(value, str)
    if not is_right:
        raise ConfigError(f"{name}: {option} must be {wanted}, not {value!r}")


def _stream(name: str, value: object) -> StreamKind:
    try:
        return StreamKind(str(value))
    except ValueError:
        allowed = ", ".join(StreamKind)
        raise ConfigError(f"{name}: stream must be one of {allowed}, not {value!r}") from None
