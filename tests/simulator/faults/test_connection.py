"""Connections that are truncated, refused, slow, or lead nowhere."""

from neolink.baichuan.events import Reply
from neolink.baichuan.header import Header
from neolink.baichuan.ids import MessageId
from neolink.simulator.faults import messages_of
from support.camera_link import Bench, assert_well, begin, frames


async def test_truncated_message_is_the_last(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.3)
    fault = begin(link, "truncate")
    link.run(0.1)
    assert link.transport.was_closed
    last = messages_of(bytes(link.wire))[-1]
    header = Header.parse(last)
    assert header is not None
    assert len(last) == header.size + header.body_length - 10
    assert link.client.receive_eof()
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_refusing_camera_resets_who_gets_in_and_keeps_the_others(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    fault = begin(link, "refuse")
    assert bench.link(link.device).transport.was_aborted
    assert frames(link.run(0.5))
    link.device.end(fault)
    assert_well(bench, link.device)


async def test_rebooting_camera_resets_all_and_its_clock_begins_anew(bench: Bench) -> None:
    link = bench.logged_in()
    bench.clock.advance(1000)
    fault = begin(link, "reboot")
    assert link.transport.was_aborted
    assert link.device.is_refusing
    link.device.end(fault)
    again = bench.link(link.device)
    again.log_in()
    again.start()
    assert frames(again.run(0.2))[0].microseconds < 1_000_000
    assert_well(bench, link.device)


async def test_silent_camera_hears_and_says_nothing(bench: Bench) -> None:
    link = bench.logged_in()
    link.start()
    link.run(0.5)
    fault = begin(link, "silence")
    link.client.request(MessageId.PING)
    before = len(link.wire)
    assert link.run(2.0) == []
    assert len(link.wire) == before
    assert link.device.stats.requests[MessageId.PING] == 0
    late = bench.link(link.device)
    late.client.start_login()
    assert late.exchange() == []
    assert not late.transport.is_closing()
    link.device.end(fault)
    assert frames(link.run(0.5))
    assert link.damages == 0
    assert_well(bench, link.device)


async def test_trickle_sends_slowly_and_all_of_it(bench: Bench) -> None:
    link = bench.logged_in(audio=None)
    fault = begin(link, "trickle", bytes_per_s=1000)
    link.client.request(MessageId.SUPPORT)
    assert [one for one in link.exchange() if isinstance(one, Reply)] == []
    received = 0
    for _ in range(4):
        bench.clock.advance(0.1)
        link.device.send_due(bench.clock.monotonic_s())
        received += len(link.transport.written)
        assert len(link.transport.written) <= 110
        link.exchange()
    assert received >= 300
    link.device.end(fault)
    link.device.send_due(bench.clock.monotonic_s())
    assert [type(one) for one in link.exchange()] == [Reply]
