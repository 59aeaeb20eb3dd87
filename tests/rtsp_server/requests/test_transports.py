"""What SETUP grants over real sockets, and what players report by RTCP."""

import pytest

from neolink.rtp.rtcp import Bye, ReceiverReport, ReportBlock
from neolink.rtsp.headers import parse_transports
from support.media import AAC, L16
from support.rtsp_bench import TCP, StartServer, prepared
from support.rtsp_client import RtspClient, UdpPair
from support.waiting import until

# ---------------------------------------------------------------- transports


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        (["0-1", "2-3"], ["0-1", "2-3"]),
        (["2-3", "0-1"], ["2-3", "0-1"]),
        (["5-6", "7-8"], ["5-6", "7-8"]),
        (["", ""], ["0-1", "2-3"]),
        (["0-1", "0-1"], ["0-1", "2-3"]),
        (["1-2", "2-3"], ["1-2", "4-5"]),
        (["0-1", "1-2"], ["0-1", "2-3"]),
        (["4", "254-255"], ["4-5", "254-255"]),
        (["4-9", "7-6"], ["4-5", "7-8"]),
        (["255", ""], ["0-1", "2-3"]),
    ],
)
async def test_interleaved_channels(
    start: StartServer, asked: list[str], granted: list[str]
) -> None:
    bench = await start(audio=AAC)
    client = await bench.client()
    await client.describe()
    for track, pair in enumerate(asked):
        header = f"{TCP};interleaved={pair}" if pair else TCP
        response = await client.setup(track, header)
        if pair == "255":
            assert response.status == 400
            return
        assert f";interleaved={granted[track]};" in (response.headers.get("Transport") or "")


async def test_a_track_set_up_again_may_change_its_channels(start: StartServer) -> None:
    bench = await start()
    client = await prepared(bench, "ready")
    response = await client.setup(0, f"{TCP};interleaved=8-9")
    assert client.tracks[0].granted.interleaved == (8, 9)
    assert response.status == 200
    await client.play()
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 5)


async def test_the_answer_repeats_the_profile_and_names_the_source(start: StartServer) -> None:
    bench = await start()
    for profile in ("RTP/AVP", "rtp/avp", "RTP/AVP/UDP"):
        client = await bench.client()
        await client.describe()
        pair = UdpPair()
        ports = f"{pair.ports[0]}-{pair.ports[1]}"
        header = f"{profile};unicast;client_port={ports}"
        response = await client.setup(0, header, udp=pair)
        udp = bench.server.context.udp
        assert udp is not None
        server_ports = f"{udp.rtp_port}-{udp.rtp_port + 1}"
        ssrc = f"{client.tracks[0].granted.ssrc:08X}"
        assert response.headers.get("Transport") == (
            f"{profile};unicast;client_port={ports};server_port={server_ports}"
            f';ssrc={ssrc};mode="PLAY"'
        )
        await client.teardown()


async def test_the_first_alternative_that_can_be_served_is_taken(start: StartServer) -> None:
    bench = await start(is_udp_enabled=False)
    client = await bench.client()
    offer = "RTP/SAVP;unicast;client_port=5000-5001,RTP/AVP;unicast;client_port=5000-5001"
    assert (await client.setup(0, offer)).status == 461
    assert (await client.setup(0, f"{offer},{TCP}")).status == 200
    assert client.tracks[0].granted.interleaved == (0, 1)


@pytest.mark.parametrize("mode", ["record", '"RECORD"', "receive", '"RECORD,RECEIVE"'])
async def test_who_wants_to_publish_is_461_unless_it_also_offers_to_play(
    start: StartServer, mode: str
) -> None:
    client = await (await start()).client()
    publishing = f"{TCP};interleaved=0-1;mode={mode}"
    assert (await client.setup(0, publishing)).status == 461
    response = await client.setup(0, f"{publishing},{TCP};interleaved=4-5")
    assert response.status == 200
    assert client.tracks[0].granted.interleaved == (4, 5)


@pytest.mark.parametrize(
    "mode", ['"PLAY"', "play", '"PLAY,RECORD"', '"PLAY RECORD"', "other", '""']
)
async def test_any_other_mode_is_play(start: StartServer, mode: str) -> None:
    client = await (await start()).client()
    response = await client.setup(0, f"{TCP};mode={mode}")
    assert response.status == 200
    assert (response.headers.get("Transport") or "").endswith('mode="PLAY"')


async def test_the_next_alternative_is_taken_where_the_first_cannot_be_had(
    start: StartServer,
) -> None:
    bench = await start()
    pair = UdpPair()
    udp = f"RTP/AVP;unicast;client_port={pair.ports[0]}-{pair.ports[1]}"
    first, second = await bench.client(), await bench.client()
    assert (await first.setup(0, udp, udp=pair)).status == 200
    assert (await second.setup(0, f"{udp},{udp}")).status == 462
    assert (await second.setup(0, f"{udp},{TCP}")).status == 200
    granted = second.tracks[0].granted
    assert granted.interleaved == (0, 1)
    await second.play()
    repeated = await second.setup(0, f"{udp},{TCP}")
    assert parse_transports(repeated.headers.get("Transport") or "") == [granted]


async def test_udp_delivers_what_rtp_info_promised(start: StartServer) -> None:
    bench = await start(audio=L16)
    client = await bench.client()
    await client.watch(transport="udp")
    bench.camera.pictures(10)
    await client.until(lambda: len(client.tracks[0].timestamps) >= 15)
    await client.until(lambda: all(track.reports for track in client.tracks.values()))
    assert [track.gaps for track in client.tracks.values()] == [0, 0]


