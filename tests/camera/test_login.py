"""Reaching a camera and logging in: what is sent, what is refused, what is told of it."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from neolink.baichuan.crypto import Encryption, login_hash
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MAGIC, MessageClass, MessageId, Status
from neolink.baichuan.message import Message, MessageReader
from neolink.baichuan.sections import Sections
from neolink.baichuan.server import ClientAuthenticated
from neolink.baichuan.xml import parse_body
from neolink.baichuan.xml.login import LoginUser
from neolink.camera.status import CameraState
from neolink.errors import LoginRefusal
from neolink.media.tracks import StreamKind
from neolink.simulator.faults import WrongPassword
from neolink.simulator.server import SimulatedCamera
from support.camera_bench import PASSWORD, PROFILE, Peer, eventually, rigged, scripted

LEVELS = list(Encryption)


@pytest.mark.parametrize("allowed", LEVELS)
@pytest.mark.parametrize("wanted", LEVELS)
async def test_video_comes_at_every_level_that_camera_and_settings_allow(
    wanted: Encryption, allowed: Encryption, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    profile = replace(PROFILE, encryption=allowed)
    async with (
        SimulatedCamera(profile) as camera,
        rigged(camera, StreamKind.SUB, max_encryption=wanted) as rig,
    ):
        await rig.main.until_pictures(2)
        assert (camera.stats.connections, camera.stats.logins) == (1, 1)
        assert camera.stats.refused_logins == 0
        assert camera.stats.protocol_troubles == 0
    assert f"encryption {min(wanted, allowed).name}" in caplog.text


async def test_the_only_credentials_sent_are_the_configured_ones() -> None:
    received = bytearray()

    async def camera(peer: Peer) -> None:
        await peer.admit()
        try:
            await peer.serve()
        finally:
            received.extend(peer.received)

    async with scripted(camera) as port, rigged(port, wanted=False) as rig:
        await rig.until_connected()
    messages = [one for one in MessageReader().feed(received) if isinstance(one, Message)]
    logins = [one for one in messages if one.header.message_id == MessageId.LOGIN]
    assert len(logins) == 2
    assert logins[0].payload == b""
    user = parse_body(Sections(Encryption.BC).decrypt_xml(logins[1].payload, 0)).get(LoginUser)
    assert user is not None
    hashes = [login_hash(text, "9E6D1FCB9E69846D") for text in ("admin", PASSWORD)]
    assert [user.user_name, user.password] == hashes
    assert [one.header.message_id for one in messages][-1] == MessageId.LOGOUT
    assert PASSWORD.encode() not in received


async def test_the_first_picture_comes_without_a_settling_time() -> None:
    profile = replace(PROFILE, info_delay_s=0.0)
    async with SimulatedCamera(profile) as camera:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        async with rigged(camera) as rig:
            await rig.main.until_pictures(1)
            assert loop.time() - began_s < 1.5


async def test_no_address_is_no_attempt() -> None:
    async with rigged(1, host=None, uid="SIM0000000000001") as rig:
        await rig.until_state(CameraState.UNSUPPORTED)
        assert "address" in rig.camera.status.last_error


async def greeting_without_nonce(peer: Peer) -> None:
    """Answer as the first generation: 200 and a description nobody has documented."""
    await peer.read()
    header = Header(MessageId.LOGIN, status=Status.OK, message_class=MessageClass.REPLY)
    peer.send(Message.compose(header, payload=bytes(64)).serialize())
    await peer.until_closed()


async def empty_acceptance(peer: Peer) -> None:
    event = await peer.event()
    assert isinstance(event, ClientAuthenticated)
    peer.protocol.reply(event.request)
    peer.send()
    await peer.until_closed()


async def unknown_encryption(peer: Peer) -> None:
    await peer.read()
    header = Header(MessageId.LOGIN, status=0xDD77, message_class=MessageClass.LEGACY_REPLY)
    peer.send(Message.compose(header, payload=bytes(64)).serialize())
    await peer.until_closed()


def refusing(status: int) -> Callable[[Peer], "asyncio.Future[None]"]:
    async def camera(peer: Peer) -> None:
        event = await peer.event()
        assert isinstance(event, ClientAuthenticated)
        peer.protocol.reply(event.request, status=status)
        peer.send()
        await peer.until_closed()

    return camera  # type: ignore[return-value]  # a script


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (refusing(400), LoginRefusal.WRONG_CREDENTIALS),
        (refusing(401), LoginRefusal.WRONG_CREDENTIALS),
        (refusing(421), LoginRefusal.ACCOUNT_LOCKED),
        (refusing(406), LoginRefusal.DEVICE_BOUND),
        (greeting_without_nonce, LoginRefusal.LEGACY_ONLY),
        (empty_acceptance, LoginRefusal.EMPTY_ANSWER),
        (unknown_encryption, LoginRefusal.ENCRYPTION),
    ],
)
async def test_refusals_are_told_apart_in_the_log_and_in_the_status(
    script: Callable[[Peer], "asyncio.Future[None]"],
    reason: LoginRefusal,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with scripted(script) as port, rigged(port) as rig:
        await rig.until_state(CameraState.AUTH_FAILED)
        assert rig.camera.status.last_error.startswith(reason.value)
        assert rig.camera.status.refusal is reason
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert record.message.startswith(f"login refused: {reason.value}")
    assert "next attempt in 30 s" in record.message
    assert record.__dict__["camera"] == "porch"


async def test_a_session_too_many_is_not_called_a_wrong_password() -> None:
    profile = replace(PROFILE, max_sessions=1)
    async with SimulatedCamera(profile) as camera, rigged(camera, wanted=False) as first:
        await first.until_connected()
        async with rigged(camera, wanted=False) as second:
            await second.until_state(CameraState.AUTH_FAILED)
            assert "password" not in second.camera.status.last_error
            assert "422" in second.camera.status.last_error
        assert first.camera.status.state is CameraState.CONNECTED


async def test_wrong_credentials_are_tried_once_and_not_again_soon() -> None:
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, password="not-it-at-all") as rig:
        await rig.until_state(CameraState.AUTH_FAILED)
        await asyncio.sleep(0.3)  # six times the pause after a lost connection
        assert camera.stats.connections == camera.stats.refused_logins == 1
        assert rig.camera.status.failures == 1


async def test_a_password_that_is_put_right_on_the_camera_is_found_out() -> None:
    async with SimulatedCamera(PROFILE) as camera:
        camera.begin(WrongPassword())
        async with rigged(camera, auth_backoff_initial_s=0.02, auth_backoff_max_s=0.04) as rig:
            await camera.wait_for(lambda stats: stats.refused_logins >= 3)
            camera.resume()
            await rig.main.until_pictures(1)
            assert rig.camera.status.state is CameraState.CONNECTED
            assert rig.camera.status.connects == 1
            assert rig.camera.status.refusal is None


@pytest.mark.parametrize("password", [PASSWORD, "another-9c1d"])
async def test_credentials_are_in_no_log_record(
    password: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(1)
    profile = replace(PROFILE, username="mallory-user")
    async with (
        SimulatedCamera(profile) as camera,
        rigged(camera, debug=True, username="mallory-user", password=password) as rig,
    ):
        status = rig.camera.status
        await eventually(lambda: status.state in (CameraState.CONNECTED, CameraState.AUTH_FAILED))
        if status.state is CameraState.CONNECTED:
            text = f'<body><User version="1.1"><password>{password}</password></User></body>'
            camera.push(MessageId.BATTERY_LIST, text.encode())
            await eventually(lambda: "***" in caplog.text)
            await rig.main.until_pictures(1)
        assert password not in repr(rig.camera.settings)
    secrets = (password, login_hash(password, "")[:8], "mallory-user")
    shown = [one.getMessage() + str(one.__dict__) for one in caplog.records]
    assert shown
    assert not [text for text in shown for secret in secrets if secret in text]


async def http_server(peer: Peer) -> None:
    await peer.read()
    peer.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    await peer.until_closed()


async def silent(peer: Peer) -> None:
    await peer.until_closed()


async def closing(peer: Peer) -> None:
    await peer.read()


async def greeting_only(peer: Peer) -> None:
    await peer.read()
    peer.send(MAGIC)
    await peer.until_closed()


async def nonce_only(peer: Peer) -> None:
    await peer.event()
    await peer.until_closed()


async def doctype(peer: Peer) -> None:
    await peer.read()
    header = Header(MessageId.LOGIN, status=0xDD00, message_class=MessageClass.LEGACY_REPLY)
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><body><a>&b;</a></body>'
    peer.send(Message.compose(header, payload=bomb).serialize())
    await peer.until_closed()


async def huge(peer: Peer) -> None:
    await peer.read()
    header = Header(MessageId.LOGIN, 0xFFFFFFFF, status=0xDD01, message_class=0x6614)
    peer.send(header.serialize() + bytes(1000))
    await peer.until_closed()


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (http_server, "does not speak the cameras' protocol"),
        (silent, "does not answer the greeting"),
        (closing, "closed by the camera"),
        (greeting_only, "does not speak the cameras' protocol"),
        (nonce_only, "does not answer the login"),
        (doctype, "at byte 0"),
        (huge, "does not speak the cameras' protocol"),
    ],
)
async def test_what_is_no_camera_is_given_up_tried_again_and_told(
    script: Callable[[Peer], "asyncio.Future[None]"],
    told: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with (
        scripted(script) as port,
        rigged(port, first_reply_timeout_s=0.05, login_timeout_s=0.1, backoff_max_s=0.05) as rig,
    ):
        await eventually(lambda: rig.camera.status.failures >= 2)
        assert told in rig.camera.status.last_error
        assert rig.camera.status.connects == 0
    assert "Connection Lost: " in caplog.text
    assert not [one for one in caplog.records if one.exc_info]


async def test_a_port_where_nobody_listens_is_told_and_tried_again(
    caplog: pytest.LogCaptureFixture, unused_tcp_port: int
) -> None:
    caplog.set_level(logging.INFO)
    async with rigged(unused_tcp_port, backoff_max_s=0.05) as rig:
        await eventually(lambda: rig.camera.status.failures >= 3)
        assert rig.camera.status.state is CameraState.WAITING
    lost = [one for one in caplog.records if one.message.startswith("Connection Lost: ")]
    assert len(lost) == 1  # the same trouble is told once in ten seconds
    where = f"127.0.0.1:{unused_tcp_port}"
    assert f"cannot connect to {where}: Connection refused" in lost[0].message
    assert "; next attempt in 0.05 s" in lost[0].message


async def test_a_connect_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    async def never(*_: object, **__: object) -> None:
        await loop.create_future()

    monkeypatch.setattr(loop, "create_connection", never)
    async with rigged(1, connect_timeout_s=0.03) as rig:
        await eventually(lambda: rig.camera.status.failures >= 2)
        assert "took longer than 0.03 s" in rig.camera.status.last_error


@pytest.mark.parametrize("host", ["a..b", "x" * 70, "."])
async def test_a_name_that_is_none_is_a_failure_like_others(
    host: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with rigged(9, host=host) as rig:
        await eventually(lambda: rig.camera.status.failures >= 2)
        assert "cannot connect" in rig.camera.status.last_error
    assert not [one for one in caplog.records if one.exc_info]


async def test_the_log_tells_how_long_a_camera_was_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with SimulatedCamera(PROFILE) as camera, rigged(camera, backoff_max_s=0.05) as rig:
        await eventually(lambda: rig.camera.status.connects == 1)
        camera.cut()
        await eventually(lambda: rig.camera.status.connects == 2)
    first, second = (one.message for one in caplog.records if "logged in" in one.message)
    assert first == "connected and logged in"
    assert second == "connected and logged in, 0 s after it failed"
