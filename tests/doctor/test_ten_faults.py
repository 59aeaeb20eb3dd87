"""Each fault of a simulated camera, or of what stands in its place, is named by its right cause."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest

from neolink.baichuan.crypto import Encryption
from neolink.baichuan.ids import MessageId, Status
from neolink.baichuan.xml.streams import Compression, StreamCompression
from neolink.doctor.findings import Cause, Check, Severity
from neolink.doctor.surroundings import Surroundings
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import (
    AccountLocked,
    Burst,
    Busy,
    ClockStandstill,
    Cut,
    Fault,
    Garbage,
    LoseKeyFrames,
    Mute,
    Privacy,
    Reboot,
    SessionLimit,
    Stall,
    WrongPassword,
)
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PASSWORD, PROFILE, Peer, scripted
from support.doctor_bench import (
    QUICK,
    Notes,
    causes,
    examination,
    examined,
    problems,
    speaking,
    spoilt,
)

SUB = StreamKind.SUB
LONGER = replace(QUICK, seconds=2.2)
"""Rates are judged after two seconds."""


@dataclass(kw_only=True)
class RefusedPreview(Fault):
    """No stream may be watched; everything else is answered."""

    NAME: ClassVar[str] = "refused_preview"

    def status_for(self, message_id: int) -> int | None:
        return Status.BAD_REQUEST if message_id == MessageId.PREVIEW_START else None


# ---------------------------------------------------------------- all is well
async def test_healthy_camera_is_well_and_is_left_as_it_was() -> None:
    notes = Notes()
    async with SimulatedCamera(PROFILE) as camera:
        report = await examined(camera, replace(QUICK, streams=None), notes=notes)
        assert report.can_be_watched
        assert report.cause is None
        assert report.summary == "porch: all is well."
        assert report.plays == tuple(StreamKind)
        assert [finding.check for finding in report.findings] == [
            *(check for check in Check if check is not Check.PLAY),
            *(Check.PLAY,) * 3,
        ]
        assert notes.findings == list(report.findings)
        assert ("play", "watching main for 0.7 s") in notes.steps
        stats = camera.stats
        await camera.wait_for(lambda stats: not stats.open_connections)
        assert (stats.logins, stats.refused_logins, stats.time_sets) == (1, 0, 0)
        assert stats.video_starts == stats.video_stops
        assert stats.requests[MessageId.LOGOUT] == 1


async def test_figures_tell_what_was_measured() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        report = await examined(camera)
    (play,) = (finding for finding in report.findings if finding.check is Check.PLAY)
    figures = play.figures
    assert play.stream is SUB
    assert (figures["codec"], figures["width"], figures["height"]) == ("H.264", 640, 360)
    assert figures["nominal_fps"] == 15
    assert figures["audio_codec"] == "AAC"
    assert figures["damages"] == 0
    assert isinstance(figures["pictures"], int)
    assert figures["pictures"] > 5


# ---------------------------------------------------------------- the login
async def test_wrong_password() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        report = await examined(camera, password="not that one")
        assert causes(report) == [Cause.WRONG_PASSWORD]
        assert report.findings[-1].check is Check.LOGIN
        assert not report.can_be_watched
        assert "tried once only" in report.advice
        assert camera.stats.refused_logins == 1


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (WrongPassword(status=400), Cause.WRONG_PASSWORD),
        (AccountLocked(), Cause.ACCOUNT_LOCKED),
        (SessionLimit(), Cause.TOO_MANY_SESSIONS),
        (WrongPassword(status=Status.DEVICE_BOUND), Cause.ACCOUNT_BOUND),
        (WrongPassword(status=499), Cause.LOGIN_REFUSED),
        (Cut(where="before_login", times=0), Cause.HANGS_UP),
    ],
    ids=lambda value: value.value if isinstance(value, Cause) else "",
)
async def test_login_that_is_refused(fault: Fault, cause: Cause) -> None:
    async with spoilt(fault, profile=PROFILE) as camera:
        report = await examined(camera)
        assert causes(report) == [cause]
        assert not report.can_be_watched
        assert camera.stats.refused_logins <= 1


async def test_refused_password_is_never_tried_again_unless_it_changes_or_is_forced(
    tmp_path: Path,
) -> None:
    memory = tmp_path / "state" / "refused.json"
    async with SimulatedCamera(PROFILE) as camera:
        for _ in range(3):
            report = await examined(camera, password="not that one", memory=memory)
            assert causes(report) == [Cause.WRONG_PASSWORD]
            assert camera.stats.refused_logins == 1
        assert "not tried again" in report.summary
        assert "--force" in report.advice
        forced = replace(QUICK, is_forced=True)
        await examined(camera, forced, password="not that one", memory=memory)
        assert camera.stats.refused_logins == 2
        report = await examined(camera, memory=memory)
        assert report.can_be_watched
        report = await examined(camera, password="not that one", memory=memory)
        assert camera.stats.refused_logins == 3
    assert "not that one" not in memory.read_text()
    assert memory.stat().st_mode & 0o777 == 0o600


async def test_encryption_mismatch() -> None:
    async def only_bc(peer: Peer) -> None:
        data = await peer.read()
        if data[16:18] == Encryption.BC.request_code.to_bytes(2, "little"):
            peer.protocol.receive_data(data)
            peer.send()
            await peer.until_closed()

    async with scripted(only_bc) as port:
        report = await examined(port)
        assert causes(report) == [Cause.ENCRYPTION_MISMATCH]
        assert report.findings[-1].check is Check.PROTOCOL
        assert 'max_encryption = "bcencrypt"' in report.advice
        report = await examined(port, max_encryption=Encryption.NONE)
        assert 'offered max_encryption = "none"' in report.summary


# ---------------------------------------------------------------- the way
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


async def test_closed_port() -> None:
    report = await examined(closed_port())
    assert causes(report) == [Cause.WRONG_PORT]
    assert report.findings[-1].check is Check.CONNECT
    assert "media port" in report.advice


async def test_closed_port_of_a_host_that_has_others() -> None:
    async with speaking(lambda _: b"") as other:
        report = await examined(closed_port(), replace(QUICK, other_ports=(other,)))
    assert causes(report) == [Cause.WRONG_PORT]
    assert f"while {other} did answer" in report.summary


def http(heard: bytes) -> bytes | None:
    return b"HTTP/1.1 400 Bad Request\r\n\r\n" if b"\r\n" in heard else None


def rtsp(heard: bytes) -> bytes | None:
    return b"RTSP/1.0 400 Bad Request\r\nCSeq: 1\r\n\r\n" if b"\r\n" in heard else None


def tls(_: bytes) -> bytes:
    return bytes.fromhex("15 03 01 00 02 02 46")


def ssh(_: bytes) -> bytes:
    return b"SSH-2.0-OpenSSH_9.2\r\n"


def https_port(heard: bytes) -> bytes | None:
    """Close on binary; tell who speaks plain text."""
    if b"\r\n" not in heard:
        return b""
    return b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP request was sent to HTTPS port"


@pytest.mark.parametrize(
    ("server", "words", "cause"),
    [
        (http, "a web server (HTTP)", Cause.WRONG_PORT),
        (rtsp, "an RTSP server", Cause.WRONG_PORT),
        (tls, "a server with TLS", Cause.WRONG_PORT),
        (https_port, "a server with TLS", Cause.WRONG_PORT),
        (ssh, "an SSH server", Cause.NOT_A_CAMERA),
    ],
)
async def test_port_of_another_service(
    server: Callable[[bytes], bytes | None], words: str, cause: Cause
) -> None:
    async with speaking(server) as port:
        report = await examined(port)
    assert causes(report) == [cause]
    assert f"at port {port} answers {words}" in report.summary


async def test_host_name_that_nobody_knows() -> None:
    def nobody(host: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, f"no {host}")

    report = await examined(9000, host="porch.lan", resolver=nobody)
    assert causes(report) == [Cause.NAME_NOT_FOUND]
    assert "porch.lan" in report.summary


async def test_name_that_leads_to_a_camera_is_followed() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        report = await examined(camera, host="porch.lan", resolver=lambda _: ["127.0.0.1"])
    assert report.can_be_watched
    assert report.address == f"porch.lan:{camera.port}"


async def test_machine_without_a_network_is_told_apart_from_an_unknown_name() -> None:
    def nobody(_: str) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    alone = Surroundings(interfaces=("lo",), has_route=False, is_container=True)
    report = await examined(9000, host="porch.lan", resolver=nobody, around=alone)
    assert causes(report) == [Cause.NO_NETWORK]
    assert "--network host" in report.advice


async def test_silent_camera() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        camera.silence()
        report = await examined(camera)
        assert causes(report) == [Cause.SILENT_CAMERA]


async def test_camera_that_falls_silent_at_the_login() -> None:
    async def greets_only(peer: Peer) -> None:
        peer.protocol.receive_data(await peer.read())
        peer.send()
        await peer.until_closed()

    hasty = replace(QUICK, patience=replace(QUICK.patience, login_s=0.5))
    async with scripted(greets_only) as port:
        report = await examined(port, hasty)
    assert causes(report) == [Cause.SILENT_CAMERA]
    assert report.findings[-1].check is Check.LOGIN


async def test_camera_that_answers_no_question_is_still_watched() -> None:
    async with spoilt(Busy(), profile=PROFILE) as camera:
        report = await examined(camera)
    assert causes(report) == [Cause.NO_ANSWERS, Cause.STREAM_REFUSED]


# ---------------------------------------------------------------- the stream
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Stall(), Cause.SILENT_STREAM),
        (RefusedPreview(), Cause.STREAM_REFUSED),
        (LoseKeyFrames(), Cause.NO_KEY_FRAME),
    ],
    ids=lambda value: value.value if isinstance(value, Cause) else "",
)
async def test_stream_that_does_not_play(fault: Fault, cause: Cause) -> None:
    async with spoilt(fault, profile=PROFILE) as camera:
        report = await examined(camera)
        assert causes(report) == [cause]
        assert not report.can_be_watched
        assert report.findings[-1].stream is SUB
        await camera.wait_for(lambda stats: stats.requests[MessageId.LOGOUT] == 1)


@pytest.mark.parametrize("status", [Status.BAD_REQUEST, 0])
async def test_privacy_mode_is_why_no_picture_comes(status: int) -> None:
    async with spoilt(Privacy(status=status), profile=PROFILE) as camera:
        report = await examined(camera)
    assert causes(report) == [Cause.PRIVACY_MODE, Cause.PRIVACY_MODE]
    assert report.findings[-1].severity is Severity.FAILURE


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Garbage(where="between", every=5), Cause.DAMAGED_MEDIA),
        (Garbage(where="inside", every=1), Cause.DAMAGED_MEDIA),
        (ClockStandstill(), Cause.JUMPING_TIMESTAMPS),
    ],
    ids=lambda value: value.value if isinstance(value, Cause) else "",
)
async def test_stream_that_is_spoilt_while_it_plays(fault: Fault, cause: Cause) -> None:
    async with SimulatedCamera(PROFILE) as camera:
        running = asyncio.create_task(examined(camera))
        await camera.wait_for(lambda stats: stats.frames_sent[0, SUB] > 0)
        camera.begin(fault)
        report = await running
    assert report.cause is cause
    assert report.can_be_watched


async def test_burst_is_uneven_delivery() -> None:
    patient = replace(LONGER, seconds=2.5, patience=replace(QUICK.patience, picture_s=5.0))
    async with spoilt(Burst(period_s=1.2), profile=PROFILE) as camera:
        report = await examined(camera, patient)
    assert causes(report) == [Cause.UNEVEN_DELIVERY]
    assert report.can_be_watched


async def test_odd_audio() -> None:
    async with SimulatedCamera(replace(PROFILE, audio="adpcm")) as camera:
        report = await examined(camera)
    assert causes(report) == [Cause.ODD_AUDIO]
    assert "ADPCM" in report.summary
    assert report.can_be_watched


async def test_sound_that_is_switched_on_and_does_not_come() -> None:
    async with spoilt(Mute(), profile=PROFILE) as camera:
        report = await examined(camera)
    assert causes(report) == [Cause.ODD_AUDIO]
    assert "sends none" in report.summary


async def test_low_frame_rate() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        # what the camera says it is set to, while 15 pictures a second come
        settings = Compression(0, sub_stream=StreamCompression(frame=30, bit_rate=512))
        camera._device.settings.stored[MessageId.COMPRESSION_GET, 0] = (settings,)
        report = await examined(camera, LONGER)
    assert causes(report) == [Cause.LOW_FRAME_RATE]
    assert "instead of 30" in report.summary
    assert "the stream is set to 512 kbit/s" in report.summary


async def test_camera_that_restarts_while_it_is_watched() -> None:
    both = replace(QUICK, streams=(StreamKind.MAIN, SUB))
    async with SimulatedCamera(PROFILE) as camera:
        running = asyncio.create_task(examined(camera, both))
        await camera.wait_for(lambda stats: stats.frames_sent[0, StreamKind.MAIN] > 0)
        camera.inject(Reboot(), 5.0)
        report = await running
        assert causes(report) == [Cause.CONNECTION_LOST]
        assert report.findings[-1].severity is Severity.SKIPPED
        assert report.findings[-1].stream is SUB
        assert camera.stats.logins == 1


# ---------------------------------------------------------------- the device
async def test_wrong_clock_is_told_and_left_alone() -> None:
    async with SimulatedCamera(replace(PROFILE, clock_error_s=-90_000.0)) as camera:
        report = await examined(camera)
        assert causes(report) == [Cause.CLOCK_WRONG]
        assert report.can_be_watched
        assert camera.stats.time_sets == 0


async def test_channel_that_a_recorder_does_not_have() -> None:
    async with SimulatedCamera(replace(PROFILE, channels=2)) as camera:
        report = await examined(camera, channel_id=2)
        assert causes(report) == [Cause.NO_SUCH_CHANNEL]
        assert "the device has 0 to 1" in report.summary
        assert not camera.stats.video_starts
        report = await examined(camera, channel_id=1)
        assert report.can_be_watched
        assert set(camera.stats.video_starts) == {(1, SUB)}


async def test_extern_stream_that_does_not_exist_matters_only_if_it_is_all_that_is_wanted() -> None:
    profile = replace(PROFILE, streams=(StreamKind.MAIN, SUB))
    async with SimulatedCamera(profile) as camera:
        report = await examined(camera, replace(QUICK, streams=(SUB, StreamKind.EXTERN)))
        assert report.cause is None
        assert report.findings[-1].severity is Severity.SKIPPED
        report = await examined(camera, replace(QUICK, streams=(StreamKind.EXTERN,)))
        assert causes(report) == [Cause.NO_SUCH_STREAM]
        assert not report.can_be_watched


# ---------------------------------------------------------------- ends
async def test_deadline_ends_it_and_logs_out() -> None:
    hasty = replace(QUICK, seconds=0.5, patience=replace(QUICK.patience, picture_s=60, total_s=0.5))
    async with spoilt(Stall(), profile=PROFILE) as camera:
        report = await examined(camera, hasty)
        assert causes(report) == [Cause.OUT_OF_TIME]
        assert problems(report)[0].check is Check.PLAY
        await camera.wait_for(lambda stats: stats.requests[MessageId.LOGOUT] == 1)
        assert camera.stats.video_starts == camera.stats.video_stops


async def test_cancellation_stops_the_stream_and_logs_out() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        check = examination(camera)
        running = asyncio.create_task(check.run())
        await camera.wait_for(lambda stats: stats.frames_sent[0, SUB] > 0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await camera.wait_for(lambda stats: not stats.open_connections)
        assert camera.stats.video_stops == camera.stats.video_starts
        assert camera.stats.requests[MessageId.LOGOUT] == 1
        assert check.report.findings[-1].check is Check.STREAMS


async def test_nothing_that_is_found_tells_a_secret() -> None:
    uid = "UID0SECRET000001"
    profile = replace(PROFILE, uid=uid, channels=2)
    async with SimulatedCamera(profile) as camera:
        reports = [
            await examined(camera, uid=uid, streams=()),
            await examined(camera, password="not that one", uid=uid),
            await examined(camera, uid=uid, host=None),
        ]
    text = repr(reports)
    assert all(secret not in text for secret in (uid, PASSWORD, "not that one"))
    assert causes(reports[2]) == [Cause.UID_ONLY]
