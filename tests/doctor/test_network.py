"""Looking up, knocking, and what is known of this machine. On this machine alone."""

import asyncio
import errno
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from neolink.doctor.greeting import Service, identify
from neolink.doctor.network import (
    Knocked,
    LookupTrouble,
    knock,
    knock_all,
    look_up,
    resolve,
)
from neolink.doctor.surroundings import Surroundings, look_around

HOST = "127.0.0.1"


# ---------------------------------------------------------------- names
@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7", "fe80::1%eth0"])
async def test_address_needs_no_look_up(address: str) -> None:
    def nobody(_: str) -> Sequence[str]:
        raise AssertionError("looked up")

    found = await look_up(address, timeout_s=1, resolver=nobody)
    assert found.addresses == (address,)
    assert found.was_address


async def test_first_addresses_of_a_name_are_taken_once_each() -> None:
    many = ["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"]
    found = await look_up("porch.lan", timeout_s=1, resolver=lambda _: many)
    assert found.addresses == ("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")
    assert not found.was_address


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), LookupTrouble.NOT_FOUND),
        (socket.gaierror(socket.EAI_AGAIN, "x"), LookupTrouble.NO_ANSWER),
        (UnicodeError("label too long"), LookupTrouble.NOT_A_NAME),
        (None, LookupTrouble.NOT_FOUND),
    ],
)
async def test_look_up_that_fails(error: Exception | None, trouble: LookupTrouble) -> None:
    def fail(_: str) -> Sequence[str]:
        if error:
            raise error
        return ()

    assert (await look_up("porch.lan", timeout_s=1, resolver=fail)).trouble is trouble


async def test_resolver_that_hangs_is_left_behind() -> None:
    release = threading.Event()

    def hang(_: str) -> Sequence[str]:
        release.wait(10)
        return ["192.0.2.7"]

    try:
        found = await look_up("porch.lan", timeout_s=0.05, resolver=hang)
    finally:
        release.set()
    assert found.trouble is LookupTrouble.NO_ANSWER


async def test_this_machine_has_a_name() -> None:
    assert set(await asyncio.to_thread(resolve, "localhost")) <= {"127.0.0.1", "::1"}


# ---------------------------------------------------------------- ports
async def test_open_port_and_closed_one_are_told_apart_the_open_one_first() -> None:
    with socket.create_server((HOST, 0)) as listener, socket.create_server((HOST, 0)) as other:
        port, closed = listener.getsockname()[1], other.getsockname()[1]
        other.close()
        found = await knock_all([(HOST, closed), (HOST, port)], timeout_s=2)
    assert [one.outcome for one in found] == [Knocked.OPEN, Knocked.REFUSED]
    assert [one.port for one in found] == [port, closed]
    assert found[1].reason == "Connection refused"
    assert await knock_all([], timeout_s=1) == ()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), Knocked.NO_HOST),
        (OSError(errno.ENETUNREACH, "x"), Knocked.NO_NETWORK),
        (OSError(errno.EPERM, "x"), Knocked.FORBIDDEN),
        (OSError("multiple exceptions"), Knocked.FAILED),
        (TimeoutError(), Knocked.SILENT),
    ],
)
async def test_what_the_system_says_is_sorted(
    error: OSError, outcome: Knocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(asyncio, "open_connection", fail)
    assert (await knock(HOST, 9, timeout_s=1)).outcome is outcome


# ---------------------------------------------------------------- who answers
@pytest.mark.parametrize(
    ("data", "service"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", Service.HTTP),
        (b"\r\n<!doctype html>", Service.HTTP),
        (b"HTTP/1.1 400\r\n\r\nplain HTTP sent to HTTPS port", Service.TLS),
        (b"RTSP/1.0 200 OK\r\n", Service.RTSP),
        (b"\x15\x03\x01\x00\x02", Service.TLS),
        (b"SSH-2.0-dropbear", Service.SSH),
        (b"220 ready", Service.FTP),
        (b"\x00\x01\x02", Service.UNKNOWN),
        (b"\xf0\xde\xbc\x0a\x01", None),
        (b"", None),
    ],
)
def test_service_is_known_by_its_first_words(data: bytes, service: Service | None) -> None:
    assert identify(data) is service


# ---------------------------------------------------------------- this machine
ROUTES = "Iface\tDestination\tGateway\n"


def machine(root: Path, **files: str) -> Surroundings:
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return look_around(root)


def test_machine_with_a_route_is_not_cut_off(tmp_path: Path) -> None:
    around = machine(
        tmp_path,
        proc__net__route=f"{ROUTES}eth0\t00000000\t0101A8C0\n",
    )
    assert around.has_route is True
    assert "lo" in around.interfaces
    assert not around.is_container


def test_machine_without_a_route_is_cut_off(tmp_path: Path) -> None:
    around = machine(tmp_path, proc__net__route=ROUTES, proc__net__ipv6_route="0 0 0 0 lo\n")
    assert around.has_route is False
    assert around.is_cut_off


def test_route_over_ipv6_alone_counts(tmp_path: Path) -> None:
    around = machine(tmp_path, proc__net__route=ROUTES, proc__net__ipv6_route="0 0 0 0 eth0\n")
    assert around.has_route is True


def test_container_and_name_servers_are_found(tmp_path: Path) -> None:
    (tmp_path / ".dockerenv").touch()
    text = "# comment\nsearch lan\nnameserver 192.0.2.1\nnameserver\nnameserver 192.0.2.2\n"
    around = machine(tmp_path, **{"etc__resolv.conf": text})
    assert around.is_container
    assert around.name_servers == ("192.0.2.1", "192.0.2.2")


def test_nothing_known_is_not_cut_off(tmp_path: Path) -> None:
    around = look_around(tmp_path)
    assert around.has_route is None
    assert not Surroundings().is_cut_off
    assert Surroundings(interfaces=("lo",)).is_cut_off
