"""UDP sessions over live sockets: who may change what, from where they are served, how they end."""

import asyncio
import socket
from typing import cast

import pytest

from neolink.rtp.rtcp import Bye, ReceiverReport, ReportBlock
from neolink.rtsp_server.delivery.udp import UdpPorts
from neolink.rtsp_server.delivery.udp_peers import UNREACHABLE_S
from neolink.rtsp_server.upkeep import LEFT_UNPLAYED_S
from neolink.rtsp_server.wires.wire import PlainWire
from support.media import L16
from support.rtsp_bench import Bench, StartServer
from support.rtsp_client import ReceivedTrack, RtspClient, UdpPair
from support.waiting import until

WAIT_S = 2.0
TCP = "RTP/AVP/TCP;unicast"


def ports_of(bench: Bench) -> tuple[int, int]:
    udp = cast("UdpPorts", bench.server.context.udp)
    return udp.rtp_port, udp.rtp_port + 1


def udp_header(pair: UdpPair) -> str:
    return f"RTP/AVP;unicast;client_port={pair.ports[0]}-{pair.ports[1]}"


async def client_at(bench: Bench, host: str, path: str = "porch") -> RtspClient:
    """Connect to one address of a server that listens on all."""
    client = RtspClient(f"rtsp://{host}:{bench.server.port}/{path}")
    bench.clients.append(client)
    await client.connect()
    return client


async def source_of(sock: socket.socket) -> tuple[str, int]:
    """Wait for a datagram; return where it came from."""
    async with asyncio.timeout(WAIT_S):
        _, source = await asyncio.get_running_loop().sock_recvfrom(sock, 2048)
    return source[0], source[1]


def is_silent(sock: socket.socket) -> bool:
    try:
        sock.recv(1)
    except BlockingIOError:
        return True
    return False


# ---------------------------------------------------------------- strangers


async def test_a_stranger_can_neither_report_nor_say_bye_nor_take_the_stream(
    start: StartServer,
) -> None:
    bench = await start(session_timeout_s=20)
    client = await bench.client()
    await client.watch(transport="udp")
    peers, stranger = bench.server.context.udp_peers, UdpPair("127.0.0.2")
    (player,) = bench.server.context.players.values()
    ssrc = client.tracks[0].granted.ssrc
    assert ssrc is not None
    report = ReceiverReport(7, (ReportBlock(ssrc, 255, 0, 0, 5, 0, 0),)).serialize()
    before = player.session.last_alive
    bench.clock.advance(1)
    rtp, rtcp = ports_of(bench)
    for port in (rtp, rtcp):
        for spoofed in (report, report + Bye((7,)).serialize(), b"\xce\xfa\xed\xfe", b"", b"\x80"):
            stranger.rtcp.sendto(spoofed, ("127.0.0.1", port))
    await until(lambda: peers.strangers == 10)
    assert not player.feedback.reports
    assert player.session.last_alive == before
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)
    assert is_silent(stranger.rtp)
    assert is_silent(stranger.rtcp)
    bench.pass_time(30)
    assert not bench.server.context.players  # nothing the stranger sent has kept it alive
    stranger.close()


async def behind_nat(client: RtspClient, bench: Bench, *tracks: int) -> list[UdpPair]:
    """Set up tracks for ports that lead nowhere, and speak from others, as behind a NAT."""
    pairs = []
    for track in tracks:
        inside, outside = UdpPair(), UdpPair()
        assert (await client.setup(track, udp_header(inside))).status == 200
        for sock, port in zip((outside.rtp, outside.rtcp), ports_of(bench), strict=True):
            sock.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", port))
        inside.close()
        pairs.append(outside)
    return pairs


async def test_a_player_behind_a_nat_is_served_where_it_speaks_from(start: StartServer) -> None:
    bench = await start(audio=L16)
    client = await bench.client()
    await client.describe()
    pairs = await behind_nat(client, bench, 0, 1)
    peers = bench.server.context.udp_peers
    await until(lambda: peers.punched == 4)
    assert (await client.play()).status == 200
    bench.camera.pictures(3)
    for pair in pairs:
        assert await source_of(pair.rtp) == ("127.0.0.1", ports_of(bench)[0])
        assert await source_of(pair.rtcp) == ("127.0.0.1", ports_of(bench)[1])
    (player,) = bench.server.context.players.values()
    bench.clock.advance(1)
    pairs[0].rtcp.sendto(ReceiverReport(7).serialize(), ("127.0.0.1", ports_of(bench)[1]))
    await until(lambda: player.session.last_alive == bench.clock.monotonic_s())
    for pair in pairs:
        pair.close()


