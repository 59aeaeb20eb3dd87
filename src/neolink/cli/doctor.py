"""``neolink doctor``: why a camera does not work, in words, and what to do about it."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import click

from neolink.camera.settings import CameraSettings
from neolink.cli.context import Invocation
from neolink.cli.loop import run
from neolink.clock import SystemClock
from neolink.config.compose import camera_settings, state_folder
from neolink.config.load import load
from neolink.config.model import Config
from neolink.doctor.audience import Audience
from neolink.doctor.examination import Examination
from neolink.doctor.findings import Check, Finding
from neolink.doctor.judge_settings import (
    judge_camera_name,
    judge_configuration,
    judge_disabled,
)
from neolink.doctor.layout import Style, show_finding, show_progress, show_verdict
from neolink.doctor.refusals import Refusals
from neolink.doctor.report import as_json
from neolink.doctor.settings import DoctorSettings
from neolink.doctor.surroundings import look_around
from neolink.doctor.verdict import Report
from neolink.doctor.words import and_join
from neolink.errors import ConfigError
from neolink.log import redact
from neolink.media.tracks import StreamKind

__all__ = ["doctor"]

REFUSALS_FILE = "refused-logins.json"
STOPPED = 130
"""The exit code of programs that end by Ctrl-C."""

WIDEST = 100
CLEAR_LINE = "\r\x1b[2K"


@click.command(name="doctor")
@click.argument("camera", required=False)
@click.option(
    "--stream",
    "streams",
    multiple=True,
    type=click.Choice([kind.value for kind in StreamKind]),
    help="Watch this stream; may be given more than once. Without it: those of the configuration.",
)
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    type=click.FloatRange(1, 60),
    help="How long to watch each stream.",
)
@click.option("--force", is_flag=True, help="Log in although this password was refused before.")
@click.option("--json", "as_document", is_flag=True, help="Write the report as JSON.")
@click.pass_obj
def doctor(
    invocation: Invocation,
    *,
    camera: str | None,
    streams: tuple[str, ...],
    seconds: float,
    force: bool,
    as_document: bool,
) -> int:
    """Find out why CAMERA does not work, and what to do about it.

    CAMERA is a name of the configuration; it may be left out where that has only one. It is looked
    up, connected to, logged in to once, asked about itself, and each stream is watched. Ends with 0
    if it can be watched, with 1 if not. A login that was refused is remembered, and not tried again
    for half an hour unless the password changes.
    """
    if invocation.config_path is None:
        raise ConfigError("Must supply --config file")
    invocation.set_up_logging("error")
    how = DoctorSettings(
        seconds=seconds, streams=tuple(map(StreamKind, streams)) or None, is_forced=force
    )
    screen = Nothing() if as_document else Screen(sys.stdout, os.environ)
    try:
        config = _load(invocation.config_path)
    except ConfigError as error:
        if not as_document:
            raise
        report: Report | None = _not_examined(camera or "", judge_configuration(error), screen)
    else:
        report = _report(config, camera, how, screen)
    if report is None:
        screen.stop()
        click.echo("Stopped before the end.", err=True)
        return STOPPED
    click.echo(as_json(report)) if as_document else screen.close(report)
    return 0 if report.can_be_watched else 1


# ---------------------------------------------------------------- what is examined
def _load(path: Path) -> Config:
    loaded = load(path)
    for text in loaded.warnings:
        click.echo(redact(f"warning: {text}"), err=True)
    return loaded.config


def _report(
    config: Config, name: str | None, how: DoctorSettings, audience: Audience
) -> Report | None:
    """Examine a camera by name; None: it was stopped."""
    name = name if name is not None else _only_camera(config)
    settings = _settings(config, name)
    if settings is None:
        known = [camera.name for camera in config.cameras]
        return _not_examined(name, judge_camera_name(name, known), audience)
    return run(_examine(config, settings, how, audience))


def _only_camera(config: Config) -> str:
    names = [camera.name for camera in config.cameras]
    if len(names) == 1:
        return names[0]
    if not names:
        raise ConfigError("The configuration has no camera")
    raise click.UsageError(f"Which camera? There are {and_join(names)}.")


def _settings(config: Config, name: str) -> CameraSettings | None:
    """Return the settings of a camera, also of one that is disabled; None: there is none."""
    cameras = [camera for camera in config.cameras if camera.name == name]
    enabled = tuple(camera.model_copy(update={"enabled": True}) for camera in cameras)
    return next(iter(camera_settings(config.model_copy(update={"cameras": enabled}))), None)


def _not_examined(name: str, finding: Finding, audience: Audience) -> Report:
    audience.take(finding)
    return Report(camera=name, address="", findings=(finding,))


async def _examine(
    config: Config, settings: CameraSettings, how: DoctorSettings, audience: Audience
) -> Report | None:
    """Examine until done, SIGINT or SIGTERM; log out in any case."""
    clock, folder = SystemClock(), state_folder(config)
    examination = Examination(
        settings,
        how,
        audience=audience,
        clock=clock,
        refusals=Refusals(folder / REFUSALS_FILE if folder else None, clock),
        around=look_around(),
    )
    if not all(camera.enabled for camera in config.cameras if camera.name == settings.name):
        examination.take(judge_disabled())
    running = asyncio.create_task(examination.run(), name="examination")
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    await asyncio.wait([running])
    return None if running.cancelled() else running.result()


# ---------------------------------------------------------------- how it is shown
class Nothing:
    """Shows nothing on the way."""

    def begin(self, check: Check, what: str) -> None:
        """Show nothing."""

    def take(self, finding: Finding) -> None:
        """Show nothing."""

    def close(self, report: Report) -> None:
        """Show nothing."""

    def stop(self) -> None:
        """Show nothing."""


class Screen(Nothing):
    """Shows findings as they come; on a terminal also what goes on meanwhile, in colour."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._told = ""
        self._is_terminal = stream.isatty() and environ.get("TERM") != "dumb"
        columns = shutil.get_terminal_size().columns if stream.isatty() else WIDEST
        has_colours = self._is_terminal and not environ.get("NO_COLOR")
        self._style = Style(min(columns, WIDEST), has_colours)

    def begin(self, check: Check, what: str) -> None:
        """Show what goes on, until something else is shown."""
        if self._is_terminal:
            self._write(CLEAR_LINE + show_progress(check, what, self._style))

    def take(self, finding: Finding) -> None:
        """Show a finding; advice that was just given is not repeated."""
        is_told = finding.advice == self._told
        self._told = finding.advice
        shown = replace(finding, advice="") if is_told else finding
        self._show(show_finding(shown, self._style))

    def close(self, report: Report) -> None:
        """Show the verdict."""
        self._show(f"\n{show_verdict(report, self._style)}")

    def stop(self) -> None:
        """Take away what went on."""
        if self._is_terminal:
            self._write(CLEAR_LINE)

    def _show(self, text: str) -> None:
        self._write(f"{CLEAR_LINE if self._is_terminal else ''}{text}\n")

    def _write(self, text: str) -> None:
        # click would take the codes of a terminal away where it does not know one
        click.echo(text, file=self._stream, nl=False, color=self._is_terminal)
