"""Players log in their own way: Digest and Basic, and are turned away with wrong passwords."""

import dataclasses
from collections.abc import Collection, Iterable
from itertools import product

import pytest

from neolink.rtsp.auth import Scheme
from neolink.rtsp_server.settings import Access, MountSettings, RtspSettings
from neolink.simulator.profile import CameraProfile
from support.bridge import RunningBridge, running_bridge
from support.players import Playback, play

pytestmark = pytest.mark.foreign

USERS = {"viewer": "p/ses:ame@sesame", "guest": "guest sesame"}
RTSP = RtspSettings(users=USERS)
MOUNT = MountSettings(camera="", access=Access(anonymous=False, users=frozenset({"viewer"})))
VIEWER = ("viewer", USERS["viewer"])
SIZE = (640, 360)
PLAYERS = ("ffmpeg", "gstreamer", "pyav")


async def _play(bridge: RunningBridge, player: str, login: tuple[str, str] | None) -> Playback:
    url = bridge.url("porch", "sub", login=login)
    return await play(player, url, seconds=0.5, size=SIZE)


def cases(names: Iterable[str], cut: Collection[str]) -> list[object]:
    """Return each name with each player; those not in ``cut`` are slow."""
    return [
        pytest.param(name, player, marks=() if name in cut else pytest.mark.slow)
        for name, player in product(names, PLAYERS)
    ]


SCHEMES = {
    "default": RTSP.schemes,
    "all": tuple(Scheme),
    "md5": (Scheme.MD5,),
    "basic": (Scheme.BASIC,),
}
"""What ``[rtsp] auth`` may say. SHA-256 alone is left out: these players do not know it."""

REFUSALS: dict[str, tuple[tuple[str, str] | None, tuple[str, str]]] = {
    "wrong-password": (("viewer", "wrong sesame"), ("401", "Unauthorized")),
    "unknown-user": (("nobody", USERS["viewer"]), ("401", "Unauthorized")),
    "no-login": (None, ("401", "Unauthorized")),
    "not-permitted": (("guest", USERS["guest"]), ("403", "Forbidden")),
}


@pytest.mark.parametrize(("scheme", "player"), cases(SCHEMES, {"default", "all", "basic"}))
async def test_right_password_is_let_in(scheme: str, player: str) -> None:
    rtsp = dataclasses.replace(RTSP, schemes=SCHEMES[scheme])
    async with running_bridge(CameraProfile(name="porch"), mount=MOUNT, rtsp=rtsp) as bridge:
        playback = await _play(bridge, player, VIEWER)
    assert playback.errors == ()
    assert len(playback.frames) >= 7


@pytest.mark.parametrize(
    ("refusal", "player"), cases(REFUSALS, {"wrong-password", "not-permitted"})
)
async def test_others_are_turned_away(refusal: str, player: str) -> None:
    login, words = REFUSALS[refusal]
    async with running_bridge(CameraProfile(name="porch"), mount=MOUNT, rtsp=RTSP) as bridge:
        playback = await _play(bridge, player, login)
        assert not bridge.camera.stats.video_starts
    assert playback.frames == ()
    assert playback.exit_code != 0
    said = " ".join(playback.errors)
    assert any(word in said for word in words)


async def test_anonymous_player_is_let_in_where_permitted() -> None:
    mount = dataclasses.replace(MOUNT, access=Access(anonymous=True))
    async with running_bridge(CameraProfile(name="porch"), mount=mount, rtsp=RTSP) as bridge:
        playback = await _play(bridge, "ffmpeg", None)
    assert playback.errors == ()
    assert playback.frames
