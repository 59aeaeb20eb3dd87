"""Multicast on the loopback interface: sent once for all, and only while somebody wants it."""

import socket
from pathlib import Path
from typing import Any, cast

import pytest

from neolink.hub.demand import DemandState
from neolink.rtp.rtcp import Bye, ReceiverReport, ReportBlock
from neolink.rtsp.headers import parse_transports
from neolink.rtsp_server.sessions.multicast import Group
from support.datagrams import groups_of_our_own
from support.media import H265, L16
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import GroupPair, RtspClient
from support.tls import client_context, make_identity
from support.waiting import until

OFFER = "RTP/AVP;multicast"


async def bench_with(start: StartServer, *names: str, **options: Any) -> Bench:
    return await start(*names, **{"multicast": groups_of_our_own(), **options})


def port_of(bench: Bench) -> int:
    return bench.server.settings.multicast.port


async def listener(bench: Bench, path: str = "porch", *tracks: int, **options: Any) -> RtspClient:
    client = await bench.client(path, **options)
    return await client.watch(*tracks, transport="multicast")


def group_of(bench: Bench) -> Group:
    (group,) = bench.server.context.groups
    return group


def pair_of(client: RtspClient, track: int = 0) -> GroupPair:
    return cast("GroupPair", client.tracks[track].udp)


def report(client: RtspClient, lost: int) -> bytes:
    ssrc = client.tracks[0].granted.ssrc
    assert ssrc is not None
    return ReceiverReport(7, (ReportBlock(ssrc, lost, 0, 0, 5, 0, 0),)).serialize()


async def test_setup_names_the_group_and_its_ports(start: StartServer) -> None:
    bench = await bench_with(start, audio=L16)
    client = await bench.client()
    await client.describe()
    for track in (0, 1):
        response = await client.setup(track, f"{OFFER};port=5000-5001;ttl=99;destination=10.0.0.1")
        place = group_of(bench).place
        ports = f"{port_of(bench) + 2 * track}-{port_of(bench) + 2 * track + 1}"
        assert response.headers.get("Transport") == (
            f"RTP/AVP;multicast;destination={place.address};port={ports};ttl=3"
            f";ssrc={client.tracks[track].granted.ssrc:08X}"
        )
    assert (await client.teardown()).status == 200


async def test_packets_pass_as_many_routers_as_setup_says(start: StartServer) -> None:
    bench = await bench_with(start)
    client = await listener(bench)
    sock = group_of(bench)._ports._sending._sock
    assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL) == 3
    assert client.tracks[0].granted.ttl == 3


async def test_many_players_are_sent_each_packet_once(start: StartServer) -> None:
    bench = await bench_with(start, audio=L16)
    clients = [await listener(bench) for _ in range(4)]
    bench.camera.pictures(3)
    bench.camera.picture(key=True)
    bench.camera.pictures(20)
    for client in clients:
        await client.until(lambda one=client: len(one.tracks[0].timestamps) >= 20)  # type: ignore[misc]
        await client.until(lambda one=client: len(one.tracks[1].timestamps) >= 20)  # type: ignore[misc]
    tracks = [track for client in clients for track in client.tracks.values()]
    assert [track.gaps for track in tracks] == [0] * 8
    for track in tracks:
        numbers = [packet.sequence for packet in track.packets]
        assert len(set(numbers)) == len(numbers)
    assert bench.mount.player_count == 1
    assert all(track.reports for track in tracks)
    assert [player.transports for player in bench.server.players()] == [{"multicast"}] * 4


async def test_a_newcomer_gets_no_burst_and_costs_the_others_nothing(start: StartServer) -> None:
    bench = await bench_with(start)
    first = await listener(bench)
    bench.camera.picture(key=True)
    bench.camera.pictures(3)
    await first.until(lambda: len(first.tracks[0].timestamps) == 4)
    sent = group_of(bench).lane.bytes_sent
    second = await listener(bench)
    assert group_of(bench).lane.bytes_sent == sent
    bench.camera.pictures(2)
    await second.until(lambda: len(second.tracks[0].timestamps) == 2)
    await first.until(lambda: len(first.tracks[0].timestamps) == 6)
    assert first.tracks[0].gaps == 0
    units = first.tracks[0].video_units()
    assert len(units) == 6


