"""The camera's clock: read it, and set it when it was never set or when the settings say so.

Cameras keep local wall time and a zone in seconds with the sign inverted: UTC+7 is -25200
(protocol reference, section 3.1).
"""

from dataclasses import replace
from datetime import UTC, datetime, tzinfo

from neolink.baichuan.ids import MessageId
from neolink.baichuan.xml.system import SystemGeneral
from neolink.camera.session import CameraSession
from neolink.errors import RemoteProtocolError

__all__ = ["local_time", "set_clock_if_needed"]

NEVER_SET_BEFORE_YEAR = 2019
"""Cameras without a set clock start in a year before this one."""


async def set_clock_if_needed(
    session: CameraSession, *, unix_s: float, always: bool, zone: tzinfo | None = None
) -> bool:
    """Set the camera's clock to the host's local time; return whether it was set.

    ``zone`` is the host's zone when None. Raises CommandRefused, ConnectionLost or
    RemoteProtocolError.
    """
    body = await session.request(MessageId.GENERAL_GET)
    general = body.get(SystemGeneral) if body else None
    if general is None:
        raise RemoteProtocolError("the camera does not tell its time")
    is_set = general.year is not None and general.year >= NEVER_SET_BEFORE_YEAR
    if is_set and not always:
        return False
    now = datetime.fromtimestamp(unix_s, UTC).astimezone(zone)
    await session.request(MessageId.GENERAL_SET, local_time(general, now))
    return True


def local_time(general: SystemGeneral, now: datetime) -> SystemGeneral:
    """Return the settings with the wall time and zone of ``now``, and nothing else changed."""
    offset = now.utcoffset()
    assert offset is not None  # ``now`` has a zone
    return replace(
        SystemGeneral(osd_format=general.osd_format, time_format=general.time_format),
        time_zone=-int(offset.total_seconds()),
        year=now.year,
        month=now.month,
        day=now.day,
        hour=now.hour,
        minute=now.minute,
        second=now.second,
    )
