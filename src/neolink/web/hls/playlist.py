"""Playlists as text (RFC 8216bis). Pure.

All addresses in them are relative: ``index.m3u8`` leads into the folder of a session, and
everything in there is named the same for all sessions.
"""

from datetime import UTC, datetime
from itertools import islice
from typing import Final

from neolink.mp4.movie import Initialization
from neolink.web.hls.segments import PART_TARGET_S, Segment, Segments

__all__ = ["CONTENT_TYPE", "media_playlist", "multivariant_playlist"]

CONTENT_TYPE: Final = "application/vnd.apple.mpegurl"

VERSION: Final = 6
LISTED: Final = 6
"""Complete segments in a playlist."""

WITH_PARTS: Final = 2
"""Of these the newest are listed in parts too: nobody starts at the parts of older ones."""

HOLD_BACK_S: Final = 3 * PART_TARGET_S


def multivariant_playlist(made: Initialization, *, bitrate_bps: float, folder: str) -> str:
    """Return ``index.m3u8``: the one form of the stream, and where its playlist is."""
    video = made.video
    attributes = [
        f"BANDWIDTH={max(1, round(bitrate_bps))}",
        f'CODECS="{made.hls_codecs}"',
        f"RESOLUTION={video.width}x{video.height}",
    ]
    if video.frame_rate:
        attributes.append(f"FRAME-RATE={video.frame_rate:.3f}")
    return (
        f"#EXTM3U\n#EXT-X-VERSION:{VERSION}\n"
        f"#EXT-X-STREAM-INF:{','.join(attributes)}\n{folder}/stream.m3u8\n"
    )


def media_playlist(segments: Segments) -> str:
    """Return ``stream.m3u8``. There is at least one complete segment."""
    complete = list(islice(segments.complete, max(0, len(segments.complete) - LISTED), None))
    shown = [*complete, *([segments.current] if segments.current else [])]
    first = shown[0]
    lines = [
        "#EXTM3U",
        f"#EXT-X-VERSION:{VERSION}",
        f"#EXT-X-TARGETDURATION:{segments.target_s}",
        f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK={HOLD_BACK_S:.3f}",
        f"#EXT-X-PART-INF:PART-TARGET={PART_TARGET_S:.3f}",
        f"#EXT-X-MEDIA-SEQUENCE:{first.number}",
        f"#EXT-X-DISCONTINUITY-SEQUENCE:{first.discontinuities}",
    ]
    before: Segment | None = None
    number, part = segments.next_part
    for segment in shown:
        is_whole = segment is not segments.current
        lines += _head(segment, before)
        if segment.number >= number - WITH_PARTS:
            lines += _parts(segment)
        if is_whole:
            lines += [f"#EXTINF:{segment.duration_s:.5f},", f"segment-{segment.number}.m4s"]
        before = segment
    lines.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="part-{number}-{part}.m4s"')
    return "\n".join(lines) + "\n"


def _head(segment: Segment, before: Segment | None) -> list[str]:
    lines = []
    if before is not None and segment.discontinuities != before.discontinuities:
        lines.append("#EXT-X-DISCONTINUITY")
    if before is None or segment.map_number != before.map_number:
        lines.append(f'#EXT-X-MAP:URI="init-{segment.map_number}.mp4"')
    when = datetime.fromtimestamp(segment.unix_s, UTC).isoformat(timespec="milliseconds")
    return [*lines, f"#EXT-X-PROGRAM-DATE-TIME:{when}"]


def _parts(segment: Segment) -> list[str]:
    """Return the parts of a segment, but for those that are too long to be listed."""
    return [
        f'#EXT-X-PART:DURATION={part.duration_s:.5f},URI="part-{segment.number}-{place}.m4s"'
        + (",INDEPENDENT=YES" if part.is_independent else "")
        for place, part in enumerate(segment.parts)
        if part.duration_s <= PART_TARGET_S
    ]
