"""Judges, one by one: which facts make which finding, where it is not plain from the cause."""

from dataclasses import replace

import pytest

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.xml.ability import AbilityGroup, AbilityInfo, SubModule
from neolink.baichuan.xml.battery import BatteryInfo
from neolink.baichuan.xml.login import DeviceInfo
from neolink.baichuan.xml.streams import (
    Compression,
    EncodeTable,
    Resolution,
    StreamCompression,
    StreamInfo,
    StreamInfoList,
)
from neolink.baichuan.xml.system import ChannelInfo, ChannelInfoList, SystemGeneral, VersionInfo
from neolink.camera.settings import CameraSettings
from neolink.doctor.device_facts import DeviceFacts, Expected, StreamFacts
from neolink.doctor.findings import Cause, Check, Finding, Severity
from neolink.doctor.greeting import Greeted, Greeting
from neolink.doctor.judge_device import clock_error_s, judge_device, judge_streams
from neolink.doctor.judge_login import (
    Refused,
    judge_login_error,
    judge_refusal,
    judge_remembered,
)
from neolink.doctor.judge_media import Circumstances, judge_play
from neolink.doctor.judge_network import (
    judge_foreign,
    judge_greeting,
    judge_knocks,
    judge_lookup,
)
from neolink.doctor.judge_settings import judge_camera_name, judge_settings
from neolink.doctor.media_facts import AudioFacts, MediaFacts, PlayFacts
from neolink.doctor.network import Knock, Knocked, Lookup, LookupTrouble
from neolink.doctor.surroundings import Surroundings
from neolink.errors import (
    AuthenticationFailed,
    ConnectionLost,
    DeadlineExceeded,
    LoginRefusal,
    NeolinkError,
    RemoteProtocolError,
)
from neolink.media.tracks import ParameterSets, StreamKind, VideoCodec, VideoTrack

MAIN, SUB, EXTERN = StreamKind
AT_HOME = Surroundings(interfaces=("lo", "eth0"), has_route=True, name_servers=("192.0.2.1",))
CUT_OFF = Surroundings(interfaces=("lo",), has_route=False)
IN_BOX = replace(AT_HOME, is_container=True)
SETTINGS = CameraSettings(name="porch", host="2001:db8::7", password="sesame-7f3a")


# ---------------------------------------------------------------- settings
def test_settings_are_told_without_the_password() -> None:
    (finding,) = judge_settings(replace(SETTINGS, channel_id=2, streams=(MAIN, SUB)))
    assert finding.severity is Severity.OK
    assert finding.text == "[2001:db8::7]:9000, user admin, channel 2, streams: main and sub"


def test_unknown_name_is_answered_with_the_nearest_and_all_others() -> None:
    advice = judge_camera_name("proch", ["porch", "gate"]).advice
    assert advice == "Did you mean porch? There are porch and gate."
    assert judge_camera_name("x", ["porch"]).advice == "There is porch."
    assert judge_camera_name("x", []).advice == "It has no camera at all."


# ---------------------------------------------------------------- network
def test_name_that_is_found_is_told_with_its_addresses() -> None:
    found = judge_lookup(Lookup("porch.lan", ("192.0.2.7", "2001:db8::7")), AT_HOME)
    assert found.severity is Severity.OK
    assert found.text == "porch.lan is 192.0.2.7 and 2001:db8::7"


@pytest.mark.parametrize(
    ("trouble", "around", "cause", "words"),
    [
        (LookupTrouble.NOT_FOUND, AT_HOME, Cause.NAME_NOT_FOUND, "nobody knows"),
        (LookupTrouble.NO_ANSWER, AT_HOME, Cause.NAME_NOT_FOUND, "(asked: 192.0.2.1)"),
        (LookupTrouble.NO_ANSWER, CUT_OFF, Cause.NO_NETWORK, "no network but itself"),
        (LookupTrouble.NOT_A_NAME, CUT_OFF, Cause.NAME_NOT_FOUND, "cannot be a host name"),
    ],
)
def test_name_that_is_not_found(
    trouble: LookupTrouble, around: Surroundings, cause: Cause, words: str
) -> None:
    found = judge_lookup(Lookup("porch.lan", trouble=trouble), around)
    assert found.cause is cause
    assert words in found.text


def knocked(
    outcome: Knocked, around: Surroundings = AT_HOME, *others: int, reason: str = ""
) -> Finding:
    elsewhere = [Knock("192.0.2.7", port, Knocked.OPEN) for port in others]
    return judge_knocks([Knock("192.0.2.7", 8000, outcome, 4.0, reason)], elsewhere, around)


