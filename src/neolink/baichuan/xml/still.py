"""Bodies about single pictures (protocol reference, section 3.7)."""

from dataclasses import dataclass
from typing import ClassVar

from neolink.baichuan.xml.codec import BodyPart

__all__ = ["Snap"]


@dataclass(frozen=True, slots=True)
class Snap(BodyPart):
    """Asks for a JPEG picture, and announces its ``picture_size`` in bytes (message 109)."""

    TAG: ClassVar[str] = "Snap"

    channel_id: int | None = None
    logic_channel: int | None = None
    time: int | None = None
    full_frame: int | None = None
    stream_type: str | None = None
    file_name: str | None = None
    picture_size: int | None = None
