"""Host names, origins and addresses in requests: what is believed of them."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neolink.web.hosts import (
    HostName,
    behind_proxies,
    is_one_of,
    is_same_origin,
    parse_host,
)
from neolink.web.settings import is_loopback

PROXIES = (ip_network("10.0.0.0/24"), ip_network("2001:db8::/64"), ip_network("127.0.0.1"))


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("bridge.lan", HostName("bridge.lan", None)),
        ("Bridge.LAN:8080", HostName("bridge.lan", 8080)),
        ("my_bridge:80", HostName("my_bridge", 80)),
        ("192.0.2.7", HostName("192.0.2.7", None)),
        ("[::1]:8080", HostName("[::1]", 8080)),
        ("[FE80::1%25eth0]", HostName("[fe80::1%25eth0]", None)),
    ],
)
def test_host_headers_are_read(header: str, host: HostName) -> None:
    assert parse_host(header) == host


@pytest.mark.parametrize(
    "header",
    ["", " ", "a b", "a\tb", "a/b", "a@b", "a:b", "a:", "::1", "[::1", "a:123456", "<x>", '"', "ä"],
)
def test_what_is_no_host_name_is_none(header: str) -> None:
    assert parse_host(header) is None


@given(st.text())
def test_any_text_is_a_host_name_or_none_and_a_name_has_nothing_that_breaks_a_url(
    text: str,
) -> None:
    host = parse_host(text)
    assert host is None or not set(host.name) & set(" \t\r\n\"'<>&?#/@\\")


@pytest.mark.parametrize(
    ("name", "is_local"),
    [
        ("localhost", True),
        ("LocalHost", True),
        ("127.0.0.1", True),
        ("127.255.0.3", True),
        ("::1", True),
        ("::1%lo", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("0.0.0.0", False),
        ("2130706433", False),
        ("0x7f.1", False),
        ("192.0.2.1", False),
        ("", False),
    ],
)
def test_only_names_that_cannot_lead_elsewhere_are_local(name: str, is_local: bool) -> None:
    assert is_loopback(name) is is_local


@pytest.mark.parametrize(
    ("origin", "host", "is_same"),
    [
        (None, "a", True),
        ("http://a", "a", True),
        ("https://A:8443", "a:8443", True),
        ("http://a:80", "a", False),
        ("http://b", "a", False),
        ("http://a.b", "a", False),
        ("null", "a", False),
        ("", "", False),
        ("http://", "", False),
        ("http://[::1", "[::1]", False),
        ("http://a", None, False),
    ],
)
def test_our_own_page_is_known_by_its_origin(
    origin: str | None, host: str | None, is_same: bool
) -> None:
    assert is_same_origin(origin, host) is is_same


@pytest.mark.parametrize(
    ("address", "is_in"),
    [
        ("10.0.0.7", True),
        ("10.0.1.7", False),
        ("::ffff:10.0.0.7", True),
        ("2001:db8::7%eth0", True),
        ("2001:db8:1::7", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_proxies_are_known_by_their_networks(address: str, is_in: bool) -> None:
    assert is_one_of(address, PROXIES) is is_in
    assert not is_one_of(address, ())


@pytest.mark.parametrize(
    ("address", "forwarded_for", "who"),
    [
        ("192.0.2.1", "1.2.3.4", "192.0.2.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.9", "192.0.2.9"),
        ("10.0.0.1", "1.2.3.4, 192.0.2.9", "192.0.2.9"),
        ("10.0.0.1", "1.2.3.4, 192.0.2.9 ,10.0.0.2", "192.0.2.9"),
        ("10.0.0.1", "1.2.3.4, nonsense, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", ",,,", "10.0.0.1"),
        ("127.0.0.1", "2001:db8:9::1", "2001:db8:9::1"),
        ("127.0.0.1", "192.0.2.9:1234", "127.0.0.1"),
    ],
)
def test_the_last_one_that_is_no_proxy_of_ours_is_who_asks(
    address: str, forwarded_for: str, who: str
) -> None:
    assert behind_proxies(address, forwarded_for, PROXIES) == who