@pytest.mark.parametrize(
    ("outcome", "around", "cause"),
    [
        (Knocked.REFUSED, CUT_OFF, Cause.WRONG_PORT),  # of this very machine
        (Knocked.SILENT, AT_HOME, Cause.UNREACHABLE),
        (Knocked.SILENT, CUT_OFF, Cause.NO_NETWORK),
        (Knocked.NO_HOST, AT_HOME, Cause.UNREACHABLE),
        (Knocked.NO_HOST, CUT_OFF, Cause.NO_NETWORK),
        (Knocked.NO_NETWORK, AT_HOME, Cause.NO_NETWORK),
        (Knocked.FORBIDDEN, AT_HOME, Cause.UNREACHABLE),
        (Knocked.FAILED, AT_HOME, Cause.UNREACHABLE),
    ],
)
def test_port_that_does_not_open(outcome: Knocked, around: Surroundings, cause: Cause) -> None:
    assert knocked(outcome, around).cause is cause


def test_other_ports_that_answer_tell_that_the_host_is_right() -> None:
    assert knocked(Knocked.SILENT, AT_HOME, 80, 554).cause is Cause.WRONG_PORT
    assert "while 80 and 554 did answer" in knocked(Knocked.REFUSED, AT_HOME, 80, 554).text
    assert "Try without the port" in knocked(Knocked.REFUSED, AT_HOME, 80, 9000).advice


def test_container_is_told_to_use_the_network_of_its_host() -> None:
    assert "network_mode: host" in knocked(Knocked.SILENT, IN_BOX).advice
    assert "network_mode: host" in knocked(Knocked.NO_NETWORK, IN_BOX).advice
    assert "network_mode" not in knocked(Knocked.SILENT, AT_HOME).advice


def test_first_words_of_a_foreign_service_are_quoted_safely() -> None:
    data = b"HTTP/1.1 400 \x1b[31mBad\r\n\r\n"
    found = judge_foreign(data, port=80, has_camera_at_default=False)
    assert found
    assert '("HTTP/1.1 400 [31mBad")' in found.text
    assert judge_foreign(b"", port=80, has_camera_at_default=False) is None
    assert judge_foreign(b"\xf0\xde\xbc\x0a", port=80, has_camera_at_default=False) is None


def test_camera_at_the_usual_port_is_pointed_to() -> None:
    found = judge_foreign(b"HTTP/1.1 200 OK", port=80, has_camera_at_default=True)
    assert found
    assert found.advice == "A camera answers at port 9000: write `address` without the port."


@pytest.mark.parametrize(
    ("greeting", "cause"),
    [
        (Greeting(Encryption.BC, Greeted.CLOSED), Cause.HANGS_UP),
        (Greeting(Encryption.BC, Greeted.GARBLED), Cause.GARBLED_ANSWERS),
        (
            Greeting(Encryption.BC, Greeted.REFUSED, refusal=LoginRefusal.LEGACY_ONLY, status=200),
            Cause.LEGACY_CAMERA,
        ),
        (
            Greeting(Encryption.BC, Greeted.REFUSED, refusal=LoginRefusal.ENCRYPTION, status=56581),
            Cause.ENCRYPTION_MISMATCH,
        ),
        (
            Greeting(Encryption.BC, Greeted.REFUSED, refusal=LoginRefusal.UNEXPLAINED, status=403),
            Cause.LOGIN_REFUSED,
        ),
        (
            Greeting(
                Encryption.BC, Greeted.REFUSED, refusal=LoginRefusal.ACCOUNT_LOCKED, status=421
            ),
            Cause.ACCOUNT_LOCKED,
        ),
    ],
)
def test_greeting_that_is_not_welcome(greeting: Greeting, cause: Cause) -> None:
    found = judge_greeting(greeting, (), "192.0.2.7:9000")
    assert found.cause is cause
    assert found.check is Check.PROTOCOL


def test_welcome_tells_the_encryption_and_when_it_is_more_than_wanted() -> None:
    agreed = Greeting(Encryption.FULL_AES, Greeted.WELCOME, chosen=Encryption.BC)
    found = judge_greeting(agreed, (), "")
    assert found.severity is Severity.OK
    assert found.text == "a camera answers; encryption: the simple one (BC)"
    forced = Greeting(Encryption.NONE, Greeted.WELCOME, chosen=Encryption.BC)
    assert 'more than max_encryption = "none" asks for' in judge_greeting(forced, (), "").text


