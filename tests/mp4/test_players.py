"""ffmpeg plays what the muxer writes: every picture decodes to the same pixels, at its time."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from neolink.media.tracks import VIDEO_CLOCK_RATE, AudioCodec, AudioTrack, StreamKind, VideoCodec
from neolink.media.units import AccessUnit, AudioFrame, MediaUnit
from neolink.mp4.movie import Movie, write_fragment
from support.media import AAC, L16, aac_units, clip_units
from support.processes import need_programs

pytestmark = pytest.mark.foreign

START_CODE = b"\x00\x00\x00\x01"
DEMUXERS = {VideoCodec.H264: "h264", VideoCodec.H265: "hevc"}


async def run(*command: str | Path) -> str:
    """Run a program that must succeed without a word of complaint."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, complaints = await process.communicate()
    assert (process.returncode, complaints.decode()) == (0, "")
    return out.decode()


async def picture_hashes(path: Path, demuxer: str) -> list[str]:
    """Return a hash of each decoded picture."""
    need_programs("ffmpeg")
    text = await run(
        *("ffmpeg", "-v", "error", "-f", demuxer, "-i", path),
        *("-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"),
    )
    return [line.rpartition(",")[2].strip() for line in text.splitlines() if line[0] != "#"]


async def packets(path: Path, stream: str) -> list[dict[str, str]]:
    """Return what a player is told of each sample of a track."""
    need_programs("ffprobe")
    text = await run(
        *("ffprobe", "-v", "error", "-select_streams", stream, "-show_packets"),
        *("-of", "json", path),
    )
    found: list[dict[str, str]] = json.loads(text)["packets"]
    return found


def write(movie: Movie, units: Iterable[MediaUnit], path: Path) -> int:
    """Write a file of one fragment per unit; return how many initializations there were."""
    count = 0
    with path.open("wb") as file:
        for number, unit in enumerate(units):
            added = movie.push(unit)
            if added is None:
                continue
            if added.initialization is not None:
                count += 1
                file.write(added.initialization.data)
            pictures = [added.picture] if added.picture else []
            file.writelines(write_fragment(number, pictures, added.sound))
    return count


def annex_b(units: Iterable[AccessUnit]) -> bytes:
    found = bytearray()
    for unit in units:
        sets = unit.track.parameter_sets.nal_units if unit.is_random_access else ()
        nal_units: list[bytes | memoryview] = [*sets, *unit.nal_units]
        for nal in nal_units:
            found += START_CODE
            found += nal
    return bytes(found)


def with_sound(units: Iterable[AccessUnit], frames: Iterable[AudioFrame]) -> list[MediaUnit]:
    """Return pictures and sound in the order of their times."""
    both: list[MediaUnit] = [*units, *frames]
    return sorted(both, key=time_s)


def time_s(unit: MediaUnit) -> float:
    if isinstance(unit, AccessUnit):
        return unit.pts / VIDEO_CLOCK_RATE
    return unit.pts / unit.track.clock_rate


def tone(track: AudioTrack, seconds: float) -> list[AudioFrame]:
    if track.codec is AudioCodec.AAC:
        return list(islice(aac_units(), int(seconds * 16_000 / 1024)))
    data = b"".join((n * 37 % 5000 - 2500).to_bytes(2, signed=True) for n in range(320))
    return [AudioFrame(track, data, 8000 + i * 320, 320) for i in range(int(seconds * 25))]


@pytest.mark.parametrize("kind", [StreamKind.SUB, StreamKind.EXTERN])
@pytest.mark.parametrize("codec", list(VideoCodec))
async def test_pictures_decode_to_the_same_pixels(
    codec: VideoCodec, kind: StreamKind, tmp_path: Path
) -> None:
    units = list(islice(clip_units(codec, kind), 70))
    plain, muxed = tmp_path / "plain", tmp_path / "muxed.mp4"
    plain.write_bytes(annex_b(units))
    assert write(Movie(has_sound=False), units, muxed) == 1
    hashes = await picture_hashes(muxed, "mp4")
    assert len(hashes) == len(units)
    assert hashes == await picture_hashes(plain, DEMUXERS[codec])


async def test_every_picture_is_shown_at_its_time(tmp_path: Path) -> None:
    path = tmp_path / "muxed.mp4"
    units = [
        replace(unit, pts=unit.pts + (270_000 if number > 20 else 0))  # 3 s are missing
        for number, unit in enumerate(islice(clip_units(VideoCodec.H264), 60))
    ]
    write(Movie(has_sound=False), units, path)
    found = await packets(path, "v")
    assert [int(packet["pts"]) for packet in found] == [unit.pts for unit in units]
    assert ["K" in packet["flags"] for packet in found] == [one.is_random_access for one in units]


def without(frames: list[AudioFrame], missing: range) -> list[AudioFrame]:
    return [frame for number, frame in enumerate(frames) if number not in missing]


async def test_sound_has_no_holes_where_it_was_missing(tmp_path: Path) -> None:
    need_programs("ffmpeg")
    path = tmp_path / "muxed.mp4"
    movie = Movie(has_sound=True)
    movie.expect_sound(AAC)
    heard = without(tone(AAC, 3.0), range(10, 40))
    write(movie, with_sound(islice(clip_units(VideoCodec.H264), 45), heard), path)
    found = await packets(path, "a")
    ends = [int(packet["pts"]) + int(packet["duration"]) for packet in found]
    assert [int(packet["pts"]) for packet in found[1:]] == ends[:-1]
    assert int(found[0]["pts"]) == AAC.clock_rate
    await run("ffmpeg", "-v", "error", "-xerror", "-i", path, "-map", "0:a", "-f", "null", "-")


async def test_pcm_comes_back_with_silence_where_it_was_missing(tmp_path: Path) -> None:
    need_programs("ffmpeg")
    path, raw = tmp_path / "muxed.mp4", tmp_path / "raw"
    movie = Movie(has_sound=True)
    movie.expect_sound(L16)
    frames, missing = tone(L16, 3.0), range(10, 40)
    heard = without(frames, missing)
    write(movie, with_sound(islice(clip_units(VideoCodec.H264), 45), heard), path)
    await run("ffmpeg", "-v", "error", "-i", path, "-map", "0:a", "-f", "s16be", raw)
    expected = [bytes(640) if i in missing else bytes(one.data) for i, one in enumerate(frames)]
    assert raw.read_bytes() == b"".join(expected)
