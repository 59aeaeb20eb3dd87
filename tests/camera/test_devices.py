"""Which channels share a login, and which login goes on when the configuration changes."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neolink.baichuan.crypto import Encryption
from neolink.camera.devices import Channels, group_devices, login_settings, match_devices
from neolink.camera.settings import CameraSettings
from neolink.media.tracks import StreamKind

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB


def camera(name: str, **changes: object) -> CameraSettings:
    made = CameraSettings(name=name, host="192.0.2.1", password="p")
    return replace(made, **changes)  # type: ignore[arg-type]  # checked where they are used


def names(devices: Sequence[Channels]) -> list[list[str]]:
    return [[channel.name for channel in device] for device in devices]


# ---------------------------------------------------------------- grouping
def test_one_address_and_account_is_one_device() -> None:
    cameras = [
        camera("a0"),
        camera("b", host="192.0.2.2"),
        camera("a1", channel_id=1),
        camera("c", port=9001),
        camera("d", username="other"),
        camera("e", password="other"),
        camera("f", uid="F"),
    ]
    assert names(group_devices(cameras)) == [["a0", "a1"], ["b"], ["c"], ["d"], ["e"], ["f"]]


def test_a_stream_that_is_there_twice_needs_a_second_login() -> None:
    cameras = [camera("a", streams=(MAIN,)), camera("b", streams=(SUB,)), camera("c")]
    assert names(group_devices(cameras)) == [["a", "b"], ["c"]]


def test_a_login_does_what_any_of_its_channels_needs() -> None:
    shared = login_settings(
        [
            camera("a", idle_disconnect=True, max_encryption=Encryption.FULL_AES, strict=True),
            camera("b", channel_id=1, update_time=True, max_encryption=Encryption.BC),
        ]
    )
    assert (shared.idle_disconnect, shared.update_time, shared.strict) == (False, True, False)
    assert shared.max_encryption is Encryption.BC


# ---------------------------------------------------------------- what goes on
@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"streams": (SUB,)},
        {"channel_id": 3},
    ],
)
def test_a_change_of_the_channel_keeps_the_login(change: dict[str, object]) -> None:
    before = camera("a")
    after = replace(before, **change)  # type: ignore[arg-type]  # checked by the test
    assert match_devices([(before,)], [(after,)]) == [0]


@pytest.mark.parametrize(
    "change",
    [
        {"host": "192.0.2.9"},
        {"port": 9001},
        {"username": "other"},
        {"password": "other"},
        {"max_encryption": Encryption.BC},
        {"update_time": True},
        {"idle_disconnect": True},
        {"debug": True},
    ],
)
def test_a_change_of_the_login_needs_a_new_one(change: dict[str, object]) -> None:
    assert match_devices([(camera("a"),)], [(camera("a", **change),)]) == [None]


def test_a_channel_that_comes_or_goes_keeps_the_login_of_the_others() -> None:
    first, second, third = (camera(f"a{n}", channel_id=n) for n in range(3))
    assert match_devices([(first, second)], [(first, second, third)]) == [0]
    assert match_devices([(first, second)], [(second,)]) == [0]


def test_of_two_logins_on_one_camera_each_goes_on_as_itself() -> None:
    front, back = (camera("front"),), (camera("back"),)
    fewer = (camera("back", streams=(SUB,)),)
    assert match_devices([front, back], [fewer]) == [1]
    assert match_devices([front, back], [fewer, front]) == [1, 0]


CAMERAS = st.lists(
    st.builds(
        lambda name, host, channel, streams, update: camera(
            name,
            host=f"192.0.2.{host}",
            channel_id=channel,
            streams=tuple(streams),
            update_time=update,
        ),
        st.sampled_from("abcdefgh"),
        st.integers(1, 2),
        st.integers(0, 2),
        st.lists(st.sampled_from(list(StreamKind)), unique=True),
        st.booleans(),
    ),
    unique_by=lambda one: one.name,
    max_size=8,
)


@settings(max_examples=150)
@given(CAMERAS)
def test_grouping_loses_nothing_and_starts_no_stream_twice(cameras: list[CameraSettings]) -> None:
    devices = group_devices(cameras)
    assert sorted(one.name for device in devices for one in device) == sorted(
        one.name for one in cameras
    )
    for device in devices:
        assert len({(one.host, one.port, one.username, one.password) for one in device}) == 1
        streams = [(one.channel_id, kind) for one in device for kind in one.streams]
        assert len(streams) == len(set(streams))


@settings(max_examples=150)
@given(CAMERAS, CAMERAS)
def test_matching_gives_no_login_away_twice_and_keeps_what_can_be_kept(
    before: list[CameraSettings], after: list[CameraSettings]
) -> None:
    old, new = group_devices(before), group_devices(after)
    places = match_devices(old, new)
    assert len(places) == len(new)
    taken = [place for place in places if place is not None]
    assert len(taken) == len(set(taken))
    for place, channels in zip(places, new, strict=True):
        if place is not None:
            assert {one.host for one in old[place]} == {one.host for one in channels}


@settings(max_examples=150)
@given(CAMERAS)
def test_the_same_devices_match_themselves(cameras: list[CameraSettings]) -> None:
    devices = group_devices(cameras)
    for place, device in zip(match_devices(devices, devices), devices, strict=True):
        assert place is not None
        assert devices[place] == device
