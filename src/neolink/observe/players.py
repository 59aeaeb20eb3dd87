"""RTSP players → ``PlayerReading``. Hot when there are hundreds: it runs for each, per reading.

``glimpse`` is for who only wants to add up: a third of the work, once a second.
"""

from typing import NamedTuple

from neolink.media.tracks import VIDEO_CLOCK_RATE, StreamKind
from neolink.readings import PlayerReading, Transport
from neolink.rtp.rtcp import ReportBlock
from neolink.rtsp_server.mounts.parcel import VIDEO
from neolink.rtsp_server.sessions.player import Player

__all__ = ["Glimpse", "glimpse", "player_reading"]

_TRANSPORTS = {
    frozenset(("tcp",)): Transport.TCP,
    frozenset(("udp",)): Transport.UDP,
    frozenset(("tcp", "udp")): Transport.MIXED,
    frozenset(("multicast",)): Transport.MULTICAST,
}


class Glimpse(NamedTuple):
    """Some fields of a ``PlayerReading``."""

    number: int
    camera: str
    kind: StreamKind
    queued_bytes: int
    units_dropped: int
    is_adaptive: bool
    moves_down: int
    moves_up: int


def glimpse(player: Player) -> Glimpse:
    """Return what is added up over all players."""
    sums = player.sums
    return Glimpse(
        player.number,
        player.mount.settings.camera,
        player.kind,
        sum(backlog.size for backlog in player.backlogs),
        sums.units_dropped,
        player.is_adaptive,
        sums.moves_down,
        sums.moves_up,
    )


def player_reading(player: Player, now_s: float) -> PlayerReading:
    """Return what is known of one player."""
    sums, backlogs, feedback = player.sums, player.backlogs, player.feedback
    reports = feedback.reports
    video = reports.get(VIDEO)
    return PlayerReading(
        number=player.number,
        camera=player.mount.settings.camera,
        kind=player.kind,
        path=player.path,
        transport=_TRANSPORTS.get(player.transports, Transport.TCP),
        address=player.address,
        user=player.user,
        agent=player.agent,
        is_playing=player.is_playing,
        connected_for_s=now_s - player.joined_s,
        bytes_sent=sums.bytes_sent,
        units_dropped=sums.units_dropped,
        drop_episodes=sums.drop_episodes,
        queued_units=sum(map(len, backlogs)),
        queued_bytes=sum(backlog.size for backlog in backlogs),
        queue_delay_s=player.queue_delay_s,
        loss=_loss(reports) if reports else None,
        lost_packets=_lost_packets(reports) if reports else None,
        jitter_s=video.jitter / VIDEO_CLOCK_RATE if video else None,
        round_trip_s=feedback.round_trip_s,
        pictures_lost=feedback.pictures_lost,
        is_adaptive=player.is_adaptive,
        moves_down=sums.moves_down,
        moves_up=sums.moves_up,
    )


def _loss(reports: dict[int, ReportBlock]) -> float:
    """Return the worst track's."""
    return max(report.fraction_lost for report in reports.values()) / 256


def _lost_packets(reports: dict[int, ReportBlock]) -> int:
    return max(0, sum(report.cumulative_lost for report in reports.values()))
