"""Findings about the way to a camera: its name, its port, and who answers there. Pure."""

from collections.abc import Sequence

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import DEFAULT_PORT
from neolink.doctor.findings import Cause, Check, Finding, failure, fine
from neolink.doctor.greeting import Greeted, Greeting, Service, identify
from neolink.doctor.judge_login import judge_refusal
from neolink.doctor.network import Knock, Knocked, Lookup, LookupTrouble
from neolink.doctor.surroundings import Surroundings
from neolink.doctor.words import and_join, foreign, place, printable, span
from neolink.errors import LoginRefusal

__all__ = ["LEVEL_NAMES", "judge_foreign", "judge_greeting", "judge_knocks", "judge_lookup"]

LEVEL_NAMES = {
    Encryption.NONE: "none",
    Encryption.BC: "bcencrypt",
    Encryption.AES: "aes",
    Encryption.FULL_AES: "aes",
}
"""As ``max_encryption`` calls them."""

LEVEL_WORDS = {
    Encryption.NONE: "none",
    Encryption.BC: "the simple one (BC)",
    Encryption.AES: "AES for commands",
    Encryption.FULL_AES: "AES for commands and pictures",
}

MEDIA_PORT = (
    "The Baichuan port is what the camera's app calls the media port, usually 9000 "
    "(network settings, advanced, port or server settings): it must be on, and `address` must "
    "name it if it is another."
)
BATTERY = "Many battery cameras have no such port and are found by UID only (not supported yet)."
HOST_NETWORK = (
    "This runs inside a container: start it with the host's network (`--network host`, in a "
    "compose file `network_mode: host`), or on a network that reaches the camera's."
)


# ---------------------------------------------------------------- names
def judge_lookup(lookup: Lookup, around: Surroundings) -> Finding:
    """Say whether the host has an address."""
    host = printable(lookup.host)
    if lookup.trouble is None and lookup.was_address:
        return fine(Check.NAME, f"{host} is an address, nothing to look up")
    if lookup.trouble is None:
        return fine(Check.NAME, f"{host} is {and_join(lookup.addresses)}")
    if around.is_cut_off and lookup.trouble is not LookupTrouble.NOT_A_NAME:
        return _no_network(Check.NAME, f"{host} cannot be looked up", around)
    text = {
        LookupTrouble.NOT_FOUND: f"nobody knows a host called {host}",
        LookupTrouble.NO_ANSWER: f"the name server does not answer when asked for {host}",
        LookupTrouble.NOT_A_NAME: f"{host} cannot be a host name",
    }[lookup.trouble]
    asked = f" (asked: {and_join(around.name_servers)})" if around.name_servers else ""
    advice = (
        "Check the spelling of `address`, or write the camera's IP address there: its app shows "
        "it under network information, the router in its list of devices."
    )
    return failure(Check.NAME, Cause.NAME_NOT_FOUND, text + asked, advice)


# ---------------------------------------------------------------- ports
def judge_knocks(knocks: Sequence[Knock], others: Sequence[Knock], around: Surroundings) -> Finding:
    """Say whether the port opens; ``others`` are what other ports of the host did if not.

    ``knocks`` are one for each address, the most telling first.
    """
    best = knocks[0]
    where = place(best.address, best.port)
    match best.outcome:
        case Knocked.OPEN:
            return fine(Check.CONNECT, f"{where} answered after {span(best.took_s)}")
        case Knocked.REFUSED:
            return _refused(best, _open(others))
        case Knocked.SILENT if not around.is_cut_off:
            return _unanswered(best, _open(others), around)
        case Knocked.NO_HOST if not around.is_cut_off:
            return _no_host(best, around)
        case Knocked.FORBIDDEN:
            return failure(
                Check.CONNECT,
                Cause.UNREACHABLE,
                f"this machine may not connect to {where}: {best.reason}",
                "A firewall or sandbox on this machine forbids it: allow TCP connections there.",
            )
        case Knocked.FAILED:
            text = f"cannot connect to {where}: {best.reason or 'no reason is known'}"
            return _unreachable(text, around)
    return _no_network(Check.CONNECT, f"no way leads to {best.address}", around)


def _refused(knock: Knock, ports: Sequence[int]) -> Finding:
    text = f"{knock.address} is there, but nothing listens at its port {knock.port}"
    return failure(Check.CONNECT, Cause.WRONG_PORT, *_with_other_ports(text, ports))


def _unanswered(knock: Knock, ports: Sequence[int], around: Surroundings) -> Finding:
    where = place(knock.address, knock.port)
    if ports:
        text = f"{where} did not answer within {span(knock.took_s)}"
        return failure(Check.CONNECT, Cause.WRONG_PORT, *_with_other_ports(text, ports))
    return _unreachable(f"{where} did not answer within {span(knock.took_s)}", around)


def _no_host(knock: Knock, around: Surroundings) -> Finding:
    return _unreachable(f"nobody answers to the address {knock.address} ({knock.reason})", around)


def _unreachable(text: str, around: Surroundings) -> Finding:
    advice = (
        "Check that the camera is on and that its address has not changed (give it a fixed one in "
        "the router), and that no firewall or VLAN lies in between."
    )
    if around.is_container:
        advice = f"{advice} {HOST_NETWORK}"
    return failure(Check.CONNECT, Cause.UNREACHABLE, text, advice)


