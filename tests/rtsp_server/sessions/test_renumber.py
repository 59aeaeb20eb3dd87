"""A session's numbers run on over moves between mounts: packets, times, reports and goodbyes."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.media.tracks import VIDEO_CLOCK_RATE
from neolink.media.units import AudioFrame
from neolink.rtp.formats import AudioChoice, PayloadFormat, UnitT, audio_format, video_format
from neolink.rtp.packet import RtpPacket
from neolink.rtp.rtcp import Bye, Sdes, SenderReport, parse_compound
from neolink.rtp.sender import RtpSender, ntp_time
from neolink.rtsp_server.mounts.parcel import AUDIO, VIDEO, Parcel
from neolink.rtsp_server.sessions.renumber import Numbering, Stay, Track
from support.media import AAC, H264, L16, video_unit

SSRCS = {VIDEO: 0xAAAA, AUDIO: 0xBBBB}
WALL_S = 1_700_000_000.0


class Source:
    """What a mount sends: its own numbers, and media time that is ``behind_s`` the session's."""

    def __init__(
        self, ssrc: int, sequence: int, offset: int, behind_s: float = 0.0, rate: int = 8000
    ) -> None:
        self.behind_s = behind_s
        self.rate = rate
        sound = audio_format(L16 if rate == 8000 else AAC, AudioChoice.AUTO)
        assert sound is not None
        self.video = self._sender(video_format(H264), ssrc, sequence, offset)
        self.audio = self._sender(sound, ssrc + 1, sequence // 2, offset // 3)

    def picture(self, session_s: float, *, key: bool = False, size: int = 3000) -> Parcel:
        pts = round((session_s - self.behind_s) * VIDEO_CLOCK_RATE)
        batch = self.video.packetize(video_unit(pts, key=key, size=size))
        return Parcel(batch, track=VIDEO, media_s=pts / VIDEO_CLOCK_RATE)

    def sound(self, session_s: float, samples: int = 320) -> Parcel:
        pts = round((session_s - self.behind_s) * self.rate)
        track = L16 if self.rate == 8000 else AAC
        frame = AudioFrame(track, bytes(2 * samples), pts, samples)
        return Parcel(self.audio.packetize(frame), track=AUDIO, media_s=pts / self.rate)

    def report(self, session_s: float, number: int = VIDEO, wrong_s: float = 0.0) -> bytes:
        """Return a report whose idea of the time of day is ``wrong_s`` off."""
        sender = self.video if number == VIDEO else self.audio
        rate = VIDEO_CLOCK_RATE if number == VIDEO else self.rate
        pts = round((session_s - self.behind_s) * rate)
        return sender.sender_report(pts=pts, ntp_time=ntp_time(WALL_S + session_s + wrong_s))

    @staticmethod
    def _sender(
        payload_format: PayloadFormat[UnitT], ssrc: int, sequence: int, offset: int
    ) -> RtpSender[UnitT]:
        return RtpSender(
            payload_format,
            ssrc=ssrc,
            first_sequence=sequence,
            timestamp_offset=offset,
            cname="mount",
        )


class Session:
    """A player's session that stays on sources, and the packets that it got."""

    def __init__(self, rate: int = 8000) -> None:
        self.numbering = Numbering("session")
        self.numbering.tracks = {
            VIDEO: Track(SSRCS[VIDEO], VIDEO_CLOCK_RATE),
            AUDIO: Track(SSRCS[AUDIO], rate),
        }
        self.packets: dict[int, list[RtpPacket]] = {VIDEO: [], AUDIO: []}
        self.stay = Stay(self.numbering)

    def move(self, source: Source) -> None:
        self.numbering.has_moved = True
        self.stay = Stay(self.numbering, source.behind_s)

    def take(self, parcel: Parcel) -> Parcel | None:
        translated = self.stay.translate(parcel)
        if translated is not None:
            taken = map(RtpPacket.parse, translated.batch.datagrams())
            self.packets[parcel.track] += taken
        return translated

    def sequences(self, track: int = VIDEO) -> list[int]:
        return [packet.sequence for packet in self.packets[track]]

    def ticks(self, track: int = VIDEO) -> list[int]:
        """Return the timestamps, with the wraps added."""
        found = [packet.timestamp for packet in self.packets[track]]
        unwrapped = found[:1]
        for before, after in pairwise(found):
            unwrapped.append(unwrapped[-1] + (after - before + 2**31) % 2**32 - 2**31)
        return unwrapped


MAIN = (SSRCS[VIDEO], 1000, 5_000_000)
SUB = (0x5555, 60_000, 4_294_000_000)


def test_until_the_first_move_nothing_is_copied() -> None:
    session, main = Session(), Source(*MAIN)
    for parcel in (main.picture(1.0, key=True), main.sound(1.0), main.picture(1.04)):
        assert session.take(parcel) is parcel
    report = main.report(1.04)
    assert session.stay.translate_rtcp(VIDEO, report) is report


def test_numbers_run_on_over_a_move_and_back() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB, behind_s=-7.25)
    session.take(main.picture(1.0, key=True))
    session.move(sub)
    session.take(sub.picture(1.1, key=True))
    session.take(sub.picture(1.2))
    session.move(main)
    session.take(main.picture(1.3, key=True))
    sequences = session.sequences()
    assert sequences == list(range(1000, 1000 + len(sequences)))
    assert sorted(set(session.ticks())) == [5_000_000 + round(at * 9000) for at in (10, 11, 12, 13)]
    assert {packet.ssrc for packet in session.packets[VIDEO]} == {SSRCS[VIDEO]}


