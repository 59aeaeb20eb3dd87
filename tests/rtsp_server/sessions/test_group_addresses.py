"""Addresses of groups: stable, distinct, and refused in words when there are no more."""

from ipaddress import IPv4Network

import pytest

from neolink.errors import ConfigError
from neolink.rtsp_server.sessions.group_addresses import GroupAddresses

NETWORK = IPv4Network("239.255.42.0/24")


def test_a_name_has_the_same_address_whoever_came_before() -> None:
    names = ["porch/main?audio=auto", "yard/main?audio=auto", "porch/sub?audio=auto"]
    there, back = GroupAddresses(NETWORK), GroupAddresses(NETWORK)
    assert {n: there.of(n) for n in names} == {n: back.of(n) for n in reversed(names)}
    assert there.of(names[0]) == there.of(names[0])


def test_no_two_names_have_the_same_address_up_to_the_last() -> None:
    addresses = GroupAddresses(IPv4Network("239.255.42.0/27"))
    given = {addresses.of(f"camera {number}") for number in range(32)}
    assert len(given) == 32
    assert all(given_one.startswith("239.255.42.") for given_one in given)


def test_a_range_that_is_used_up_is_named_and_what_nobody_uses_is_given_away() -> None:
    addresses = GroupAddresses(IPv4Network("239.255.42.0/31"))
    first, second = addresses.of("a"), addresses.of("b")
    with pytest.raises(ConfigError, match=r"all 2 addresses of \[rtsp.multicast\] range 239"):
        addresses.of("c", in_use={"a", "b"})
    assert addresses.of("c", in_use={"a"}) == second
    assert addresses.of("a") == first
