"""Answering requests of two-way audio, and hearing what is said. Protocol reference, section 7.

What a loudspeaker accepts and plays is in ``loudspeaker``.
"""

from collections.abc import Callable

from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.server import BinaryReceived, Requested
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.talk import TalkConfig
from neolink.simulator.line import Line
from neolink.simulator.loudspeaker import Loudspeaker
from neolink.simulator.requests import body_of, channel_of

__all__ = ["Talks"]


class Talks:
    """What the client of a line says."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def course_of(self, message_id: int) -> Callable[[Requested], None] | None:
        """Return what answers a request; None for one of something else."""
        courses = {
            MessageId.TALK_ABILITY: self._tell_ability,
            MessageId.TALK_CONFIG: self._open,
            MessageId.TALK_RESET: self._reset,
        }
        return next((course for one, course in courses.items() if one == message_id), None)

    def hear(self, event: BinaryReceived) -> None:
        """Play what is said."""
        channel = event.extension.channel_id if event.extension else None
        speaker = self._speaker(channel or 0)
        if speaker is None:
            self._line.reply(event.header, status=Status.NOT_ALLOWED)
            return
        now_s = self._line.device.clock.monotonic_s()
        speaker.take(self, event.header.number, event.extension, event.data, now_s)
        if speaker.profile.answers_every_message:
            self._line.reply(event.header)

    def end_all(self) -> None:
        """End them: the client has gone."""
        for speaker in self._line.device.loudspeakers:
            speaker.leave(self)

    def _tell_ability(self, request: Requested) -> None:
        speaker = self._asked(request)
        if speaker is not None:
            self._line.reply(request.header, body=serialize_body(speaker.profile.ability))

    def _open(self, request: Requested) -> None:
        speaker, body = self._asked(request), body_of(request)
        if speaker is not None:
            wanted = body.get(TalkConfig) if body else None
            self._line.reply(request.header, status=speaker.open(self, wanted))

    def _reset(self, request: Requested) -> None:
        speaker = self._asked(request)
        if speaker is not None:
            speaker.reset(self._line.device.clock.monotonic_s())
            self._line.reply(request.header)

    def _asked(self, request: Requested) -> Loudspeaker | None:
        """Return the loudspeaker that a request is about; without one, the request is refused."""
        speaker = self._speaker(channel_of(request))
        if speaker is None:
            self._line.reply(request.header, status=Status.NOT_ALLOWED)
        elif request.extension is None or request.extension.channel_id is None:
            speaker.complain(f"request {request.message_id} without a channel")
        return speaker

    def _speaker(self, channel: int) -> Loudspeaker | None:
        speakers = self._line.device.loudspeakers
        return speakers[channel] if 0 <= channel < len(speakers) else None
