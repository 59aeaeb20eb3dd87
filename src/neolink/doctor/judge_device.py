"""Findings about the device and its streams, from what it says about itself. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime

from neolink.baichuan.xml.ability import Right
from neolink.baichuan.xml.system import ChannelInfo, SystemGeneral
from neolink.doctor.device_facts import DeviceFacts, Expected, StreamFacts
from neolink.doctor.findings import Cause, Check, Finding, failure, fine, warning
from neolink.doctor.words import and_join, foreign, rate, span
from neolink.media.tracks import StreamKind

__all__ = ["LOST_ADVICE", "clock_error_s", "judge_device", "judge_lost", "judge_streams"]

CLOCK_TOLERANCE_S = 60.0
SUMMER_TIME_S = 3600.0
NEVER_SET_BEFORE_YEAR = 2019
WEAK_WIFI_DBM = -70
LOW_BATTERY_PERCENT = 20

ASLEEP = frozenset({"standby", "sleep"})
OFFLINE = frozenset({"offline", "close", "closed", "loss"})

RIGHTS: tuple[tuple[str, Right, str], ...] = (
    ("preview", "ro", "watch live video"),
    ("general", "rw", "set the clock"),
    ("motion", "rw", "learn of motion"),
)
"""Rights that the bridge makes use of, and what for."""

LOST_ADVICE = (
    "If it happens again: restart the camera, and look at its power supply and network. Cameras "
    "also do so when a program with the same account uses them too much."
)


# ---------------------------------------------------------------- the device
def judge_device(facts: DeviceFacts) -> list[Finding]:
    """Say what the device is, and what of it is not as it should be."""
    if not facts.answers and facts.info is None:
        return [_no_answers(facts)]
    found = [fine(Check.DEVICE, _description(facts))]
    if not facts.answers:
        found.append(_no_answers(facts))
    found += _judge_channel(facts)
    found += _judge_clock(facts.general, facts.asked_unix_s)
    found += _judge_battery(facts)
    if facts.wifi_dbm is not None and facts.wifi_dbm < WEAK_WIFI_DBM:
        found.append(
            warning(
                Check.DEVICE,
                Cause.WEAK_WIFI,
                f"the Wi-Fi of the camera is weak: {facts.wifi_dbm} dBm",
                "Move the camera or the access point closer, or use the sub stream: pictures will "
                "come late or be lost.",
            )
        )
    if facts.is_private:
        found.append(
            warning(
                Check.DEVICE,
                Cause.PRIVACY_MODE,
                "the privacy mode covers the lens",
                "Switch it off in the camera's app; until then it sends no pictures.",
            )
        )
    return found


def judge_lost(reason: str) -> Finding:
    """Say that the login ended while the camera was asked about itself."""
    return failure(Check.DEVICE, Cause.CONNECTION_LOST, foreign(reason, 120), LOST_ADVICE)


def _no_answers(facts: DeviceFacts) -> Finding:
    if facts.trouble:
        return failure(
            Check.DEVICE,
            Cause.ENCRYPTION_MISMATCH,
            "the login worked, but what the camera says then makes no sense: as a rule because the "
            "encryption does not fit",
            'Try another max_encryption for this camera: "bcencrypt", or "none"; and please report '
            "the model and firmware.",
        )
    statuses = and_join(str(status) for status in sorted(set(facts.refusals)))
    text = f"it refuses every question (status {statuses})" if statuses else "it answers nothing"
    return warning(
        Check.DEVICE,
        Cause.NO_ANSWERS,
        f"the login worked, but then {text}",
        "It is busy or starting: wait a minute, then try again.",
    )


def _description(facts: DeviceFacts) -> str:
    version, info = facts.version, facts.info
    model = version.type or version.detail or version.name if version else None
    firmware = version.firmware_version if version else None
    words = [foreign(model or (info.type if info else None) or "unknown model")]
    if firmware:
        words.append(f"firmware {foreign(firmware)}")
    count = facts.channel_count
    if count and count > 1:
        words.append(f"{count} channels")
    return ", ".join(words)


def _judge_channel(facts: DeviceFacts) -> Iterable[Finding]:
    count, channel = facts.channel_count, facts.channel_id
    if count is not None and channel >= count:
        numbers = "only 0" if count == 1 else f"0 to {count - 1}"
        yield failure(
            Check.DEVICE,
            Cause.NO_SUCH_CHANNEL,
            f"there is no channel {channel}: the device has {numbers}",
            "Correct `channel_id`; channels are counted from 0.",
        )
        return
    known = facts.channels.channels if facts.channels else ()
    mine = next((one for one in known if one.channel_id == channel), None)
    if mine is not None:
        yield from _judge_login_state(mine)


def _judge_login_state(channel: ChannelInfo) -> Iterable[Finding]:
    state = (channel.login_state or "").lower()
    if state in ASLEEP:
        yield warning(
            Check.DEVICE,
            Cause.CHANNEL_ASLEEP,
            f"the camera at channel {channel.channel_id} sleeps",
            "It wakes when it is watched, which takes some seconds.",
        )
    elif state in OFFLINE:
        yield failure(
            Check.DEVICE,
            Cause.CHANNEL_OFFLINE,
            f"the recorder has lost the camera at channel {channel.channel_id}",
            "Check that camera's power and network, and its password in the recorder.",
        )


def clock_error_s(general: SystemGeneral, unix_s: float) -> float | None:
    """Return how much the camera's clock is ahead; None where it does not tell a whole date."""
    date = (general.year, general.month, general.day)
    time = (general.hour or 0, general.minute or 0, general.second or 0)
    year, month, day = (part or 0 for part in date)
    try:
        local = datetime(year, month, day, *time, tzinfo=UTC)
    except ValueError:
        return None
    return local.timestamp() + (general.time_zone or 0) - unix_s