def test_only_headers_differ_from_what_the_mount_sent() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(1.0, key=True))
    session.move(sub)
    parcel = sub.picture(1.1, key=True, size=30_000)
    moved = session.take(parcel)
    assert moved is not None
    for ours, theirs in zip(
        map(RtpPacket.parse, moved.batch.datagrams()),
        map(RtpPacket.parse, parcel.batch.datagrams()),
        strict=True,
    ):
        assert (ours.payload, ours.marker) == (theirs.payload, theirs.marker)
    assert (moved.size, moved.is_random_access, moved.is_video) == (parcel.size, True, True)


def test_pictures_that_were_never_sent_leave_no_gap() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(1.0, key=True))
    waits = [session.take(main.picture(1.0 + n / 25)) for n in range(1, 10)]
    assert waits[0] is not None
    session.numbering.tracks[VIDEO].go_back_to(waits[0])
    session.move(sub)
    moved = session.take(sub.picture(1.5, key=True))
    assert moved is not None
    assert moved.batch.first_sequence == waits[0].batch.first_sequence


def test_a_picture_that_would_be_too_early_is_shown_next_and_the_sound_goes_with_it() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(2.0, key=True))
    session.take(main.sound(2.0))
    session.move(sub)
    session.take(sub.picture(1.9, key=True))
    session.take(sub.sound(2.1))
    first, second = session.ticks()[-2:], session.ticks(AUDIO)
    assert 0 < first[-1] - session.ticks()[0] <= 90
    assert second[-1] - second[0] == pytest.approx(0.201 * 8000, abs=10)


def test_the_first_picture_of_a_stay_keeps_the_pace_of_those_before_it() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    for n in range(3):
        session.take(main.picture(1.0 + n / 25, key=n == 0))
    session.move(sub)
    session.take(sub.picture(1.09, key=True))
    session.take(sub.picture(1.16))
    ticks = sorted(set(session.ticks()))
    assert [b - a for a, b in pairwise(ticks)] == [3600, 3600, 3600, 6300]
    assert session.stay.offset_s == 0.0, "the next stay does not begin from there"
    session.move(main)
    session.take(main.picture(1.4, key=True))
    assert session.ticks()[-1] - ticks[0] == 36_000


def test_sound_that_the_player_has_had_is_left_out() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(1.0, key=True))
    for n in range(5):
        session.take(main.sound(1.0 + n * 0.04))
    session.move(sub)
    session.take(sub.picture(1.1, key=True))
    taken = [session.take(sub.sound(1.09 + n * 0.04)) for n in range(4)]
    assert [parcel is not None for parcel in taken] == [False, False, False, True]
    steps = [b - a for a, b in pairwise(session.ticks(AUDIO))]
    assert all(160 <= step <= 480 for step in steps)
    sequences = session.sequences(AUDIO)
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))


def test_sound_that_begins_only_on_the_other_stream_begins_as_it_comes() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(1.0, key=True))
    session.move(sub)
    session.take(sub.picture(1.1, key=True))
    session.take(sub.sound(1.1))
    session.take(sub.sound(1.14))
    assert {packet.ssrc for packet in session.packets[AUDIO]} == {SSRCS[AUDIO]}
    first, second = session.sequences(AUDIO)
    assert (first, second) == (30_000, 30_001)


def test_packets_of_one_unit_keep_their_own_times() -> None:
    """L16 in several packets: each is later by what the one before holds."""
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(1.0, key=True))
    session.take(main.sound(1.0))
    session.move(sub)
    session.take(sub.picture(1.1, key=True))
    parcel = sub.sound(1.1, samples=1600)
    assert parcel.batch.packet_count > 1
    session.take(parcel)
    theirs = [RtpPacket.parse(one).timestamp for one in parcel.batch.datagrams()]
    ours = session.ticks(AUDIO)[-len(theirs) :]
    assert [b - a for a, b in pairwise(ours)] == [b - a for a, b in pairwise(theirs)]