async def test_the_group_begins_at_a_key_frame_and_ends_with_its_last_player(
    start: StartServer,
) -> None:
    bench = await bench_with(start, grace_s=0.01)
    bench.camera.gop = 100
    first = await listener(bench)
    bench.camera.pictures(3)
    second = await listener(bench)
    bench.camera.picture(key=True)
    await first.until(lambda: bool(first.tracks[0].packets))
    assert len(first.tracks[0].timestamps) == 1
    assert (await first.teardown()).status == 200
    bench.camera.pictures(3)
    await second.until(lambda: len(second.tracks[0].timestamps) == 4)
    assert not second.tracks[0].has_ended
    assert (await second.pause()).status == 200
    await second.until(lambda: second.tracks[0].has_ended)
    await until(lambda: bench.camera.stream.state is DemandState.IDLE)
    assert group_of(bench).players
    assert (await second.teardown()).status == 200
    assert not list(bench.server.context.groups)


async def test_who_pauses_alone_changes_nothing_for_the_others(start: StartServer) -> None:
    bench = await bench_with(start)
    first, second = await listener(bench), await listener(bench)
    bench.camera.picture(key=True)
    await first.pause()
    bench.camera.pictures(3)
    await second.until(lambda: len(second.tracks[0].timestamps) == 4)
    assert not second.tracks[0].has_ended
    assert (await first.play()).status == 200
    bench.camera.pictures(3)
    await second.until(lambda: len(second.tracks[0].timestamps) == 7)
    assert second.tracks[0].gaps == 0


async def test_tracks_are_sent_while_anybody_wants_them(start: StartServer) -> None:
    bench = await bench_with(start, audio=L16)
    sound = await listener(bench, "porch", 1)
    bench.camera.pictures(3)
    await sound.until(lambda: len(sound.tracks[1].timestamps) == 3)
    both = await listener(bench)
    bench.camera.picture(key=True)
    bench.camera.pictures(3)
    await both.until(lambda: len(both.tracks[0].timestamps) == 4)
    assert (await both.teardown(0)).status == 200
    size = group_of(bench).lane.bytes_sent
    bench.camera.pictures(3)
    await sound.until(lambda: len(sound.tracks[1].timestamps) >= 10)
    assert sound.tracks[1].gaps == 0
    assert group_of(bench).lane.bytes_sent - size < 3 * 2000  # sound alone
    assert len(both.tracks[0].timestamps) == 4


async def test_each_choice_of_sound_has_its_own_group(start: StartServer) -> None:
    bench = await bench_with(start, audio=L16)
    one, other = await listener(bench), await listener(bench, "porch?audio=pcmu")
    places = {group.place.address for group in bench.server.context.groups}
    assert len(places) == 2
    bench.camera.picture(key=True)
    bench.camera.pictures(3)
    for client in (one, other):
        await client.until(lambda c=client: len(c.tracks[1].timestamps) >= 3)  # type: ignore[misc]
    assert not one.faults + other.faults


async def test_a_description_names_the_group_only_if_asked_to(start: StartServer) -> None:
    bench = await bench_with(start, audio=L16)
    usual = (await (await bench.client()).describe()).body.decode()
    asked = (await (await bench.client("porch?multicast")).describe()).body.decode()
    client = await listener(bench)
    place = group_of(bench).place
    assert "c=IN IP4 0.0.0.0\r\n" in usual
    assert "m=video 0 " in usual
    assert f"c=IN IP4 {place.address}/3\r\n" in asked
    assert f"m=video {port_of(bench)} " in asked
    assert f"m=audio {port_of(bench) + 2} " in asked
    await client.teardown()