def test_strongest_encryption_that_works_is_advised() -> None:
    silent = Greeting(Encryption.NONE, Greeted.SILENT)
    found = judge_greeting(silent, (Encryption.BC, Encryption.FULL_AES), "")
    assert found.advice == 'Write max_encryption = "aes" for this camera, or leave the key out.'


# ---------------------------------------------------------------- login
@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (AuthenticationFailed(LoginRefusal.WRONG_CREDENTIALS, 401), Cause.WRONG_PASSWORD),
        (DeadlineExceeded("the camera does not answer the login"), Cause.SILENT_CAMERA),
        (RemoteProtocolError("login: expected a nonce"), Cause.GARBLED_ANSWERS),
        (ConnectionLost("closed by the camera"), Cause.HANGS_UP),
    ],
)
def test_error_at_the_login(error: NeolinkError, cause: Cause) -> None:
    found = judge_login_error(error)
    assert (found.cause, found.severity, found.check) == (cause, Severity.FAILURE, Check.LOGIN)


@pytest.mark.parametrize("reason", LoginRefusal)
def test_every_refusal_has_words(reason: LoginRefusal) -> None:
    assert judge_refusal(reason, 499).text.endswith("(status 499)")
    assert "status" not in judge_refusal(reason, 0).text


def test_remembered_refusal_tells_how_long_ago_and_how_to_insist() -> None:
    found = judge_remembered(Refused(LoginRefusal.WRONG_CREDENTIALS, 130.0))
    assert found.cause is Cause.WRONG_PASSWORD
    assert found.text == (
        "the camera refuses the user name or the password (so it said 2 min ago; not tried again "
        "with the same password)"
    )
    assert found.advice.endswith("Use --force to try all the same.")


# ---------------------------------------------------------------- device
DEVICE = DeviceFacts(info=DeviceInfo(type="ipc", channel_num=1), answers=1)


def test_model_firmware_and_channels_are_told() -> None:
    version = VersionInfo(type="RLN8-410", firmware_version="v3.1\n\x1b[2J")
    facts = replace(DEVICE, version=version, info=DeviceInfo(channel_num=8))
    assert judge_device(facts)[0].text == "RLN8-410, firmware v3.1 [2J, 8 channels"


def test_answers_that_cannot_be_decrypted_are_an_encryption_mismatch() -> None:
    found = judge_device(DeviceFacts(info=DeviceInfo(type="ipc"), trouble=4))
    assert found[-1].cause is Cause.ENCRYPTION_MISMATCH
    assert found[-1].severity is Severity.FAILURE


def test_questions_that_are_all_refused_are_told_with_their_status() -> None:
    found = judge_device(DeviceFacts(refusals=(405, 400, 405)))
    assert [one.cause for one in found] == [Cause.NO_ANSWERS]
    assert "(status 400 and 405)" in found[0].text


def test_channel_that_is_online_is_no_matter() -> None:
    channels = ChannelInfoList((ChannelInfo(0, "uid", "online", "a"),))
    assert len(judge_device(replace(DEVICE, channels=channels))) == 1


UTC_NOON = SystemGeneral(year=2026, month=3, day=1, hour=12, minute=0, second=0)
NOON_S = 1_772_366_400.0


@pytest.mark.parametrize("ahead_s", [0, 59, -3600, 3630])
def test_clock_that_is_right_or_an_hour_of_summer_off_is_no_matter(ahead_s: int) -> None:
    facts = replace(DEVICE, general=UTC_NOON, asked_unix_s=NOON_S - ahead_s)
    assert len(judge_device(facts)) == 1


def test_wrong_clock_is_told_with_how_wrong() -> None:
    facts = replace(DEVICE, general=UTC_NOON, asked_unix_s=NOON_S - 600)
    assert judge_device(facts)[-1].text == "its clock is 10 min ahead"
    never = replace(UTC_NOON, year=2010)
    facts = replace(DEVICE, general=never, asked_unix_s=NOON_S)
    assert judge_device(facts)[-1].text == "its clock was never set"


def test_clock_counts_its_zone_with_the_sign_turned() -> None:
    east = replace(UTC_NOON, hour=19, time_zone=-25200)
    assert clock_error_s(east, NOON_S) == 0
    assert clock_error_s(SystemGeneral(year=2026, month=13, day=1), NOON_S) is None


