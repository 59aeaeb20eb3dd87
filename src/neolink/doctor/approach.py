"""The way to a camera, step by step until one does not go on: name, port, first exchange.

No password is used here. What is found is judged by :mod:`neolink.doctor.judge_network`.
"""

import asyncio
from collections.abc import Sequence

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import DEFAULT_PORT
from neolink.camera.settings import CameraSettings
from neolink.doctor.audience import Audience
from neolink.doctor.findings import Check
from neolink.doctor.greeting import Greeted, Greeting, greet, speak_text
from neolink.doctor.judge_network import (
    judge_foreign,
    judge_greeting,
    judge_knocks,
    judge_lookup,
)
from neolink.doctor.network import Knock, Knocked, Resolver, knock_all, look_up
from neolink.doctor.settings import DoctorSettings
from neolink.doctor.surroundings import Surroundings
from neolink.doctor.words import place
from neolink.errors import LoginRefusal

__all__ = ["Approach"]

LEVELS = (Encryption.NONE, Encryption.BC, Encryption.FULL_AES)
"""Those that ``max_encryption`` can name."""

CLEAR_REFUSALS = frozenset(
    {LoginRefusal.LEGACY_ONLY, LoginRefusal.ACCOUNT_LOCKED, LoginRefusal.TOO_MANY_SESSIONS}
)
"""Refusals of a greeting that have nothing to do with its encryption."""


class Approach:
    """One attempt to reach the camera that ``settings`` name."""

    def __init__(
        self,
        settings: CameraSettings,
        how: DoctorSettings,
        *,
        resolver: Resolver,
        around: Surroundings,
        audience: Audience,
    ) -> None:
        assert settings.host is not None  # judge_settings says what it means if it is
        self._host = settings.host
        self._port = settings.port
        self._level = settings.max_encryption
        self._how = how
        self._patience = how.patience
        self._resolver = resolver
        self._around = around
        self._audience = audience

    async def run(self) -> str | None:
        """Return the address at which a camera answers; None where none does. Raises nothing."""
        addresses = await self._look_up()
        address = await self._knock(addresses) if addresses else None
        if address is None or not await self._greet(address):
            return None
        return address

    async def _look_up(self) -> Sequence[str]:
        self._audience.begin(Check.NAME, f"looking up {self._host}")
        lookup = await look_up(self._host, timeout_s=self._patience.name_s, resolver=self._resolver)
        self._audience.take(judge_lookup(lookup, self._around))
        return lookup.addresses

    async def _knock(self, addresses: Sequence[str]) -> str | None:
        self._audience.begin(Check.CONNECT, f"connecting to {place(self._host, self._port)}")
        places = [(address, self._port) for address in addresses]
        knocks = await knock_all(places, timeout_s=self._patience.connect_s)
        others = await self._knock_elsewhere(knocks[0])
        self._audience.take(judge_knocks(knocks, others, self._around))
        return knocks[0].address if knocks[0].outcome is Knocked.OPEN else None

    async def _knock_elsewhere(self, best: Knock) -> Sequence[Knock]:
        """Try where cameras also listen, if the host may be there although its port is not."""
        if best.outcome not in (Knocked.REFUSED, Knocked.SILENT):
            return ()
        ports = [port for port in self._how.other_ports if port != self._port]
        places = [(best.address, port) for port in ports]
        knocks = await knock_all(places, timeout_s=self._patience.other_ports_s)
        return sorted(knocks, key=lambda one: one.port)

    async def _greet(self, address: str) -> bool:
        where = place(address, self._port)
        self._audience.begin(Check.PROTOCOL, f"greeting {where}")
        patience_s = self._patience.greeting_s
        greeting = await greet(address, self._port, self._level, timeout_s=patience_s)
        if greeting.outcome is not Greeted.WELCOME:
            foreign = await self._ask_who_else(address, greeting)
            if foreign:
                return False
        works = await self._levels_that_work(address, greeting)
        self._audience.take(judge_greeting(greeting, works, where))
        return greeting.outcome is Greeted.WELCOME

    async def _ask_who_else(self, address: str, greeting: Greeting) -> bool:
        """Find out whether something answers that is no camera, and say so."""
        self._audience.begin(Check.PROTOCOL, "no camera answers: asking who else it might be")
        data, patience_s = greeting.data, self._patience.second_greeting_s
        if greeting.outcome in (Greeted.SILENT, Greeted.CLOSED):
            data = await speak_text(address, self._port, timeout_s=patience_s)
        at_default = False
        if data and DEFAULT_PORT in self._how.other_ports and self._port != DEFAULT_PORT:
            elsewhere = await greet(address, DEFAULT_PORT, self._level, timeout_s=patience_s)
            at_default = elsewhere.outcome is Greeted.WELCOME
        finding = judge_foreign(data, port=self._port, has_camera_at_default=at_default)
        if finding is not None:
            self._audience.take(finding)
        return finding is not None

    async def _levels_that_work(self, address: str, greeting: Greeting) -> list[Encryption]:
        """Return the other encryptions with which a camera goes on that does not with this one."""
        if greeting.outcome is Greeted.WELCOME or greeting.refusal in CLEAR_REFUSALS:
            return []
        self._audience.begin(Check.PROTOCOL, "trying other encryptions")
        patience_s = self._patience.second_greeting_s
        others = [level for level in LEVELS if level is not greeting.offered]
        answers = await asyncio.gather(
            *(greet(address, self._port, level, timeout_s=patience_s) for level in others)
        )
        return [one.offered for one in answers if one.outcome is Greeted.WELCOME]
