"""What is remembered of a stream: written whole, read back equal, and never trusted."""

import contextlib
import logging
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.clock import ManualClock
from neolink.errors import RemoteProtocolError
from neolink.hub.memory import FileMemory, Remembered, parse, serialize
from neolink.hub.stream import Stream
from neolink.media.tracks import AudioTrack, ParameterSets, Presentation, VideoCodec, VideoTrack
from neolink.media.units import AccessUnit
from support.media import L16, publish_gop, video_unit

NAME = "storage shed/main"

sets = st.builds(
    ParameterSets,
    sps=st.binary(min_size=1, max_size=40),
    pps=st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=3).map(tuple),
    vps=st.binary(max_size=20),
)
tracks = st.builds(
    VideoTrack,
    codec=st.sampled_from(VideoCodec),
    parameter_sets=sets,
    width=st.integers(1, 8000),
    height=st.integers(1, 8000),
    frame_rate=st.none() | st.sampled_from([7.0, 12.5, 25.0]),
    profile=st.text(max_size=10),
)
pictures = st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=5)


def remembered(
    track: VideoTrack, nal_units: list[bytes], audio: AudioTrack | None = None
) -> Remembered:
    views = tuple(memoryview(nal) for nal in nal_units)
    return Remembered(
        Presentation(track, audio), AccessUnit(track, views, 77, is_random_access=True)
    )


@given(tracks, pictures, st.sampled_from([None, L16]))
def test_what_was_written_is_read_back(
    track: VideoTrack, nal_units: list[bytes], audio: AudioTrack | None
) -> None:
    read = parse(serialize(remembered(track, nal_units, audio)))
    assert read.presentation == Presentation(track, audio)
    assert read.key.track == track
    assert [bytes(nal) for nal in read.key.nal_units] == nal_units
    assert read.key.is_random_access


@given(tracks, pictures, st.data())
def test_damage_raises_only_the_declared_error(
    track: VideoTrack, nal_units: list[bytes], data: st.DataObject
) -> None:
    written = bytearray(serialize(remembered(track, nal_units)))
    position = data.draw(st.integers(0, len(written) - 1))
    match data.draw(st.sampled_from(["change", "cut", "grow"])):
        case "change":
            written[position] ^= data.draw(st.integers(1, 255))
        case "cut":
            del written[position:]
        case "grow":
            written += b"x"
    with contextlib.suppress(RemoteProtocolError):
        parse(bytes(written))


@pytest.mark.parametrize("text", [b"", b"\n", b"[]\n", b"null\n", b'{"format": 1}\n', b"\xff\n"])
def test_other_files_are_refused(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse(text)


def test_files_show_what_the_camera_saw_only_to_their_owner(tmp_path: Path) -> None:
    memory = FileMemory(tmp_path / "state")
    unit = video_unit(0, key=True)
    memory.save(NAME, Remembered(Presentation(unit.track, None), unit))
    (file,) = (tmp_path / "state").iterdir()
    assert file.name == "storage%20shed%2Fmain.stream"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_damaged_file_is_told_of_and_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "porch%2Fmain.stream").write_bytes(b"nonsense")
    with caplog.at_level(logging.WARNING):
        assert FileMemory(tmp_path).load("porch/main") is None
    (record,) = caplog.records
    assert (vars(record)["camera"], vars(record)["stream"]) == ("porch", "mainStream")
    assert "porch%2Fmain.stream is not used" in caplog.text


def test_a_folder_that_cannot_be_written_is_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    memory = FileMemory(tmp_path / "state")
    unit = video_unit(0, key=True)
    for _ in range(3):
        memory.save(NAME, Remembered(Presentation(unit.track, None), unit))
    assert len(caplog.records) == 1


async def test_a_stream_is_described_after_a_restart_without_asking_the_camera(
    tmp_path: Path,
) -> None:
    memory, clock = FileMemory(tmp_path), ManualClock()
    before = Stream("porch/main", clock=clock, memory=memory)
    with before.hold():
        publish_gop(before)
        publish_gop(before, first_pts=4 * 90_000)
    before.close()
    asked: list[bool] = []
    after = Stream("porch/main", clock=clock, memory=memory, on_demand=asked.append)
    assert await after.describe(0.0) == before.presentation
    assert asked == []
    after.close()


async def test_a_stream_that_sent_nothing_does_not_write(tmp_path: Path) -> None:
    stream = Stream("porch/main", clock=ManualClock(), memory=FileMemory(tmp_path))
    stream.close()
    assert list(tmp_path.iterdir()) == []
