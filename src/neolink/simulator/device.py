"""What all connections of one simulated camera share: profile, settings, faults, counters.

No sockets, no tasks. ``wake`` tells the owner that there is something new to do.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from neolink.baichuan.ids import MessageId, Status
from neolink.clock import Clock
from neolink.media.tracks import StreamKind
from neolink.simulator import clips
from neolink.simulator.clipfile import Clip
from neolink.simulator.faults import Fault, Look, Privacy, Reboot, Trickle
from neolink.simulator.loudspeaker import Loudspeaker
from neolink.simulator.preview import Hold
from neolink.simulator.profile import CameraProfile
from neolink.simulator.replies import DeviceSettings
from neolink.simulator.source import MediaSource, Sound
from neolink.simulator.stats import CameraStats, StatsWatch, StreamKey
from neolink.simulator.timetable import Timetable

__all__ = ["Client", "Device"]

_SECOND_US = 1_000_000
_CLOCK_LIMIT = 1 << 32


class Client(Protocol):
    """A connection, as the device sees it."""

    @property
    def wants_events(self) -> bool:
        """Whether it is logged in and has subscribed to alarms."""

    def push(self, message_id: int, body: bytes) -> None:
        """Send what nobody asked for, if logged in."""

    def abort(self) -> None:
        """Reset the connection."""

    def send_due(self, now_s: float) -> None:
        """Send what is due."""

    def next_due_s(self, now_s: float) -> float | None:
        """Return when something will be due."""

    def follow(self, now_s: float) -> None:
        """Change what is shown and heard to what the device shows by now."""


class Device:
    """The camera behind the connections."""

    def __init__(self, profile: CameraProfile, clock: Clock, wake: Callable[[], None]) -> None:
        self.profile = profile
        self.clock = clock
        self.wake = wake
        self.settings = DeviceSettings(profile, clock_error_s=profile.clock_error_s)
        self.stats = CameraStats()
        self.watch = StatsWatch(self.stats)
        self.timetable = Timetable()
        self.faults: list[Fault] = []
        self.clients: set[Client] = set()
        talk = profile.talk
        self.loudspeakers = [Loudspeaker(talk) for _ in range(profile.channels)] if talk else []
        """One per channel; none without talk."""
        self._power_on_s = clock.monotonic_s()
        self._failed_logins: deque[float] = deque(maxlen=profile.max_failed_logins or 1)

    # ------------------------------------------------------------ time
    def later(self, delay_s: float, action: Callable[[], None]) -> None:
        """Run ``action`` in ``delay_s``."""
        self.timetable.add(self.clock.monotonic_s() + delay_s, action)
        self.wake()

    def send_due(self, now_s: float) -> None:
        """Do what is due, and let all connections send what is due."""
        self.timetable.run_due(now_s)
        for fault in [one for one in self.faults if one.is_spent]:
            self.end(fault)
        for client in tuple(self.clients):
            client.send_due(now_s)
        self.watch.notice()

    def next_due_s(self, now_s: float) -> float | None:
        """Return when `send_due` has something to do; None for not before something happens."""
        due = [client.next_due_s(now_s) for client in self.clients]
        due.append(self.timetable.next_due_s)
        return min((one for one in due if one is not None), default=None)

    # ------------------------------------------------------------ faults
    @property
    def is_silent(self) -> bool:
        """Whether nothing is heard and nothing said."""
        return any(fault.IS_SILENT for fault in self.faults)

    @property
    def is_refusing(self) -> bool:
        """Whether nobody listens."""
        return any(fault.REFUSES for fault in self.faults)

    @property
    def trickle_bytes_per_s(self) -> int | None:
        """How fast a connection may send; None without limit."""
        rates = [fault.bytes_per_s for fault in self.faults if isinstance(fault, Trickle)]
        return min(rates, default=None)

    def begin(self, fault: Fault) -> None:
        """Let something go wrong until `end`."""
        self.faults.append(fault)
        self.stats.faults[fault.NAME] += 1
        if fault.cuts_at_begin:
            self.cut()
        if isinstance(fault, Reboot):
            self._power_on_s = self.clock.monotonic_s()  # the media clock begins anew
        if fault.flood_per_s:
            self._flood(fault)
        self._follow_faults()

    def end(self, fault: Fault) -> None:
        """Let it go right again; a fault that has ended already is no error."""
        if self._has(fault):
            self.faults = [one for one in self.faults if one is not fault]
            self._follow_faults()

    def faults_of(self, stream: StreamKind) -> list[Fault]:
        """Return the faults that touch a stream's packets."""
        return [one for one in self.faults if one.applies_to(stream)]

    def hold_of(self, stream: StreamKind) -> Hold | None:
        """Return how a stream's media is held back; None if it is not."""
        for fault in self.faults_of(stream):
            if fault.hold_s is not None:
                return Hold(fault.hold_s, fault.has_sound_first)
        return None

    def hangs_up(self) -> bool:
        """Tell whether a client that begins to log in is reset."""
        return any(fault.hangs_up() for fault in self.faults)

    def begin_for(self, fault: Fault, duration_s: float) -> None:
        """Let something go wrong for a while; infinity is until `end`."""
        self.begin(fault)
        if math.isfinite(duration_s):
            self.later(duration_s, lambda: self.end(fault))

    def reboot(self) -> None:
        """Go down and come up again."""
        self.begin_for(Reboot(), self.profile.reboot_s)

    def cut(self) -> None:
        """Reset all connections."""
        for client in tuple(self.clients):
            client.abort()

    def status_for(self, message_id: int) -> int | None:
        """Return what the present faults answer a request with; None to let it pass."""
        found = (fault.status_for(message_id) for fault in self.faults)
        return next((status for status in found if status is not None), None)

    def _has(self, fault: Fault) -> bool:
        return any(one is fault for one in self.faults)

    def _follow_faults(self) -> None:
        self.settings.is_private = any(isinstance(one, Privacy) for one in self.faults)
        for client in tuple(self.clients):
            client.follow(self.clock.monotonic_s())
        self.wake()

    def _flood(self, fault: Fault) -> None:
        """Push keep-alives while the fault lasts."""
        if self._has(fault):
            self.push(MessageId.UDP_KEEPALIVE, b"")
            self.later(1 / fault.flood_per_s, lambda: self._flood(fault))

    # ------------------------------------------------------------ logins
    def login_refusal(self) -> int | None:
        """Return the status that every login is refused with at present, whoever it is."""
        if self.profile.refuse_login is not None:
            return self.profile.refuse_login
        if (status := self.status_for(MessageId.LOGIN)) is not None:
            return status
        return Status.UNAVAILABLE if self._is_locked() else None

    def session_refusal(self) -> int | None:
        """Return the status for one session more; None while there is room."""
        limit = self.profile.max_sessions
        return Status.BUSY if limit is not None and self.stats.open_sessions >= limit else None

    def note_login(self, *, is_right: bool) -> None:
        """Count wrong passwords; a right one is forgiven all before it."""
        if is_right:
            self._failed_logins.clear()
        else:
            self._failed_logins.append(self.clock.monotonic_s())

    def _is_locked(self) -> bool:
        limit, times = self.profile.max_failed_logins, self._failed_logins
        if limit is None or len(times) < limit:
            return False
        return self.clock.monotonic_s() - times[0] < self.profile.lockout_s

    # ------------------------------------------------------------ media and events
    def look_of(self, stream: StreamKind) -> Look:
        """Return what a stream shows, and how it sounds, with the faults of the moment."""
        audio = self.profile.audio
        look = Look(self.profile.codec, stream, Sound(audio) if audio else None)
        for fault in self.faults_of(stream):
            look = fault.on_look(look)
        return look

    def frame_rate(self, stream: StreamKind, look: Look) -> int:
        """Return the pictures per second of a stream that looks so."""
        if self._is_usual(stream, look):
            return self.profile.frame_rate_of(stream)
        return self._clip(stream, look).frame_rate

    def source(self, key: StreamKey, look: Look, now_s: float) -> MediaSource:
        """Return a new source for a stream whose first picture is due at ``now_s``."""
        elapsed_us = round((now_s - self._power_on_s) * _SECOND_US)
        return MediaSource(
            self._clip(key[1], look),
            look.sound,
            frame_rate=self.frame_rate(key[1], look),
            start_us=(self.profile.clock_start_us + elapsed_us) % _CLOCK_LIMIT,
            start_posix_s=int(self.clock.unix_s() + self.settings.clock_error_s),
        )

    def _clip(self, stream: StreamKind, look: Look) -> Clip:
        if self._is_usual(stream, look):
            return self.profile.clip(stream)
        return clips.load(look.codec, look.size_of)

    def _is_usual(self, stream: StreamKind, look: Look) -> bool:
        return (look.codec, look.size_of) == (self.profile.codec, stream)

    def push(self, message_id: int, body: bytes) -> None:
        """Send a message to everybody who is logged in."""
        self._push_to(tuple(self.clients), message_id, body)

    def push_event(self, message_id: int, body: bytes) -> None:
        """Send a message to those who have subscribed."""
        self._push_to([one for one in self.clients if one.wants_events], message_id, body)

    def _push_to(self, clients: Iterable[Client], message_id: int, body: bytes) -> None:
        for client in clients:
            client.push(message_id, body)
        self.stats.pushes += 1
        self.watch.notice()
