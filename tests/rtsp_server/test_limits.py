"""What is refused, and what a player, a camera and all may have waiting: counted and told."""

import logging
from dataclasses import replace

import pytest

from neolink.rtsp_server.refusals import Refusal
from neolink.rtsp_server.settings import Access
from support.media import L16
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import RtspClient
from support.waiting import until

SLOW = 4096
"""Receive buffer of a player whose queue is to grow."""


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def counted(bench: Bench) -> dict[str, int]:
    return {reason: count for reason, count in bench.server.refused.items() if count}


async def refused_players(bench: Bench, number: int) -> list[RtspClient]:
    clients = [await bench.client() for _ in range(number)]
    for client in clients:
        await client.describe()
        assert (await client.setup(0)).status == 453
    return clients


# ---------------------------------------------------------------- refusals
async def test_every_reason_is_there_before_anything_was_refused(start: StartServer) -> None:
    bench = await start()
    known = {reason.value for reason in Refusal} | {"max_bytes", "max_bytes_per_camera"}
    assert bench.server.refused == dict.fromkeys(known, 0)


@pytest.mark.parametrize(
    ("limit", "reason", "text"),
    [
        ("max_clients", "max_clients",
         "all 1 places of this server are taken (raise [limits] max_clients)"),
        ("max_clients_of_camera", "max_clients_per_camera",
         "all 1 places of this camera are taken (raise max_clients)"),
    ],
)  # fmt: skip
async def test_players_above_a_limit_are_counted_and_the_log_names_the_key_once_in_a_while(
    start: StartServer, caplog: pytest.LogCaptureFixture, limit: str, reason: str, text: str
) -> None:
    bench = await start(**{limit: 1})
    await bench.player()
    clients = await refused_players(bench, 3)
    assert counted(bench) == {reason: 3}
    said = warnings(caplog)
    assert len(said) == 1
    assert said[0].endswith(f" is refused: {text}")
    assert "127.0.0.1:" in said[0]
    bench.clock.advance(11)
    assert (await clients[0].setup(0)).status == 453
    assert warnings(caplog)[1].endswith(f"{text} (2 more like this held back)")
    await bench.clients[0].teardown()
    assert (await clients[0].setup(0)).status == 200


async def test_sessions_above_the_limit_of_a_connection_are_counted(start: StartServer) -> None:
    bench = await start(max_sessions_per_connection=1)
    client = await bench.player()
    assert (await client.setup(0, session=None)).status == 453
    assert counted(bench) == {"max_sessions": 1}


