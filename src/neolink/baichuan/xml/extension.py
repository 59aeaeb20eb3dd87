"""The Extension: the XML in front of a message's payload (protocol reference, section 1.4)."""

from dataclasses import dataclass, field
from typing import ClassVar

from neolink.baichuan.xml.codec import Document

__all__ = ["Extension"]


@dataclass(frozen=True, slots=True)
class Extension(Document):
    """What the sender says about the payload that follows, or whom a request addresses.

    ``binary_data`` switches the message number into or out of binary mode. ``encrypt_len`` counts
    the leading payload bytes that are encrypted. ``check_value`` is the signed number that the four
    plain bytes at ``check_pos`` form.
    """

    TAG: ClassVar[str] = "Extension"

    encrypt_len: int | None = None
    binary_data: bool | None = None
    check_pos: int | None = None
    check_value: int | None = None
    user_name: str | None = None
    token: str | None = field(default=None, repr=False)
    channel_id: int | None = None
    sub_channel: int | None = None
    rf_id: int | None = None
