"""Every cause can come out, is worded, and is explained in ``docs/doctor.md``."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.xml.ability import AbilityGroup, AbilityInfo, SubModule
from neolink.baichuan.xml.battery import BatteryInfo
from neolink.baichuan.xml.login import DeviceInfo
from neolink.baichuan.xml.system import ChannelInfo, ChannelInfoList, SystemGeneral
from neolink.camera.settings import CameraSettings
from neolink.doctor.device_facts import DeviceFacts, Expected, StreamFacts
from neolink.doctor.findings import Cause, Check, Finding, Severity
from neolink.doctor.greeting import Greeted, Greeting
from neolink.doctor.judge_device import judge_device, judge_lost, judge_streams
from neolink.doctor.judge_login import judge_login_error, judge_out_of_time, judge_refusal
from neolink.doctor.judge_media import Circumstances, judge_play
from neolink.doctor.judge_network import (
    judge_foreign,
    judge_greeting,
    judge_knocks,
    judge_lookup,
)
from neolink.doctor.judge_settings import (
    judge_camera_name,
    judge_configuration,
    judge_disabled,
    judge_settings,
)
from neolink.doctor.media_facts import AudioFacts, MediaFacts, PlayFacts
from neolink.doctor.media_words import figures_of
from neolink.doctor.network import Knock, Knocked, Lookup, LookupTrouble
from neolink.doctor.surroundings import Surroundings
from neolink.errors import ConfigError, ConnectionLost, LoginRefusal, RemoteProtocolError
from neolink.media.tracks import ParameterSets, StreamKind, VideoCodec, VideoTrack

DOCUMENT = Path(__file__).parents[2] / "docs" / "doctor.md"

SETTINGS = CameraSettings(name="porch", host="192.0.2.7", password="sesame-7f3a")
AT_HOME = Surroundings(interfaces=("lo", "eth0"), has_route=True)
CUT_OFF = Surroundings(interfaces=("lo",), has_route=False)
TRACK = VideoTrack(VideoCodec.H264, ParameterSets(b"", ()), 640, 360)
GOOD = MediaFacts(
    watched_s=5.5,
    first_picture_s=0.5,
    last_picture_s=5.5,
    video_packets=76,
    key_packets=3,
    pictures=76,
    track=TRACK,
    announced_fps=15.0,
    media_s=5.0,
    rated_bytes=125000,
    key_frames=3,
    longest_gop_s=2.0,
    longest_gap_s=0.1,
    audio=AudioFacts(codec="AAC", sample_rate=16000, frames=79, sound_s=5.0, span_s=5.0),
)
NOTHING = MediaFacts(watched_s=10.0)
DEVICE = DeviceFacts(info=DeviceInfo(type="ipc", channel_num=1), answers=1)


def play(media: MediaFacts, case: Circumstances | None = None, **facts: object) -> list[Finding]:
    played = PlayFacts(kind=StreamKind.SUB, media=media, **facts)  # type: ignore[arg-type]  # fields
    return judge_play(played, case or Circumstances())


def sounding(**changes: object) -> MediaFacts:
    assert GOOD.audio
    return replace(GOOD, audio=replace(GOOD.audio, **changes))  # type: ignore[arg-type]  # fields


def device(**changes: object) -> list[Finding]:
    return judge_device(replace(DEVICE, **changes))  # type: ignore[arg-type]  # fields


def channel(state: str) -> list[Finding]:
    return device(channels=ChannelInfoList((ChannelInfo(0, "uid", state, "gate"),)))


def knocked(outcome: Knocked, around: Surroundings = AT_HOME) -> Finding:
    return judge_knocks([Knock("192.0.2.7", 9000, outcome, 4.0)], [], around)


def greeted(outcome: Greeted, *works: Encryption, refusal: LoginRefusal | None = None) -> Finding:
    greeting = Greeting(Encryption.FULL_AES, outcome, refusal=refusal)
    return judge_greeting(greeting, works, "192.0.2.7:9000")


def foreign(data: bytes) -> Finding:
    finding = judge_foreign(data, port=554, has_camera_at_default=False)
    assert finding
    return finding


READS = AbilityGroup((SubModule(0, ("preview_ro", "general_ro", "motion_ro")),))

CASES: dict[Cause, Callable[[], Finding | list[Finding]]] = {
    Cause.BAD_CONFIGURATION: lambda: judge_configuration(ConfigError("n.toml:3: not TOML")),
    Cause.UNKNOWN_CAMERA: lambda: judge_camera_name("proch", ["porch", "gate"]),
    Cause.CAMERA_DISABLED: judge_disabled,
    Cause.UID_ONLY: lambda: judge_settings(replace(SETTINGS, host=None)),
    Cause.NO_PASSWORD: lambda: judge_settings(replace(SETTINGS, password="")),
    Cause.PASSWORD_TOO_LONG: lambda: judge_settings(replace(SETTINGS, password="x" * 32)),
    Cause.NO_STREAMS: lambda: judge_settings(replace(SETTINGS, streams=())),
    Cause.NAME_NOT_FOUND: lambda: judge_lookup(
        Lookup("porch.lan", trouble=LookupTrouble.NOT_FOUND), AT_HOME
    ),
    Cause.NO_NETWORK: lambda: knocked(Knocked.NO_NETWORK),
    Cause.UNREACHABLE: lambda: knocked(Knocked.NO_HOST),
    Cause.WRONG_PORT: lambda: knocked(Knocked.REFUSED),
    Cause.NOT_A_CAMERA: lambda: foreign(b"SSH-2.0-OpenSSH_9.2\r\n"),
    Cause.SILENT_CAMERA: lambda: greeted(Greeted.SILENT),
    Cause.HANGS_UP: lambda: judge_login_error(ConnectionLost("closed by the camera")),
    Cause.LEGACY_CAMERA: lambda: judge_refusal(LoginRefusal.LEGACY_ONLY, 200),
    Cause.ENCRYPTION_MISMATCH: lambda: greeted(Greeted.CLOSED, Encryption.BC),
    Cause.GARBLED_ANSWERS: lambda: judge_login_error(RemoteProtocolError("XML: not well-formed")),
    Cause.WRONG_PASSWORD: lambda: judge_refusal(LoginRefusal.WRONG_CREDENTIALS, 401),
    Cause.ACCOUNT_LOCKED: lambda: judge_refusal(LoginRefusal.ACCOUNT_LOCKED, 421),
    Cause.TOO_MANY_SESSIONS: lambda: judge_refusal(LoginRefusal.TOO_MANY_SESSIONS, 422),
    Cause.ACCOUNT_BOUND: lambda: judge_refusal(LoginRefusal.DEVICE_BOUND, 406),
    Cause.LOGIN_REFUSED: lambda: judge_refusal(LoginRefusal.UNEXPLAINED, 499),
    Cause.NO_ANSWERS: lambda: device(answers=0),
    Cause.CLOCK_WRONG: lambda: device(general=SystemGeneral(year=2001, month=1, day=1)),
    Cause.BATTERY_LOW: lambda: device(battery=BatteryInfo(battery_percent=7)),
    Cause.WEAK_WIFI: lambda: device(wifi_dbm=-83),
    Cause.PRIVACY_MODE: lambda: device(is_private=True),
    Cause.NO_SUCH_CHANNEL: lambda: device(channel_id=3),
    Cause.CHANNEL_ASLEEP: lambda: channel("standby"),
    Cause.CHANNEL_OFFLINE: lambda: channel("offline"),
    Cause.MISSING_RIGHTS: lambda: judge_streams(
        StreamFacts(abilities=AbilityInfo("guest", streaming=READS))
    ),
    Cause.NO_SUCH_STREAM: lambda: play(NOTHING, Circumstances(is_listed=False), refusal=400),
    Cause.STREAM_REFUSED: lambda: play(NOTHING, refusal=400),
    Cause.SILENT_STREAM: lambda: play(NOTHING),
    Cause.NO_KEY_FRAME: lambda: play(replace(NOTHING, video_packets=150)),
    Cause.RARE_KEY_FRAMES: lambda: play(replace(GOOD, longest_gop_s=5.0)),
    Cause.SLOW_START: lambda: play(replace(GOOD, first_picture_s=6.0, last_picture_s=11.0)),
    Cause.LOW_FRAME_RATE: lambda: play(replace(GOOD, announced_fps=25.0)),
    Cause.SLOW_NETWORK: lambda: play(replace(GOOD, media_s=3.0)),
    Cause.UNEVEN_DELIVERY: lambda: play(replace(GOOD, longest_gap_s=1.5)),
    Cause.DAMAGED_MEDIA: lambda: play(replace(GOOD, damages=3, last_damage="8 bytes skipped")),
    Cause.JUMPING_TIMESTAMPS: lambda: play(replace(GOOD, clock_jumps=1)),
    Cause.ODD_AUDIO: lambda: play(sounding(codec="ADPCM")),
    Cause.CONNECTION_LOST: lambda: judge_lost("the connection was lost: closed by the camera"),
    Cause.OUT_OF_TIME: lambda: judge_out_of_time(Check.PLAY, 45.0),
}


def findings_of(cause: Cause) -> list[Finding]:
    result = CASES[cause]()
    return result if isinstance(result, list) else [result]


@pytest.mark.parametrize("cause", Cause)
def test_cause_comes_out_with_words_and_advice(cause: Cause) -> None:
    bad = [one for one in findings_of(cause) if one.severity is not Severity.OK]
    assert [one.cause for one in bad] == [cause]
    (finding,) = bad
    assert finding.severity in (Severity.WARNING, Severity.FAILURE)
    assert 20 < len(finding.text) < 200
    assert finding.text[-1] not in ".!?"
    assert finding.advice.endswith((".", "?"))
    assert finding.text.isprintable()
    assert finding.advice.isprintable()
    assert "None" not in finding.text + finding.advice


def test_good_facts_have_no_cause() -> None:
    found = [*play(GOOD), *device(), *judge_settings(SETTINGS), knocked(Knocked.OPEN)]
    assert {one.severity for one in found} == {Severity.OK}


@pytest.mark.parametrize("cause", Cause)
def test_cause_is_explained_in_the_document(cause: Cause) -> None:
    rows = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `")]
    (row,) = (row for row in rows if row.startswith(f"| `{cause}` |"))
    _, _, meaning, what_to_do, _ = (cell.strip() for cell in row.split("|"))
    assert len(meaning) > 15
    assert len(what_to_do) > 10


def test_document_explains_no_cause_that_does_not_exist() -> None:
    text = DOCUMENT.read_text("utf-8").partition("## Causes")[2].partition("\n## ")[0]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(Cause)


def test_document_explains_every_check_and_figure() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert all(f"| `{check}` |" in text for check in Check)
    figures = figures_of(GOOD, Expected())
    unexplained = [name for name in figures if f"`{name}`" not in text.partition("## JSON")[2]]
    assert unexplained == []
