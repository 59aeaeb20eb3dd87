"""Findings about the configuration of a camera. Pure.

Nothing here tells what a password is; that it is empty or too long is told.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from neolink.camera.settings import CameraSettings
from neolink.doctor.findings import Cause, Check, Finding, failure, fine, warning
from neolink.doctor.words import and_join, foreign, place, printable
from neolink.errors import ConfigError

__all__ = ["judge_camera_name", "judge_configuration", "judge_disabled", "judge_settings"]

LONGEST_PASSWORD = 31
"""Characters; cameras keep no more."""


def judge_camera_name(name: str, known: Iterable[str]) -> Finding:
    """Say that no camera of the configuration is called so, and which there are."""
    names = [printable(one) for one in known]
    near = get_close_matches(name, names, n=1)
    text = f"the configuration has no camera called {printable(name)}"
    if not names:
        return failure(Check.CONFIGURATION, Cause.UNKNOWN_CAMERA, text, "It has no camera at all.")
    advice = f"Did you mean {near[0]}? " if near else ""
    advice += f"There {'is' if len(names) == 1 else 'are'} {and_join(names)}."
    return failure(Check.CONFIGURATION, Cause.UNKNOWN_CAMERA, text, advice)


def judge_configuration(error: ConfigError) -> Finding:
    """Say that the configuration file cannot be used."""
    problems = "; ".join(str(error).splitlines())
    return failure(
        Check.CONFIGURATION,
        Cause.BAD_CONFIGURATION,
        f"the configuration cannot be used: {foreign(problems, 500)}",
        "Correct the file; `neolink check-config` shows every problem on a line of its own.",
    )


def judge_disabled() -> Finding:
    """Say that the bridge leaves the camera alone."""
    return warning(
        Check.CONFIGURATION,
        Cause.CAMERA_DISABLED,
        "the bridge does not serve this camera: enabled = false",
        "Remove `enabled`, if that is not intended.",
    )


def judge_settings(settings: CameraSettings) -> list[Finding]:
    """Say what the settings of a camera lack; the first finding says what they are."""
    if settings.host is None:
        return [
            failure(
                Check.CONFIGURATION,
                Cause.UID_ONLY,
                "the camera has a `uid` but no `address`, and looking for it by UID is not "
                "supported yet",
                "Give its address, if it takes TCP connections (most battery cameras do not).",
            )
        ]
    where = place(settings.host, settings.port)
    streams = and_join(settings.streams) or "none"
    channel = f", channel {settings.channel_id}" if settings.channel_id else ""
    found = [
        fine(
            Check.CONFIGURATION,
            f"{where}, user {printable(settings.username)}{channel}, streams: {streams}",
        )
    ]
    return found + _judge_password(settings.password) + _judge_streams(settings)


def _judge_password(password: str) -> list[Finding]:
    if not password:
        return [
            warning(
                Check.CONFIGURATION,
                Cause.NO_PASSWORD,
                "the password is empty",
                "Only cameras that were never set up take that: write the camera's `password`.",
            )
        ]
    if len(password) > LONGEST_PASSWORD:
        return [
            warning(
                Check.CONFIGURATION,
                Cause.PASSWORD_TOO_LONG,
                f"the password is longer than the {LONGEST_PASSWORD} characters that cameras keep",
                "If the login is refused, give the camera a shorter one in its app.",
            )
        ]
    return []


def _judge_streams(settings: CameraSettings) -> list[Finding]:
    if settings.streams:
        return []
    return [
        failure(
            Check.CONFIGURATION,
            Cause.NO_STREAMS,
            'stream = "none": nobody can watch this camera through the bridge',
            "Remove the key, if that is not intended; --stream main watches it all the same.",
        )
    ]