async def test_connections_above_the_limit_of_an_address_are_told_with_the_address(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start(max_connections_per_ip=1)
    await bench.player()
    for _ in range(3):
        await (await bench.client()).until_closed()
    await bench.player(local_host="127.0.0.2")
    assert counted(bench) == {"max_connections_per_ip": 3}
    key = "[limits] max_connections_per_ip"
    said = warnings(caplog)
    assert len(said) == 1
    assert said[0].endswith(f"refused: there are 1 connections of this address (raise {key})")
    assert "127.0.0.1" in said[0]


async def test_who_may_not_watch_and_what_is_not_there_is_counted(start: StartServer) -> None:
    access = Access(anonymous=False, users=frozenset({"anna"}))
    users = {"anna": "a", "berta": "b"}
    bench = await start(access=access, users=users, described=False, wrong_login_delay_s=0.0)
    wrong = await bench.client(user="anna", password="x")
    assert (await wrong.describe()).status == 401
    stranger = await bench.client(user="berta", password="b")
    assert (await stranger.describe()).status == 403
    lost = await bench.client("yard", user="anna", password="a")
    assert (await lost.describe()).status == 404
    early = await bench.client(user="anna", password="a")
    assert (await early.describe()).status == 503
    assert counted(bench) == {"wrong_login": 1, "no_permission": 1, "no_camera": 1, "not_ready": 1}


# ---------------------------------------------------------------- bytes
async def slow_player(bench: Bench, path: str, picture: int) -> RtspClient:
    """Return a player that does not read, in whose queue a group of such pictures waits."""
    client = await bench.player(path, receive_buffer=SLOW)
    client.stop_reading()
    camera = bench.cameras[path]
    camera.key_size = camera.size = picture
    camera.pictures(5)
    return client


def waiting(bench: Bench) -> dict[str, int]:
    """Return the bytes that wait by camera; there is one player of each."""
    return {
        player.mount.settings.camera: sum(backlog.size for backlog in player.backlogs)
        for player in bench.server.players()
    }


async def test_above_the_bytes_of_a_camera_its_longest_queue_alone_is_emptied(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start("porch", "yard", stall_timeout_s=1e6)
    for mount in bench.mounts.values():
        if mount.settings.camera == "porch":
            mount.settings = replace(mount.settings, max_bytes=1 << 20)
    bench.server.context.set_bounds()
    await slow_player(bench, "porch", 100_000)
    await slow_player(bench, "yard", 400_000)
    assert waiting(bench)["yard"] > waiting(bench)["porch"] > 0
    bench.camera.pictures(20)
    bench.server.sweep()
    assert waiting(bench)["porch"] <= 1 << 20
    assert waiting(bench)["yard"] > 1 << 20
    assert counted(bench)["max_bytes_per_camera"] >= 1
    assert "max_bytes" not in counted(bench)
    text = "the players of porch: more than 1 MiB wait: the longest queues are emptied"
    assert [line for line in warnings(caplog) if "MiB" in line] == [f"{text} (raise its max_bytes)"]


async def test_above_the_bytes_of_all_the_longest_queue_of_any_camera_is_emptied(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start("porch", "yard", stall_timeout_s=1e6, max_bytes=2 << 20)
    await slow_player(bench, "yard", 300_000)
    before = waiting(bench)["yard"]
    assert 1 << 20 < before < 2 << 20
    await slow_player(bench, "porch", 250_000)
    assert (waiting(bench)["yard"], waiting(bench)["porch"] > 0) == (0, True)
    bench.server.sweep()
    bench.server.sweep()
    assert counted(bench) == {"max_bytes": 1}
    text = "all players: more than 2 MiB wait: the longest queues are emptied"
    assert [line for line in warnings(caplog) if "MiB" in line] == [
        f"{text} (raise [limits] max_bytes)"
    ]


async def test_what_a_camera_that_is_gone_was_short_of_stays_counted(start: StartServer) -> None:
    bench = await start("porch", "yard")
    context = bench.server.context
    context.budget_of(bench.mount).shortages = 3
    bench.server.end_sessions(bench.mount, "gone")
    left = {key: mount for key, mount in bench.mounts.items() if key[0] == "yard"}
    bench.server.reload(bench.server.settings, left)
    assert bench.server.refused["max_bytes_per_camera"] == 3
    assert set(context.budgets) == {"yard"}


async def test_room_for_a_player_follows_the_rate_of_its_stream(start: StartServer) -> None:
    bench = await start(stall_timeout_s=1e6)
    allowance = bench.mount.allowance
    hard = (allowance.max_items, allowance.max_bytes)
    await bench.player()
    for _ in range(6):
        bench.camera.pictures(25)
        bench.pass_time(1)
    assert allowance.max_items == 150, "3 s of delay and as much again, at 25 a second"
    assert allowance.max_bytes == 1 << 20
    assert bench.mount.pace.bytes_per_s == pytest.approx(4 * 5 * 900 + 5 * 3000, rel=0.02)
    assert (allowance.max_items, allowance.max_bytes) != hard
    bench.mount.stream.source_lost()
    bench.pass_time(1)
    assert allowance.max_items == 150, "it stays while nothing flows"


# ---------------------------------------------------------------- by hand, and what is kept
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_kick_ends_one_player_with_bye_and_no_other(
    start: StartServer, transport: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "neolink")
    bench = await start(audio=L16)
    other = await bench.player()
    client = await (await bench.client()).watch(transport="udp" if transport == "udp" else "tcp")
    bench.camera.pictures(5)
    kept, kicked = bench.server.players()
    assert not bench.server.kick(kicked.number + 1)
    assert bench.server.kick(kicked.number)
    await client.until_closed()
    await until(lambda: list(bench.server.players()) == [kept])
    if transport == "udp":
        await client.until(lambda: all(track.has_ended for track in client.tracks.values()))
    (told,) = [one for one in caplog.records if one.getMessage() == "ended by hand"]
    assert vars(told)["camera"] == "porch"
    assert vars(told)["client"] == kicked.address
    assert not bench.server.kick(kicked.number), "a number is never given twice"
    bench.camera.pictures(5)
    await other.until(lambda: len(other.tracks[0].timestamps) >= 10)
    assert [track.gaps for track in other.tracks.values()] == [0, 0]


async def test_sums_only_grow_while_players_come_and_go(start: StartServer) -> None:
    bench = await start(audio=L16)
    before = bench.server.sums()[bench.mount]
    for number in range(1, 4):
        client = await bench.player()
        bench.camera.pictures(5)
        during = bench.server.sums()[bench.mount]
        assert during.players == number
        assert during.bytes_sent > before.bytes_sent
        await client.close()
        await until(lambda: not list(bench.server.players()))
        assert bench.server.sums()[bench.mount] == during
        before = during


async def test_the_sweep_that_the_server_makes_looks_at_every_player(start: StartServer) -> None:
    """By its own clock; that moves nothing by itself here, so what is due is found at once."""
    bench = await start(session_timeout_s=10)
    client = await (await bench.client()).watch(transport="udp")
    bench.clock.advance(16)
    await until(lambda: not list(bench.server.players()))
    assert (await client.get_parameter()).status == 454