def test_full_battery_is_told_as_well() -> None:
    found = judge_device(replace(DEVICE, battery=BatteryInfo(battery_percent=80)))
    assert (found[-1].severity, found[-1].text) == (Severity.OK, "battery at 80 %")
    low = BatteryInfo(battery_percent=80, low_power=True)
    assert judge_device(replace(DEVICE, battery=low))[-1].cause is Cause.BATTERY_LOW


# ---------------------------------------------------------------- streams
TABLES = StreamInfoList(
    (
        StreamInfo(
            0b10,
            (
                EncodeTable("mainStream", Resolution(2560, 1440), 25, 4096, (25, 20), (4096,)),
                EncodeTable("subStream", Resolution(640, 360), 1, 0, (10, 7), (160,)),
            ),
        ),
    )
)


def test_streams_of_another_channel_are_not_ours() -> None:
    assert StreamFacts(channel_id=1, listed=TABLES).lists(MAIN) is True
    assert StreamFacts(channel_id=0, listed=TABLES).lists(MAIN) is None


def test_streams_are_told_with_present_settings_where_they_are_known() -> None:
    present = StreamCompression(width=1920, height=1080, frame=20, bit_rate=2048, video_enc_type=1)
    facts = StreamFacts(
        channel_id=1, listed=TABLES, compression=Compression(1, main_stream=present)
    )
    (found,) = judge_streams(facts)
    assert found.text == "main 1920x1080 20 fps 2.0 Mbit/s H.265; sub 640x360 7 fps"
    (found,) = judge_streams(StreamFacts())
    assert found.text == "the camera does not say which streams it has"


def test_extern_stream_is_unknown_unless_something_tells() -> None:
    assert StreamFacts(listed=TABLES).lists(EXTERN) is None
    assert StreamFacts(has_extern=False).lists(EXTERN) is False
    third = Compression(0, third_stream=StreamCompression(frame=20))
    assert StreamFacts(compression=third).lists(EXTERN) is True


def test_channel_without_a_microphone_expects_no_sound() -> None:
    third = Compression(0, sub_stream=StreamCompression(audio=True))
    assert StreamFacts(compression=third).expected(SUB).has_sound is True
    assert StreamFacts(compression=third, has_sound=False).expected(SUB).has_sound is False
    assert StreamFacts(listed=TABLES, channel_id=1).expected(MAIN).has_sound is None


def test_rights_that_lack_are_named() -> None:
    rights = AbilityGroup((SubModule(0, ("preview_ro", "general_rw")),))
    found = judge_streams(StreamFacts(abilities=AbilityInfo("guest", streaming=rights)))
    assert found[-1].text == "the account may not learn of motion: it is no administrator"
    assert len(judge_streams(StreamFacts(abilities=AbilityInfo("guest")))) == 1


# ---------------------------------------------------------------- pictures and sound
GOOD = MediaFacts(
    watched_s=5.5,
    first_picture_s=0.5,
    last_picture_s=5.4,
    video_packets=76,
    key_packets=3,
    pictures=76,
    track=VideoTrack(VideoCodec.H265, ParameterSets(b"", ()), 640, 360, profile="Main"),
    announced_fps=15.0,
    media_s=4.9,
    rated_bytes=122500,
    key_frames=3,
    longest_gop_s=2.0,
    longest_gap_s=0.1,
)
NOTHING = MediaFacts(watched_s=10.0)
LISTED = Circumstances()
TRICKLE = replace(NOTHING, received_bytes=20_000, first_byte_s=0.1, last_byte_s=9.9)
SOUND = AudioFacts(codec="AAC", sample_rate=16000, frames=79, sound_s=5.0, span_s=5.0)


def play(media: MediaFacts, case: Circumstances = LISTED, **facts: object) -> list[Finding]:
    played = PlayFacts(kind=SUB, media=media, **facts)  # type: ignore[arg-type]  # fields
    return judge_play(played, case)


def test_stream_that_plays_is_described_with_its_figures() -> None:
    (found,) = play(replace(GOOD, audio=SOUND))
    assert found.stream is SUB
    assert found.text == (
        "H.265 Main, 640x360, 15.3 of 15 fps, 200 kbit/s, a key frame every 2.0 s, first picture "
        "after 0.5 s, sound AAC 16 kHz, not every browser plays H.265"
    )
    assert found.figures["fps"] == pytest.approx(15.3, abs=0.01)
    assert found.figures["audio_rate_hz"] == 16000


