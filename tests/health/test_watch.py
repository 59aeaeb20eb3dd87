"""Judgement of hand-made readings: which state, which words, since when."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from neolink.camera.status import CameraState
from neolink.errors import LoginRefusal
from neolink.health.causes import REFUSALS
from neolink.health.summary import summary
from neolink.health.values import BridgeHealth, CameraHealth, HealthState
from neolink.health.watch import HealthWatch
from neolink.hub.demand import DemandState
from neolink.media.tracks import StreamKind
from neolink.readings import BridgeReading, CameraReading, ProcessReading, StreamReading
from support.readings import (
    AT_MONOTONIC_S,
    AT_UNIX_S,
    GAP_BOUNDS,
    bridge_reading,
    camera_reading,
    histogram,
    player_reading,
    process_reading,
    stream_reading,
)

MAIN, SUB = StreamKind.MAIN, StreamKind.SUB
OK, DEGRADED, OFFLINE = HealthState.OK, HealthState.DEGRADED, HealthState.OFFLINE
ASLEEP, AUTH_FAILED, DISABLED = HealthState.ASLEEP, HealthState.AUTH_FAILED, HealthState.DISABLED
REASON = "cannot connect to 192.0.2.7:9000: Connection refused"


class Watched:
    """A watch that is fed one camera, and the seconds that pass."""

    def __init__(self) -> None:
        self.watch = HealthWatch()
        self.at_s = 0.0

    def bridge(
        self, *cameras: CameraReading, process: ProcessReading | None = None
    ) -> BridgeHealth:
        reading = bridge_reading(cameras=len(cameras), players=0, given=cameras, process=process)
        return self.watch.update(later(reading, self.at_s))

    def see(self, camera: CameraReading, after_s: float = 0.0) -> CameraHealth:
        self.at_s += after_s
        return self.bridge(camera).cameras[0]

    def for_s(self, camera: CameraReading, seconds: float, step_s: float = 1.0) -> CameraHealth:
        """Let the same go on for a while."""
        health = self.see(camera)
        for _ in range(round(seconds / step_s)):
            health = self.see(camera, step_s)
        return health


def later(reading: BridgeReading, seconds: float) -> BridgeReading:
    return replace(reading, monotonic_s=AT_MONOTONIC_S + seconds, unix_s=AT_UNIX_S + seconds)


def with_main(**changes: Any) -> CameraReading:
    """Return a connected camera whose main stream is as told."""
    return camera_reading(streams=(stream_reading(**changes),))


def away(**changes: Any) -> CameraReading:
    values: dict[str, Any] = {
        "state": CameraState.WAITING,
        "state_for_s": 0.5,
        "last_error": REASON,
        "next_attempt_in_s": 4.0,
        "streams": (stream_reading(state=DemandState.PLACEHOLDER, last_picture_age_s=0.5),),
    }
    return camera_reading(**(values | changes))


def reasons(health: CameraHealth) -> str:
    return " | ".join(health.health.reasons)


# ---------------------------------------------------------------- all is well
def test_a_healthy_bridge_is_ok_and_says_nothing() -> None:
    health = HealthWatch().update(bridge_reading(cameras=3, players=6))
    assert health.state is OK
    assert health.is_healthy
    assert health.reasons == ()
    assert [camera.health.state for camera in health.cameras] == [OK] * 3
    assert {one.state for camera in health.cameras for one in camera.streams.values()} == {OK}
    assert summary(health) == "3 cameras: 3 ok"


def test_ok_is_there_since_the_camera_was_connected() -> None:
    health = Watched().see(camera_reading(state_for_s=3600.0))
    assert health.health.since_unix_s == AT_UNIX_S - 3600.0


@pytest.mark.parametrize(
    "state", [DemandState.IDLE, DemandState.PAUSED, DemandState.LINGERING, DemandState.LIVE]
)
def test_a_stream_that_nobody_waits_for_is_ok(state: DemandState) -> None:
    age_s = 0.1 if state is DemandState.LIVE else 900.0
    camera = with_main(state=state, last_picture_age_s=age_s, fps=25.0)
    assert Watched().for_s(camera, 12).streams[MAIN].state is OK


def test_what_players_do_is_told() -> None:
    players = (player_reading(1), player_reading(2))
    health = Watched().see(with_main(players=players))
    assert health.health.doing == "sending to 2 players"
    assert health.streams[MAIN].doing == "sending to 2 players"
    assert Watched().see(camera_reading()).streams[SUB].doing == "nobody watches"


# ---------------------------------------------------------------- asleep, disabled
def test_a_camera_that_is_left_alone_is_asleep_and_healthy() -> None:
    watched = Watched()
    camera = camera_reading(
        state=CameraState.IDLE, streams=(stream_reading(state=DemandState.IDLE),)
    )
    health = watched.see(camera)
    assert health.health.state is ASLEEP
    assert health.streams[MAIN].state is ASLEEP
    assert health.health.doing == "it is woken when somebody watches"
    assert watched.bridge(camera).state is OK


def test_a_battery_camera_that_does_not_answer_is_asleep_while_nobody_wants_it() -> None:
    idle = (stream_reading(state=DemandState.IDLE),)
    assert Watched().for_s(away(is_battery=True, streams=idle), 20).health.state is ASLEEP
    assert Watched().for_s(away(is_battery=True), 20).health.state is OFFLINE
    assert Watched().for_s(away(streams=idle), 20).health.state is OFFLINE


def test_a_camera_that_is_switched_off_is_disabled_and_healthy() -> None:
    watched = Watched()
    camera = camera_reading(is_enabled=False, state=CameraState.IDLE, streams=())
    assert watched.see(camera).health.state is DISABLED
    assert "`enabled = false`" in reasons(watched.see(camera))
    assert watched.bridge(camera).is_healthy


# ---------------------------------------------------------------- login
def test_a_wrong_password_says_which_key_to_check_and_when_the_next_attempt_is() -> None:
    camera = away(
        state=CameraState.AUTH_FAILED,
        refusal=LoginRefusal.WRONG_CREDENTIALS,
        next_attempt_in_s=28.4,
    )
    health = Watched().see(camera)
    assert health.health.state is AUTH_FAILED
    assert "wrong user name or password: check `username` and `password`" in reasons(health)
    assert "trying again in 28 s" in health.health.doing
    assert "locked" in health.health.doing


def test_a_refused_login_stays_that_while_it_is_tried_again() -> None:
    watched = Watched()
    refused = away(state=CameraState.AUTH_FAILED, refusal=LoginRefusal.WRONG_CREDENTIALS)
    watched.see(refused)
    again = replace(refused, state=CameraState.CONNECTING, state_for_s=0.0, next_attempt_in_s=None)
    assert watched.see(again, 28).health.state is AUTH_FAILED
    assert (
        watched.see(again, 28).health.since_unix_s == AT_UNIX_S - 0.5
    )  # as the first reading said


@pytest.mark.parametrize("refusal", LoginRefusal)
def test_every_refusal_has_words_and_is_unhealthy(refusal: LoginRefusal) -> None:
    watched = Watched()
    camera = away(state=CameraState.AUTH_FAILED, refusal=refusal)
    health = watched.see(camera)
    assert health.health.state in {AUTH_FAILED, OFFLINE}
    assert ": " in reasons(health), "no advice"
    assert not watched.bridge(camera).is_healthy
    assert refusal in REFUSALS


def test_too_many_sessions_is_no_matter_of_the_password() -> None:
    camera = away(state=CameraState.AUTH_FAILED, refusal=LoginRefusal.TOO_MANY_SESSIONS)
    health = Watched().see(camera)
    assert health.health.state is OFFLINE
    assert "as many logins as it allows" in reasons(health)


# ---------------------------------------------------------------- connection
def test_a_camera_that_goes_away_is_degraded_at_first_then_offline_since_it_went() -> None:
    watched = Watched()
    watched.see(camera_reading())
    lost = watched.see(away(state_for_s=0.2), 10)
    assert lost.health.state is DEGRADED
    assert "the connection was lost a moment ago" in reasons(lost)
    gone = watched.see(away(), 4)
    assert gone.health.state is OFFLINE
    assert f"unreachable for 4 s ({REASON}): check power" in reasons(gone)
    assert gone.health.doing.startswith("trying again in 4 s")
    assert gone.health.since_unix_s == AT_UNIX_S + 10  # of the lost connection
    still = watched.see(away(state=CameraState.CONNECTING, next_attempt_in_s=None), 30)
    assert still.health.since_unix_s == gone.health.since_unix_s
    assert still.health.doing.startswith("connecting")
    assert still.streams[MAIN].state is OFFLINE


def test_what_viewers_see_meanwhile_is_told() -> None:
    players = (player_reading(1), player_reading(2), player_reading(3))
    stream = stream_reading(state=DemandState.PLACEHOLDER, players=players)
    health = Watched().for_s(away(streams=(stream,)), 5)
    assert health.health.doing == "trying again in 4 s; showing the last picture to 3 players"
    assert health.streams[MAIN].doing == health.health.doing
    unseen = replace(stream, presentation=None)
    health = Watched().for_s(away(streams=(unseen,)), 5)
    assert health.health.doing.endswith("showing a picture that says why to 3 players")


def test_a_camera_that_accepts_connections_and_no_login_is_called_so() -> None:
    watched = Watched()
    watched.see(away(errors={"connect": 0, "login": 0}))
    health = watched.for_s(away(errors={"connect": 0, "login": 1}), 6)
    assert health.health.state is OFFLINE
    assert "somebody answers, but no login for 6 s" in reasons(health)


def test_a_camera_that_cannot_be_found_has_its_error_as_reason() -> None:
    camera = away(state=CameraState.UNSUPPORTED, last_error="found only by UID: give `address`")
    health = Watched().see(camera)
    assert health.health.state is OFFLINE
    assert reasons(health) == "found only by UID: give `address`"
    assert health.health.doing.startswith("nothing until the configuration changes")


def test_a_camera_that_came_back_must_stay_or_show_a_picture() -> None:
    idle = (stream_reading(state=DemandState.IDLE),)
    watched = Watched()
    watched.for_s(away(streams=idle), 5)
    back = watched.see(camera_reading(state_for_s=0.5, streams=idle), 1)
    assert back.health.state is OFFLINE
    assert "connected again" in back.health.doing
    assert watched.for_s(camera_reading(streams=idle), 3).health.state is OK
    watched.for_s(away(), 5)
    assert watched.see(camera_reading(state_for_s=0.5), 1).health.state is OK


def test_one_reconnect_shows_for_ten_seconds_and_three_for_a_minute() -> None:
    watched = Watched()

    def lost(times: int) -> CameraReading:
        return camera_reading(errors={"keep_alive": times}, last_error="reset by the camera")

    watched.see(lost(0))
    once = watched.see(lost(1), 1)
    assert once.health.state is DEGRADED
    assert "lost once in the last minute (reset by the camera)" in reasons(once)
    assert watched.for_s(lost(1), 9).health.state is DEGRADED
    assert watched.for_s(lost(1), 3).health.state is OK
    watched.see(lost(3), 1)
    assert "lost 3 times" in reasons(watched.for_s(lost(3), 40))
    assert watched.for_s(lost(3), 30).health.state is OK


def test_a_camera_that_answers_nothing_is_called_silent_and_not_without_pictures() -> None:
    watched = Watched()
    watched.see(with_main())
    dark = with_main(state=DemandState.HOLDING, last_picture_age_s=9.0)
    health = watched.see(replace(dark, missed_pings=1), 9)
    assert health.health.state is OFFLINE
    assert reasons(health).startswith("the camera has stopped answering (1 ping in a row)")
    assert len(health.health.reasons) == 1
    assert health.streams[MAIN].state is OFFLINE
    assert health.streams[MAIN].reasons == health.health.reasons
    assert health.health.doing.startswith("asking it again")
    assert health.health.since_unix_s == AT_UNIX_S  # of the last picture


def test_pictures_are_an_answer_although_the_next_ping_is_still_to_come() -> None:
    assert Watched().see(replace(with_main(), missed_pings=2)).health.state is OK


def test_a_silent_camera_that_nobody_watches_is_offline_too() -> None:
    idle = camera_reading(streams=(stream_reading(state=DemandState.IDLE),))
    watched = Watched()
    assert watched.see(idle).health.state is OK
    assert watched.see(replace(idle, missed_pings=1), 9).health.state is OFFLINE
    assert watched.for_s(idle, 3).health.state is OK


def test_a_camera_that_was_dark_for_long_does_not_look_better_when_the_connection_ends() -> None:
    watched = Watched()
    dark = stream_reading(state=DemandState.PLACEHOLDER, last_picture_age_s=12.0)
    assert watched.see(camera_reading(streams=(dark,))).health.state is OFFLINE
    lost = watched.see(away(state_for_s=0.1, streams=(replace(dark, last_picture_age_s=13.0),)), 1)
    assert lost.health.state is OFFLINE
    assert "unreachable for 13 s" in reasons(lost)
    assert lost.health.since_unix_s == AT_UNIX_S - 12


def test_an_empty_battery_is_told() -> None:
    assert "at 7 %: charge it" in reasons(Watched().see(camera_reading(battery_percent=7)))
    assert Watched().see(camera_reading(battery_percent=50)).health.state is OK


# ---------------------------------------------------------------- streams
def test_a_low_frame_rate_degrades_and_is_forgotten_after_it_was_right_for_a_while() -> None:
    watched = Watched()
    slow = with_main(fps=12.4, nominal_fps=25.0)
    health = watched.see(slow)
    assert health.health.state is DEGRADED
    assert health.streams[MAIN].state is DEGRADED
    assert "only 12.4 of 25 pictures a second: " in reasons(health)
    assert watched.see(with_main(fps=21.0), 1).health.state is DEGRADED
    assert watched.for_s(with_main(fps=21.0), 4).health.state is OK


@pytest.mark.parametrize(
    "changes",
    [
        {"fps": 20.1, "nominal_fps": 25.0},
        {"fps": 12.0, "nominal_fps": None},
        {"fps": 12.0, "nominal_fps": 25.0, "state_for_s": 9.0},
        {"last_key_frame_age_s": 5.9, "gop_s": 2.0},
        {"last_key_frame_age_s": 2.5, "gop_s": 0.5},
        {"av_drift_s": -0.2},
        {"last_picture_age_s": 2.5},
    ],
)
def test_what_is_within_the_limits_is_ok(changes: dict[str, Any]) -> None:
    assert Watched().for_s(with_main(**changes), 8).health.state is OK


def test_a_silence_is_no_low_rate() -> None:
    watched = Watched()
    assert watched.see(with_main(fps=19.0, last_picture_age_s=2.4)).health.state is OK
    assert "only 19.0" in reasons(watched.see(with_main(fps=19.0), 1))


def test_three_groups_without_a_key_frame_degrade() -> None:
    health = Watched().see(with_main(last_key_frame_age_s=6.2, gop_s=2.0))
    assert health.health.state is DEGRADED
    assert "no key frame for 6 s, usual is one every 2.0 s" in reasons(health)


def test_a_stream_without_any_key_frame_degrades_too() -> None:
    health = Watched().see(with_main(last_key_frame_age_s=None, gop_s=None, state_for_s=13.0))
    assert "no key frame for 13 s" in reasons(health)


def test_sound_and_picture_apart_for_five_seconds_degrade() -> None:
    watched = Watched()
    apart = with_main(av_drift_s=-0.62)
    assert watched.for_s(apart, 4).health.state is OK
    assert "0.6 s apart" in reasons(watched.see(apart, 1))


def test_sound_that_stays_away_degrades() -> None:
    watched = Watched()
    watched.see(with_main(pictures=1))
    assert watched.see(with_main(pictures=2), 4).health.state is OK
    assert "no sound for 6 s: " in reasons(watched.see(with_main(pictures=3), 2))
    assert watched.for_s(with_main(audio_frames=1), 4).health.state is OK


def test_a_stream_without_sound_misses_none() -> None:
    presentation = stream_reading().presentation
    assert presentation
    watched = Watched()
    for pictures in range(3):
        silent = replace(presentation, audio=None)
        health = watched.see(with_main(presentation=silent, pictures=pictures), 10)
    assert health.health.state is OK


def test_damage_shows_from_the_second_on() -> None:
    watched = Watched()
    watched.see(with_main(damages=7))
    assert watched.see(with_main(damages=8), 1).health.state is OK
    health = watched.see(with_main(damages=9), 1)
    assert "damaged media twice in the last minute" in reasons(health)


def test_a_stall_shows_for_a_while_after_it_is_over() -> None:
    watched = Watched()
    watched.see(with_main(stalls=1))
    health = watched.see(with_main(stalls=2), 1)
    assert "fell silent and was started again once" in reasons(health)
    assert watched.see(with_main(stalls=2), 11).health.state is OK


def test_long_gaps_between_pictures_are_counted() -> None:
    watched = Watched()
    watched.see(with_main(frame_gaps=histogram(GAP_BOUNDS, (0, 9, 0, 0, 0, 1, 0, 0, 0))))
    short = with_main(frame_gaps=histogram(GAP_BOUNDS, (0, 9, 0, 0, 0, 5, 0, 0, 0)))
    assert watched.see(short, 1).health.state is OK
    long = with_main(frame_gaps=histogram(GAP_BOUNDS, (0, 9, 0, 0, 0, 5, 1, 1, 0)))
    assert "no picture for over 1 s twice" in reasons(watched.see(long, 1))


def test_a_slow_stream_may_have_longer_gaps() -> None:
    watched = Watched()

    def one_a_second(gaps: tuple[int, ...]) -> CameraReading:
        return with_main(fps=1.0, nominal_fps=1.0, frame_gaps=histogram(GAP_BOUNDS, gaps))

    watched.see(one_a_second((0,) * 9))
    assert watched.see(one_a_second((0, 0, 0, 0, 0, 0, 9, 2, 0)), 1).health.state is OK
    assert watched.see(one_a_second((0, 0, 0, 0, 0, 0, 9, 2, 1)), 1).health.state is DEGRADED


def test_a_fault_of_ours_at_a_reader_is_told() -> None:
    watched = Watched()
    watched.see(with_main(sink_failures=0))
    assert "report the log" in reasons(watched.see(with_main(sink_failures=1), 1))


def test_a_stream_without_pictures_is_late_then_offline_and_says_what_is_done() -> None:
    watched = Watched()

    def dark(age_s: float) -> CameraReading:
        return with_main(
            state=DemandState.PLACEHOLDER,
            last_picture_age_s=age_s,
            players=(player_reading(),),
        )

    watched.see(with_main())
    late = watched.see(dark(4.0), 4)
    assert late.health.state is DEGRADED
    assert reasons(late) == "no picture for 4 s"
    assert late.health.doing == "waiting for a picture; showing the last picture to 1 player"
    gone = watched.see(dark(11.0), 7)
    assert gone.health.state is OFFLINE
    assert "connected, but no picture for 11 s: " in reasons(gone)
    assert gone.streams[MAIN].doing.startswith("restarting the stream")


def test_a_stream_that_never_began_is_judged_by_how_long_it_was_wanted() -> None:
    starting = with_main(state=DemandState.STARTING, state_for_s=1.0, last_picture_age_s=None)
    watched = Watched()
    assert watched.see(starting).health.state is OK
    assert watched.see(starting, 3).health.state is DEGRADED
    assert watched.see(starting, 7).health.state is OFFLINE
    live = with_main(state_for_s=0.1, last_picture_age_s=0.01)
    assert watched.see(live, 1).health.state is OK, "a slow start is no gap"


def test_a_stream_that_the_camera_does_not_give_is_called_so() -> None:
    watched = Watched()
    dark = stream_reading(state=DemandState.PLACEHOLDER, last_picture_age_s=5.0, stalls=0)
    watched.see(camera_reading(streams=(dark,), errors={"stream": 0}))
    health = watched.see(camera_reading(streams=(dark,), errors={"stream": 1}), 1)
    assert health.health.state is OFFLINE
    assert "does not give this stream" in reasons(health)


def test_a_stream_that_fell_silent_was_not_refused() -> None:
    """It counts as silent at once, and as a failure when the camera was told of the end."""
    watched = Watched()

    def dark(stalls: int, failures: int) -> CameraReading:
        stream = stream_reading(
            state=DemandState.PLACEHOLDER, last_picture_age_s=11.0, stalls=stalls
        )
        return camera_reading(streams=(stream,), errors={"stream": failures})

    for stalls, failures in ((0, 0), (1, 0), (1, 1), (2, 1), (2, 2)):
        health = watched.see(dark(stalls, failures), 1)
        assert "connected, but no picture" in reasons(health)
    assert "does not give this stream" in reasons(watched.see(dark(2, 3), 1))
    watched.see(dark(0, 0), 30)  # made anew
    assert "does not give this stream" in reasons(watched.see(dark(0, 1), 1))


def test_a_stream_is_offline_since_its_last_picture() -> None:
    watched = Watched()
    watched.see(with_main())
    dark = with_main(state=DemandState.PLACEHOLDER, last_picture_age_s=10.5)
    health = watched.see(dark, 10.5)
    assert health.streams[MAIN].since_unix_s == AT_UNIX_S
    assert health.health.since_unix_s == AT_UNIX_S


def test_a_camera_with_one_stream_of_two_is_degraded_and_says_which() -> None:
    watched = Watched()
    dark = stream_reading(state=DemandState.PLACEHOLDER, last_picture_age_s=30.0)
    camera = camera_reading(streams=(dark, stream_reading(kind=SUB)))
    health = watched.see(camera)
    assert health.health.state is DEGRADED
    assert reasons(health).startswith("main: connected, but no picture for 30 s")
    assert health.streams[MAIN].state is OFFLINE
    assert health.streams[SUB].state is OK
    idle = camera_reading(streams=(dark, stream_reading(kind=SUB, state=DemandState.IDLE)))
    assert watched.see(idle, 1).health.state is OFFLINE


def test_the_same_thing_of_two_streams_is_told_once() -> None:
    dark = stream_reading(state=DemandState.PLACEHOLDER, last_picture_age_s=30.0)
    health = Watched().see(camera_reading(streams=(dark, replace(dark, kind=SUB))))
    assert len(health.health.reasons) == 1
    assert reasons(health).startswith("main, sub: connected, but")


# ---------------------------------------------------------------- players
def test_players_that_lose_pictures_are_counted() -> None:
    watched = Watched()

    def with_drops(*dropped: int) -> CameraReading:
        players = (player_reading(n, units_dropped=count) for n, count in enumerate(dropped, 1))
        return with_main(players=tuple(players))

    assert watched.see(with_drops(5, 0, 0)).health.state is OK, "of long ago"
    health = watched.see(with_drops(5, 9, 4), 1)
    assert "2 of 3 players cannot keep up, pictures are left out: use the sub stream" in reasons(
        health
    )
    assert "1 of 1 player " in reasons(watched.see(with_drops(6), 1))
    assert watched.see(with_main(), 1).health.state is OK, "they left"


def test_players_that_lose_packets_are_counted() -> None:
    players = (player_reading(1, loss=0.08), player_reading(2, loss=0.001), player_reading(3))
    health = Watched().see(with_main(players=players))
    assert "1 of 3 players lose packets on their way (worst 8%): use TCP there" in reasons(health)


def test_players_that_were_moved_to_the_sub_stream_are_counted() -> None:
    moved = player_reading(1, kind=SUB, is_adaptive=True, moves_down=2, moves_up=1)
    sub = stream_reading(kind=SUB, players=(moved,))
    health = Watched().see(camera_reading(streams=(stream_reading(), sub)))
    assert "sub: 1 of 1 player cannot follow main" in reasons(health)


# ---------------------------------------------------------------- process
@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"loop_lag_s": 1.2}, DEGRADED, "late by 1.2 s: the machine is overloaded"),
        ({"open_descriptors": 930}, DEGRADED, "930 of 1024 file descriptors"),
        ({"queued_bytes": 250 << 20}, DEGRADED, "players leave 98% of `max_bytes` waiting"),
        ({"is_ready": False}, OFFLINE, "players cannot connect"),
    ],
)
def test_troubles_of_the_process_are_told(
    changes: dict[str, Any], state: HealthState, words: str
) -> None:
    health = Watched().bridge(camera_reading(), process=process_reading(**changes))
    assert health.state is state
    assert words in health.reasons[0]


def test_limits_that_are_unknown_are_not_near() -> None:
    process = process_reading(max_descriptors=0, max_queued_bytes=0)
    assert Watched().bridge(process=process).state is OK


def test_a_part_that_was_started_again_is_told_for_a_while() -> None:
    watched = Watched()
    watched.bridge(process=process_reading(restarts={"camera porch": 0}))
    watched.at_s += 1
    health = watched.bridge(process=process_reading(restarts={"camera porch": 1}))
    assert health.state is DEGRADED
    assert "camera porch failed by a fault of ours" in health.reasons[0]
    watched.at_s += 15
    assert watched.bridge(process=process_reading(restarts={"camera porch": 1})).state is OK


# ---------------------------------------------------------------- all together
def test_the_bridge_is_as_its_worst_camera_and_names_it() -> None:
    refused = camera_reading(
        "garden", state=CameraState.AUTH_FAILED, refusal=LoginRefusal.WRONG_CREDENTIALS
    )
    asleep = camera_reading("gate", state=CameraState.IDLE, streams=())
    health = Watched().bridge(camera_reading(), refused, asleep)
    assert health.state is AUTH_FAILED
    assert not health.is_healthy
    assert health.reasons == ("garden: wrong user name or password",)
    assert summary(health) == (
        "3 cameras: 1 ok, 1 asleep, 1 auth failed (garden: wrong user name or password)"
    )


def test_a_summary_is_one_line_that_is_not_too_long() -> None:
    cameras = [away(name=f"camera number {n}", last_error="x\ny" * 200) for n in range(30)]
    watched = Watched()
    watched.bridge(*cameras)
    watched.at_s += 9
    line = summary(watched.bridge(*cameras))
    assert len(line) <= 200
    assert "\n" not in line


def test_a_bridge_without_cameras_is_ok() -> None:
    assert summary(Watched().bridge()) == "0 cameras"


def test_cameras_that_are_gone_are_forgotten() -> None:
    watched = Watched()
    watched.bridge(camera_reading("a"), camera_reading("b"))
    watched.bridge(camera_reading("b"))
    assert set(watched.watch._cameras) == {"b"}
    assert _kinds(watched.watch, "b") == [MAIN, SUB]
    watched.bridge(camera_reading("b", streams=()))
    assert _kinds(watched.watch, "b") == []


def _kinds(watch: HealthWatch, name: str) -> Sequence[StreamKind]:
    return list(watch._cameras[name]._streams)


def test_the_same_reading_twice_changes_nothing() -> None:
    watch, reading = HealthWatch(), bridge_reading(cameras=2)
    assert watch.update(reading) == watch.update(reading)


def test_recreated_streams_begin_to_count_anew() -> None:
    watched = Watched()
    watched.see(with_main(damages=900, stalls=9, sink_failures=5))
    fresh: StreamReading = stream_reading(damages=0, stalls=0, sink_failures=0, audio_frames=0)
    assert watched.see(camera_reading(streams=(fresh,)), 1).health.state is OK
