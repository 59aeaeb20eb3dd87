"""What a simulated camera answers, by message id. Pure: a query and the settings in, XML out.

Login, subscriptions and logout are not here but in ``camera``, previews in ``previews``, snapshots
in ``stills``: they need the connection.
"""

from collections.abc import Mapping

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml import BodyPart, Node
from neolink.simulator.profile import CameraProfile
from neolink.simulator.replies import ability, alarms, battery, lights, ptz, system, video
from neolink.simulator.replies.ability import login_body
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query

__all__ = [
    "REPLIES",
    "Answer",
    "DeviceSettings",
    "Query",
    "answer",
    "login_body",
    "pushes_after_login",
]

REPLIES: Mapping[int, Handler] = {
    **system.REPLIES,
    **ability.REPLIES,
    **video.REPLIES,
    **alarms.REPLIES,
    **lights.REPLIES,
    **ptz.REPLIES,
    **battery.REPLIES,
}
"""All requests that are answered with something else than 405."""


def answer(query: Query, settings: DeviceSettings) -> Answer:
    """Answer a request; what it sets is kept in ``settings``.

    Unknown requests are answered 405: some clients repeat what is answered 400. A channel that
    does not exist is answered 400.
    """
    handler = REPLIES.get(query.message_id)
    if handler is None:
        return Answer(status=Status.NOT_ALLOWED)
    if not 0 <= query.channel < settings.profile.channels:
        return Answer(status=Status.BAD_REQUEST)
    return handler(query, settings)


def pushes_after_login(profile: CameraProfile) -> list[tuple[int, BodyPart | Node]]:
    """Return what a camera tells a client that has just logged in, by message id."""
    pushes: list[tuple[int, BodyPart | Node]] = []
    for channel in range(profile.channels):
        pushes.append((MessageId.VIDEO_INPUT_CHANGED, video.video_input(channel)))
        pushes.append((MessageId.SERIAL_CHANGED, system.serial_port(channel)))
    if profile.channels > 1:
        pushes.append((MessageId.CHANNEL_LIST, system.channel_list(profile)))
    if profile.has_battery:
        pushes.append((MessageId.BATTERY_LIST, battery.battery_list(profile)))
    return pushes