async def test_the_stream_moves_once_and_not_to_another_host(start: StartServer) -> None:
    bench = await start()
    client = await bench.client()
    await client.describe()
    inside, elsewhere = UdpPair(), UdpPair("127.0.0.2")
    assert (await client.setup(0, udp_header(inside))).status == 200
    peers, (rtp, _) = bench.server.context.udp_peers, ports_of(bench)
    elsewhere.rtp.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", rtp))
    await until(lambda: peers.strangers == 1)
    first, second = UdpPair(), UdpPair()
    first.rtp.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", rtp))
    await until(lambda: peers.punched == 1)
    second.rtp.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", rtp))
    await until(lambda: peers.strangers == 2)
    await client.play()
    bench.camera.pictures(3)
    await source_of(first.rtp)
    assert all(is_silent(pair.rtp) for pair in (inside, elsewhere, second))
    for pair in (inside, elsewhere, first, second):
        pair.close()


async def test_what_comes_from_another_players_port_moves_nobody(start: StartServer) -> None:
    bench = await start()
    watching, waiting = await bench.client(), await bench.client()
    await watching.watch(transport="udp")
    pair = watching.tracks[0].udp
    assert pair is not None
    await waiting.describe()
    own = UdpPair()
    assert (await waiting.setup(0, udp_header(own), udp=own)).status == 200
    for _ in range(3):
        pair.rtp.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", ports_of(bench)[0]))
    bench.clock.advance(1)
    pair.rtcp.sendto(ReceiverReport(7).serialize(), ("127.0.0.1", ports_of(bench)[1]))
    first = next(iter(bench.server.context.players.values()))
    await until(lambda: first.session.last_alive == bench.clock.monotonic_s())
    assert bench.server.context.udp_peers.punched == 0
    await waiting.play()
    bench.camera.pictures(6)
    for client in (watching, waiting):
        await client.until(lambda one=client: len(one.tracks[0].timestamps) > 5)  # type: ignore[misc]


# ---------------------------------------------------------------- addresses


async def test_a_host_of_several_addresses_answers_from_the_one_that_was_asked(
    start: StartServer,
) -> None:
    bench = await start(bind="0.0.0.0")
    for asked, source in (("127.0.0.2", "127.0.0.2"), ("127.0.0.1", None)):
        client = await client_at(bench, asked)
        await client.describe()
        pair = UdpPair()
        assert (await client.setup(0, udp_header(pair))).status == 200
        assert client.tracks[0].granted.source == source
        await client.play()
        bench.camera.pictures(3)
        assert await source_of(pair.rtp) == (asked, ports_of(bench)[0])
        assert await source_of(pair.rtcp) == (asked, ports_of(bench)[1])
        await client.teardown()
        pair.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("host", ["[::1]", "127.0.0.1"])
async def test_one_listener_serves_both_families(
    start: StartServer, host: str, transport: str
) -> None:
    bench = await start(bind="::", audio=L16)
    client = await client_at(bench, host)
    assert b"c=IN IP6 ::" in (body := (await client.describe()).body) or "[" not in host
    assert b"::ffff" not in body
    for track in (0, 1):
        pair = UdpPair(host.strip("[]"))
        own = pair if transport == "udp" else None
        header = udp_header(pair) if own else TCP
        assert (await client.setup(track, header, udp=own)).status == 200
        if own is None:
            pair.close()
    assert (await client.play()).status == 200
    bench.camera.pictures(10)
    await client.until(lambda: all(len(t.timestamps) >= 10 for t in client.tracks.values()))
    await client.until(lambda: all(track.reports for track in client.tracks.values()))
    (player,) = bench.server.context.players.values()
    assert player.session.peer_host == host.strip("[]")
    other = await client_at(bench, host)
    other.builder.session = client.builder.session
    assert (await other.get_parameter()).status == 200
    if transport == "udp":
        video = client.tracks[0]
        assert video.udp is not None
        assert video.granted.ssrc is not None
        report = ReceiverReport(7, (ReportBlock(video.granted.ssrc, 9, 0, 0, 5, 0, 0),))
        video.udp.rtcp.sendto(report.serialize(), (host.strip("[]"), ports_of(bench)[1]))
        await until(lambda: 0 in player.feedback.reports)
    assert [track.gaps for track in client.tracks.values()] == [0, 0]