# ---------------------------------------------------------------- RTCP
def report_of(packet: bytes | None) -> SenderReport:
    assert packet is not None
    report, description = parse_compound(packet)
    assert isinstance(report, SenderReport)
    assert isinstance(description, Sdes)
    assert [(chunk.ssrc, chunk.cname) for chunk in description.chunks] == [(report.ssrc, "session")]
    return report


def test_reports_are_on_one_line_although_mounts_disagree_on_the_time_of_day() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB, behind_s=3.0)
    session.take(main.picture(1.0, key=True))
    session.take(main.sound(1.0))
    first = {n: parse_compound(main.report(1.0, n))[0] for n in (VIDEO, AUDIO)}
    for number in (VIDEO, AUDIO):
        session.stay.translate_rtcp(number, main.report(1.0, number))
    session.move(sub)
    session.take(sub.picture(1.5, key=True))
    session.take(sub.sound(1.5))
    for number, rate in ((VIDEO, 90_000), (AUDIO, 8000)):
        before = first[number]
        assert isinstance(before, SenderReport)
        for at_s in (2.0, 20_000.0, 40_000.0, 60_000.0):
            after = report_of(
                session.stay.translate_rtcp(number, sub.report(at_s, number, wrong_s=0.3))
            )
            ticks = (after.rtp_timestamp - before.rtp_timestamp) % 2**32
            assert ticks == pytest.approx(round((at_s - 1.0) * rate) % 2**32, abs=rate / 1000)
            passed_s = (after.ntp_time - before.ntp_time) / 2**32
            assert passed_s == pytest.approx(at_s - 1.0, abs=0.002)
            assert after.packet_count > before.packet_count
            assert after.octet_count > before.octet_count
            assert after.ssrc == SSRCS[number]


def test_no_report_is_made_of_a_track_of_which_nothing_came_yet() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(1.0, key=True))
    session.move(sub)
    session.take(sub.picture(1.1, key=True))
    assert session.stay.translate_rtcp(AUDIO, sub.report(1.1, AUDIO)) is None


def test_the_end_is_told_in_the_name_that_the_player_knows() -> None:
    session, main, sub = Session(), Source(*MAIN), Source(*SUB)
    session.take(main.picture(1.0, key=True))
    session.move(sub)
    for number, sender in ((VIDEO, sub.video), (AUDIO, sub.audio)):
        packet = session.stay.translate_rtcp(number, sender.bye())
        assert packet is not None
        empty, _, bye = parse_compound(packet)
        assert bye == Bye((SSRCS[number],))
        assert getattr(empty, "ssrc", None) == SSRCS[number]


# ---------------------------------------------------------------- any moves
STAYS = st.lists(
    st.tuples(
        st.booleans(),
        st.lists(st.sampled_from(["picture", "sound", "both"]), min_size=1, max_size=12),
        st.floats(-0.2, 0.2),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=200)
@given(STAYS, st.integers(0, 0xFFFF), st.integers(0, 2**32 - 1), st.floats(-1e5, 1e5))
def test_whatever_the_moves_numbers_only_go_forward(
    stays: Sequence[tuple[bool, Sequence[str], float, int]],
    sequence: int,
    offset: int,
    behind_s: float,
) -> None:
    """``jitter_s`` is how wrong the guess of a mount's time is; the last units may stay unsent."""
    sources = (
        Source(SSRCS[VIDEO], sequence, offset),
        Source(0x5555, 0xFFFF - sequence, 2**32 - 1 - offset, behind_s),
    )
    session, now_s = Session(), 1e5 + 10.0
    queue: list[Parcel] = []
    for number, (is_sub, units, jitter_s, unsent) in enumerate(stays):
        source = sources[is_sub and number > 0]
        if number:
            session.move(source)
            session.stay.offset_s += jitter_s
        queue = []
        for index, kind in enumerate(["picture", *units]):
            now_s += 0.04
            if kind != "sound":
                moved = session.stay.translate(source.picture(now_s, key=index == 0))
                assert moved is not None
                queue.append(moved)
            if kind != "picture":
                session.take(source.sound(now_s))
        sent = queue[: max(1, len(queue) - unsent)]
        for parcel in sent:
            session.packets[VIDEO] += map(RtpPacket.parse, parcel.batch.datagrams())
        if len(sent) < len(queue):
            session.numbering.tracks[VIDEO].go_back_to(queue[len(sent)])
    for track in (VIDEO, AUDIO):
        sequences, ticks = session.sequences(track), session.ticks(track)
        assert all((b - a) & 0xFFFF == 1 for a, b in pairwise(sequences))
        assert all(b >= a for a, b in pairwise(ticks))
    ends = [n for n, packet in enumerate(session.packets[VIDEO]) if packet.marker]
    ticks = session.ticks()
    assert all(ticks[b] > ticks[a] for a, b in pairwise(ends))
