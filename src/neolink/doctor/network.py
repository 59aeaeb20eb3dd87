"""Names to addresses, and knocking at ports: facts for :mod:`neolink.doctor.judge_network`.

Every wait has a deadline. A look-up runs in a thread that nobody waits for at the end: a resolver
that hangs cannot be cancelled, and must not keep the program from ending.
"""

import asyncio
import errno
import ipaddress
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Knock",
    "Knocked",
    "Lookup",
    "LookupTrouble",
    "Resolver",
    "knock",
    "knock_all",
    "look_up",
    "resolve",
]

Resolver = Callable[[str], Sequence[str]]
"""Gives the addresses of a name; raises ``socket.gaierror`` or UnicodeError. May take long."""

MOST_ADDRESSES = 4


class LookupTrouble(StrEnum):
    """Why a name gave no address."""

    NOT_FOUND = "not found"
    NO_ANSWER = "the name server does not answer"
    NOT_A_NAME = "not a host name"


@dataclass(frozen=True, slots=True)
class Lookup:
    """What came of looking a name up."""

    host: str
    addresses: tuple[str, ...] = ()
    trouble: LookupTrouble | None = None

    @property
    def was_address(self) -> bool:
        """Whether nothing had to be looked up."""
        return self.addresses == (self.host,)


class Knocked(StrEnum):
    """What a port did, the most telling first."""

    OPEN = "open"
    REFUSED = "refused"
    SILENT = "silent"
    NO_HOST = "no such host"
    """The network is there, and nobody on it has the address."""
    NO_NETWORK = "no network"
    FORBIDDEN = "forbidden"
    """By a firewall on this machine."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Knock:
    """What came of connecting to a port. ``reason`` is the system's words for a failure."""

    address: str
    port: int
    outcome: Knocked
    took_s: float = 0.0
    reason: str = ""


_OUTCOMES = {
    errno.ECONNREFUSED: Knocked.REFUSED,
    errno.ECONNRESET: Knocked.REFUSED,
    errno.ETIMEDOUT: Knocked.SILENT,
    errno.EHOSTUNREACH: Knocked.NO_HOST,
    errno.EHOSTDOWN: Knocked.NO_HOST,
    errno.ENETUNREACH: Knocked.NO_NETWORK,
    errno.ENETDOWN: Knocked.NO_NETWORK,
    errno.EADDRNOTAVAIL: Knocked.NO_NETWORK,
    errno.EACCES: Knocked.FORBIDDEN,
    errno.EPERM: Knocked.FORBIDDEN,
}
_BEST_FIRST = {outcome: rank for rank, outcome in enumerate(Knocked)}


# ---------------------------------------------------------------- names
def resolve(host: str) -> Sequence[str]:
    """Look a name up as all programs of this machine do."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


async def look_up(host: str, *, timeout_s: float, resolver: Resolver = resolve) -> Lookup:
    """Return the addresses of a host, at most four. Raises nothing."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    else:
        return Lookup(host, (host,))
    try:
        async with asyncio.timeout(timeout_s):
            found = await _in_thread(lambda: resolver(host))
    except TimeoutError:
        return Lookup(host, trouble=LookupTrouble.NO_ANSWER)
    except UnicodeError:  # an empty or overlong label; nobody was asked
        return Lookup(host, trouble=LookupTrouble.NOT_A_NAME)
    except OSError as error:
        is_silent = error.errno == socket.EAI_AGAIN
        trouble = LookupTrouble.NO_ANSWER if is_silent else LookupTrouble.NOT_FOUND
        return Lookup(host, trouble=trouble)
    if not found:
        return Lookup(host, trouble=LookupTrouble.NOT_FOUND)
    return Lookup(host, tuple(dict.fromkeys(found))[:MOST_ADDRESSES])


async def _in_thread(function: Callable[[], Sequence[str]]) -> Sequence[str]:
    """Run a function that may hang; whoever is cancelled leaves it behind."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Sequence[str]] = loop.create_future()

    def settle(result: Sequence[str] | Exception) -> None:
        if future.done():
            return
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)

    def run() -> None:
        try:
            result: Sequence[str] | Exception = function()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            result = error
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=run, name="look-up", daemon=True).start()
    return await future


# ---------------------------------------------------------------- ports
async def knock(address: str, port: int, *, timeout_s: float) -> Knock:
    """Connect and hang up. Raises nothing."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    reason = ""
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(address, port)
    except TimeoutError:
        outcome = Knocked.SILENT
    except OSError as error:
        outcome = _OUTCOMES.get(error.errno or 0, Knocked.FAILED)
        reason = os.strerror(error.errno) if error.errno else str(error)
    else:
        outcome = Knocked.OPEN
        writer.transport.abort()
    return Knock(address, port, outcome, loop.time() - started_s, reason)


async def knock_all(places: Sequence[tuple[str, int]], *, timeout_s: float) -> tuple[Knock, ...]:
    """Knock at several places at once; the most telling answer first, else in their order."""
    knocks = [knock(address, port, timeout_s=timeout_s) for address, port in places]
    return tuple(sorted(await asyncio.gather(*knocks), key=lambda one: _BEST_FIRST[one.outcome]))
