"""The floor that everything is measured beside: players may leave it in any order."""

import asyncio
import struct
from pathlib import Path

from soak.cameras import HOST

from bench import media, stage

PACKETS = [b"a" * 1000, b"b" * 2000, b"c" * 3000]
ROUND = sum(map(len, PACKETS))


async def test_a_player_that_leaves_ends_nothing_for_the_others(tmp_path: Path) -> None:
    """It would end before it is told to, and take the measurement with it."""
    pictures = tmp_path / "packets"
    media.write_pictures(pictures, PACKETS)
    async with stage.floor(tmp_path, 2, "tcp", pictures, tmp_path / "sent") as server:
        _, leaver = await asyncio.open_connection(HOST, server.port)
        reader, stayer = await asyncio.open_connection(HOST, server.port)
        leaver.transport.abort()
        async with asyncio.timeout(10):
            assert await reader.readexactly(3 * ROUND) == b"".join(PACKETS) * 3
        await server.finish()
        stayer.close()
    assert len((tmp_path / "sent").read_bytes()) >= 9 * struct.calcsize("=QQ")
