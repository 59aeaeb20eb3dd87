"""Who guesses waits; nobody else does."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from neolink.clock import ManualClock
from neolink.web.guesses import MAX_HOSTS, Guesses
from neolink.web.settings import HttpLimits
from support.web_bench import BEARER, LOGIN, RunningServer, running_server

CAMERAS = "/api/v1/cameras"
WRONG = {"Authorization": "Bearer wrong"}
FEW = replace(LOGIN, limits=HttpLimits(free_logins=3, login_interval_s=10))
BEHIND_PROXY = replace(FEW, proxies=(ip_network("127.0.0.0/8"),))


# ---------------------------------------------------------------- the table
def test_some_wrong_logins_are_free_and_then_one_per_interval() -> None:
    guesses = Guesses(free=3, interval_s=10)
    for _ in range(3):
        assert guesses.wait_s("192.0.2.1", 0.0) == 0
        guesses.note_wrong("192.0.2.1", 0.0)
    assert guesses.wait_s("192.0.2.1", 0.0) == 10
    assert guesses.wait_s("192.0.2.1", 9.5) == 0.5
    assert guesses.wait_s("192.0.2.1", 10.0) == 0
    guesses.note_wrong("192.0.2.1", 10.0)
    assert guesses.wait_s("192.0.2.1", 10.0) == 10


def test_addresses_do_not_share_a_wait_but_those_of_one_ipv6_host_do() -> None:
    guesses = Guesses(free=1, interval_s=10)
    guesses.note_wrong("192.0.2.1", 0.0)
    guesses.note_wrong("2001:db8::1", 0.0)
    assert guesses.wait_s("192.0.2.2", 0.0) == 0
    assert guesses.wait_s("::ffff:192.0.2.1", 0.0) == 10
    assert guesses.wait_s("2001:db8::ffff:1", 0.0) == 10
    assert guesses.wait_s("2001:db8:0:1::1", 0.0) == 0


def test_the_table_is_bounded_and_forgets_who_has_nothing_to_wait_for() -> None:
    guesses = Guesses(free=1, interval_s=10)
    for number in range(MAX_HOSTS + 100):
        guesses.note_wrong(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(guesses) == MAX_HOSTS
    guesses.sweep(9.0)
    assert len(guesses) == MAX_HOSTS
    guesses.sweep(10.0)
    assert len(guesses) == 0


# ---------------------------------------------------------------- over HTTP
async def test_too_many_wrong_passwords_are_answered_429_until_time_has_passed() -> None:
    clock = ManualClock()
    async with running_server(settings=FEW, clock=clock) as bridge:
        assert [await bridge.log_in("viewer", "wrong") for _ in range(4)] == [401] * 3 + [429]
        assert await bridge.log_in() == 429, "not even the right one is looked at"
        clock.advance(10)
        assert await bridge.log_in() == 204


async def test_who_guesses_is_told_how_long_to_wait() -> None:
    async with running_server(settings=FEW, clock=ManualClock()) as bridge:
        for _ in range(3):
            await bridge.log_in("viewer", "wrong")
        async with bridge.client.get(CAMERAS, headers=BEARER) as answer:
            assert answer.status == 429
            assert answer.headers["Retry-After"] == "11"
            assert (await answer.json())["error"]["code"] == "too_many_wrong_logins"


async def test_wrong_tokens_and_wrong_passwords_are_counted_together() -> None:
    async with running_server(settings=FEW, clock=ManualClock()) as bridge:
        assert await bridge.status(CAMERAS, headers=WRONG) == 401
        assert await bridge.status("/healthz", headers=WRONG) == 401
        assert await bridge.log_in(None, "wrong") == 401
        assert await bridge.status(CAMERAS, headers=WRONG) == 429


async def test_open_sessions_go_on_while_their_address_guesses() -> None:
    async with running_server(settings=FEW, clock=ManualClock()) as bridge:
        await bridge.log_in()
        for _ in range(5):
            await bridge.status("/healthz", headers=WRONG)
        assert await bridge.log_in() == 429
        assert await bridge.status(CAMERAS) == 200


async def _asks(bridge: RunningServer, forwarded_for: str, *, is_right: bool) -> int:
    headers = {"X-Forwarded-For": forwarded_for, **(BEARER if is_right else WRONG)}
    return await bridge.status(CAMERAS, headers=headers)


async def test_behind_a_proxy_only_the_one_who_guesses_waits() -> None:
    async with running_server(settings=BEHIND_PROXY, clock=ManualClock()) as bridge:
        for _ in range(3):
            assert await _asks(bridge, "198.51.100.9", is_right=False) == 401
        assert await _asks(bridge, "198.51.100.9", is_right=True) == 429
        assert await _asks(bridge, "198.51.100.10", is_right=True) == 200


@pytest.mark.parametrize(
    "forged", ["1.2.3.{}, 198.51.100.9", "x,198.51.100.9,127.0.0.1", "198.51.100.9"]
)
async def test_who_is_behind_a_proxy_cannot_pretend_to_be_another(forged: str) -> None:
    async with running_server(settings=BEHIND_PROXY, clock=ManualClock()) as bridge:
        for number in range(3):
            assert await _asks(bridge, forged.format(number), is_right=False) == 401
        assert await _asks(bridge, forged.format(99), is_right=True) == 429


async def test_without_proxies_configured_nobody_is_believed() -> None:
    async with running_server(settings=FEW, clock=ManualClock()) as bridge:
        for number in range(3):
            assert await _asks(bridge, f"198.51.100.{number}", is_right=False) == 401
        assert await _asks(bridge, "198.51.100.77", is_right=True) == 429