async def test_a_mark_for_the_network_is_on_the_connection_too(start: StartServer) -> None:
    bench = await start(dscp=34)
    await bench.player()
    (connection,) = bench.server.door.connections
    sock = cast("PlainWire", connection._wire)._sock
    assert sock.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 34 << 2


async def test_a_player_that_cannot_be_sent_udp_is_told_of_and_what_helps(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start()
    client = await bench.client()
    await client.watch(transport="udp")
    (player,) = bench.server.players()
    player.lanes.move_udp(0, ("255.255.255.255", 9), is_rtcp=False)  # needs a permission
    for _ in range(5):
        bench.camera.pictures(6)
        bench.pass_time(1)
    (record,) = (one for one in caplog.records if "cannot be sent UDP" in one.getMessage())
    assert "255.255.255.255:9: Permission denied; look at firewall" in record.getMessage()
    assert (vars(record)["camera"], vars(record)["client"]) == ("porch", player.address)
    assert bench.server.context.events["udp_unsent"] >= 30


# ---------------------------------------------------------------- transports


@pytest.mark.parametrize("video_over", ["tcp", "udp"])
async def test_pictures_and_sound_may_come_over_different_transports(
    start: StartServer, video_over: str
) -> None:
    bench = await start(audio=L16)
    client = await bench.client()
    await client.describe()
    for track, transport in enumerate(("tcp", "udp") if video_over == "tcp" else ("udp", "tcp")):
        assert (await client.setup(track, transport)).status == 200
    assert (await client.play()).status == 200
    (player,) = bench.server.context.players.values()
    assert player.transports == {"tcp", "udp"}
    bench.camera.pictures(30)

    def has_all(track: ReceivedTrack) -> bool:
        return len(track.timestamps) >= 30 and bool(track.reports)

    await client.until(lambda: all(map(has_all, client.tracks.values())))
    assert [track.gaps for track in client.tracks.values()] == [0, 0]
    assert (await client.teardown()).status == 200


async def test_a_single_client_port_and_an_odd_channel_are_taken_as_they_are(
    start: StartServer,
) -> None:
    bench = await start(audio=L16)
    client = await bench.client()
    await client.describe()
    pair = UdpPair()
    response = await client.setup(0, f"RTP/AVP/UDP;unicast;client_port={pair.ports[0]}", udp=pair)
    expected = f"RTP/AVP/UDP;unicast;client_port={pair.ports[0]}-{pair.ports[1]};server_port="
    assert (response.headers.get("Transport") or "").startswith(expected)
    await client.setup(1, f"{TCP};interleaved=7-8")
    assert client.tracks[1].granted.interleaved == (7, 8)
    await client.play()
    bench.camera.pictures(6)
    await client.until(lambda: all(len(t.timestamps) > 4 for t in client.tracks.values()))


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("[::1]", 200)])
async def test_low_ports_are_for_players_on_this_machine(
    start: StartServer, host: str, status: int
) -> None:
    bench = await start(bind="::")
    client = await client_at(bench, host)
    await client.describe()
    assert (await client.setup(0, "RTP/AVP;unicast;client_port=1000-1001")).status == status


# ---------------------------------------------------------------- the RTSP connection, and the end


async def test_a_session_goes_on_from_another_connection_of_its_host(start: StartServer) -> None:
    bench = await start(bind="0.0.0.0")
    client = await bench.client()
    await client.watch(transport="udp")
    assert (await client.pause()).status == 200
    await client.close_tcp()
    await until(lambda: not bench.server.door.connections)
    thief = await bench.client(local_host="127.0.0.2")
    other = await bench.client()
    for one in (thief, other):
        one.builder.session, one.base = client.builder.session, client.base
    for method in ("PLAY", "GET_PARAMETER", "TEARDOWN"):
        assert (await thief.request(method, session=client.builder.session)).status == 454
    track = client.tracks[0]
    before = len(track.packets)
    assert (await other.play()).status == 200
    bench.camera.pictures(10)
    await until(lambda: len(track.packets) >= before + 10)
    (player,) = bench.server.context.players.values()
    assert not player.is_abandoned
    assert (await other.get_parameter()).status == 200
    assert (await other.teardown()).status == 200
    await until(lambda: track.has_ended)


