"""Whose UDP packets come from an address: who set it up, and where a NAT made another of it.

Pure: time is an argument, in seconds of a monotonic clock. No socket, no session is touched here.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from neolink.rtsp_server.delivery.datagrams import Address
from neolink.rtsp_server.mounts.parcel import TRACK_COUNT

__all__ = ["Claim", "Owner", "UdpPeers"]

Owner = tuple[str, int]
"""Session id and track number."""

PUNCH_WINDOW_S: Final = 15.0
"""How long after SETUP a player may turn up on another port than it named."""

LOWEST_PORT: Final = 1024

MOST_LEFT: Final = 1024
"""Addresses of players that left, which are remembered: the oldest is forgotten first."""

UNREACHABLE_ERRORS: Final = 5
UNREACHABLE_S: Final = 6.0
"""A player is gone after so many errors in so much time: longer than players take to report."""

FALLBACK_S: Final = 20.0
"""The same while its RTSP connection is there: ffmpeg pauses the session after 10 s of silence, to
go on over TCP, and gives up if that session is gone."""


@dataclass(slots=True, eq=False)
class Claim:
    """One address of one track. ``is_awaited`` until a packet comes from there, or from elsewhere.

    ``errors`` counts what the network returned since ``errors_from_s``.
    """

    owner: Owner
    address: Address
    is_rtcp: bool
    set_up_s: float
    is_awaited: bool = True
    is_punched: bool = False
    """Whether it is not what the player named."""
    errors: int = 0
    errors_from_s: float = 0.0


@dataclass(slots=True)
class UdpPeers:
    """All addresses that UDP sessions have claimed. Each belongs to one session at a time."""

    strangers: int = 0
    """Datagrams that came from nobody's address, and were ignored."""
    punched: int = 0
    """Addresses that were taken over from a NAT."""
    _claims: dict[Address, Claim] = field(default_factory=dict)
    _by_owner: dict[Owner, list[Claim]] = field(default_factory=dict)
    _awaited: dict[str, list[Claim]] = field(default_factory=dict)
    """By host, in the order of SETUP: a flood of strangers costs no look at all claims."""
    _left: dict[Address, None] = field(default_factory=dict, compare=False)
    """Where players were that named it, and left: who still sends from there is nobody else."""

    def __len__(self) -> int:
        return len(self._claims)

    def holders(self, addresses: Iterable[Address]) -> set[str]:
        """Return the sessions that these addresses belong to."""
        claims = (self._claims.get(address) for address in addresses)
        return {claim.owner[0] for claim in claims if claim is not None}

    def claim(self, owner: Owner, rtp: Address, rtcp: Address, now_s: float) -> None:
        """Give a pair of addresses to a track, which gives up those that it had.

        They must be free, or of the same session.
        """
        self._drop(owner)
        for address, is_rtcp in ((rtcp, True), (rtp, False)):
            claim = Claim(owner, address, is_rtcp, now_s)
            self._claims[address] = claim
            self._left.pop(address, None)
            self._by_owner.setdefault(owner, []).append(claim)
            self._awaited.setdefault(address[0], []).append(claim)

    def release(self, session_id: str, track: int | None = None) -> None:
        """Free the addresses of a track, or all of a session."""
        for one in range(TRACK_COUNT) if track is None else (track,):
            self._drop((session_id, one))

    def owner(self, address: Address) -> Owner | None:
        """Return whose address this is."""
        claim = self._claims.get(address)
        return claim.owner if claim else None

    def heard_from(self, address: Address) -> Claim | None:
        """Return who has claimed the source of a datagram: it is where it said it would be."""
        claim = self._claims.get(address)
        if claim is not None:
            claim.errors = 0
            self._await_no_more(claim)
        return claim

    def punch(self, address: Address, now_s: float, *, is_rtcp: bool) -> Claim | None:
        """Let a track that is awaited be where a datagram came from (symmetric RTP, RFC 4961).

        That is so once for each address, soon after SETUP, only on the host of the RTSP
        connection, only for an address that nobody has or had by name, and only where no other
        session of that host could be meant. Tracks of one session are taken in the order in which
        they were set up. Return what the track has claimed now; None for a stranger.
        """
        host, port = address
        if port < LOWEST_PORT or address in self._claims or address in self._left:
            return None
        self._forget_late(host, now_s)
        awaited = [claim for claim in self._awaited.get(host, ()) if claim.is_rtcp == is_rtcp]
        if not awaited or len({claim.owner[0] for claim in awaited}) > 1:
            return None
        claim = awaited[0]
        self._await_no_more(claim)
        self._free(claim)
        claim.address, claim.is_punched, claim.errors = address, True, 0
        self._claims[address] = claim
        self.punched += 1
        return claim

    def is_gone(
        self, address: Address, last_alive_s: float, now_s: float, *, is_connected: bool = False
    ) -> bool:
        """Note that a datagram to an address did not arrive; whether the player is given up.

        Many a player opens no port for RTCP, so only RTP counts, and only in silence:
        ``last_alive_s`` is when the session was heard of last.
        """
        claim = self._claims.get(address)
        if claim is None or claim.is_rtcp:
            return False
        if not claim.errors or last_alive_s > claim.errors_from_s:
            claim.errors, claim.errors_from_s = 0, now_s
        claim.errors += 1
        lasted_s = now_s - claim.errors_from_s
        patience_s = FALLBACK_S if is_connected else UNREACHABLE_S
        return claim.errors >= UNREACHABLE_ERRORS and lasted_s >= patience_s

    def _drop(self, owner: Owner) -> None:
        for claim in self._by_owner.pop(owner, ()):
            self._free(claim)
            self._await_no_more(claim)
            if not claim.is_punched:  # a NAT may give its own to the next player
                self._remember(claim.address)

    def _remember(self, address: Address) -> None:
        self._left[address] = None
        if len(self._left) > MOST_LEFT:
            del self._left[next(iter(self._left))]

    def _free(self, claim: Claim) -> None:
        if self._claims.get(claim.address) is claim:  # else another track has the same one
            del self._claims[claim.address]

    def _forget_late(self, host: str, now_s: float) -> None:
        """Await no more who did not turn up: the first in the order of SETUP."""
        while (claims := self._awaited.get(host)) and now_s - claims[0].set_up_s > PUNCH_WINDOW_S:
            self._await_no_more(claims[0])

    def _await_no_more(self, claim: Claim) -> None:
        if not claim.is_awaited:
            return
        claim.is_awaited = False
        host = claim.address[0]
        self._awaited[host].remove(claim)
        if not self._awaited[host]:
            del self._awaited[host]
