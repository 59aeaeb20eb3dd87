"""What the bridge tells of itself, read as the sampler reads it."""

import asyncio
import socket

import pytest
from soak.inside import Inside, ask, parse

from neolink.metrics.text import render
from neolink.web.settings import HttpSettings
from support.bridge import HOST, running_bridge
from support.camera_bench import PROFILE
from support.readings import bridge_reading, camera_reading, process_reading, stream_reading


def test_a_scrape_is_summed_over_all_cameras() -> None:
    cameras = [
        camera_reading(
            name, streams=(stream_reading(name, dropped={"slow_player": 5, "damaged": 1}),)
        )
        for name in ('odd "name" {', "attic")
    ]
    process = process_reading(
        tasks=31, loop_lag_s=0.25, queued_bytes=3 << 20, restarts={"statsd": 4}
    )
    text = "".join(render(bridge_reading(2, 0, given=tuple(cameras), process=process)))
    assert parse(text) == Inside(
        tasks=31,
        loop_lag_s=0.25,
        connected=2,
        pool_mib=0.5,
        queued_mib=3,
        drops={"slow_player": 10, "damaged": 2},
        moves={"down": 12, "up": 10},
        restarts=4,
    )


def test_an_answer_that_lacks_something_is_refused() -> None:
    with pytest.raises(ValueError, match="neolink_loop_lag_seconds, neolink_pool_bytes"):
        parse("neolink_tasks 3\n")


async def test_a_real_bridge_is_asked() -> None:
    async with running_bridge(PROFILE, http=HttpSettings()) as running:
        web = running.bridge.onlookers.web
        assert web is not None
        inside = await ask(web.port)
    assert inside.tasks > 3
    assert inside.drops["slow_player"] == 0


async def test_who_answers_something_else_is_refused() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.0 404 Not Found\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as server:
        with pytest.raises(ValueError, match="404"):
            await ask(server.sockets[0].getsockname()[1])


async def test_nobody_there_is_an_error_of_the_system() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(OSError, match="onnect"):
        await ask(port)
