"""Findings about a stream that was watched: whether it plays, and how well. Pure."""

from dataclasses import dataclass, field, replace

from neolink.doctor.device_facts import Expected
from neolink.doctor.findings import Cause, Check, Finding, Severity, failure, fine
from neolink.doctor.judge_quality import KEY_FRAME_ADVICE, judge_quality
from neolink.doctor.media_facts import MediaFacts, PlayFacts
from neolink.doctor.media_words import describe_media, figures_of
from neolink.doctor.words import printable, span

__all__ = ["Circumstances", "judge_play"]

FELL_SILENT_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What else is known when a stream is judged."""

    expected: Expected = field(default_factory=Expected)
    is_listed: bool | None = None
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
            f"{printable(facts.lost, 120)}, after {span(media.watched_s)}",
            "If it happens again: restart the camera, and look at its power supply and network. "
            "Cameras also do so when a program with the same account uses them too much.",
        )
    if facts.is_unanswered:
        return _silent(case, "the camera does not answer when asked for the stream")
    if media.pictures:
        return _fell_silent(media)
    if not media.video_packets:
        return _no_video(facts, case)
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
        "It does not have it, as it seems: leave it out of `stream` in the configuration.",
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


def _fell_silent(media: MediaFacts) -> Finding | None:
    silent_s = media.silent_s or 0.0
    if silent_s < max(FELL_SILENT_S, media.longest_gap_s * 2):
        return None
    return failure(
        Check.PLAY,
        Cause.SILENT_STREAM,
        f"no picture came any more {span(media.playing_s)} after the first",
        "The camera or its network stalls: look at its Wi-Fi, then restart it.",
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
    why = f": {printable(media.last_damage, 80)}" if media.last_damage else ""
    return failure(
        Check.PLAY,
        Cause.DAMAGED_MEDIA,
        f"{text}{why}",
        "Restart the camera and update its firmware; please report it with the model if that "
        "does not help.",
    )
