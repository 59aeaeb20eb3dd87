"""A stream that was watched, in words for people and in figures for programs. Pure."""

from neolink.doctor.device_facts import Expected
from neolink.doctor.findings import Figure
from neolink.doctor.media_facts import AudioFacts, MediaFacts
from neolink.doctor.words import rate, span
from neolink.media.tracks import VideoCodec

__all__ = ["describe_media", "figures_of", "nominal_fps"]

CODECS = {VideoCodec.H264: "H.264", VideoCodec.H265: "H.265"}


def describe_media(media: MediaFacts, expected: Expected) -> str:
    """Describe a stream of which pictures came, in one line."""
    track = media.track
    assert track is not None  # there are pictures
    nominal = nominal_fps(media, expected)
    words = [f"{CODECS[track.codec]} {track.profile}".strip(), f"{track.width}x{track.height}"]
    if media.fps is not None and media.playing_s >= 1.0:
        of = f" of {nominal:g}" if nominal else ""
        words.append(f"{media.fps:.1f}{of} fps")
    if media.bitrate_bps is not None:
        words.append(rate(media.bitrate_bps / 1000))
    if media.key_frames > 1:
        words.append(f"a key frame every {span(media.longest_gop_s or 0)}")
    words.append(f"first picture after {span(media.first_picture_s or 0)}")
    words.append(_sound(media.audio))
    if track.codec is VideoCodec.H265:
        words.append("not every browser plays H.265")
    return ", ".join(words)


def _sound(audio: AudioFacts | None) -> str:
    if audio is None:
        return "no sound"
    stereo = "" if audio.channels == 1 else f" in {audio.channels} channels"
    return f"sound {audio.codec} {audio.sample_rate / 1000:g} kHz{stereo}"


def nominal_fps(media: MediaFacts, expected: Expected) -> float | None:
    """Return how many pictures a second there should be, as far as anybody says so."""
    claimed = media.track.frame_rate if media.track else None
    return expected.fps or media.announced_fps or claimed


def figures_of(media: MediaFacts, expected: Expected) -> dict[str, Figure]:
    """Return what was measured; names and units are explained in ``docs/doctor.md``."""
    track, audio = media.track, media.audio
    return {
        "first_byte_s": _rounded(media.first_byte_s),
        "first_picture_s": _rounded(media.first_picture_s),
        "watched_s": _rounded(media.watched_s),
        "codec": CODECS[track.codec] if track else None,
        "profile": track.profile if track else None,
        "width": track.width if track else None,
        "height": track.height if track else None,
        "fps": _rounded(media.fps),
        "nominal_fps": _rounded(nominal_fps(media, expected)),
        "bitrate_kbps": round(media.bitrate_bps / 1000) if media.bitrate_bps else None,
        "nominal_kbps": expected.kbps,
        "pictures": media.pictures,
        "repeated_pictures": media.repeated,
        "key_frames": media.key_frames,
        "longest_gop_s": _rounded(media.longest_gop_s),
        "longest_gap_s": _rounded(media.longest_gap_s),
        "lag_s": _rounded(media.lag_s),
        "timestamp_jumps": media.clock_jumps,
        "damages": media.damages,
        "audio_codec": audio.codec if audio else None,
        "audio_rate_hz": audio.sample_rate if audio else None,
        "audio_errors": audio.errors if audio else None,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
