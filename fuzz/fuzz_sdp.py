"""Fuzz descriptions: any text is read; what any camera's parameter sets and name make is readable.

What was written is short, has no empty value and no line that was not meant, and reads back.
"""

import re
import sys

import atheris

with atheris.instrument_imports(include=["neolink.rtsp", "neolink.rtp.formats"]):
    from neolink.media.tracks import (
        AudioCodec,
        AudioTrack,
        ParameterSets,
        VideoCodec,
        VideoTrack,
    )
    from neolink.rtp.formats import AudioChoice, audio_format, video_format
    from neolink.rtsp.sdp import (
        MediaDescription,
        describe,
        describe_audio,
        describe_video,
        parse,
        session_attributes,
    )

LINE = re.compile(r"[a-z]=\S(?:.*\S)?")


def fuzz_reading(data: bytes) -> None:
    """Any text is read, and what was understood of it can be written."""
    text = data.decode("latin-1")
    session_attributes(text)
    for media in parse(text):
        assert 0 <= media.payload_type <= 127
        assert media.encoding
    describe(parse(text), session_id=1, version=1, name=text)


def fuzz_writing(data: bytes) -> None:
    """Whatever a camera sends as parameter sets, config and name: the description is sound."""
    codec = list(VideoCodec)[len(data) % 2]
    name, config, vps, sps, *pps = (data.split(b"\xff\xfe") + [b""] * 5)[:12]
    video = VideoTrack(codec, ParameterSets(sps, tuple(pps), vps), 640, 360, 12.5)
    audio = AudioTrack(AudioCodec.AAC, 16_000, 1, config[:64])
    sound = audio_format(audio, AudioChoice.AAC)
    assert sound is not None
    written = [
        describe_video(video, video_format(video), "trackID=0"),
        describe_audio(audio, sound, "trackID=1"),
    ]
    text = describe(written, session_id=1, version=1, name=name.decode("latin-1"))
    _check(text, written)


def _check(text: str, written: list[MediaDescription]) -> None:
    assert len(text.encode()) < 4096
    lines = text.removesuffix("\r\n").split("\r\n")
    for line in lines:
        assert line.isprintable() or line.startswith("s="), line
        assert LINE.fullmatch(line), line
    assert [line[0] for line in lines[:4]] == ["v", "o", "s", "c"]
    assert sum(line.startswith("m=") for line in lines) == len(written)
    for media in written:
        for parameter in media.fmtp.split(";") if media.fmtp else ():
            assert all(parameter.partition("=")[2].split(",")), parameter
    read = parse(text)
    assert [(one.kind, one.fmtp, one.rtpmap) for one in read] == [
        (one.kind, one.fmtp, one.rtpmap) for one in written
    ]


TARGETS = (fuzz_reading, fuzz_writing)


def one_input(data: bytes) -> None:
    """First byte: reading or writing."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