async def test_reports_and_requests_keep_players_of_a_group_alive(start: StartServer) -> None:
    bench = await bench_with(start, session_timeout_s=20)
    client = await listener(bench)
    (player,) = bench.server.players()
    group, reporting = group_of(bench).place.address, pair_of(client)
    for _ in range(3):
        bench.pass_time(25)
        reporting.rtcp.sendto(report(client, 11), (group, port_of(bench) + 1))
        await until(lambda: player.session.last_alive == bench.clock.monotonic_s())
    assert player.feedback.reports[0].fraction_lost == 11
    bench.pass_time(25)
    assert (await client.get_parameter()).status == 200
    bench.pass_time(25)
    assert bench.server.context.players
    bench.camera.pictures(2)  # our own packets come back to us, and mean nothing
    bench.pass_time(10)
    await until(lambda: not bench.server.context.players)
    assert bench.server.context.udp_peers.strangers == 0


async def test_a_report_of_one_of_several_on_a_host_keeps_all_and_ends_none(
    start: StartServer,
) -> None:
    bench = await bench_with(start, session_timeout_s=20)
    first, second = await listener(bench), await listener(bench)
    bench.pass_time(5)
    bye = report(first, 11) + Bye((7,)).serialize()
    pair_of(first).rtcp.sendto(bye, (group_of(bench).place.address, port_of(bench) + 1))
    players = list(bench.server.players())
    now_s = bench.clock.monotonic_s()
    await until(lambda: all(player.session.last_alive == now_s for player in players))
    assert not any(player.feedback.reports for player in players)
    bench.camera.picture(key=True)
    await second.until(lambda: bool(second.tracks[0].packets))


async def test_a_stranger_keeps_nobody_alive(start: StartServer) -> None:
    bench = await bench_with(start, bind="0.0.0.0")
    client = await bench.client(local_host="127.0.0.2")
    await client.watch(transport="multicast")
    (player,) = bench.server.players()
    before = player.session.last_alive
    bench.clock.advance(1)
    stranger = GroupPair(group_of(bench).place.address, client.tracks[0].granted.port or (0, 0))
    target = (group_of(bench).place.address, port_of(bench) + 1)
    stranger.rtcp.sendto(report(client, 11), target)
    await until(lambda: bench.server.context.udp_peers.strangers == 1)
    assert player.session.last_alive == before
    pair_of(client).rtcp.sendto(report(client, 11), target)
    await until(lambda: player.session.last_alive == bench.clock.monotonic_s())
    stranger.close()


async def test_another_codec_ends_the_sessions_with_one_bye(start: StartServer) -> None:
    bench = await bench_with(start)
    clients = [await listener(bench) for _ in range(2)]
    bench.camera.picture(key=True)
    await clients[0].until(lambda: bool(clients[0].tracks[0].packets))
    bench.camera.video = H265
    bench.camera.picture(key=True)
    for client in clients:
        await client.until_closed()
        await client.until(lambda c=client: c.tracks[0].has_ended)  # type: ignore[misc]
        assert sum(isinstance(packet, Bye) for packet in client.tracks[0].rtcp) == 1
    assert not bench.server.context.players


async def test_a_fault_of_the_group_ends_its_players_alone(start: StartServer) -> None:
    bench = await bench_with(start)
    other, client = await bench.player(), await listener(bench)

    group_of(bench).lane._destinations.clear()
    bench.camera.pictures(6)
    await client.until_closed()
    await other.until(lambda: len(other.tracks[0].timestamps) > 8)
    assert len(bench.server.context.players) == 1


async def test_what_was_sent_to_a_group_is_counted_once(start: StartServer) -> None:
    bench = await bench_with(start)
    clients = [await listener(bench) for _ in range(3)]
    bench.camera.picture(key=True)
    await clients[0].until(lambda: bool(clients[0].tracks[0].packets))
    sent = group_of(bench).lane.bytes_sent
    assert sent > 0
    assert bench.server.sums()[bench.mount].bytes_sent == sent
    for client in clients:
        await client.teardown()
    sums = bench.server.sums()[bench.mount]
    assert (sums.bytes_sent, sums.players) == (sent, 3)


