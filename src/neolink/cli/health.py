"""``neolink health``: ask a running bridge how it does; the exit code is for containers.

It runs every few seconds, so nothing heavy is imported: with ``--url`` not even the configuration
is read.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import click

from neolink.cli.context import Invocation
from neolink.errors import ConfigError, ConnectionLost
from neolink.health.summary import summary
from neolink.health.values import BridgeHealth, CameraHealth, Health, HealthState

__all__ = ["health"]

DEADLINE_S = 3.0
"""For everything, from the attempt to connect to the last byte."""

LONGEST_ANSWER = 4 * 1024 * 1024
LONGEST_TOKEN = 4096
HTTP_PORT = 8080

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - where to ask one that binds so
_HEALTHY, _UNHEALTHY = 0, 1


@click.command()
@click.option("--url", help="Where the bridge answers, as http://127.0.0.1:8080.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help="File that holds the token of [http]; without it, as the configuration says.",
)
@click.pass_obj
def health(invocation: Invocation, url: str | None, token_file: Path | None) -> int:
    """Ask the running bridge how it does.

    Prints a line, and what is wrong with each camera. The exit code is 0 if nothing is worse than
    degraded, and 1 if something is or the bridge does not answer within 3 s. Where it answers is
    read from [http] in the configuration; with --url no configuration is needed.
    """
    if url is not None:
        (host, port), token = _parse_url(url), None
    elif invocation.config_path is not None:
        host, port, token = _from_configuration(invocation.config_path)
    else:
        raise click.UsageError("Where is the bridge? Give --config FILE or --url URL.")
    if token_file is not None:
        token = _read_token(token_file)
    found = _ask(host, port, token)
    click.echo(summary(found))
    for camera in found.cameras:
        for line in _lines_of(camera):
            click.echo(line)
    return _HEALTHY if found.is_healthy else _UNHEALTHY


# ---------------------------------------------------------------- where to ask
def _parse_url(url: str) -> tuple[str, int]:
    """Return host and port. A path is not needed and not used."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "http" or not host or parts.username is not None:
        raise click.UsageError("--url is no http://HOST:PORT (a token is given by --token-file)")
    return host, port or HTTP_PORT


def _from_configuration(path: Path) -> tuple[str, int, str | None]:
    """Return host, port and token. Raises ConfigError where HTTP is off."""
    from neolink.config.load import load  # noqa: PLC0415 - not needed with --url

    table = load(path).config.http
    if table is None:
        raise ConfigError(
            f"{path}: [http] is not on, so a running bridge cannot be asked; "
            "add the table (it may be empty: then only this machine is answered)"
        )
    token = table.token.get_secret_value() if table.token else None
    return _ANYWHERE.get(table.bind, table.bind), table.port, token


def _read_token(path: Path) -> str:
    """Return what the file holds, without the end of the line. Raises ConfigError."""
    try:
        with path.open("rb") as stream:
            text = stream.read(LONGEST_TOKEN).decode("utf-8-sig").strip()
    except OSError as error:
        raise ConfigError(f"--token-file: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"--token-file: {path}: not UTF-8 text") from None
    if not text or not text.isprintable():
        raise ConfigError(f"--token-file: {path}: must hold the token, in one line")
    return text


# ---------------------------------------------------------------- asking
def _ask(host: str, port: int, token: str | None) -> BridgeHealth:
    """Return what the bridge says. Raises ConnectionLost if it says nothing of use in time."""
    where = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    connection = HTTPConnection(host, port, timeout=DEADLINE_S)
    try:
        with _deadline():
            connection.request("GET", "/health", headers=headers)
            response = connection.getresponse()
            status, body = response.status, response.read(LONGEST_ANSWER)
    except TimeoutError:
        raise ConnectionLost(f"{where}: no answer within {DEADLINE_S:g} s") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConnectionLost(f"{where}: {reason}; is the bridge running?") from None
    except (HTTPException, ValueError):
        raise ConnectionLost(f"{where}: what answers there does not speak HTTP") from None
    finally:
        connection.close()
    return _understood(where, status, body, has_token=token is not None)


@contextmanager
def _deadline() -> Iterator[None]:
    """Raise TimeoutError when it is over: an answer that comes in drops knows no time-out."""

    def end(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, DEADLINE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _understood(where: str, status: int, body: bytes, *, has_token: bool) -> BridgeHealth:
    match status:
        case 200 | 503:
            pass
        case 401:
            how = "is not the one of [http]" if has_token else "is needed: `token` in [http]"
            raise ConnectionLost(f"{where}: the token {how}, or --token-file")
        case _:
            raise ConnectionLost(f"{where}: answered with status {status}")
    try:
        return _bridge_of(json.loads(body))
    except (ValueError, KeyError, TypeError):
        raise ConnectionLost(f"{where}: what answers there is not neolink") from None


def _bridge_of(answer: dict[str, object]) -> BridgeHealth:
    """Read the answer of ``/health``. Raises KeyError, TypeError or ValueError."""
    cameras = answer["cameras"]
    if not isinstance(cameras, list):
        raise TypeError
    told = [
        CameraHealth(
            name=_printable(one["name"]),
            health=Health(HealthState(one["state"]), _texts(one["reasons"]), 0.0, one["doing"]),
        )
        for one in cameras
    ]
    return BridgeHealth(HealthState(str(answer["state"])), _texts(answer["reasons"]), tuple(told))


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise TypeError
    return tuple(map(_printable, values))


def _printable(text: object) -> str:
    """Keep whatever answers from doing things to a terminal."""
    return "".join(one if one.isprintable() else "?" for one in str(text))


# ---------------------------------------------------------------- showing
def _lines_of(camera: CameraHealth) -> Iterator[str]:
    """Say what is wrong with a camera, and what is done; nothing of one that is well."""
    state = camera.health.state
    if state is HealthState.OK:
        return
    doing = f" ({_printable(camera.health.doing)})" if camera.health.doing else ""
    yield f"{camera.name}: {state.replace('_', ' ')}{doing}"
    yield from (f"    {reason}" for reason in camera.health.reasons)
