"""Descriptions: exact text for players, and what our own client reads back."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.media.tracks import AudioCodec, AudioTrack, ParameterSets, VideoCodec, VideoTrack
from neolink.rtp.speech import SPEECH_FORMATS
from neolink.rtsp.sdp import (
    MediaDescription,
    describe,
    describe_audio,
    describe_back_channel,
    describe_video,
    fmtp_aac,
    fmtp_h264,
    fmtp_h265,
    parse,
    session_attributes,
)

SPS = bytes.fromhex("67640033ac")
PPS = bytes.fromhex("68ee3cb0")
H264 = ParameterSets(SPS, (PPS,))
H264_FMTP = "packetization-mode=1;profile-level-id=640033;sprop-parameter-sets=Z2QAM6w=,aO48sA=="
H265 = ParameterSets(b"\x42\x01s", (b"\x44\x01p", b"\x44\x01q"), b"\x40\x01v")


@dataclass(frozen=True)
class Format:
    payload_type: int
    encoding_name: str
    clock_rate: int
    channels: int = 1


VIDEO = describe_video(
    VideoTrack(VideoCodec.H264, H264, 2560, 1440), Format(96, "H264", 90_000), "trackID=0"
)
PCMA = describe_audio(
    AudioTrack(AudioCodec.L16, 8000), Format(8, "PCMA", 8000), "trackID=1", packet_ms=20
)


def test_description_is_exact() -> None:
    text = describe(
        [VIDEO, PCMA],
        session_id=1732262400,
        version=3,
        name="cam1",
        address="192.0.2.10",
        bandwidth_kbps=5000,
        framerate=25.0,
        dimensions=(2560, 1440),
    )
    assert text.split("\r\n") == [
        "v=0",
        "o=- 1732262400 3 IN IP4 192.0.2.10",
        "s=cam1",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=tool:neolink",
        "a=type:broadcast",
        "a=control:*",
        "a=range:npt=now-",
        "m=video 0 RTP/AVP 96",
        "b=AS:5000",
        "a=rtpmap:96 H264/90000",
        f"a=fmtp:96 {H264_FMTP}",
        "a=framerate:25",
        "a=x-dimensions:2560,1440",
        "a=control:trackID=0",
        "a=recvonly",
        "m=audio 0 RTP/AVP 8",
        "a=rtpmap:8 PCMA/8000",
        "a=ptime:20",
        "a=control:trackID=1",
        "a=recvonly",
        "",
    ]


def test_least_description_has_a_name_and_the_family_of_the_connection() -> None:
    text = describe([], session_id=1, version=1, name=" \r\n", address_family="IP6")
    assert "\r\ns=-\r\n" in text
    assert "o=- 1 1 IN IP6 ::\r\n" in text
    assert "c=IN IP6 ::\r\n" in text


def test_name_cannot_add_lines() -> None:
    text = describe([], session_id=1, version=1, name="Tür\r\na=evil\x00")
    assert "s=Tür a=evil\r\n" in text


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x85", "\u2028"])
def test_no_reader_takes_a_part_of_the_name_for_a_line(end: str) -> None:
    text = describe([], session_id=1, version=1, name=f"Tür{end}m=video 0 RTP/AVP 26")
    assert parse(text) == []
    assert len(text.splitlines()) == text.count("\r\n")


def test_long_name_is_cut() -> None:
    text = describe([], session_id=1, version=1, name="Tür" * 66 + " " * 9 + "Tür")
    (line,) = [line for line in text.split("\r\n") if line.startswith("s=")]
    assert line == "s=" + "Tür" * 66


def test_aac_without_config_has_no_empty_value() -> None:
    assert "config" not in fmtp_aac(b"")


def test_fractional_frame_rate_is_short() -> None:
    text = describe([VIDEO], session_id=1, version=1, name="x", framerate=12.5)
    assert "a=framerate:12.5\r\n" in text


@pytest.mark.parametrize(
    ("encoding", "channels", "rtpmap"),
    [
        ("MPEG4-GENERIC", 1, "MPEG4-GENERIC/16000/1"),
        ("MPEG4-GENERIC", 2, "MPEG4-GENERIC/16000/2"),
        ("L16", 1, "L16/16000/1"),
        ("PCMU", 1, "PCMU/16000"),
        ("PCMA", 2, "PCMA/16000/2"),
        ("H264", None, "H264/16000"),
    ],
)
def test_rtpmap_names_channels_where_it_is_usual(
    encoding: str, channels: int | None, rtpmap: str
) -> None:
    assert MediaDescription("x", 97, encoding, 16_000, "", channels).rtpmap == rtpmap


def test_h264_parameter_sets_are_never_written_empty() -> None:
    assert fmtp_h264(ParameterSets(b"", ())) == "packetization-mode=1"
    assert fmtp_h264(ParameterSets(SPS, ())) == "packetization-mode=1;profile-level-id=640033"
    assert "sprop" not in fmtp_h264(ParameterSets(SPS, (b"",)))
    assert fmtp_h264(ParameterSets(SPS, (PPS, b"\x68"))).endswith("=Z2QAM6w=,aO48sA==,aA==")


def test_h265_has_all_three_parameter_sets_or_none() -> None:
    assert fmtp_h265(H265) == "sprop-vps=QAF2;sprop-sps=QgFz;sprop-pps=RAFw,RAFx"
    for missing in (replace(H265, vps=b""), replace(H265, sps=b""), replace(H265, pps=())):
        assert fmtp_h265(missing) is None


def test_absurd_parameter_sets_leave_the_description_short() -> None:
    sets = ParameterSets(SPS, (b"p" * 9000,), b"v")
    assert "sprop" not in fmtp_h264(sets)
    assert fmtp_h265(sets) is None
    largest = ParameterSets(SPS, (b"p" * 1500,))
    media = describe_video(
        VideoTrack(VideoCodec.H264, largest, 1, 1), Format(96, "H264", 90_000), "trackID=0"
    )
    assert "sprop" in (media.fmtp or "")
    text = describe([media, PCMA, PCMA, PCMA], session_id=1, version=1, name="x")
    assert len(text.encode()) < 4096


@pytest.mark.parametrize("config", ["1408", "1588", "1190"])
def test_aac_carries_its_config_in_hex(config: str) -> None:
    assert fmtp_aac(bytes.fromhex(config)) == (
        "streamtype=5;profile-level-id=1;mode=AAC-hbr;"
        f"sizelength=13;indexlength=3;indexdeltalength=3;config={config}"
    )
    track = AudioTrack(AudioCodec.AAC, 16_000, 1, bytes.fromhex(config))
    media = describe_audio(track, Format(97, "MPEG4-GENERIC", 16_000), "trackID=1")
    assert media.fmtp == fmtp_aac(track.config)
    assert media.rtpmap == "MPEG4-GENERIC/16000/1"


def test_h265_without_sets_has_no_fmtp_line() -> None:
    track = VideoTrack(VideoCodec.H265, ParameterSets(b"", ()), 1, 1)
    media = describe_video(track, Format(96, "H265", 90_000), "trackID=0")
    text = describe([media], session_id=1, version=1, name="x")
    assert "fmtp" not in text
    assert "a=rtpmap:96 H265/90000\r\n" in text


# ---------------------------------------------------------------- reading


def test_description_reads_back() -> None:
    text = describe([VIDEO, PCMA], session_id=1, version=1, name="x", framerate=25)
    video, audio = parse(text)
    assert video == replace(VIDEO, attributes=(("framerate", "25"),))
    assert audio == replace(PCMA, channels=None)
    assert session_attributes(text) == {
        "tool": "neolink",
        "type": "broadcast",
        "control": "*",
        "range": "npt=now-",
    }


def test_foreign_description_is_read_as_far_as_it_can_be() -> None:
    media = parse(
        "v=0\nm=audio 0 RTP/AVP 0\nm=video 0 RTP/AVP 96 97\na=rtpmap:97 X/1\n"
        "a=rtpmap:96  H264/90000 \na=fmtp:97 no\na=fmtp:96 yes=1\na=flag\na=sendonly\n"
        "m=video 0 RTP/AVP 98\nm=bad\nm=audio x RTP/AVP 0\nm=audio 0 RTP/AVP 200\n"
        "m=audio 0 RTP/AVP 11\na=rtpmap:rubbish\nrubbish"
    )
    assert media == [
        MediaDescription("audio", 0, "PCMU", 8000, "", direction="sendrecv"),
        MediaDescription(
            "video",
            96,
            "H264",
            90_000,
            "",
            fmtp="yes=1",
            attributes=(("flag", None),),
            direction="sendonly",
        ),
        MediaDescription("audio", 11, "L16", 44_100, "", 1, direction="sendrecv"),
    ]


tokens = st.text("abcXYZ-019", min_size=1, max_size=12)
media_values = st.builds(
    MediaDescription,
    kind=st.sampled_from(["video", "audio", "application"]),
    payload_type=st.integers(96, 127),
    encoding=tokens,
    clock_rate=st.integers(1, 192_000),
    control=tokens,
    channels=st.none() | st.integers(2, 8),
    fmtp=st.none() | tokens,
    attributes=st.lists(st.tuples(tokens.map("x-".__add__), st.none() | tokens), max_size=3).map(
        tuple
    ),
    direction=st.sampled_from(["recvonly", "sendonly"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(media_values, max_size=4))
def test_any_description_reads_back(media: list[MediaDescription]) -> None:
    assert parse(describe(media, session_id=1, version=1, name="x")) == media


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=6),
            st.sampled_from(
                [
                    "m=video 0 RTP/AVP 96",
                    "\r\n",
                    "a=rtpmap:96 H264/90000",
                    "a=",
                    "fmtp:96 ",
                    "m=",
                    "a=control:",
                    " ",
                    ":",
                    "²",
                ]
            ),
        ),
        max_size=12,
    ).map("".join)
)
def test_any_text_is_read_without_error(text: str) -> None:
    session_attributes(text)
    for media in parse(text):
        assert 0 <= media.payload_type <= 127


def test_a_back_channel_is_one_track_in_several_formats_that_the_player_sends() -> None:
    text = describe(
        [describe_back_channel(SPEECH_FORMATS, "trackID=3")], session_id=1, version=1, name="x"
    )
    lines = text.split("\r\n")
    assert lines[lines.index("m=audio 0 RTP/AVP 0 8 99") :] == [
        "m=audio 0 RTP/AVP 0 8 99",
        "a=rtpmap:0 PCMU/8000",
        "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:99 L16/16000/1",
        "a=control:trackID=3",
        "a=sendonly",
        "",
    ]
    (read,) = parse(text)
    assert (read.payload_type, read.encoding, read.direction) == (0, "PCMU", "sendonly")