async def leave_behind(bench: Bench, host: str, *, plays: bool = False) -> UdpPair:
    """Set up a session over UDP, and close its connection."""
    client, pair = await bench.client(local_host=host), UdpPair(host)
    await client.describe()
    assert (await client.setup(0, udp_header(pair))).status == 200
    assert not plays or (await client.play()).status == 200
    await client.close_tcp()
    await until(lambda: not bench.server.connection_count)
    return pair


async def test_what_was_never_played_ends_soon_after_its_connection(start: StartServer) -> None:
    bench = await start(bind="0.0.0.0")
    idle = await leave_behind(bench, "127.0.0.1")
    playing = await leave_behind(bench, "127.0.0.1", plays=True)
    players = bench.server.context.players
    bench.pass_time(LEFT_UNPLAYED_S - 1)
    assert len(players) == 2
    idle.rtp.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", ports_of(bench)[0]))  # not held by this
    bench.pass_time(1)
    assert [player.is_playing for player in players.values()] == [True]
    for pair in (idle, playing):
        pair.close()


async def test_sessions_that_one_address_leaves_behind_do_not_fill_the_server(
    start: StartServer,
) -> None:
    bench = await start(bind="0.0.0.0", max_connections_per_ip=3)
    pairs = [await leave_behind(bench, "127.0.0.1", plays=number != 1) for number in range(3)]
    context = bench.server.context
    first, unplayed, third = context.players
    pairs.append(await leave_behind(bench, "127.0.0.2", plays=True))
    pairs.append(await leave_behind(bench, "127.0.0.1", plays=True))
    assert unplayed not in context.players
    pairs.append(await leave_behind(bench, "127.0.0.1", plays=True))
    assert first not in context.players
    assert third in context.players
    assert len(context.players) == 4
    assert bench.server.refused["max_sessions"] == 2
    for pair in pairs:
        pair.close()


async def test_a_player_whose_port_is_closed_is_given_up(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    bench = await start(grace_s=0.01)
    client = await bench.client()
    await client.describe()
    pair = UdpPair()
    assert (await client.setup(0, udp_header(pair))).status == 200
    assert (await client.play()).status == 200
    await client.close_tcp()
    pair.close()
    context = bench.server.context
    await until(lambda: not bench.server.door.connections)
    began_s = bench.clock.monotonic_s()

    def is_given_up() -> bool:
        bench.camera.pictures(1)
        bench.clock.advance(0.1)
        return not context.players

    await until(is_given_up)
    assert bench.clock.monotonic_s() - began_s >= UNREACHABLE_S
    assert f"nobody takes UDP at 127.0.0.1:{pair.ports[0]}" in caplog.text
    assert not context.udp_peers


async def test_a_player_whose_firewall_refuses_udp_can_go_over_to_tcp(start: StartServer) -> None:
    """As ffmpeg does it: after 10 s it pauses, and sets up a new session on the connection."""
    bench = await start()
    client = await bench.client()
    await client.describe()
    pair = UdpPair()
    assert (await client.setup(0, udp_header(pair))).status == 200
    assert (await client.play()).status == 200
    pair.close()
    peers = bench.server.context.udp_peers

    def has_been_silent() -> bool:
        bench.camera.pictures(1)
        bench.clock.advance(0.1)
        return bench.clock.monotonic_s() - began_s > 12

    began_s = bench.clock.monotonic_s()
    await until(has_been_silent)
    assert peers.owner(("127.0.0.1", pair.ports[0]))
    assert (await client.pause()).status == 200
    client.builder.session = None
    assert (await client.setup(0, TCP)).status == 200
    assert (await client.play()).status == 200
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)
    assert not peers


async def test_a_player_that_reports_is_not_given_up_for_a_closed_port(start: StartServer) -> None:
    """Else anybody could end a session with forged errors of the network."""
    bench = await start()
    client = await bench.client()
    await client.describe()
    pair = UdpPair()
    assert (await client.setup(0, udp_header(pair))).status == 200
    assert (await client.play()).status == 200
    pair.rtp.close()
    for _ in range(30):
        bench.camera.pictures(2)
        bench.clock.advance(1)
        assert (await client.get_parameter()).status == 200
    assert bench.server.context.players
    pair.rtcp.close()
