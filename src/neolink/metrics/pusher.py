"""Sends readings as StatsD datagrams at an interval. What is in them: ``neolink.metrics.statsd``.

Nothing waits for whoever receives them: what the socket does not take at once is dropped, which is
what StatsD expects of its network. A name is looked up when it is needed, and beside the loop.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Final

from neolink.log import bind
from neolink.metrics.settings import StatsdSettings
from neolink.metrics.statsd import StatsdWriter
from neolink.readings import BridgeReading

__all__ = ["StatsdPusher"]

LOOK_UP_TIMEOUT_S: Final = 5.0
LOOK_UP_EVERY: Final = 30
"""Pushes after which the name is looked up again: five minutes at the usual interval."""

DATAGRAMS_PER_TURN: Final = 8
"""So many are written and sent before the loop may turn: half a millisecond of work."""

Found = tuple[socket.AddressFamily, tuple[object, ...]]


def _unknown(_: BridgeReading) -> Mapping[str, str]:
    return {}


class StatsdPusher:
    """Pushes what ``read`` gives; ``judge`` gives the health of cameras in a word, by name.

    Trouble on the way is logged once, and so is its end. ``sleep`` waits between two pushes.
    """

    def __init__(
        self,
        settings: StatsdSettings,
        read: Callable[[], BridgeReading],
        judge: Callable[[BridgeReading], Mapping[str, str]] = _unknown,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.pushes = 0
        """Readings that were sent."""
        self.dropped = 0
        """Datagrams that the socket did not take."""
        self._settings = settings
        self._where = f"{settings.host}:{settings.port}"
        self._read = read
        self._judge = judge
        self._sleep = sleep
        self._writer = StatsdWriter(settings.prefix)
        self._log = bind(logging.getLogger(__name__), phase="statsd")
        self._looking_up: asyncio.Future[Found] | None = None
        self._found: Found | None = None
        self._socket: socket.socket | None = None
        self._is_in_trouble = False

    async def run(self) -> None:
        """Push at every interval, until cancelled; after a fault it may be run again."""
        try:
            while True:
                await self._sleep(self._settings.interval_s)
                await self._push()
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        sock, looking_up = self._socket, self._looking_up
        self._socket = self._found = self._looking_up = None
        if sock is not None:
            sock.close()
        if looking_up is not None:
            looking_up.cancel()
            await asyncio.gather(looking_up, return_exceptions=True)

    async def _push(self) -> None:
        try:
            refusal = await self._send(await self._connected())
        except OSError as error:  # also: the look-up took too long
            refusal = error
        self._note(refusal)

    def _note(self, trouble: OSError | None) -> None:
        if trouble and not self._is_in_trouble:
            reason = trouble.strerror or str(trouble) or "the look-up of the name took too long"
            self._log.warning("cannot push metrics to %s: %s", self._where, reason)
        elif self._is_in_trouble and not trouble:
            self._log.info("pushing metrics to %s again", self._where)
        self._is_in_trouble = trouble is not None

    # -- sending ----------------------------------------------------------------------

    async def _send(self, sock: socket.socket) -> OSError | None:
        """Send one reading; return what a receiver that does not listen made of it."""
        reading = self._read()
        refusal: OSError | None = None
        for number, datagram in enumerate(self._writer.write(reading, self._judge(reading)), 1):
            refusal = self._deliver(sock, datagram) or refusal
            if number % DATAGRAMS_PER_TURN == 0:
                await asyncio.sleep(0)
        self.pushes += 1
        return refusal

    def _deliver(self, sock: socket.socket, datagram: bytes) -> OSError | None:
        try:
            sock.send(datagram)
        except BlockingIOError:
            self.dropped += 1
        except OSError as error:  # of an earlier datagram, as a rule: this one was not tried
            try:
                sock.send(datagram)
            except OSError:
                self.dropped += 1
            return error
        return None

    # -- finding the receiver ---------------------------------------------------------

    async def _connected(self) -> socket.socket:
        if self._socket is None:
            self._connect(await self._look_up())
        elif self.pushes % LOOK_UP_EVERY == 0:
            with suppress(OSError):  # no answer about the name is no reason to stop
                self._connect(await self._look_up())
        assert self._socket is not None
        return self._socket

    async def _look_up(self) -> Found:
        """Find the address; one look-up at a time, however long it takes."""
        if self._looking_up is None:
            host, port = self._settings.host, self._settings.port
            self._looking_up = asyncio.ensure_future(_address_of(host, port))
        async with asyncio.timeout(LOOK_UP_TIMEOUT_S):
            await asyncio.wait([self._looking_up])
        done, self._looking_up = self._looking_up, None
        return done.result()

    def _connect(self, found: Found) -> None:
        """Turn to an address; an unchanged one keeps its socket, and what is known of it."""
        if found == self._found:
            return
        family, address = found
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        if self._socket is not None:
            self._socket.close()
        self._socket, self._found = sock, found


async def _address_of(host: str, port: int) -> Found:
    loop = asyncio.get_running_loop()
    try:
        infos = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except UnicodeError:  # an empty or overlong label; no look-up was made
        raise OSError("not a host name") from None
    family, _, _, _, address = infos[0]
    return family, address