@pytest.mark.parametrize(
    ("media", "facts", "case", "cause"),
    [
        (GOOD, {"lost": "closed by the camera"}, LISTED, Cause.CONNECTION_LOST),
        (NOTHING, {"is_unanswered": True}, LISTED, Cause.SILENT_STREAM),
        (replace(GOOD, watched_s=9.0), {}, LISTED, Cause.SILENT_STREAM),
        (TRICKLE, {}, Circumstances(expected=Expected(kbps=512)), Cause.SLOW_NETWORK),
        (TRICKLE, {}, LISTED, Cause.SILENT_STREAM),
        (
            replace(GOOD, watched_s=9.0, received_bytes=50_000, first_byte_s=0.5, last_byte_s=8.9),
            {},
            Circumstances(expected=Expected(kbps=512)),
            Cause.SLOW_NETWORK,
        ),
        (replace(NOTHING, audio=SOUND), {}, LISTED, Cause.SILENT_STREAM),
        (replace(NOTHING, damages=3, received_bytes=900), {}, LISTED, Cause.DAMAGED_MEDIA),
        (NOTHING, {"trouble": 2}, LISTED, Cause.DAMAGED_MEDIA),
        (replace(NOTHING, video_packets=9, key_packets=1), {}, LISTED, Cause.DAMAGED_MEDIA),
        (NOTHING, {"refusal": 400}, Circumstances(is_private=True), Cause.PRIVACY_MODE),
        (NOTHING, {}, Circumstances(is_private=True), Cause.PRIVACY_MODE),
    ],
)
def test_stream_that_does_not_play(
    media: MediaFacts, facts: dict[str, object], case: Circumstances, cause: Cause
) -> None:
    (found,) = play(media, case, **facts)
    assert (found.cause, found.severity) == (cause, Severity.FAILURE)


def test_unlisted_stream_that_is_refused_is_fatal_only_if_no_other_plays() -> None:
    (found,) = play(NOTHING, Circumstances(is_listed=False), refusal=400)
    assert found.severity is Severity.FAILURE
    (found,) = play(NOTHING, Circumstances(is_listed=False, has_other=True), refusal=400)
    assert (found.cause, found.severity) == (Cause.NO_SUCH_STREAM, Severity.WARNING)


def test_rates_are_not_judged_before_two_seconds() -> None:
    short = replace(GOOD, last_picture_s=1.5, watched_s=1.5, media_s=1.0, pictures=3)
    assert len(play(short)) == 1


def test_present_settings_say_what_the_frame_rate_should_be() -> None:
    (_, found) = play(GOOD, Circumstances(expected=Expected(fps=25, kbps=512)))
    assert found.cause is Cause.LOW_FRAME_RATE
    assert found.text.endswith(
        "instead of 25; 200 kbit/s got through, the stream is set to 512 kbit/s"
    )


@pytest.mark.parametrize(
    ("sound", "words"),
    [
        (replace(SOUND, errors=4), "4 of 83 frames of sound make no sense"),
        (replace(SOUND, codec="ADPCM", sample_rate=8000), "ADPCM"),
        (replace(SOUND, sound_s=3.0), "the sound runs at 60% of its speed"),
    ],
)
def test_odd_sound(sound: AudioFacts, words: str) -> None:
    (_, found) = play(replace(GOOD, audio=sound))
    assert found.cause is Cause.ODD_AUDIO
    assert words in found.text


def test_sound_that_comes_in_bursts_is_not_too_slow() -> None:
    late = replace(GOOD, audio=replace(SOUND, sound_s=4.2), longest_gap_s=0.9)
    assert len(play(late)) == 1


def test_backlog_at_the_start_makes_neither_pictures_nor_sound_too_fast() -> None:
    begun = replace(GOOD, first_picture_s=2.5, media_s=4.9, audio=replace(SOUND, span_s=2.9))
    (found,) = play(begun)
    assert found.figures["fps"] == pytest.approx(15.3, abs=0.01)
    fast = replace(GOOD, audio=replace(SOUND, sound_s=10.0))
    assert "at 200% of its speed" in play(fast)[-1].text


def test_slow_network_explains_a_slow_start_and_slow_sound() -> None:
    late = replace(GOOD, first_picture_s=6.0, last_picture_s=10.9, watched_s=11.0, media_s=2.5)
    slow = replace(late, audio=replace(SOUND, sound_s=2.5))
    assert [one.cause for one in play(slow)[1:]] == [Cause.SLOW_NETWORK]


def test_clock_that_stands_twice_is_forgiven() -> None:
    assert len(play(replace(GOOD, clock_stands=2))) == 1
    assert play(replace(GOOD, clock_stands=3))[-1].cause is Cause.JUMPING_TIMESTAMPS