async def test_a_destination_is_never_used(start: StartServer) -> None:
    """Else anybody could aim a stream at a third machine."""
    bench = await start()
    victim, own = UdpPair("127.0.0.9"), UdpPair()
    client = await bench.client()
    header = f"RTP/AVP;unicast;destination=127.0.0.9;client_port={own.ports[0]}-{own.ports[1]}"
    response = await client.setup(0, header, udp=own)
    assert "destination" not in (response.headers.get("Transport") or "")
    await client.play()
    bench.camera.pictures(6)
    await client.until(lambda: len(client.tracks[0].timestamps) > 4)
    with pytest.raises(BlockingIOError):
        victim.rtp.recv(1)
    victim.close()


@pytest.mark.parametrize("shift", [-2, -1, 0, 1])
async def test_our_own_ports_are_no_players(start: StartServer, shift: int) -> None:
    """What is sent there would keep its session alive for ever."""
    bench = await start()
    client = await bench.client()
    await client.describe()
    udp = bench.server.context.udp
    assert udp is not None
    port = udp.rtp_port + shift
    response = await client.setup(0, f"RTP/AVP;unicast;client_port={port}-{port + 1}")
    assert response.status == (200 if shift == -2 else 462)


async def test_ports_of_another_session_are_462_until_it_ends(start: StartServer) -> None:
    bench = await start(audio=AAC)
    first, second = await bench.client(), await bench.client()
    pair = UdpPair()
    header = f"RTP/AVP;unicast;client_port={pair.ports[0]}-{pair.ports[1]}"
    assert (await first.setup(0, header, udp=pair)).status == 200
    assert (await second.setup(0, header)).status == 462
    assert len(bench.server.context.players) == 1
    # Also when the track alone is torn down first.
    await first.setup(1, TCP)
    await first.teardown(0)
    await first.teardown()
    assert (await second.setup(0, header)).status == 200


async def over_udp(client: RtspClient, pairs: list[UdpPair]) -> list[str]:
    """Set up pictures and sound on two pairs of ports; return the headers that ask for these."""
    headers = [f"RTP/AVP;unicast;client_port={one.ports[0]}-{one.ports[1]}" for one in pairs]
    for track, pair in enumerate(pairs):
        assert (await client.setup(track, headers[track], udp=pair)).status == 200
    return headers


async def test_ports_are_free_as_soon_as_their_track_goes_over_to_tcp(start: StartServer) -> None:
    bench = await start(audio=L16)
    first, second = await bench.client(), await bench.client()
    headers = await over_udp(first, [UdpPair(), UdpPair()])
    assert (await first.setup(0, "tcp")).status == 200
    assert len(bench.server.context.udp_peers) == 2, "the other track keeps its own"
    assert (await second.setup(1, headers[1])).status == 462
    assert (await second.setup(0, headers[0])).status == 200


async def test_ports_are_free_as_soon_as_their_track_is_torn_down(start: StartServer) -> None:
    bench = await start(audio=L16)
    first, second = await bench.client(), await bench.client()
    headers = await over_udp(first, [UdpPair(), UdpPair()])
    assert (await first.teardown(0)).status == 200
    assert (await second.setup(0, headers[0])).status == 200
    assert len(bench.server.context.players) == 2


# ---------------------------------------------------------------- RTCP of players


def report(ssrc: int | None, lost: int) -> bytes:
    assert ssrc is not None
    return ReceiverReport(7, (ReportBlock(ssrc, lost, 0, 0, 5, 0, 0),)).serialize()


async def test_reports_are_kept_over_tcp_and_udp(start: StartServer) -> None:
    bench = await start()
    tcp = await bench.player()
    udp = await (await bench.client()).watch(transport="udp")
    players = bench.server.context.players
    await tcp.send_frame(1, report(tcp.tracks[0].granted.ssrc, 11))
    await tcp.send_frame(99, b"unknown channel")
    pair, ports = udp.tracks[0].udp, bench.server.context.udp
    assert pair is not None
    assert ports is not None
    pair.rtcp.sendto(report(udp.tracks[0].granted.ssrc, 22), ("127.0.0.1", ports.rtp_port + 1))
    pair.rtp.sendto(b"\xce\xfa\xed\xfe", ("127.0.0.1", ports.rtp_port))
    await until(lambda: all(player.feedback.reports for player in players.values()))
    assert [player.feedback.reports[0].fraction_lost for player in players.values()] == [11, 22]
    assert bench.server.context.malformed_rtcp == 0


async def test_malformed_reports_are_counted_and_harm_nothing(start: StartServer) -> None:
    bench = await start()
    client = await bench.player()
    await client.send_frame(1, b"\x80\xc9\x00\xff")
    assert (await client.get_parameter()).status == 200
    assert bench.server.context.malformed_rtcp == 1
    assert client.builder.session in bench.server.context.players


async def test_bye_ends_a_track_and_with_the_last_one_the_session(start: StartServer) -> None:
    bench = await start(audio=L16)
    client = await bench.player()
    bye = ReceiverReport(7).serialize() + Bye((7,)).serialize()
    await client.send_frame(3, bye)
    await client.get_parameter()
    bench.camera.pictures(10)
    await client.until(lambda: len(client.tracks[0].timestamps) >= 10)
    assert client.tracks[1].packets == []
    await client.send_frame(1, bye)
    assert (await client.request("GET_PARAMETER", session=None)).status == 200
    assert not bench.server.context.players
