"""Types of single values in the file: what is accepted, and the words that say so.

Every constraint is an :class:`Allowed` inside an ``Annotated``: it checks the value and it is what
an error message quotes. No keys and no defaults here.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ByteSize, GetCoreSchemaHandler, SecretStr
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from neolink.log import LogFilter
from neolink.rtsp_server.settings import ANONYMOUS, ANYONE

__all__ = [
    "Address",
    "Allowed",
    "AtLeast",
    "Between",
    "Bytes",
    "CameraName",
    "FileName",
    "FilterSpec",
    "Flag",
    "GroupRange",
    "NetworkText",
    "NonEmpty",
    "OfflineTimeout",
    "OneOf",
    "Password",
    "Port",
    "Secret",
    "Text",
    "TopicPrefix",
    "UserName",
    "complaint",
    "split_address",
]

_FOR_ROUTERS = IPv4Network("224.0.0.0/24")
"""Multicast groups of routing protocols, which no router forwards (RFC 5771)."""

TOPIC_AND_PATH_MARKS = "/+#"
"""Characters that split or match MQTT topics and RTSP paths, so no name may have them."""


def complaint(text: str) -> PydanticCustomError:
    """Make an error whose whole text is ours; ``text`` must not quote the value."""
    return PydanticCustomError("neolink", "{text}", {"text": text})


@dataclass(frozen=True)
class Allowed:
    """What a key accepts, in words."""

    text: str


@dataclass(frozen=True)
class Between:
    """A number from ``low`` to ``high``; ``unit`` is for people. ``true`` is no number."""

    low: float
    high: float | None
    unit: str = ""

    @property
    def text(self) -> str:
        """The range in words."""
        unit = f" {self.unit}" if self.unit else ""
        if self.high is None:
            return f"a number of at least {self.low}{unit}"
        return f"a number {self.low}..{self.high}{unit}"

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def check(value: object, inner: core_schema.ValidatorFunctionWrapHandler) -> object:
            if isinstance(value, bool):
                raise complaint("true and false are no numbers")
            number: float = inner(value)
            # written this way round so that "not a number" fails too
            if not (number >= self.low and (self.high is None or number <= self.high)):
                raise complaint("out of range")
            return number

        return core_schema.no_info_wrap_validator_function(check, handler(source))


def AtLeast(low: float, unit: str = "") -> Between:  # noqa: N802 - reads as the type it makes
    """Make a range without an upper end."""
    return Between(low, None, unit)


@dataclass(frozen=True, eq=False)
class OneOf:
    """One of several words; case, hyphens and underscores do not matter.

    ``meanings`` maps every accepted word, as people should write it, to its value.
    """

    meanings: Mapping[str, object]

    @property
    def text(self) -> str:
        """The words, in their order."""
        return ", ".join(f'"{word}"' for word in self.meanings)

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        known = {_plain(word): meaning for word, meaning in self.meanings.items()}

        def check(value: object) -> object:
            # some of these keys are also written as a bare true or false
            word = str(value) if isinstance(value, (str, bool)) else ""
            if _plain(word) not in known:
                raise complaint("not one of the words known here")
            return known[_plain(word)]

        return core_schema.no_info_plain_validator_function(check)


@dataclass(frozen=True)
class _Checked(ABC):
    """Text that passes ``check``, which raises a :func:`complaint` otherwise."""

    text: str

    @abstractmethod
    def check(self, value: str) -> str:
        """Return the text, perhaps in its usual form."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))


class _NonEmpty(_Checked):
    def check(self, value: str) -> str:
        if not value.strip():
            raise complaint("empty")
        return value


class _CameraName(_NonEmpty):
    def check(self, value: str) -> str:
        super().check(value)
        if any(mark in value for mark in TOPIC_AND_PATH_MARKS) or not value.isprintable():
            raise complaint("has a character that RTSP paths or MQTT topics cannot carry")
        if value in {".", ".."}:
            raise complaint("a path cannot have this name")
        return value


class _UserName(_NonEmpty):
    def check(self, value: str) -> str:
        super().check(value)
        if value.strip() in {ANYONE, ANONYMOUS}:
            raise complaint("this name has a meaning in `permitted_users`")
        if ":" in value or not value.isprintable():
            raise complaint("has a character that HTTP and RTSP logins cannot carry")
        return value


