"""The strict browser: what it accepts, and that each rule is kept."""

import json

import pytest
from soak.live_witness import LiveWitness, Word, parse_fragment

from neolink.media.tracks import StreamKind
from neolink.mp4.fragments import Run, fragment
from neolink.mp4.samples import Sample

LIVE = json.dumps({"type": "live"})
AWAY = json.dumps({"type": "stand_in", "reason": "away"})
INIT = json.dumps({"type": "init", "mime": 'video/mp4; codecs="avc1.640028"', "audio": None})


def box(name: bytes, body: bytes = b"") -> bytes:
    return (8 + len(body)).to_bytes(4) + name + body


MOOV = box(b"ftyp") + box(b"moov")
OPENING: list[str | bytes] = [LIVE, INIT, MOOV]


def picture(sequence: int, dts: int, *, is_sync: bool = False, sound: int | None = None) -> bytes:
    runs = [Run(1, [Sample(dts, 3600, 3, (b"abc",), is_sync, 0)])]
    if sound is not None:
        runs.append(Run(2, [Sample(sound, 1024, 2, (b"de",), True, 0)] * 2))
    return b"".join(fragment(sequence, runs))


def sound(sequence: int, dts: int) -> bytes:
    return b"".join(fragment(sequence, [Run(2, [Sample(dts, 1024, 2, (b"de",), True, 0)])]))


def witness_of(
    messages: list[str | bytes], *, has_sound: bool = False, step_s: float = 0.1
) -> LiveWitness:
    witness = LiveWitness("w", 0, StreamKind.MAIN, has_sound)
    witness.begin_session(0.0)
    for index, message in enumerate(messages):
        witness.take(message, index * step_s)
    return witness


def texts(witness: LiveWitness) -> list[str]:
    return [violation.text for violation in witness.violations]


def test_a_right_stream_violates_nothing() -> None:
    messages = [*OPENING, picture(1, 0, is_sync=True, sound=0), sound(2, 2048), picture(3, 3600)]
    witness = witness_of(messages, has_sound=True)
    assert texts(witness) == []
    assert (witness.fragments, witness.units, witness.sounds, witness.inits) == (3, 2, 3, 1)


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ([INIT, MOOV], "init before any word"),
        ([LIVE, picture(1, 0, is_sync=True)], "a fragment before any init"),
        ([LIVE, INIT, box(b"moov")], "an initialization of [b'moov']"),
        ([LIVE, json.dumps({"type": "init", "mime": "video/webm"})], "a media type that none is"),
        ([*OPENING, picture(1, 0)], "does not begin with a key frame"),
        ([*OPENING, sound(1, 0)], "does not begin with a key frame"),
        (
            [*OPENING, picture(1, 0, is_sync=True), '{"type": "skipped"}', picture(3, 1)],
            "does not begin with a key frame",
        ),
        ([*OPENING, picture(5, 0, is_sync=True), picture(5, 1)], "fragment 5 after 5"),
        ([*OPENING, picture(1, 9, is_sync=True), picture(2, 9)], "track 1: decoded at 9 after 9"),
        ([*OPENING, picture(1, 0, is_sync=True, sound=0)], "a fragment of track 2"),
        ([*OPENING, picture(1, 0, is_sync=True)[:-1]], "a fragment that makes no sense"),
        ([*OPENING, b"\0\0\0\x08moof"], "a fragment that makes no sense"),
        ([LIVE, '{"type": "end", "reason": "gone"}'], "told of an end: gone"),
        (["{"], "a text that makes no sense"),
        (["[]"], "a text that makes no sense"),
    ],
)
def test_each_rule_is_kept(messages: list[str | bytes], text: str) -> None:
    assert any(text in one for one in texts(witness_of(messages)))


def test_words_about_the_camera_are_kept_with_their_time() -> None:
    witness = witness_of([LIVE, LIVE, AWAY, LIVE], step_s=1.0)
    assert witness.words == [Word(0.0, "live"), Word(2.0, "stand_in"), Word(3.0, "live")]
    assert [witness.word_at(at_s) for at_s in (-1, 1, 2.5, 9)] == ["", "live", "stand_in", "live"]


def test_silence_of_more_than_15_s_is_a_violation_and_gaps_are_noted() -> None:
    witness = witness_of([*OPENING, picture(1, 0, is_sync=True)], step_s=0.0)
    witness.take(picture(2, 1), 14.0)
    assert texts(witness) == []
    assert [gap.length_s for gap in witness.gaps] == [14.0]
    witness.take(LIVE, 30.0)
    assert texts(witness) == ["nothing was said for 16.0 s"]


def test_another_connection_begins_anew() -> None:
    witness = witness_of([*OPENING, picture(7, 50, is_sync=True)])
    witness.end_session(2.0, "closed by the server")
    witness.begin_session(3.0)
    for message in (*OPENING, picture(1, 0, is_sync=True)):
        witness.take(message, 3.0)
    assert texts(witness) == ["the session ended: closed by the server"]
    assert witness.sessions == 2


@pytest.mark.parametrize(
    "data", [b"", b"\0", box(b"mdat"), box(b"moof") + box(b"mdat"), b"\xff" * 40]
)
def test_what_is_no_fragment_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_fragment(data)
