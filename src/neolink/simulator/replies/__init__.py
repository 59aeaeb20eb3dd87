"""What a simulated camera answers, by message id. Pure: a query and the settings in, XML out.

Login, previews, snapshots, subscriptions and logout are not here but in ``camera``: they need the
connection.
"""

from collections.abc import Mapping

from neolink.baichuan.ids import Status
from neolink.simulator.replies import ability, system, video
from neolink.simulator.replies.ability import login_body
from neolink.simulator.replies.query import Answer, DeviceSettings, Handler, Query

__all__ = ["REPLIES", "Answer", "DeviceSettings", "Query", "answer", "login_body"]

REPLIES: Mapping[int, Handler] = {**system.REPLIES, **ability.REPLIES, **video.REPLIES}
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
