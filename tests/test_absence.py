"""The reason that viewers are told, from what is known of the camera."""

import pytest

from neolink.absence import PATIENCE_S, stand_in_settings, why
from neolink.camera.status import CameraState, CameraStatus
from neolink.clock import ManualClock
from neolink.errors import LoginRefusal
from neolink.hub.splash import SplashReason
from neolink.rtsp_server.settings import MountSettings


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (CameraStatus(), SplashReason.STARTING),
        (CameraStatus(CameraState.CONNECTING), SplashReason.STARTING),
        (CameraStatus(CameraState.CONNECTING, last_error="no route"), SplashReason.UNREACHABLE),
        (CameraStatus(CameraState.WAITING, last_error="no route"), SplashReason.UNREACHABLE),
        (CameraStatus(CameraState.UNSUPPORTED, last_error="UID"), SplashReason.UNSUPPORTED),
    ],
)
def test_state_tells_the_reason(status: CameraStatus, reason: SplashReason) -> None:
    assert why(status, ManualClock()) is reason


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (LoginRefusal.WRONG_CREDENTIALS, SplashReason.WRONG_PASSWORD),
        (LoginRefusal.ACCOUNT_LOCKED, SplashReason.ACCOUNT_LOCKED),
        (LoginRefusal.TOO_MANY_SESSIONS, SplashReason.TOO_MANY_SESSIONS),
        (LoginRefusal.DEVICE_BOUND, SplashReason.LOGIN_REFUSED),
        (LoginRefusal.UNEXPLAINED, SplashReason.LOGIN_REFUSED),
    ],
)
def test_a_refused_login_counts_more_than_the_state(
    refusal: LoginRefusal, reason: SplashReason
) -> None:
    status = CameraStatus(CameraState.CONNECTING, last_error="refused", refusal=refusal)
    assert why(status, ManualClock()) is reason


def test_a_connected_camera_is_given_time_before_it_is_said_to_send_nothing() -> None:
    clock = ManualClock()
    status = CameraStatus(CameraState.CONNECTED, since_s=clock.monotonic_s())
    clock.advance(PATIENCE_S)
    assert why(status, clock) is SplashReason.STARTING
    clock.advance(1)
    assert why(status, clock) is SplashReason.NO_VIDEO


def test_use_splash_and_its_pattern_reach_the_stand_in() -> None:
    chosen = stand_in_settings(MountSettings(camera="a", use_splash=False, splash_pattern="snow"))
    assert (chosen.is_enabled, chosen.pattern) == (False, "snow")
    assert not stand_in_settings(None).is_enabled
