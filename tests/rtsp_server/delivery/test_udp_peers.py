"""Whose an address is: as it was set up, or as a NAT made it, and never as a stranger likes."""

import pytest

from neolink.rtsp_server.delivery.udp_peers import (
    FALLBACK_S,
    MOST_LEFT,
    PUNCH_WINDOW_S,
    UNREACHABLE_S,
    UdpPeers,
)

HOST = "192.0.2.7"
RTP, RTCP = (HOST, 5000), (HOST, 5001)
BEHIND_NAT = (HOST, 61000)
ONE, OTHER = ("one", 0), ("other", 0)


def claimed(*, at_s: float = 0.0) -> UdpPeers:
    peers = UdpPeers()
    peers.claim(ONE, RTP, RTCP, at_s)
    return peers


def test_an_address_belongs_to_the_track_that_set_it_up_until_its_session_ends() -> None:
    peers = claimed()
    assert peers.owner(RTP) == peers.owner(RTCP) == ONE
    assert peers.holders((RTP, BEHIND_NAT)) == {"one"}
    peers.release("other")
    assert len(peers) == 2
    peers.release("one")
    assert not peers
    assert peers.holders((RTP,)) == set()
    assert peers == UdpPeers()


def test_a_track_set_up_again_elsewhere_gives_its_addresses_back() -> None:
    peers = claimed()
    peers.claim(ONE, (HOST, 6000), (HOST, 6001), 1.0)
    assert peers.owner(RTP) is None
    assert peers.owner((HOST, 6000)) == ONE
    assert len(peers) == 2


@pytest.mark.parametrize("is_rtcp", [False, True])
def test_a_track_that_is_awaited_is_found_behind_its_nat(is_rtcp: bool) -> None:
    peers = claimed()
    claim = peers.punch(BEHIND_NAT, 1.0, is_rtcp=is_rtcp)
    assert claim is not None
    assert (claim.owner, claim.address, claim.is_rtcp) == (ONE, BEHIND_NAT, is_rtcp)
    assert peers.owner(BEHIND_NAT) == ONE
    assert peers.owner(RTCP if is_rtcp else RTP) is None
    assert peers.punched == 1


def test_who_can_be_awaited_no_more_is_not_looked_through_again() -> None:
    peers = UdpPeers()
    for number in range(100):
        peers.claim((f"s{number}", 0), (HOST, 2000 + number), (HOST, 4000 + number), 0.0)
    assert peers.punch(BEHIND_NAT, PUNCH_WINDOW_S + 1, is_rtcp=False) is None
    assert not peers._awaited
    for number in range(100):
        peers.release(f"s{number}")
    assert peers == UdpPeers()


def test_nothing_is_kept_of_a_session_that_moved_and_ended() -> None:
    peers = claimed()
    peers.claim(("one", 1), RTP, (HOST, 5003), 0.0)  # both tracks on one port
    peers.punch(BEHIND_NAT, 1.0, is_rtcp=False)
    peers.release("one")
    assert peers == UdpPeers(punched=1)


def test_an_address_moves_once() -> None:
    peers = claimed()
    assert peers.punch(BEHIND_NAT, 1.0, is_rtcp=False)
    assert peers.punch((HOST, 61002), 1.0, is_rtcp=False) is None
    assert peers.owner(BEHIND_NAT) == ONE


def test_a_player_that_was_where_it_said_moves_no_more() -> None:
    peers = claimed()
    assert peers.heard_from(RTP)
    assert peers.punch(BEHIND_NAT, 1.0, is_rtcp=False) is None
    assert peers.punch(BEHIND_NAT, 1.0, is_rtcp=True)


def test_another_host_is_a_stranger() -> None:
    peers = claimed()
    assert peers.heard_from(("192.0.2.8", 5000)) is None
    assert peers.punch(("192.0.2.8", 5000), 1.0, is_rtcp=False) is None


def test_nobody_turns_up_at_a_port_below_1024_or_late() -> None:
    peers = claimed(at_s=100.0)
    assert peers.punch((HOST, 1023), 101.0, is_rtcp=False) is None
    assert peers.punch(BEHIND_NAT, 100.0 + PUNCH_WINDOW_S, is_rtcp=False)
    late = claimed(at_s=100.0)
    assert late.punch(BEHIND_NAT, 100.1 + PUNCH_WINDOW_S, is_rtcp=False) is None