def _judge_clock(general: SystemGeneral | None, unix_s: float) -> Iterable[Finding]:
    error_s = clock_error_s(general, unix_s) if general else None
    if general is None or error_s is None:
        return
    # Whether the zone includes summer time depends on the model (protocol reference, 3.1).
    off_s = min(abs(error_s - shift) for shift in (0, SUMMER_TIME_S, -SUMMER_TIME_S))
    if off_s <= CLOCK_TOLERANCE_S:
        return
    if general.year is not None and general.year < NEVER_SET_BEFORE_YEAR:
        text, advice = "its clock was never set", "The bridge sets it at its next login."
    else:
        text = f"its clock is {span(abs(error_s))} {'ahead' if error_s > 0 else 'behind'}"
        advice = (
            "Set it in the app, better give it a time server (NTP); or let the bridge do it: "
            "update_time = true. Recordings and overlays show a wrong time until then."
        )
    yield warning(Check.DEVICE, Cause.CLOCK_WRONG, text, advice)


def _judge_battery(facts: DeviceFacts) -> Iterable[Finding]:
    battery = facts.battery
    if battery is None or battery.battery_percent is None:
        return
    percent = battery.battery_percent
    if percent >= LOW_BATTERY_PERCENT and not battery.low_power:
        yield fine(Check.DEVICE, f"battery at {percent} %")
        return
    yield warning(
        Check.DEVICE,
        Cause.BATTERY_LOW,
        f"the battery is at {percent} %",
        "Charge it; idle_disconnect = true lets the camera sleep while nobody watches.",
    )


# ---------------------------------------------------------------- streams and rights
def judge_streams(facts: StreamFacts) -> list[Finding]:
    """Say which streams the camera lists, and what the account may not do."""
    shown = [f"{kind} {_look(facts.expected(kind))}" for kind in StreamKind if facts.lists(kind)]
    text = "; ".join(shown) or "the camera does not say which streams it has"
    return [fine(Check.STREAMS, text), *_judge_rights(facts)]


def _look(expected: Expected) -> str:
    words = []
    if expected.width and expected.height:
        words.append(f"{expected.width}x{expected.height}")
    if expected.fps:
        words.append(f"{expected.fps:g} fps")
    if expected.kbps:
        words.append(rate(expected.kbps))
    return " ".join([*words, expected.codec]).strip()


def _judge_rights(facts: StreamFacts) -> Iterable[Finding]:
    abilities = facts.abilities
    if abilities is None or not abilities.rights(facts.channel_id):
        return
    lacking = [
        what for name, right, what in RIGHTS if not abilities.allows(name, right, facts.channel_id)
    ]
    if lacking:
        yield warning(
            Check.STREAMS,
            Cause.MISSING_RIGHTS,
            f"the account may not {and_join(lacking, 'or')}: it is no administrator",
            "Make it one in the camera's app, or use another account.",
        )
