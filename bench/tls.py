"""One camera, many players over TLS: processor time of the server for each GB that it delivers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench import media, stage
from bench.fan_out import GOP, KBPS
from bench.figures import Beside, Figure, Reach, Section, Spread, spread
from bench.native import MissingTool
from bench.scenario import Context, say
from bench.stage import Run, Served

__all__ = ["measure"]

SIZES = 50, 200
AIM_SIZE = 50
OURS, FLOOR, CLEAR = "neolink", "floor", "neolink in clear"

_TITLE = "Fan-out over TLS"
_METHOD = (
    "As fan-out over TCP, inside TLS 1.3 with the cipher that both ends choose by themselves "
    "(AES-256-GCM). The floor is a C program that gives the same packets to the same number of "
    "connections, one `SSL_write` for each picture and player; beside it the bridge over TCP in "
    "clear, in the same run. The first player decrypts and parses everything; of the others the "
    "kernel counts and discards the records, which are 0.2 % larger than what they hold."
)

Serve = Callable[[int], AbstractAsyncContextManager[Served]]


async def measure(context: Context) -> Section:
    """Measure players over TLS."""
    context = replace(context, seconds=context.seconds * GOP / media.GOP)
    try:
        everyone = await _measure_everyone(context)
    except MissingTool as missing:
        return Section(key="tls", title=_TITLE, method=f"Not measured: {missing}.")
    return Section(
        key="tls",
        title=_TITLE,
        method=_METHOD,
        figures=tuple(_figure(size, everyone) for size in everyone[OURS]),
        notes=tuple(_delivery(name, of) for name, of in everyone.items()),
    )


async def _measure_everyone(context: Context) -> dict[str, dict[int, list[Run]]]:
    folder, clip = context.folder, media.clip(KBPS, GOP)
    packets, certificate = folder / "packets", folder / "certificate.pem"
    media.write_pictures(packets, media.packets_of(media.access_units(clip)))
    _write_certificate(certificate)
    floor = partial(stage.floor, folder, kind="tls", pictures=packets, certificate=certificate)
    servers: dict[str, tuple[str, Serve]] = {
        OURS: ("tls", lambda _: _bridge(folder, certificate)),
        CLEAR: ("tcp", lambda _: _bridge(folder, None)),
        FLOOR: ("tls", floor),
    }
    everyone: dict[str, dict[int, list[Run]]] = {name: {} for name in servers}
    for size in context.sizes(SIZES):
        for name, (transport, serve) in servers.items():
            async with serve(size) as server:
                runs = everyone[name][size] = await _runs(context, server, size, transport)
            say(f"{name}, {size}: {_cost(runs).middle:.2f} CPU s/GB")
    return everyone


@asynccontextmanager
async def _bridge(folder: Path, certificate: Path | None) -> AsyncIterator[Served]:
    async with (
        stage.cameras(folder, 1, kbps=KBPS, gop=GOP) as cameras,
        stage.bridge(folder, cameras.ports, certificate=certificate) as server,
    ):
        yield server


async def _runs(context: Context, server: Served, size: int, transport: str) -> list[Run]:
    async with stage.players(context.folder, server, size, transport=transport) as crowd:
        await asyncio.sleep(context.settle_s)
        return await stage.measure_runs(server, crowd, context.runs, context.seconds)


def _figure(size: int, everyone: dict[str, dict[int, list[Run]]]) -> Figure:
    return Figure(
        key=f"tls/{size}",
        what=f"{size} players, TLS",
        unit="CPU s/GB",
        spread=_cost(everyone[OURS][size]),
        beside=tuple(Beside(name, _cost(everyone[name][size])) for name in (FLOOR, CLEAR)),
        reach=(Reach(most=1.6, beside=FLOOR),) if size == AIM_SIZE else (),
    )


def _cost(runs: Sequence[Run]) -> Spread:
    return spread([run.cpu_s_per_gb for run in runs])


def _delivery(name: str, of: dict[int, list[Run]]) -> str:
    """Tell what the first player got: processor time saved by dropping is no saving."""
    runs = [run for runs in of.values() for run in runs]
    pictures, gaps = sum(run.pictures for run in runs), sum(run.gaps for run in runs)
    wanted = sum(run.took_s for run in runs) * media.FRAME_RATE
    share = min(run.least_share for run in runs)
    return (
        f"{name}: {pictures} of {wanted:.0f} pictures, {gaps} gaps, the unluckiest got "
        f"{100 * share:.1f} % of the bytes of the luckiest."
    )


def _write_certificate(file: Path) -> None:
    """Write a certificate and its key, good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    begin = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
