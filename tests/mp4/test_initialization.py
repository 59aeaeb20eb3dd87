"""The initialization segment, box by box."""

from neolink.media.tracks import AudioTrack
from neolink.mp4.audio import audio_format
from neolink.mp4.initialization import init_segment, mime_type
from neolink.mp4.video import video_sample_entry
from support.media import AAC, H264, L16
from support.mp4_reader import boxes, find, tracks_of


def with_sound(track: AudioTrack) -> bytes:
    return init_segment(H264, audio_format(track), track.clock_rate)


def test_tracks_are_numbered_and_have_their_clocks() -> None:
    assert tracks_of(init_segment(H264)) == {1: (b"vide", 90_000)}
    assert tracks_of(with_sound(AAC)) == {1: (b"vide", 90_000), 2: (b"soun", 16_000)}
    assert tracks_of(with_sound(L16)) == {1: (b"vide", 90_000), 2: (b"soun", 8_000)}


def test_file_type_tells_what_a_reader_must_know() -> None:
    assert find(init_segment(H264), b"ftyp") == b"iso6\x00\x00\x00\x01iso6mp41"


def test_movie_header_is_that_of_a_movie_without_an_end() -> None:
    header = find(init_segment(H264), b"moov", b"mvhd")
    assert header[:28].hex() == (
        "00000000 00000000 00000000 000003e8 00000000 00010000 0100 0000"
    ).replace(" ", "")
    assert len(header) == 100
    assert header[-4:] == b"\x00\x00\x00\x03"  # the next track


def test_track_header_tells_size_and_volume() -> None:
    moov = find(with_sound(AAC), b"moov")
    video, audio = [data for kind, data in boxes(moov) if kind == b"trak"]
    header = find(video, b"tkhd")
    assert (len(header), header[:4].hex()) == (84, "00000007")
    assert header[-8:] == bytes.fromhex("02800000 01680000")
    assert header[36:38] == b"\x00\x00"
    header = find(audio, b"tkhd")
    assert header[36:38] == b"\x01\x00"
    assert header[-8:] == bytes(8)


def test_sample_tables_describe_one_entry_and_are_empty() -> None:
    table = find(init_segment(H264), b"moov", b"trak", b"mdia", b"minf", b"stbl")
    found = dict(boxes(table))
    assert list(found) == [b"stsd", b"stts", b"stsc", b"stsz", b"stco"]
    assert found[b"stsd"] == bytes.fromhex("00000000 00000001") + video_sample_entry(H264)
    assert [len(found[kind]) for kind in (b"stts", b"stsc", b"stsz", b"stco")] == [8, 8, 12, 8]
    assert not any(b"".join(list(found.values())[1:]))


def test_data_is_in_the_same_file() -> None:
    reference = find(init_segment(H264), b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")
    assert reference.hex() == "0000000000000001 0000000c75726c20 00000001".replace(" ", "")


def test_media_type_names_both_codecs() -> None:
    assert mime_type(H264, None) == 'video/mp4; codecs="avc1.64001e"'
    assert mime_type(H264, audio_format(AAC)) == 'video/mp4; codecs="avc1.64001e, mp4a.40.2"'
    assert mime_type(H264, audio_format(L16)) == 'video/mp4; codecs="avc1.64001e, flac"'
