"""Plays one cell of the table, and says what came of it."""

import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import pytest

from interop.cells import Cell
from interop.stage import LOGIN, Stage, staged
from interop.ways import CANNOT, GSTREAMER, STRICT, WAYS, Proof, Way
from support.overheard import Exchange, Overheard, overhearing
from support.players import Asked, Playback, play, played_by
from support.processes import python

__all__ = ["play_way"]

SECONDS = 2.0
_PORTS = re.compile(r"(port=)\d+-\d+")
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")
_SHOWN = ("Transport", "Range", "Require")


async def play_way(name: str, players: list[str]) -> list[Cell]:
    """Play one way with some players, one after the other on the same bridge."""
    can = [player for player in players if (player, name) not in CANNOT]
    cells = [
        Cell(player=player, way=name, footnote=CANNOT[player, name])
        for player in players
        if player not in can
    ]
    if not can:
        return cells
    try:
        with TemporaryDirectory(prefix="neolink-interop-") as folder:
            async with staged(WAYS[name].server, Path(folder)) as stage:
                cells += [await _play_cell(player, name, stage) for player in can]
    except pytest.skip.Exception as reason:  # no namespace, or no such program
        done = {cell.player for cell in cells}
        cells += [
            Cell(player=player, way=name, strayed=f"not tried: {reason.msg}")
            for player in can
            if player not in done
        ]
    return cells


async def _play_cell(player: str, name: str, stage: Stage) -> Cell:
    way = WAYS[name]
    with overhearing() as overheard:
        playback = await _play(player, name, way, stage)
    return Cell(
        player=player,
        way=name,
        pictures=len(playback.frames),
        damaged=playback.frames.count(None),
        missing=playback.missing(len(stage.clip.access_units)),
        first_picture_s=playback.first_picture_s,
        complaints=tuple(_ADDRESS.sub("", line) for line in playback.errors),
        strayed=_strayed(way.proof, overheard) if playback.frames else "",
        asked=tuple(_line(exchange) for exchange in overheard.exchanges),
        connections=len(overheard.connections),
    )


async def _play(player: str, name: str, way: Way, stage: Stage) -> Playback:
    if player == STRICT:
        return await _play_strict(name, way, stage)
    scheme, transport = "", way.transport
    if player == GSTREAMER and way.gstreamer_scheme:
        scheme, transport = way.gstreamer_scheme, "tcp"
    return await play(
        player,
        stage.url(scheme),
        seconds=SECONDS,
        transport=cast("Asked", transport),
        size=(stage.clip.width, stage.clip.height),
        inside=stage.inside,
    )


async def _play_strict(name: str, way: Way, stage: Stage) -> Playback:
    user, password = LOGIN if stage.has_login else ("-", "")
    schemes = ",".join(reversed(way.proof.schemes)) or "-"
    module = (python(), "-m", "interop.strict_player")
    url = stage.url(with_login=False)
    os.environ["INTEROP_PASSWORD"] = password
    command = (*stage.inside, *module, url, name, user, schemes, str(SECONDS), "{0}")
    return await played_by(command, SECONDS)


def _strayed(proof: Proof, overheard: Overheard) -> str:
    """Say what shows that another way was taken than the one of this row."""
    granted = overheard.of("SETUP", status=200)
    if not granted:
        return "it was never granted a track"
    last, first = granted[-1], overheard.of("SETUP")[0]
    checks = {
        f"it took {last.transport}": proof.transport in last.transport,
        f"it asked for {first.transport} first": proof.before in first.transport,
        "it did not use TLS": last.is_secure or not proof.is_secure,
        "it did not use a tunnel": last.is_tunnelled or not proof.is_tunnelled,
        f"it logged in by {last.scheme or 'nothing'}": (
            not proof.schemes or _logins(overheard) <= {*proof.schemes, ""}
        ),
    }
    return ", ".join(text for text, is_right in checks.items() if not is_right)


def _logins(overheard: Overheard) -> set[str]:
    return {exchange.scheme for exchange in overheard.exchanges}


def _line(exchange: Exchange) -> str:
    headers = [f"{name}: {value}" for name in _SHOWN if (value := exchange.header(name))]
    login = f"login {exchange.scheme}" if exchange.scheme else ""
    session = "in a session" if exchange.header("Session") else ""
    words = ", ".join(filter(None, (*headers, session, login)))
    line = f"{exchange.method} ({words})" if words else exchange.method
    return f"{_PORTS.sub('port=N-N', line)} → {exchange.status}"
