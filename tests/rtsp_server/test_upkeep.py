"""What is looked at once a second: sessions that are over, and players that lose pictures."""

import pytest

from support.rtsp_bench import StartServer
from support.waiting import until


async def test_who_watches_by_udp_and_never_says_so_is_told_that_it_ends(
    start: StartServer,
) -> None:
    """Else its picture stands still, and it waits for more until its own patience ends."""
    bench = await start(session_timeout_s=20)
    client = await bench.client()
    await client.watch(transport="udp")
    bench.camera.pictures(3)
    await client.until(lambda: bool(client.tracks[0].packets))
    bench.pass_time(31)
    assert not bench.server.context.players
    await client.until(lambda: client.tracks[0].has_ended)
    assert bench.mount.player_count == 0


async def test_a_session_that_was_not_played_ends_without_a_word(start: StartServer) -> None:
    bench = await start(session_timeout_s=20)
    client = await bench.client()
    await client.describe()
    await client.setup(0, "udp")
    assert bench.server.context.players
    bench.pass_time(31)
    assert not bench.server.context.players
    assert not client.tracks[0].has_ended


async def test_a_player_that_reads_slowly_all_the_time_is_told_of_once_in_ten_seconds(
    start: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    bench = await start(max_frames=10, stall_timeout_s=60)
    slow = await bench.player(receive_buffer=4096)
    slow.stop_reading()
    bench.camera.key_size = bench.camera.size = 60_000
    backlog = next(bench.server.players()).lanes.video_backlog
    for _ in range(9):
        before = backlog.episodes
        bench.camera.pictures(20)
        assert backlog.episodes > before, "it loses nothing"
        bench.pass_time(1)

    def told() -> list[str]:
        texts = (record.getMessage() for record in caplog.records)
        return [text for text in texts if "reads too slowly" in text]

    assert len(told()) == 1
    assert told()[0].startswith("reads too slowly, ")
    bench.camera.pictures(20)
    bench.pass_time(2)
    assert len(told()) == 2
    slow.resume_reading()
    await until(lambda: not backlog)
