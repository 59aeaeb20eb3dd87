"""Other users, limits and mounts while players watch: who goes, who stays without a gap."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest

from neolink.hub.demand import DemandState
from neolink.hub.stream import Stream
from neolink.media.tracks import StreamKind
from neolink.rtsp_server.mounts.mount import Mount
from neolink.rtsp_server.settings import (
    Access,
    MountSettings,
    RtspLimits,
    RtspSettings,
)
from support.media import Camera
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import RtspClient
from support.waiting import until

MAIN = StreamKind.MAIN
ANNA, BERT = ("anna", "a-7751"), ("bert", "b-7751")
USERS = dict((ANNA, BERT))
BOTH = Access(False, frozenset(USERS))
EVERYBODY = Access(True)
Transport = Literal["tcp", "udp"]


def change(bench: Bench, **changes: Any) -> None:
    """Reload with other settings; limits may be among them, and ``access`` of all mounts."""
    access = changes.pop("access", None)
    if access is not None:
        for mount in bench.mounts.values():
            mount.settings = replace(mount.settings, access=access)
    now = bench.server.settings
    limits = {name: changes.pop(name) for name in list(changes) if hasattr(RtspLimits, name)}
    settings = replace(now, limits=replace(now.limits, **limits), **changes)
    bench.server.reload(settings, bench.mounts)


async def watcher(
    bench: Bench, login: tuple[str, str] | None, transport: Transport = "tcp", path: str = "porch"
) -> RtspClient:
    user, password = login or (None, "")
    client = await bench.client(path, user=user, password=password)
    return await client.watch(transport=transport)


async def goes_on(bench: Bench, clients: Iterable[RtspClient]) -> None:
    """Assert that players have missed nothing and are given the next pictures."""
    for client in clients:
        had = len(client.tracks[0].packets)
        bench.camera.pictures(5)
        await client.until(lambda: len(client.tracks[0].packets) > had)  # noqa: B023 - used now
        assert client.tracks[0].gaps == 0
        assert (await client.get_parameter()).status == 200


async def is_ended(bench: Bench, client: RtspClient) -> None:
    """Assert that a player is told BYE and its connection is closed."""
    await client.until_closed()
    await client.until(lambda: client.tracks[0].has_ended, "BYE")
    assert all(
        player.session.id != client.builder.session
        for player in bench.server.context.players.values()
    )


# ---------------------------------------------------------------- users
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_sessions_of_a_removed_user_end_and_others_go_on(
    start: StartServer, transport: Transport
) -> None:
    bench = await start(users=USERS, access=BOTH)
    anna, bert = await watcher(bench, ANNA, transport), await watcher(bench, BERT, transport)
    bench.camera.pictures(5)
    change(bench, users=dict([BERT]), access=Access(False, frozenset({"bert"})))
    await is_ended(bench, anna)
    await goes_on(bench, [bert])
    again = await bench.client(user=ANNA[0], password=ANNA[1])
    assert (await again.describe()).status == 401


async def test_who_is_still_permitted_but_no_user_any_more_has_to_go(start: StartServer) -> None:
    bench = await start(users=USERS, access=BOTH)
    anna = await watcher(bench, ANNA)
    change(bench, users=dict([BERT]))
    await is_ended(bench, anna)


async def test_a_new_user_gets_in_and_nobody_notices(start: StartServer) -> None:
    bench = await start(users=dict([ANNA]), access=BOTH)
    anna = await watcher(bench, ANNA)
    assert (await (await bench.client(user="bert", password=BERT[1])).describe()).status == 401
    change(bench, users=USERS)
    bert = await watcher(bench, BERT)
    await goes_on(bench, [anna, bert])


async def test_sessions_end_that_were_opened_with_a_password_of_before(start: StartServer) -> None:
    bench = await start(users=USERS, access=BOTH)
    anna, bert = await watcher(bench, ANNA), await watcher(bench, BERT)
    change(bench, users={**USERS, "anna": "another"})
    await is_ended(bench, anna)
    await goes_on(bench, [bert, await watcher(bench, ("anna", "another"))])
    assert (await (await bench.client(user="anna", password=ANNA[1])).describe()).status == 401


async def test_a_challenge_of_before_is_still_good(start: StartServer) -> None:
    bench = await start(users=dict([ANNA]), access=BOTH)
    client = await bench.client(user=ANNA[0], password=ANNA[1])
    assert (await client.describe()).status == 200
    change(bench, users=USERS)
    headers = ("Accept", "application/sdp")
    assert (await client.ask(client.build("DESCRIBE", None, headers))).status == 200


@pytest.mark.parametrize("users", [dict([BERT]), {**USERS, "anna": "another"}])
async def test_a_login_between_describe_and_setup_is_worth_nothing_after_the_change(
    start: StartServer, users: dict[str, str]
) -> None:
    """SETUP is let through without a signature only while the login behind it is good."""
    bench = await start(users=USERS, access=BOTH)
    anna = await bench.client(user=ANNA[0], password=ANNA[1])
    assert (await anna.describe()).status == 200
    change(bench, users=users)
    assert (await anna.setup(0)).status == 401
    assert not bench.server.context.players


async def test_a_permission_between_describe_and_setup_is_worth_nothing_after_the_change(
    start: StartServer,
) -> None:
    bench = await start(users=USERS, access=BOTH)
    anna = await bench.client(user=ANNA[0], password=ANNA[1])
    assert (await anna.describe()).status == 200
    change(bench, access=Access(False, frozenset({"bert"})))
    assert (await anna.setup(0)).status == 403


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
async def test_who_loses_access_while_waiting_for_the_camera_is_not_let_in(
    start: StartServer, method: str
) -> None:
    bench = await start(users=USERS, access=BOTH, described=False, setup_timeout_s=3)
    anna = await bench.client(user=ANNA[0], password=ANNA[1])
    if method == "DESCRIBE":
        asking = asyncio.create_task(anna.describe())
    else:
        asking = asyncio.create_task(anna.setup(0))
    await until(lambda: bench.camera.stream.state is DemandState.STARTING)
    change(bench, users=dict([BERT]))
    bench.camera.pictures(30)
    assert (await asking).status == 401
    assert not bench.server.context.players


# ---------------------------------------------------------------- permissions
async def test_a_camera_that_needs_a_login_now_ends_the_sessions_without(
    start: StartServer,
) -> None:
    bench = await start(users=USERS, access=EVERYBODY)
    stranger = await watcher(bench, None)
    change(bench, access=BOTH)
    await is_ended(bench, stranger)
    assert (await (await bench.client()).describe()).status == 401
    await goes_on(bench, [await watcher(bench, ANNA)])


async def test_a_camera_that_needs_no_login_any_more_ends_no_session(start: StartServer) -> None:
    bench = await start(users=USERS, access=BOTH)
    anna = await watcher(bench, ANNA)
    change(bench, access=EVERYBODY, users={})
    await goes_on(bench, [anna, await watcher(bench, None)])


async def test_permitted_users_count_per_camera(start: StartServer) -> None:
    bench = await start("porch", "garden", users=USERS, access=BOTH)
    at_porch = await watcher(bench, ANNA)
    other = await watcher(bench, BERT)
    in_garden = await watcher(bench, ANNA, path="garden")
    porch = bench.mounts["porch", MAIN]
    porch.settings = replace(porch.settings, access=Access(False, frozenset({"bert"})))
    change(bench)
    await is_ended(bench, at_porch)
    await goes_on(bench, [other])
    assert (await in_garden.get_parameter()).status == 200
    assert (await (await bench.client(user="anna", password=ANNA[1])).describe()).status == 403


async def test_a_session_that_was_only_set_up_ends_too(start: StartServer) -> None:
    bench = await start(users=USERS, access=BOTH)
    for transport in ("tcp", "udp"):
        client = await bench.client(user=ANNA[0], password=ANNA[1])
        await client.describe()
        assert (await client.setup(0, transport)).status == 200
    change(bench, users={})
    assert not bench.server.context.players
    assert not bench.server.context.udp_peers


async def test_a_player_that_reads_nothing_is_ended_all_the_same(start: StartServer) -> None:
    bench = await start(users=USERS, access=BOTH)
    anna = await bench.client(user=ANNA[0], password=ANNA[1], receive_buffer=4096)
    await anna.watch()
    anna.stop_reading()
    bench.camera.key_size = 2_000_000
    bench.camera.pictures(6)
    assert bench.server.context.budget.used_bytes
    change(bench, users={})
    await until(lambda: not bench.server.door.connections)
    assert bench.server.context.budget.used_bytes == 0


# ---------------------------------------------------------------- mounts
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_sessions_of_a_mount_end_with_bye(start: StartServer, transport: Transport) -> None:
    bench = await start("porch", "garden")
    gone, stays = await watcher(bench, None, transport), await watcher(bench, None, path="garden")
    mount = bench.mounts["porch", MAIN]
    bench.server.end_sessions(mount, "the camera was removed")
    await is_ended(bench, gone)
    assert mount.player_count == 0
    assert (await stays.get_parameter()).status == 200


async def test_paths_come_and_go(start: StartServer) -> None:
    bench = await start("porch", "garden")
    garden = bench.mounts.pop(("garden", MAIN))
    change(bench)
    assert (await (await bench.client("garden")).describe()).status == 404
    assert (await (await bench.client("porch")).describe()).status == 200
    bench.mounts["garden", MAIN] = garden
    change(bench)
    assert (await (await bench.client("garden")).describe()).status == 200


@pytest.mark.parametrize("method", ["DESCRIBE", "SETUP"])
async def test_who_waits_for_a_camera_is_given_the_one_that_takes_its_place(
    start: StartServer, method: str
) -> None:
    bench = await start(described=False, setup_timeout_s=3)
    client = await bench.client()
    request = client.describe() if method == "DESCRIBE" else client.setup(0)
    asking = asyncio.create_task(request)
    old = bench.camera.stream
    await until(lambda: old.state is DemandState.STARTING)
    stream = Stream("porch/main", clock=bench.clock)
    mount = bench.mounts["porch", MAIN] = Mount(
        MAIN, stream, MountSettings(camera="porch", setup_timeout_s=3), bench.clock
    )
    bench.server.reload(bench.server.settings, bench.mounts)
    old.close()
    await until(lambda: stream.state is DemandState.STARTING)
    assert not asking.done()
    Camera(stream).pictures(30)
    assert (await asking).status == 200
    assert [player.mount for player in bench.server.context.players.values()] == (
        [mount] if method == "SETUP" else []
    )
    assert old._linger is None
    assert old._waiting is None


async def test_who_waits_for_a_camera_that_is_removed_is_told_404(start: StartServer) -> None:
    bench = await start("porch", "garden", described=False, setup_timeout_s=3)
    client = await bench.client()
    asking = asyncio.create_task(client.describe())
    stream = bench.camera.stream
    await until(lambda: stream.state is DemandState.STARTING)
    del bench.mounts["porch", MAIN]
    change(bench)
    stream.close()
    assert (await asking).status == 404


# ---------------------------------------------------------------- limits and the rest
async def test_limits_hold_from_the_change_on_and_end_nobody(start: StartServer) -> None:
    bench = await start()
    players = [await watcher(bench, None) for _ in range(3)]
    change(bench, max_clients=2, max_bytes=1 << 20, max_connections=50)
    refused = await bench.client()
    await refused.describe()
    assert (await refused.setup(0)).status == 453
    await goes_on(bench, players)
    assert bench.server.context.budget.max_bytes == 1 << 20
    change(bench, max_clients=0)
    await goes_on(bench, [await watcher(bench, None)])


async def test_room_for_sessions_follows_the_connections(start: StartServer) -> None:
    bench = await start(max_connections=1)
    assert bench.server.context.sessions.max_sessions == 2
    change(bench, max_connections=10)
    assert bench.server.context.sessions.max_sessions == 20


async def test_a_session_keeps_the_timeout_it_was_told(start: StartServer) -> None:
    bench = await start(session_timeout_s=60)
    before = await watcher(bench, None, "udp")
    change(bench, session_timeout_s=30)
    after = await bench.client()
    await after.describe()
    header = (await after.setup(0, "udp")).headers.get("Session")
    assert header is not None
    assert header.endswith(";timeout=30")
    bench.pass_time(50)
    assert (await before.get_parameter()).status == 200
    assert (await after.get_parameter()).status == 454


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"bind": "127.0.0.9"}, "bind"),
        ({"port": 1}, "bind_port"),
        ({"is_udp_enabled": False}, "[rtsp] udp"),
        ({"rtp_port": 2}, "[rtsp] rtp_port"),
        ({"certificate": Path("x.pem")}, "certificate"),
        ({"tls_port": 3}, "[rtsp] tls_port"),
    ],
)
async def test_what_needs_a_restart_is_told_by_its_key_and_stays(
    start: StartServer, caplog: pytest.LogCaptureFixture, changed: dict[str, Any], key: str
) -> None:
    caplog.set_level(logging.WARNING)
    bench = await start()
    before: RtspSettings = bench.server.settings
    player = await watcher(bench, None, "udp")
    change(bench, **changed)
    assert caplog.messages == [f"{key}: takes effect after a restart"]
    assert bench.server.settings == before == bench.server.context.settings
    await goes_on(bench, [player, await watcher(bench, None, "udp")])
    caplog.clear()
    change(bench)
    assert not caplog.messages


async def test_a_change_of_nothing_disturbs_nobody(start: StartServer) -> None:
    bench = await start(users=USERS, access=BOTH)
    players = [await watcher(bench, ANNA), await watcher(bench, BERT, "udp")]
    for _ in range(50):
        change(bench)
    await goes_on(bench, players)
