"""Connections that are cut, to the byte."""

import asyncio

import pytest

from neolink.baichuan.bcmedia import VideoPacket
from neolink.baichuan.client import ClientProtocol
from neolink.baichuan.crypto import Encryption
from neolink.baichuan.events import LoggedIn, Resynchronized
from neolink.baichuan.header import LONG_HEADER, Header
from neolink.baichuan.ids import MAGIC, MessageId, StreamType
from neolink.baichuan.login import Credentials
from neolink.baichuan.xml import serialize_body
from neolink.baichuan.xml.streams import Preview
from neolink.errors import ConfigError
from neolink.simulator.faults import Cut, make_fault, messages_of
from neolink.simulator.profile import CameraProfile
from neolink.simulator.server import SimulatedCamera
from support.camera_link import PASSWORD, Bench, assert_well, begin, frames


def last_message(wire: bytes | bytearray) -> tuple[bytes, int]:
    """Return what came of the last message, and how long it was to be."""
    last = messages_of(bytes(wire))[-1]
    header = Header.parse(last)
    return last, header.size + header.body_length if header else LONG_HEADER


async def test_cut_resets_everybody_and_welcomes_them_back(bench: Bench) -> None:
    link = bench.logged_in()
    fault = make_fault("cut")
    link.device.begin_for(fault, fault.default_duration_s)
    link.device.send_due(bench.clock.monotonic_s())
    assert link.transport.was_aborted
    assert_well(bench, link.device)


async def test_cut_before_the_login_resets_who_begins_one_and_nobody_else(bench: Bench) -> None:
    watching = bench.logged_in()
    watching.start()
    begin(watching, "cut", where="before_login")
    link = bench.link(watching.device)
    assert not link.transport.is_closing()
    link.client.start_login()
    link.exchange()
    assert link.transport.was_aborted
    assert link.wire == b""
    assert frames(watching.run(0.5))
    assert_well(bench, watching.device)


async def test_cut_in_a_header_leaves_ten_bytes_of_it(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.3)
    begin(link, "cut", where="in_header")
    before = len(link.wire)
    link.run(0.1)
    assert link.transport.was_closed
    assert len(link.wire) == before + 10
    assert link.wire[before:].startswith(MAGIC)
    (left,) = link.client.receive_eof()
    assert isinstance(left, Resynchronized)
    assert (left.offset, left.discarded) == (before, 10)
    assert_well(bench, link.device)


@pytest.mark.parametrize("level", list(Encryption))
async def test_cut_in_a_frame_leaves_half_of_its_first_message(
    bench: Bench, level: Encryption
) -> None:
    link = bench.logged_in(encryption=level, audio=None)
    link.start()
    link.run(0.5)
    pictures = len(frames(link.packets))
    begin(link, "cut", where="in_frame")
    before = len(link.wire)
    link.run(0.1)
    assert link.transport.was_closed
    last, whole = last_message(link.wire)
    assert len(link.wire) - before == len(last) == whole // 2
    assert len(frames(link.packets)) == pictures
    (left,) = link.client.receive_eof()
    assert isinstance(left, Resynchronized)
    assert left.offset == before
    assert_well(bench, link.device)


async def test_cut_in_a_key_frame_leaves_half_of_its_first_message(bench: Bench) -> None:
    link = bench.logged_in(audio=None)
    link.start()
    begin(link, "cut", where="in_frame")
    before = len(link.wire)
    link.run(0.2)
    last, whole = last_message(link.wire)
    assert whole > 39_000  # as much as fits into one
    assert len(link.wire) - before == len(last) == whole // 2


async def test_cut_between_frames_leaves_whole_ones(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.5)
    pictures = len(frames(link.packets))
    begin(link, "cut", where="between_frames")
    link.run(0.2)
    assert link.transport.was_closed
    last, whole = last_message(link.wire)
    assert len(last) == whole
    assert isinstance(link.packets[-1], VideoPacket)
    assert len(frames(link.packets)) == pictures + 1
    assert link.media.retained_bytes == 0
    assert link.client.receive_eof() == []
    assert_well(bench, link.device)


async def test_cut_waits_for_the_stream_it_is_meant_for(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    begin(link, "cut", where="in_frame", stream="sub")
    assert len(frames(link.run(1.0))) > 20
    link.start(StreamType.SUB)
    link.run(0.3)
    assert link.transport.was_closed


async def test_cut_hits_as_many_connections_as_wanted(bench: Bench) -> None:
    device = bench.device()
    links = [bench.link(device) for _ in range(3)]
    for link in links:
        link.log_in()
    begin(links[0], "cut", where="in_header", times=2)
    for link in links:
        link.client.request(MessageId.PING)
        link.exchange()
    assert [link.transport.was_closed for link in links] == [True, True, False]
    assert_well(bench, device)


async def test_cut_behind_a_slow_line_is_as_exact(bench: Bench) -> None:
    link = bench.logged_in(audio=None)
    link.start()
    trickle = begin(link, "trickle", bytes_per_s=20_000)
    begin(link, "cut", where="in_frame")
    link.run(0.3)
    assert not link.transport.is_closing()
    link.run(3.0)
    assert link.transport.was_closed
    last, whole = last_message(link.wire)
    assert len(last) == whole // 2
    link.device.end(trickle)


def test_cut_lasts_longer_where_it_needs_an_occasion() -> None:
    assert Cut().default_duration_s == 0
    assert Cut(where="in_frame").default_duration_s > 1


@pytest.mark.parametrize("options", [{"where": "here"}, {"times": -1}])
def test_impossible_cuts_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"^cut: "):
        make_fault("cut", **options)


async def test_cut_in_a_frame_is_exact_on_a_socket() -> None:
    profile = CameraProfile(password=PASSWORD, audio=None)
    client = ClientProtocol(Credentials("admin", PASSWORD))
    wire = bytearray()
    async with SimulatedCamera(profile) as camera, asyncio.timeout(10):
        camera.inject(Cut(where="in_frame"))
        reader, writer = await asyncio.open_connection("127.0.0.1", camera.port)
        client.start_login()
        writer.write(client.data_to_send())
        while data := await reader.read(65536):
            wire += data
            if any(isinstance(one, LoggedIn) for one in client.receive_data(data)):
                body = serialize_body(Preview(0, 0, StreamType.MAIN.wire_name))
                client.request(MessageId.PREVIEW_START, body=body)
            writer.write(client.data_to_send())
        writer.close()
    last, whole = last_message(wire)
    assert whole > 39_000
    assert len(last) == whole // 2
