"""``neolink check-config``: what is wrong with a file, and what it would serve. Starts nothing."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import click

from neolink.cli.context import Invocation
from neolink.config.compose import mount_settings, rtsp_settings
from neolink.config.load import LoadedConfig, load
from neolink.config.model import Config
from neolink.config.values import split_address
from neolink.errors import ConfigError
from neolink.rtsp_server.settings import Access, MountSettings, RtspSettings

__all__ = ["check_config"]

ANY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104 - recognized, not bound


@click.command(name="check-config")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@click.pass_obj
def check_config(invocation: Invocation, file: Path | None, *, strict: bool) -> int:
    """Check a configuration file, and its certificate, and show what it would serve.

    The file is named by --config or as an argument. Ends with 0 if the file can be used, with 1
    if not; with --strict also with 1 if there are warnings.
    """
    path = file or invocation.config_path
    if path is None:
        raise ConfigError("Must supply --config file")
    loaded = load(path)
    for item in loaded.diagnostics:
        click.echo(f"{item.severity}: {item.describe(loaded.name)}")
    if loaded.diagnostics:
        click.echo()
    server = rtsp_settings(loaded.config)
    if server.certificate is not None:
        from neolink.rtsp_server.wires.certificate import load_context  # noqa: PLC0415 - imports TLS

        load_context(server)  # its error ends this as that of a file would
    click.echo(summary(loaded))
    return 1 if strict and loaded.warnings else 0


def summary(loaded: LoadedConfig) -> str:
    """Describe what a configuration serves: a table of streams and a line that counts."""
    config = loaded.config
    server, mounts = rtsp_settings(config), mount_settings(config)
    rows = [("CAMERA", "ADDRESS", "STREAM", "WHO MAY WATCH", "URL")]
    for mount in mounts:
        rows += _rows(config, server, mount)
    counts = (
        _count(len(config.cameras), "camera"),
        _count(len(rows) - 1, "stream"),
        _count(len(loaded.warnings), "warning"),
    )
    summary = f"{loaded.name}: {', '.join(counts)}"
    if not mounts:
        return summary
    table = _table(rows)
    if server.certificate is not None and server.tls_port is not None:
        address = _host_and_port(_host(server), server.tls_port)
        table += f"\n\nWith TLS, the same paths: rtsps://{address}/"
    return f"{table}\n\n{summary}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _rows(
    config: Config, server: RtspSettings, mount: MountSettings
) -> list[tuple[str, str, str, str, str]]:
    camera = next(camera for camera in config.cameras if camera.name == mount.camera)
    address = _host_and_port(*split_address(camera.address)) if camera.address else "by UID"
    scheme = "rtsps" if server.is_tls_alone else "rtsp"
    base = f"{scheme}://{_host_and_port(_host(server), server.port)}/{quote(mount.camera)}"
    who = _audience(mount.access)
    return [
        (mount.camera, address, str(stream), who, f"{base}/{stream}") for stream in mount.streams
    ]


def _host(server: RtspSettings) -> str:
    return "localhost" if server.bind in ANY_ADDRESS else server.bind


def _host_and_port(host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{port}" if port else shown


def _audience(access: Access) -> str:
    if access.anonymous:
        return "everybody"
    return ", ".join(sorted(access.users)) or "nobody"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
