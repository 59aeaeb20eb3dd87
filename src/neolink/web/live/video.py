"""All live video by WebSocket: the channels there are, who watches them, and who may go on."""

from collections.abc import Iterator
from typing import Final

from neolink.clock import Clock
from neolink.hub.backlog import Budget
from neolink.hub.stream import Stream
from neolink.readings import PlayerReading
from neolink.web.access import Gate
from neolink.web.live.audience import Audience, Watcher
from neolink.web.live.channel import Channel
from neolink.web.live.viewer import Viewer
from neolink.web.view import BridgeView

__all__ = ["LiveVideo"]

KEEP_S: Final = 5.0
"""How long a channel nobody watches keeps its pictures, for one who comes back."""

STUCK_S: Final = 10.0
"""How long a viewer may take nothing at all."""

SILENCE_S: Final = 5.0
"""How long a viewer is told nothing; browsers take a longer silence for the end."""


class LiveVideo:
    """Owns the channels. Everything here returns at once."""

    def __init__(
        self, view: BridgeView, gate: Gate, clock: Clock, audience: Audience, *, max_bytes: int
    ) -> None:
        self.audience = audience
        self.budget = Budget(max_bytes)
        """What all viewers together may have waiting."""
        self.stuck = 0
        """Viewers that were cut off because they took nothing."""
        self._view = view
        self._gate = gate
        self._clock = clock
        self._channels: list[Channel] = []

    def channel(self, stream: Stream, watcher: Watcher, *, has_sound: bool) -> Channel:
        """Return the channel of a stream, which is made if there is none."""
        for channel in self._channels:
            if channel.stream is stream and channel.has_sound is has_sound:
                return channel
        channel = Channel(stream, watcher.camera, watcher.kind, self._clock, has_sound=has_sound)
        self._channels.append(channel)
        for unit in self._view.cached_pictures(watcher.camera, watcher.kind):
            channel.push(unit)  # so that its first viewer need not wait for a key frame
        return channel

    def players(self) -> list[PlayerReading]:
        """Return everybody who watches."""
        return [viewer.reading() for _, viewer in self._viewers()]

    def kick(self, number: int) -> bool:
        """End a viewer; return whether there was one of this number."""
        for _, viewer in self._viewers():
            if viewer.number == number and viewer.is_open:
                viewer.end("ended by an operator")
                return True
        return False

    def sweep(self) -> None:
        """End who may not watch any more or takes nothing, and what nobody watches."""
        now_s = self._clock.monotonic_s()
        for channel, viewer in list(self._viewers()):
            self._look_after(channel, viewer, now_s)
        for channel in list(self._channels):
            if self._view.stream(channel.camera, channel.kind) is not channel.stream:
                channel.end("the stream was replaced or removed")
            elif channel.viewers or now_s - channel.left_s < KEEP_S:
                continue
            if not channel.viewers:
                self._channels.remove(channel)
                channel.close()

    def close(self) -> None:
        """End everything."""
        for channel in self._channels:
            channel.close()
        self._channels.clear()

    def _look_after(self, channel: Channel, viewer: Viewer, now_s: float) -> None:
        viewer.note_progress()
        caller = viewer.watcher.caller
        is_allowed = self._gate.is_still_good(caller)
        if not is_allowed or not self._gate.may_watch(caller, channel.camera):
            viewer.end("permission withdrawn: log in again")
        elif viewer.blocked_since_s is not None and now_s - viewer.blocked_since_s >= STUCK_S:
            self.stuck += 1
            viewer.abort(f"took nothing for {STUCK_S:g} s")
        elif now_s - viewer.written_s >= SILENCE_S:
            channel.tell_state()
            if now_s - viewer.written_s >= SILENCE_S:
                viewer.tell_again()

    def _viewers(self) -> Iterator[tuple[Channel, Viewer]]:
        return ((channel, viewer) for channel in self._channels for viewer in channel.viewers)
