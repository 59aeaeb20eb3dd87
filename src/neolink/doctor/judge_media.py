"""Findings about a stream that was watched: whether it plays, and how well. Pure."""

from dataclasses import dataclass, field, replace

from neolink.doctor.device_facts import Expected
from neolink.doctor.findings import Cause, Check, Finding, Severity, failure, fine
from neolink.doctor.judge_device import LOST_ADVICE
from neolink.doctor.judge_quality import KEY_FRAME_ADVICE, SLOW_ADVICE, judge_quality
from neolink.doctor.media_facts import MediaFacts, PlayFacts
from neolink.doctor.media_words import describe_media, figures_of
from neolink.doctor.words import foreign, rate, span

__all__ = ["Circumstances", "judge_play"]

FELL_SILENT_S = 2.0
TRICKLE_SHARE = 0.5
"""Of the bit rate that a stream is set to, below which the network is to blame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else is known when a stream is judged."""

    expected: Expected = field(default_factory=Expected)
    is_listed: bool = True
    is_private: bool = False
    has_other: bool = False
    """Whether another stream of the camera plays."""


def judge_play(facts: PlayFacts, case: Circumstances) -> list[Finding]:
    """Say whether a stream plays; the first finding is the verdict, remarks follow."""
    trouble = _why_not(facts, case)
    if trouble is not None:
        findings = [trouble]
    else:
        findings = [fine(Check.PLAY, describe_media(facts.media, case.expected))]
        findings += judge_quality(facts, case.expected)
    figures = figures_of(facts.media, case.expected)
    first, *others = [replace(one, stream=facts.kind) for one in findings]
    return [replace(first, figures=figures), *others]


# ---------------------------------------------------------------- does it play
def _why_not(facts: PlayFacts, case: Circumstances) -> Finding | None:
    media = facts.media
    if facts.refusal is not None:
        return _refused(facts.refusal, case)
    if facts.lost:
        return failure(
            Check.PLAY,
            Cause.CONNECTION_LOST,
            f"after {span(media.watched_s)}: {foreign(facts.lost, 120)}",
            LOST_ADVICE,
        )
    if facts.is_unanswered:
        return _silent(case, "the camera does not answer when asked for the stream")
    if media.pictures:
        return _fell_silent(media, case)
    if not media.video_packets:
        return _trickle(media, case, "no picture") or _no_video(facts, case)
    return _no_picture(media)


def _refused(status: int, case: Circumstances) -> Finding:
    if case.is_private:
        return _private()
    if case.is_listed:
        return failure(
            Check.PLAY,
            Cause.STREAM_REFUSED,
            f"the camera refuses the stream (status {status})",
            "It is busy, serves as many streams as it can, or has its privacy mode on: close "
            "other programs that use it, then try again.",
        )
    finding = failure(
        Check.PLAY,
        Cause.NO_SUCH_STREAM,
        f"the camera refuses the stream (status {status}), and does not list it either",
        "It does not have it, as it seems: leave it out of `stream` in the configuration "
        '(stream = "both" is main and sub).',
    )
    return replace(finding, severity=Severity.WARNING) if case.has_other else finding


def _private() -> Finding:
    return failure(
        Check.PLAY,
        Cause.PRIVACY_MODE,
        "no picture: the privacy mode covers the lens",
        "Switch it off in the camera's app.",
    )


def _silent(case: Circumstances, text: str) -> Finding:
    if case.is_private:
        return _private()
    return failure(
        Check.PLAY,
        Cause.SILENT_STREAM,
        text,
        "Restart the camera. If it is fine for a while then, and other programs use it too, it "
        "serves too many.",
    )


def _fell_silent(media: MediaFacts, case: Circumstances) -> Finding | None:
    silent_s = media.silent_s or 0.0
    if silent_s < max(FELL_SILENT_S, media.longest_gap_s * 2):
        return None
    slow = _trickle(media, case, f"no picture any more {span(media.playing_s)} after the first")
    return slow or failure(
        Check.PLAY,
        Cause.SILENT_STREAM,
        f"no picture came any more {span(media.playing_s)} after the first",
        "The camera or its network stalls: look at its Wi-Fi, then restart it.",
    )


def _trickle(media: MediaFacts, case: Circumstances, text: str) -> Finding | None:
    """Blame the network for pictures that do not come, if something does come all the time."""
    got_kbps, wanted_kbps = media.received_bps / 1000, case.expected.kbps
    began_s, ended_s = media.first_byte_s or 0.0, media.last_byte_s or 0.0
    if ended_s - began_s < FELL_SILENT_S or media.watched_s - ended_s > FELL_SILENT_S:
        return None
    if not wanted_kbps or got_kbps > TRICKLE_SHARE * wanted_kbps:
        return None
    return failure(
        Check.PLAY,
        Cause.SLOW_NETWORK,
        f"{text}: only {rate(got_kbps)} get through, the stream is set to {rate(wanted_kbps)}",
        SLOW_ADVICE,
    )


def _no_video(facts: PlayFacts, case: Circumstances) -> Finding:
    media = facts.media
    if media.damages or facts.trouble:
        return _unreadable(media, f"{media.received_bytes} bytes came, and no picture in them")
    if media.audio is not None:
        return _silent(case, f"sound comes, but no picture within {span(media.watched_s)}")
    return _silent(case, f"the camera agrees, but sends no picture within {span(media.watched_s)}")


def _no_picture(media: MediaFacts) -> Finding:
    if not media.key_packets:
        return failure(
            Check.PLAY,
            Cause.NO_KEY_FRAME,
            f"{media.video_packets} pictures came within {span(media.watched_s)}, but no key frame "
            "to begin with",
            KEY_FRAME_ADVICE,
        )
    return _unreadable(media, "key frames come, but make no picture")


def _unreadable(media: MediaFacts, text: str) -> Finding:
    why = f": {foreign(media.last_damage, 80)}" if media.last_damage else ""
    return failure(
        Check.PLAY,
        Cause.DAMAGED_MEDIA,
        f"{text}{why}",
        "Restart the camera and update its firmware; please report it with the model if that "
        "does not help.",
    )
