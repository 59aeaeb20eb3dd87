"""What players are told of a mount, and when the version of that grows."""

import re
from dataclasses import replace

import pytest

from neolink.clock import ManualClock
from neolink.hub.stream import Stream
from neolink.media.tracks import AudioTrack, StreamKind, VideoTrack
from neolink.rtp.formats import AudioChoice
from neolink.rtsp.sdp import parse
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.requests.description import describe
from neolink.rtsp_server.settings import MountSettings
from support.media import AAC, H264, H265, L16, Camera

HOST = "192.0.2.10"


class Scene:
    """A mount whose camera has shown its tracks."""

    def __init__(self, video: VideoTrack = H264, audio: AudioTrack | None = AAC) -> None:
        clock = ManualClock()
        self.stream = Stream("porch/main", clock=clock, grace_s=60.0)
        self.mount = Mount(StreamKind.MAIN, self.stream, MountSettings(camera="porch"), clock)
        self.camera = Camera(self.stream, video=video, audio=audio)
        self.hold = self.stream.hold()
        self.camera.pictures(30)

    def text(self, host: str = HOST, choice: AudioChoice = AudioChoice.AUTO) -> str:
        presentation = self.stream.presentation
        assert presentation is not None
        return describe(self.mount, presentation, choice, host)

    def lines(self, kind: str) -> list[str]:
        return [line for line in self.text().split("\r\n") if line.startswith(kind)]

    def close(self) -> None:
        self.hold.release()
        self.stream.close()


def version_of(text: str) -> int:
    return int(text.split("\r\n")[1].split()[2])


async def test_the_same_state_gives_the_same_bytes() -> None:
    scene = Scene()
    before = scene.text()
    scene.camera.pictures(30)
    scene.stream.note_bitrate(None)
    assert scene.text() == before
    scene.close()


async def test_bit_rate_is_what_the_camera_is_set_to_and_counts_as_a_change() -> None:
    scene = Scene()
    assert scene.lines("b=") == []
    before = version_of(scene.text())
    for _ in range(2):
        scene.stream.note_bitrate(5_120_000.0)
        assert scene.lines("b=") == ["b=AS:5120"]
        assert version_of(scene.text()) == before + 1
    scene.close()


@pytest.mark.parametrize(
    ("host", "family", "address"),
    [
        (HOST, "IP4", HOST),
        ("2001:db8::7", "IP6", "2001:db8::7"),
        ("fe80::1%eth0", "IP6", "fe80::1"),
        ("::ffff:192.0.2.10", "IP4", HOST),
    ],
)
async def test_our_address_is_written_as_sdp_has_it(host: str, family: str, address: str) -> None:
    scene = Scene()
    text = scene.text(host)
    unspecified = {"IP4": "0.0.0.0", "IP6": "::"}[family]
    assert f" IN {family} {address}\r\n" in text
    assert f"c=IN {family} {unspecified}\r\n" in text
    scene.close()


async def test_pictures_are_told_with_their_rate_and_size_and_the_stream_by_its_name() -> None:
    scene = Scene()
    assert scene.lines("a=framerate") == ["a=framerate:15"]
    assert scene.lines("a=x-dimensions") == ["a=x-dimensions:640,360"]
    assert scene.lines("s=") == ["s=porch/main"]
    scene.close()


async def test_a_rate_that_nobody_knows_is_not_told() -> None:
    scene = Scene(replace(H264, frame_rate=None))
    assert scene.lines("a=framerate") == []
    scene.close()


async def test_a_description_is_named_by_when_the_mount_began() -> None:
    """Players that ask again after a restart must not take it for the one that they know."""
    scene = Scene()
    (origin,) = scene.lines("o=")
    assert origin.split()[1] == str(int(ManualClock().unix_s()))
    scene.close()


@pytest.mark.parametrize("video", [H264, H265])
@pytest.mark.parametrize("audio", [AAC, L16, None])
async def test_no_value_is_empty_and_each_track_is_told_once(
    video: VideoTrack, audio: AudioTrack | None
) -> None:
    scene = Scene(video, audio)
    text = scene.text()
    assert len(text.encode()) < 4096
    for line in text.removesuffix("\r\n").split("\r\n"):
        assert re.fullmatch(r"[a-z]=\S(.*\S)?", line)
        assert not line.endswith((":", ";"))
    media = parse(text)
    for one in media:
        for parameter in one.fmtp.split(";") if one.fmtp else []:
            assert re.fullmatch(r"[a-z-]+=[\w+/,=-]+", parameter)
    assert [one.kind for one in media] == ["video", "audio"][: 2 if audio else 1]
    assert len({one.payload_type for one in media}) == len(media)
    assert all(one.direction == "recvonly" for one in media)
    scene.close()
