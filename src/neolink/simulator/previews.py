"""The previews of one connection: started and stopped by requests, fed by time.

Protocol reference, section 6. Which packets are due when is in ``preview``.
"""

from neolink.baichuan.bcmedia import Packet, VideoPacket
from neolink.baichuan.ids import Status
from neolink.baichuan.server import Requested
from neolink.baichuan.xml.streams import Preview as PreviewBody
from neolink.simulator.line import Line
from neolink.simulator.preview import Preview
from neolink.simulator.profile import kind_of
from neolink.simulator.requests import body_of
from neolink.simulator.stats import StreamKey

__all__ = ["Previews"]


class Previews:
    """What the client of a line is watching."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._device = line.device
        self._stats = line.device.stats
        self._running: dict[int, Preview] = {}  # by message number

    # ------------------------------------------------------------ requests
    def start(self, request: Requested) -> None:
        """Answer with the Info packet; pictures follow a little later."""
        body = body_of(request)
        wanted = body.get(PreviewBody) if body else None
        key = self._key_of(wanted) if wanted else None
        if wanted is None or key is None:
            self._line.reply(request.header, status=Status.BAD_REQUEST)
            return
        device, number = self._device, request.header.number
        self._end(number)
        origin_s = device.clock.monotonic_s() + device.profile.info_delay_s
        look = device.look_of(key[1])
        source = device.source(key, look, origin_s)
        preview = Preview(key, request.header, wanted.handle or 0, source, look, origin_s)
        self._running[number] = preview
        self._stats.video_starts[key] += 1
        self._stats.active_streams[key] += 1
        self._line.send_info(request.header, preview.info(), key[1])
        device.wake()

    def stop(self, request: Requested) -> None:
        """End the preview of the request's number, or else of its channel and handle."""
        body = body_of(request)
        wanted = body.get(PreviewBody) if body else None
        number = request.header.number
        if number not in self._running and wanted is not None:
            number = self._number_of(wanted)
        self._end(number)
        self._line.reply(request.header)

    def end_all(self) -> None:
        """End all of them: the client has gone."""
        for number in tuple(self._running):
            self._end(number)

    # ------------------------------------------------------------ time
    def send_due(self, now_s: float) -> None:
        """Send what is due of all of them; reset a client that never reads."""
        for preview in tuple(self._running.values()):
            hold = self._device.hold_of(preview.key[1])
            for packet in preview.packets_due(now_s, hold):
                self._send(preview, packet, now_s)
            if preview.is_hopeless(now_s):
                self._stats.backlog_resets += 1
                self._line.outlet.abort()

    def next_due_s(self, now_s: float) -> float | None:
        """Return when the next packet is due; None without previews."""
        return min((one.next_due_s(now_s) for one in self._running.values()), default=None)

    def follow(self, now_s: float) -> None:
        """Change what is shown and heard to what the device shows by now."""
        for preview in self._running.values():
            look = self._device.look_of(preview.key[1])
            if look != preview.look:
                source = self._device.source(preview.key, look, now_s)
                preview.change(look, source, self._device.frame_rate(preview.key[1], look), now_s)

    # ------------------------------------------------------------ one of them
    def _send(self, preview: Preview, packet: Packet, now_s: float) -> None:
        counter = preview.count(packet)
        if not preview.fits(packet, self._line.outlet.backlog, now_s):
            self._stats.frames_dropped[preview.key] += counter is not None
            return
        sent = self._line.send_packet(preview.header, packet, preview.key[1])
        has_picture = any(isinstance(one, VideoPacket) for one in sent)
        if counter is not None and has_picture and not self._device.is_silent:
            self._stats.frames_sent[preview.key] += 1
            self._stats.last_counter[preview.key] = counter

    def _key_of(self, wanted: PreviewBody) -> StreamKey | None:
        """Return the stream that is asked for; None if there is no such."""
        profile = self._device.profile
        kind = kind_of(wanted.stream_type)
        channel = wanted.channel_id or 0
        if kind is None or kind not in profile.streams or not 0 <= channel < profile.channels:
            return None
        return channel, kind

    def _number_of(self, wanted: PreviewBody) -> int:
        """Find a preview by channel and handle, for clients that stop it under another number."""
        for number, preview in self._running.items():
            if (preview.key[0], preview.handle) == (wanted.channel_id or 0, wanted.handle):
                return number
        return -1

    def _end(self, number: int) -> None:
        preview = self._running.pop(number, None)
        if preview is None:
            return
        self._stats.video_stops[preview.key] += 1
        self._stats.active_streams[preview.key] -= 1
        if not self._stats.active_streams[preview.key]:
            del self._stats.active_streams[preview.key]