def test_the_address_of_another_session_is_never_taken() -> None:
    peers = claimed()
    peers.claim(OTHER, (HOST, 7000), (HOST, 7001), 0.0)
    assert peers.heard_from((HOST, 7000))
    assert peers.punch((HOST, 7000), 1.0, is_rtcp=False) is None
    assert peers.owner((HOST, 7000)) == OTHER


@pytest.mark.parametrize("is_rtcp", [False, True])
def test_who_still_sends_after_its_end_is_not_taken_for_the_next_of_its_host(
    is_rtcp: bool,
) -> None:
    """A player reports or speaks until it learns of its end; the next one would get nothing."""
    peers = claimed()
    peers.release("one")
    peers.claim(OTHER, (HOST, 6000), (HOST, 6001), 1.0)
    assert peers.punch(RTCP if is_rtcp else RTP, 2.0, is_rtcp=is_rtcp) is None
    claim = peers.punch(BEHIND_NAT, 3.0, is_rtcp=is_rtcp)
    assert claim is not None
    assert claim.owner == OTHER


def test_a_nat_may_give_the_next_player_what_the_one_before_had() -> None:
    peers = claimed()
    assert peers.punch(BEHIND_NAT, 1.0, is_rtcp=False)
    peers.release("one")
    peers.claim(OTHER, RTP, RTCP, 2.0)
    claim = peers.punch(BEHIND_NAT, 3.0, is_rtcp=False)
    assert claim is not None
    assert claim.owner == OTHER


def test_not_everybody_who_left_is_remembered_for_ever() -> None:
    peers = claimed()
    peers.release("one")
    for port in range(2 * MOST_LEFT):
        peers.claim(OTHER, (HOST, 6000 + 2 * port), (HOST, 6001 + 2 * port), 1.0)
    assert len(peers._left) == MOST_LEFT
    assert peers.punch(RTP, 2.0, is_rtcp=False) is not None


def test_where_two_sessions_of_a_host_could_be_meant_neither_is() -> None:
    peers = claimed()
    peers.claim(OTHER, (HOST, 7000), (HOST, 7001), 0.0)
    assert peers.punch(BEHIND_NAT, 1.0, is_rtcp=False) is None
    peers.heard_from((HOST, 7000))
    claim = peers.punch(BEHIND_NAT, 1.0, is_rtcp=False)
    assert claim is not None
    assert claim.owner == ONE


def test_tracks_of_one_session_turn_up_in_the_order_of_their_setup() -> None:
    peers = claimed()
    peers.claim(("one", 1), (HOST, 5002), (HOST, 5003), 0.0)
    first = peers.punch((HOST, 61000), 1.0, is_rtcp=False)
    second = peers.punch((HOST, 61002), 1.0, is_rtcp=False)
    assert [claim.owner[1] for claim in (first, second) if claim] == [0, 1]


def test_a_player_is_gone_after_errors_that_last() -> None:
    peers = claimed()
    answers = [peers.is_gone(RTP, 0.0, 10.0 + step) for step in range(8)]
    assert answers == [step >= UNREACHABLE_S for step in range(8)]


def test_a_player_that_may_yet_ask_for_tcp_is_given_more_time() -> None:
    peers = claimed()
    answers = [peers.is_gone(RTP, 0.0, 10.0 + step, is_connected=True) for step in range(25)]
    assert answers == [step >= FALLBACK_S for step in range(25)]


def test_many_errors_at_once_end_nobody() -> None:
    peers = claimed()
    assert not any(peers.is_gone(RTP, 0.0, 10.0) for _ in range(1000))


def test_few_errors_end_nobody_however_far_apart() -> None:
    peers = claimed()
    assert not any(peers.is_gone(RTP, 0.0, 10.0 + 30 * step) for step in range(4))


@pytest.mark.parametrize("sign", ["datagram", "request"])
def test_a_sign_of_life_forgets_the_errors(sign: str) -> None:
    peers = claimed()
    for step in range(6):
        assert not peers.is_gone(RTP, 0.0, 10.0 + step)
    if sign == "datagram":
        peers.heard_from(RTP)
    last_alive_s = 15.5 if sign == "request" else 0.0
    assert not any(peers.is_gone(RTP, last_alive_s, 16.0 + step) for step in range(6))
    assert peers.is_gone(RTP, last_alive_s, 22.0)


def test_a_player_without_a_port_for_rtcp_is_no_worse_off() -> None:
    peers = claimed()
    assert not any(peers.is_gone(RTCP, 0.0, 10.0 + step) for step in range(20))
    assert not peers.is_gone(BEHIND_NAT, 0.0, 10.0)
