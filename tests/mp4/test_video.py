"""Sample entries and names of video tracks, against bytes written by hand from the standards."""

import pytest

from neolink.errors import RemoteProtocolError
from neolink.media.tracks import ParameterSets, StreamKind, VideoCodec, VideoTrack
from neolink.mp4.avc import avc_codec_string, avc_configuration
from neolink.mp4.hevc import hevc_codec_string, hevc_configuration
from neolink.mp4.video import video_codec_string, video_sample_entry
from support.media import H264, clip_units

HIGH = H264.parameter_sets
"""High profile, level 3: chroma format 4:2:0, 8 bit."""

BASELINE = ParameterSets(bytes.fromhex("6742c01e"), (b"\x68\xce", b"\x68\xcf"))

HEVC = ParameterSets(
    bytes.fromhex(
        "4201"  # NAL header
        "01"  # one sub layer, nested
        "01 6000000300 900000030000 0300 5d"  # general, escaped: Main, level 3.1
    )
    # sps id 0, 4:2:0, 640 x 360 by Exp-Golomb codes, no cropping, 8 bit, 8 bit, filled up
    + int("1 010 0000000001010000001 00000000101101001 0 1 1 10000".replace(" ", ""), 2).to_bytes(
        6
    ),
    (b"\x44\x01\xc1",),
    b"\x40\x01\x0c",
)


def test_avc_configuration_of_high_profile_tells_format_and_depths() -> None:
    sps, pps = HIGH.sps.hex(), HIGH.pps[0].hex()
    assert (HIGH.sps[1], len(HIGH.sps), len(HIGH.pps[0])) == (100, 13, 4)
    record = (
        "01"  # version
        "64001e"  # profile, constraints, level, as in the SPS
        "ff"  # lengths of 4 bytes
        f"e1 000d {sps}"
        f"01 0004 {pps}"
        "fd f8 f8 00"  # 4:2:0, 8 bit, 8 bit, no SPS extensions
    )
    assert avc_configuration(HIGH)[8:].hex() == record.replace(" ", "")


def test_avc_configuration_of_baseline_ends_with_the_pictures_sets() -> None:
    record = "01 42c01e ff e1 0004 6742c01e 02 0002 68ce 0002 68cf"
    assert avc_configuration(BASELINE).hex() == f"0000001d 61766343 {record}".replace(" ", "")


def test_avc_name_is_profile_constraints_and_level() -> None:
    assert avc_codec_string(HIGH) == "avc1.64001e"
    assert avc_codec_string(BASELINE) == "avc1.42c01e"


def test_sps_that_is_cut_short_is_the_cameras_fault() -> None:
    sets = ParameterSets(b"\x67\x64", (b"\x68",))
    with pytest.raises(RemoteProtocolError):
        avc_codec_string(sets)
    with pytest.raises(RemoteProtocolError):
        avc_configuration(ParameterSets(bytes.fromhex("6764001e"), (b"\x68",)))
    with pytest.raises(RemoteProtocolError):
        hevc_codec_string(ParameterSets(b"\x42\x01\x01", (b"\x44",), b"\x40"))


def test_hevc_name_is_profile_compatibility_tier_level_and_constraints() -> None:
    assert hevc_codec_string(HEVC) == "hvc1.1.6.L93.90"


def test_hevc_configuration_repeats_the_parameter_set() -> None:
    record = (
        "01 01 60000000 900000000000 5d"  # version, general
        "f000 fc fd f8 f8"  # no segmentation, parallelism unknown, 4:2:0, 8 bit, 8 bit
        "0000 0f"  # frame rate unknown; one layer, nested, lengths of 4 bytes
        "03"  # arrays
        f"a0 0001 0003 40010c a1 0001 {len(HEVC.sps):04x} {HEVC.sps.hex()} a2 0001 0003 4401c1"
    )
    assert hevc_configuration(HEVC)[8:].hex() == record.replace(" ", "")


def clip_track(codec: VideoCodec, kind: StreamKind = StreamKind.SUB) -> VideoTrack:
    return next(clip_units(codec, kind)).track


def test_hevc_name_and_record_agree_with_the_parameter_set() -> None:
    sets = clip_track(VideoCodec.H265).parameter_sets
    general = sets.sps[3:15].replace(b"\x00\x00\x03", b"\x00\x00")  # may be escaped
    name = hevc_codec_string(sets).split(".")
    assert name[:2] == ["hvc1", "1"]  # Main
    assert int(name[2], 16) & 0b10  # compatible with Main, bits reversed
    record = hevc_configuration(sets)[8:]
    assert record[0] == 1
    assert record[1] == general[0] == 1
    assert name[3] == f"L{record[12]}"
    assert record[13:17].hex() == "f000fcfd"  # 4:2:0
    assert record[17:19] == b"\xf8\xf8"  # 8 bit
    assert record[21] & 0b11 == 3  # lengths of 4 bytes
    assert record[22] == 3  # arrays
    assert _arrays(record[23:]) == [
        (0x80 | 32, [sets.vps]),
        (0x80 | 33, [sets.sps]),
        (0x80 | 34, list(sets.pps)),
    ]


def _arrays(data: bytes) -> list[tuple[int, list[bytes]]]:
    found: list[tuple[int, list[bytes]]] = []
    at = 0
    while at < len(data):
        kind, number = data[at], int.from_bytes(data[at + 1 : at + 3])
        at += 3
        units = []
        for _ in range(number):
            length = int.from_bytes(data[at : at + 2])
            units.append(data[at + 2 : at + 2 + length])
            at += 2 + length
        found.append((kind, units))
    return found


def test_sample_entry_tells_size_and_holds_the_configuration() -> None:
    entry = video_sample_entry(H264)
    fields = (
        "000000000000 0001"  # data reference 1
        "0000 0000 000000000000000000000000"
        "0280 0168"  # 640 x 360
        "00480000 00480000 00000000"  # 72 dots per inch
        "0001" + 32 * "00" + "0018 ffff"  # one picture a sample, no name, 24 bit, no color table
    )
    configuration = avc_configuration(HIGH)
    length = 8 + 78 + len(configuration)
    expected = length.to_bytes(4) + b"avc1" + bytes.fromhex(fields) + configuration
    assert entry == expected


@pytest.mark.parametrize("kind", list(StreamKind))
@pytest.mark.parametrize("codec", list(VideoCodec))
def test_every_bundled_clip_can_be_described(codec: VideoCodec, kind: StreamKind) -> None:
    track = clip_track(codec, kind)
    prefix = {"H264": "avc1.", "H265": "hvc1."}[codec]
    assert video_codec_string(track).startswith(prefix)
    assert track.parameter_sets.sps in video_sample_entry(track)