class _TopicPrefix(_NonEmpty):
    def check(self, value: str) -> str:
        super().check(value)
        if any(mark in value for mark in "+#") or value.startswith("/") or value.endswith("/"):
            raise complaint("not usable as the start of a topic")
        return value


class _Address(_NonEmpty):
    def check(self, value: str) -> str:
        split_address(value)
        return value


class _FilterSpec(_NonEmpty):
    def check(self, value: str) -> str:
        try:
            LogFilter.parse(value)
        except ValueError:
            raise complaint("not a log filter") from None
        return value


class _Network(_NonEmpty):
    def check(self, value: str) -> str:
        try:
            ip_network(value)
        except ValueError:
            raise complaint("no address or network") from None
        return value


class _GroupRange(_NonEmpty):
    def check(self, value: str) -> str:
        try:
            network = IPv4Network(value)
        except ValueError:
            raise complaint("no IPv4 range, or one that begins at another address") from None
        if not network.is_multicast or network.overlaps(_FOR_ROUTERS):
            raise complaint("no range of multicast groups that anybody may use")
        return value


@dataclass(frozen=True)
class _Secret:
    """A secret that must not be empty."""

    text = "text in quotes, not empty"

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def check(value: SecretStr) -> SecretStr:
            if not value.get_secret_value():
                raise complaint("empty")
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))


@dataclass(frozen=True)
class _PathText:
    text = "the path of a file, in quotes"

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        def check(value: object) -> object:
            if not isinstance(value, (str, Path)) or not str(value).strip():
                raise complaint("no path")
            return value

        return core_schema.no_info_before_validator_function(check, handler(source))


def _at_least_a_minute(timeout_s: int) -> int:
    return max(timeout_s, 60) if timeout_s else 0


Text = Annotated[str, Allowed("text in quotes")]
Flag = Annotated[bool, Allowed("true or false")]
Port = Annotated[int, Between(0, 65535)]
Bytes = Annotated[ByteSize, Between(1024 * 1024, None, 'bytes, or text such as "64 MiB"')]
NonEmpty = Annotated[str, _NonEmpty("text that is not empty")]
Secret = Annotated[SecretStr, _Secret()]
Password = Annotated[SecretStr, Allowed('text in quotes; password = "" states an empty one')]
FilterSpec = Annotated[
    str, _FilterSpec('"off", "error", "warn", "info", "debug", "trace"; "info,neolink.hub=debug"')
]
UserName = Annotated[str, _UserName('text, not "anyone", not "anonymous"')]
TopicPrefix = Annotated[str, _TopicPrefix('text such as "neolink" or "home/neolink"')]
GroupRange = Annotated[
    str, _GroupRange('"239.255.42.0/24", or another range of 224.0.1.0..239.255.255.255')
]
NetworkText = Annotated[str, _Network('a list of "192.0.2.7", "192.0.2.0/24", "2001:db8::/64"')]
OfflineTimeout = Annotated[int, Between(0, None, "seconds"), AfterValidator(_at_least_a_minute)]
FileName = Annotated[Path, _PathText()]
CameraName = Annotated[str, _CameraName("text without / + # and not empty; spaces are fine")]
Address = Annotated[str, _Address('"host", "host:port", "192.0.2.7", "[2001:db8::7]:9000"')]


def split_address(address: str) -> tuple[str, int | None]:
    """Split ``host``, ``host:port``, ``[v6]:port`` or a bare IPv6 address.

    Raises a pydantic error that does not quote the address when it is none of them.
    """
    if "://" in address or "@" in address or "/" in address:
        raise complaint("a URL is no address: give only the host, the login has its own keys")
    if not address.strip() or any(map(str.isspace, address.strip())):
        raise complaint("empty, or has spaces inside")
    host, port = _cut_port(address.strip())
    if not host:
        raise complaint("no host before the colon")
    if port is None:
        return host, None
    if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise complaint("the port after the colon is not 1..65535")
    return host, int(port)


def _cut_port(address: str) -> tuple[str, str | None]:
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, rest.removeprefix(":") if rest else None
    if address.count(":") > 1:
        return address, None
    host, colon, port = address.partition(":")
    return host, port if colon else None


def _plain(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "")
