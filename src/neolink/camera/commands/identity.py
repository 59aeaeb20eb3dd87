"""What a camera is: its model and firmware, for people. Its serial number is not kept."""

from dataclasses import dataclass

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml.system import VersionInfo
from neolink.camera.session import CameraSession
from neolink.errors import RemoteProtocolError

__all__ = ["MAX_LENGTH", "Identity", "read_identity"]

MAX_LENGTH = 80
"""Characters of a name that are kept: the camera may say anything."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Model and firmware as the camera names them; empty where it does not."""

    model: str
    firmware: str


async def read_identity(session: CameraSession) -> Identity:
    """Ask a camera what it is (message 80).

    Raises CommandRefused, ConnectionLost, or RemoteProtocolError where the answer says nothing.
    """
    body = await session.request(MessageId.VERSION)
    version = body.get(VersionInfo) if body else None
    if version is None:
        raise RemoteProtocolError("the camera does not tell its version")
    return Identity(
        model=_printable(version.type or version.name),
        firmware=_printable(version.firmware_version),
    )


def _printable(text: str | None) -> str:
    return "".join(char for char in text or "" if char.isprintable())[:MAX_LENGTH].strip()
