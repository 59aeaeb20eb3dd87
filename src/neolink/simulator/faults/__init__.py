"""What can go wrong with a simulated camera, by name. Pure: bytes and packets in, others out.

The names in `FAULTS` and the fields of the classes are a contract: scenario files use them. What a
fault can touch is in ``base``; the others are sorted by what they touch. When faults begin and end
is in ``scenario``; ``docs/simulator.md`` is the list for people.
"""

from neolink.simulator.faults.base import Cargo, Ending, EveryNth, Fault, Look
from neolink.simulator.faults.behaviour import (
    AccountLocked,
    Busy,
    KeepaliveFlood,
    Privacy,
    SessionLimit,
    WrongPassword,
)
from neolink.simulator.faults.catalogue import FAULTS, make_fault
from neolink.simulator.faults.clocks import ClockJump, ClockStandstill, ClockWrap, PosixJump
from neolink.simulator.faults.connection import (
    CUT_PLACES,
    Cut,
    Reboot,
    Refuse,
    Silence,
    Trickle,
    Truncate,
)
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
from neolink.simulator.faults.wire import (
    Duplicate,
    Garbage,
    HugeLength,
    Missing,
    WrongMagic,
    messages_of,
)
from neolink.simulator.faults.xml import Doctype, EmptyReplies, OversizeXml

__all__ = [
    "CUT_PLACES",
    "FAULTS",
    "AccountLocked",
    "Burst",
    "Busy",
    "Cargo",
    "ChangeAudio",
    "ChangeCodec",
    "ChangeSize",
    "ClockJump",
    "ClockStandstill",
    "ClockWrap",
    "Cut",
    "Doctype",
    "Duplicate",
    "EmptyReplies",
    "EncryptLength",
    "Ending",
    "EveryNth",
    "Fault",
    "Garbage",
    "HugeLength",
    "InfoFrameRate",
    "KeepaliveFlood",
    "Look",
    "LoseKeyFrames",
    "Missing",
    "Mute",
    "OversizeXml",
    "PosixJump",
    "Privacy",
    "Reboot",
    "Refuse",
    "SessionLimit",
    "Silence",
    "Stall",
    "Trickle",
    "Truncate",
    "WrongMagic",
    "WrongPadding",
    "WrongPassword",
    "make_fault",
    "messages_of",
]