def _no_network(check: Check, text: str, around: Surroundings) -> Finding:
    why = "network is unreachable"
    if around.is_cut_off:
        why = "this machine has no network but itself"
    cable = "Check cable or Wi-Fi of this machine, and its default route."
    advice = HOST_NETWORK if around.is_container else cable
    return failure(check, Cause.NO_NETWORK, f"{text}: {why}", advice)


def _open(knocks: Sequence[Knock]) -> list[int]:
    return [knock.port for knock in knocks if knock.outcome is Knocked.OPEN]


def _with_other_ports(text: str, ports: Sequence[int]) -> tuple[str, str]:
    """Extend a text by what other ports did, and find the advice for that."""
    if not ports:
        return text, f"{MEDIA_PORT} {BATTERY}"
    text = f"{text}, while {and_join(str(one) for one in ports)} did answer"
    if DEFAULT_PORT in ports:
        return text, f"Try without the port, `address` as the host alone: {DEFAULT_PORT} is usual."
    return text, MEDIA_PORT


# ---------------------------------------------------------------- the first exchange
def judge_greeting(greeting: Greeting, works: Sequence[Encryption], where: str) -> Finding:
    """Say whether a camera answers; ``works`` are other levels at which it does, if not."""
    offered = LEVEL_NAMES[greeting.offered]
    if greeting.outcome is Greeted.WELCOME:
        return fine(Check.PROTOCOL, _welcome(greeting))
    if works:
        better = LEVEL_NAMES[max(works)]
        return failure(
            Check.PROTOCOL,
            Cause.ENCRYPTION_MISMATCH,
            f'the camera does not go on when offered max_encryption = "{offered}", but does with '
            f'"{better}"',
            f'Write max_encryption = "{better}" for this camera'
            + (", or leave the key out." if better == "aes" else "."),
        )
    return _judge_unwelcome(greeting, where)


def judge_foreign(data: bytes, *, port: int, has_camera_at_default: bool) -> Finding | None:
    """Say what else answers there, by its first bytes; None where they tell nothing."""
    service = identify(data)
    if service is None:
        return None
    first = foreign(data.split(b"\n", 1)[0].decode("latin-1"), limit=50)
    quoted = f' ("{first}")' if service not in (Service.TLS, Service.UNKNOWN) and first else ""
    text = f"at port {port} answers {service}{quoted}, not the cameras' own protocol"
    if has_camera_at_default:
        advice = f"A camera answers at port {DEFAULT_PORT}: write `address` without the port."
        return failure(Check.PROTOCOL, Cause.WRONG_PORT, text, advice)
    if service.is_of_cameras:
        return failure(Check.PROTOCOL, Cause.WRONG_PORT, text, MEDIA_PORT)
    advice = "Check `address`: this seems to be another machine."
    return failure(Check.PROTOCOL, Cause.NOT_A_CAMERA, text, advice)


def _welcome(greeting: Greeting) -> str:
    if greeting.chosen is None:
        return "a camera answers"
    words = f"a camera answers; encryption: {LEVEL_WORDS[greeting.chosen]}"
    if greeting.chosen > greeting.offered:
        return f'{words}, more than max_encryption = "{LEVEL_NAMES[greeting.offered]}" asks for'
    return words


def _judge_unwelcome(greeting: Greeting, where: str) -> Finding:
    match greeting.outcome:
        case Greeted.SILENT:
            return failure(
                Check.PROTOCOL,
                Cause.SILENT_CAMERA,
                f"{where} takes connections, but never says anything",
                "The camera hangs, or this is another machine: cut the camera's power for ten "
                "seconds, and check `address`.",
            )
        case Greeted.CLOSED:
            return failure(
                Check.PROTOCOL,
                Cause.HANGS_UP,
                f"{where} takes connections and closes them at once",
                "Cameras do so while they start, when they have too many connections, and when an "
                "IP filter in their settings forbids this machine: wait a minute, close apps and "
                "recorders that use it, look at the filter.",
            )
        case Greeted.GARBLED:
            return failure(
                Check.PROTOCOL,
                Cause.GARBLED_ANSWERS,
                "a camera answers, but what it says makes no sense",
                "Update the camera's firmware; if that does not help, please report it with the "
                "model and firmware.",
            )
    return _judge_refusal(greeting)


def _judge_refusal(greeting: Greeting) -> Finding:
    level = LEVEL_NAMES[greeting.offered]
    match greeting.refusal:
        case LoginRefusal.ENCRYPTION:
            return failure(
                Check.PROTOCOL,
                Cause.ENCRYPTION_MISMATCH,
                f"the camera wants an encryption (code {greeting.status:#06x}) that "
                f'max_encryption = "{level}" does not lead to',
                'Try max_encryption = "aes", then "bcencrypt"; update the camera\'s firmware.',
            )
        case (
            LoginRefusal.LEGACY_ONLY | LoginRefusal.ACCOUNT_LOCKED | LoginRefusal.TOO_MANY_SESSIONS
        ):
            return judge_refusal(greeting.refusal, greeting.status, check=Check.PROTOCOL)
    return failure(
        Check.PROTOCOL,
        Cause.LOGIN_REFUSED,
        f"the camera refuses to talk (status {greeting.status})",
        "It may be starting, or locked after wrong passwords: wait some minutes, then try again.",
    )
