"""What a player sends us back: reports of how it receives, and what it says to the camera.

Whose packets they are is decided elsewhere, and so is what follows from them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neolink.rtp.rtcp import (
    Bye,
    PictureLossIndication,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    parse_compound,
)
from neolink.rtsp_server.mounts.backchannel import Talker
from neolink.rtsp_server.mounts.feedback import Feedback
from neolink.rtsp_server.mounts.parcel import BACKCHANNEL, VIDEO

if TYPE_CHECKING:
    from neolink.rtsp_server.sessions.player import Player

__all__ = ["Inbound"]


class Inbound:
    """The way back from one player."""

    def __init__(self, player: "Player") -> None:
        self.feedback = Feedback()
        self._player = player
        self._talker: Talker | None = None
        """What is said to the camera; None before anything is."""

    def take_speech(self, data: bytes | memoryview) -> None:
        """Take an RTP packet of the back channel; what comes before PLAY is not for the camera."""
        player = self._player
        lane, mount = player.lanes.of(BACKCHANNEL), player.mount
        if lane is None or mount.intercom is None or not player.is_playing:
            return
        if not mount.settings.has_talk:  # a reload has switched it off
            self.stop_speech()
            return
        if self._talker is None:
            self._talker = Talker(mount.intercom, mount.cname)
        is_udp = player.lanes.is_udp(BACKCHANNEL)
        self._talker.take(data, is_ordered=not is_udp)
        report = self._talker.report() if is_udp else None
        if report is not None:
            lane.push_rtcp(BACKCHANNEL, report)

    def stop_speech(self) -> None:
        """Let others speak; what is said next begins anew."""
        if self._talker is not None:
            self._talker.close()
            self._talker = None

    def take_rtcp(self, track: int, data: bytes | memoryview) -> bool:
        """Keep what is reported of a track; return whether the player said BYE.

        Raises RemoteProtocolError for what is no RTCP.
        """
        packets = parse_compound(data)
        for packet in packets:
            if track == BACKCHANNEL and isinstance(packet, SenderReport) and self._talker:
                self._talker.take_report(packet)
            elif isinstance(packet, ReceiverReport | SenderReport):
                self._take_reports(track, packet.reports)
            elif isinstance(packet, PictureLossIndication):
                self.feedback.pictures_lost += 1
        return any(isinstance(packet, Bye) for packet in packets)

    def _take_reports(self, track: int, reports: Iterable[ReportBlock]) -> None:
        ssrc, switcher = self._player.ssrc(track), self._player.switcher
        for report in reports:
            if report.ssrc != ssrc:
                continue
            self._take_report(track, report)
            if switcher is not None and track == VIDEO:
                switcher.reported(report.fraction_lost / 256)

    def _take_report(self, track: int, report: ReportBlock) -> None:
        player, feedback = self._player, self.feedback
        feedback.take(track, report, player.mount.round_trip_s(report))
        loss = feedback.take_lasting_loss() if player.lanes.is_udp(track) else None
        if loss is not None:
            player.log.warning("loses %.0f %% of its packets over UDP; have it use TCP", 100 * loss)