# ---------------------------------------------------------------- what is refused


async def test_multicast_is_refused_unless_it_is_switched_on(start: StartServer) -> None:
    bench = await start()
    client = await bench.client("porch?multicast")
    assert "c=IN IP4 0.0.0.0" in (await client.describe()).body.decode()
    assert (await client.setup(0, OFFER)).status == 461
    assert (await client.setup(0, f"{OFFER},RTP/AVP/TCP;unicast")).status == 200
    assert client.tracks[0].granted.interleaved == (0, 1)


@pytest.mark.parametrize("first", ["tcp", "udp", "multicast"])
async def test_multicast_is_for_all_tracks_or_for_none(start: StartServer, first: str) -> None:
    bench = await bench_with(start, audio=L16)
    client = await bench.client()
    await client.describe()
    assert (await client.setup(0, first)).status == 200
    assert (await client.setup(1, "tcp" if first == "multicast" else "multicast")).status == 461
    assert (await client.setup(1, first)).status == 200
    await client.play()
    bench.camera.pictures(3)
    bench.camera.picture(key=True)
    await client.until(lambda: all(track.packets for track in client.tracks.values()))


async def test_a_track_may_be_set_up_again_out_of_a_group_and_into_it(start: StartServer) -> None:
    bench = await bench_with(start)
    client = await bench.client()
    await client.describe()
    for transport in ("udp", "multicast", "tcp", "multicast", "udp"):
        assert (await client.setup(0, transport)).status == 200
        assert bool(list(bench.server.context.groups)) == (transport == "multicast")
    await client.play()
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)


async def test_players_over_ipv6_are_not_served_by_multicast(start: StartServer) -> None:
    bench = await bench_with(start, bind="::")
    client = RtspClient(f"rtsp://[::1]:{bench.server.port}/porch?multicast")
    bench.clients.append(client)
    await client.connect()
    assert "c=IN IP6 ::" in (await client.describe()).body.decode()
    assert (await client.setup(0, OFFER)).status == 461


async def test_who_watches_over_tls_is_not_sent_to_everybody(
    start: StartServer, tmp_path: Path
) -> None:
    bench = await bench_with(start, certificate=make_identity().write(tmp_path / "server.pem"))
    client = await bench.client("porch?multicast", tls=client_context())
    assert "c=IN IP4 0.0.0.0" in (await client.describe()).body.decode()
    assert (await client.setup(0, OFFER)).status == 461


async def test_a_range_that_is_too_small_is_answered_503_and_named(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start("porch", "yard", multicast=groups_of_our_own(prefix=32))
    first = await listener(bench)
    second = await bench.client("yard")
    await second.describe()
    assert (await second.setup(0, OFFER)).status == 503
    assert "[rtsp.multicast] range" in caplog.text
    assert len(bench.server.context.players) == 1
    await first.teardown()
    assert (await second.setup(0, OFFER)).status == 200  # who has left needs no address
    assert (await second.setup(0, "tcp")).status == 200


async def test_a_port_that_another_program_has_for_itself_is_answered_503(
    start: StartServer,
) -> None:
    bench = await bench_with(start)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", port_of(bench) + 1))
        client = await bench.client()
        await client.describe()
        assert (await client.setup(0, OFFER)).status == 503
        assert not bench.server.context.players
    assert not list(bench.server.context.groups)
    assert (await client.setup(0, OFFER)).status == 200


async def test_transport_of_a_group_is_read_back(start: StartServer) -> None:
    bench = await bench_with(start)
    client = await bench.client()
    await client.describe()
    response = await client.setup(0, "rtp/avp/udp;multicast")
    text = response.headers.get("Transport") or ""
    assert text.startswith("rtp/avp/udp;multicast;")
    (read,) = parse_transports(text)
    port = port_of(bench)
    assert (read.is_multicast, read.ttl, read.port) == (True, 3, (port, port + 1))
