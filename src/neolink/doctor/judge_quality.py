"""Findings about how well a stream plays that does play: remarks, none of them fatal. Pure."""

from collections.abc import Iterable, Iterator

from neolink.doctor.device_facts import Expected
from neolink.doctor.findings import Cause, Check, Finding, warning
from neolink.doctor.media_facts import AudioFacts, MediaFacts, PlayFacts
from neolink.doctor.media_words import nominal_fps
from neolink.doctor.words import foreign, rate, span

__all__ = ["KEY_FRAME_ADVICE", "SLOW_ADVICE", "judge_quality"]

SLOW_START_S = 5.0
"""After it, many players have given up."""
RARE_KEY_FRAMES_S = 4.5
"""The longest of the usual intervals, and a little."""
LOW_FPS_SHARE = 0.8
LATE_S = 1.0
UNEVEN_S = 1.0
ENOUGH_S = 2.0
"""Of watching, before anything is said of rates."""
FEW_STANDS = 2
"""Times that a clock may stand still between two pictures."""
SOUND_TOLERANCE_S = 0.5
SOUND_TOLERANCE = 0.1

KEY_FRAME_ADVICE = (
    "In the camera's app, at the display or stream settings, set the frame interval (I-frame "
    "interval) to 1x or 2x the frame rate, then restart the camera."
)

SLOW_ADVICE = (
    "The network is too slow for this stream: lower its bit rate in the app, use the sub stream, "
    "improve the Wi-Fi or use a cable."
)


def judge_quality(facts: PlayFacts, expected: Expected) -> Iterator[Finding]:
    """Say what is odd about a stream that plays."""
    media = facts.media
    is_late = (media.lag_s or 0.0) > LATE_S  # which explains a slow start as well
    if (media.first_picture_s or 0.0) > SLOW_START_S and not is_late:
        yield warning(
            Check.PLAY,
            Cause.SLOW_START,
            f"the first picture came only after {span(media.first_picture_s or 0.0)}",
            f"Players may give up before. {KEY_FRAME_ADVICE}",
        )
    if media.longest_gop_s is not None and media.longest_gop_s > RARE_KEY_FRAMES_S:
        yield warning(
            Check.PLAY,
            Cause.RARE_KEY_FRAMES,
            f"key frames are {span(media.longest_gop_s)} or more apart",
            f"Players and recorders start and recover slowly. {KEY_FRAME_ADVICE}",
        )
    yield from _judge_damage(facts)
    yield from _judge_pace(media, expected)
    yield from _judge_audio(media, expected)


def _judge_damage(facts: PlayFacts) -> Iterable[Finding]:
    media = facts.media
    damages = media.damages + facts.trouble
    if damages:
        why = f" ({foreign(media.last_damage, 80)})" if media.last_damage else ""
        yield warning(
            Check.PLAY,
            Cause.DAMAGED_MEDIA,
            f"damaged in {damages} place{'s' if damages > 1 else ''}{why}",
            "Pictures freeze or are lost there. Restart the camera and update its firmware; a "
            "weak power supply does that too.",
        )
    if media.clock_jumps or media.clock_stands > FEW_STANDS:
        yield warning(
            Check.PLAY,
            Cause.JUMPING_TIMESTAMPS,
            f"the camera's timestamps jump or stand still ({media.clock_jumps} and "
            f"{media.clock_stands} times)",
            "The bridge evens that out. Give the camera a time server, and restart it.",
        )


def _judge_pace(media: MediaFacts, expected: Expected) -> Iterable[Finding]:
    if media.playing_s < ENOUGH_S:
        return
    lag_s, fps, nominal = media.lag_s or 0.0, media.fps, nominal_fps(media, expected)
    got = rate((media.bitrate_bps or 0) / 1000)
    wants = f", the stream is set to {rate(expected.kbps)}" if expected.kbps else ""
    if lag_s > LATE_S:
        yield warning(
            Check.PLAY,
            Cause.SLOW_NETWORK,
            f"pictures come later and later: {span(lag_s)} after {span(media.playing_s)}; "
            f"{got} got through{wants}",
            SLOW_ADVICE,
        )
    elif fps is not None and nominal and fps < LOW_FPS_SHARE * nominal:
        yield warning(
            Check.PLAY,
            Cause.LOW_FRAME_RATE,
            f"{fps:.1f} pictures a second came instead of {nominal:g}; {got} got through{wants}",
            "In the dark cameras do so by themselves (longer exposure). Else the camera or its "
            "network is overloaded: lower the bit rate in the app, use fewer streams.",
        )
    elif media.longest_gap_s > UNEVEN_S:
        yield warning(
            Check.PLAY,
            Cause.UNEVEN_DELIVERY,
            f"pictures come in bursts, with up to {span(media.longest_gap_s)} of silence",
            "The network holds them back: improve the camera's Wi-Fi, or use a cable.",
        )


def _judge_audio(media: MediaFacts, expected: Expected) -> Iterable[Finding]:
    audio = media.audio
    text = _missing_audio(expected) if audio is None else _odd_audio(audio, media)
    if text is not None:
        yield warning(Check.PLAY, Cause.ODD_AUDIO, *text)


def _missing_audio(expected: Expected) -> tuple[str, str] | None:
    if not expected.has_sound:
        return None
    return (
        "the camera says that it records sound, but sends none",
        "Switch the sound off and on again in the app, then restart the camera.",
    )


def _odd_audio(audio: AudioFacts, media: MediaFacts) -> tuple[str, str] | None:
    if audio.errors:
        return (
            f"{audio.errors} of {audio.errors + audio.frames} frames of sound make no sense",
            "They are left out. Restart the camera and update its firmware.",
        )
    if audio.codec == "ADPCM":
        return (
            "the sound is ADPCM, which no player knows; it is sent on as PCM (L16)",
            'If your recorder refuses that: audio = "pcmu" for this camera.',
        )
    return _odd_speed(audio, media)


def _odd_speed(audio: AudioFacts, media: MediaFacts) -> tuple[str, str] | None:
    # Sound comes with a backlog and behind a slow network as pictures do; what comes in bursts is
    # late by their distance.
    backlog_s = max(0.0, media.rated_s - media.playing_s)
    early_s = audio.sound_s - audio.span_s - backlog_s
    late_s = audio.span_s - audio.sound_s
    tolerance_s = media.longest_gap_s + max(0.0, media.lag_s or 0.0)
    tolerance_s += max(SOUND_TOLERANCE_S, SOUND_TOLERANCE * audio.span_s)
    if max(early_s, late_s) <= tolerance_s:
        return None
    share = audio.sound_s / audio.span_s if audio.span_s else 0.0
    came = f"{span(audio.sound_s)} of it came in {span(audio.span_s)}"
    advice = "The network loses or holds back parts of it; else restart the camera."
    if early_s > 0:
        advice = "Players cut or stretch it. Restart the camera and update its firmware."
    return f"the sound runs at {share:.0%} of its speed: {came}", advice
