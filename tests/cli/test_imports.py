"""What a command imports: each thing that it does not need costs time to start, and memory."""

import signal
from pathlib import Path

import pytest

from support.program import program

OF_OTHER_COMMANDS = {"neolink.simulator", "neolink.doctor"}
OF_EXTRAS = {"av", "numpy", "PIL", "cv2"}
OF_TESTS = {"hypothesis", "prometheus_client", "pytest", "support"}
OF_PAGE = {"aiohttp", "neolink.mp4", "neolink.web.server"}
OF_METRICS = {"neolink.metrics.pusher", "neolink.metrics.text"}
OF_RARE_COMMANDS = {
    f"neolink.baichuan.xml.{topic}"
    for topic in ("ability", "alarms", "lights", "network", "picture", "ptz", "recording", "talk")
}
OF_RARE_TRACKS = {"neolink.onvif.metadata", "xml.sax"}
OF_BRIDGE = {"asyncio", "cryptography", "neolink.app", "neolink.config", "pydantic", "uvloop"}
NEVER = OF_OTHER_COMMANDS | OF_EXTRAS | OF_TESTS | OF_RARE_COMMANDS | OF_RARE_TRACKS

RUN_AND_TELL = """
import atexit, sys
from neolink.cli.main import main
atexit.register(lambda: print("Imported:", *sys.modules))
main()
"""

CONFIG = """
bind = "127.0.0.1"
bind_port = 0

[rtsp]
udp = false

[[cameras]]
name = "porch"
address = "127.0.0.1:1"
username = "admin"
password = "sesame"
"""


async def imported_by(*arguments: str, until_ready: bool = False) -> set[str]:
    """Run ``neolink`` to its end, or until it serves; return the names of all modules."""
    async with program(*arguments, code=RUN_AND_TELL) as running:
        if until_ready:
            await running.until_printed("Ready")
            running.process.send_signal(signal.SIGTERM)
        await running.until_ended()
    (line,) = (line for line in running.stdout.splitlines() if line.startswith("Imported:"))
    return set(line.split()[1:])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["rtsp", "--help"],
        ["health", "--help"],
        ["health", "--url", "http://127.0.0.1:1"],
    ],
    ids=" ".join,
)
async def test_help_and_health_import_no_part_of_the_bridge(arguments: list[str]) -> None:
    found = await imported_by(*arguments)
    assert "neolink.cli.main" in found
    assert not found & (NEVER | OF_PAGE | OF_METRICS | OF_BRIDGE)


async def test_help_imports_no_network() -> None:
    assert not await imported_by("--help") & {"http", "rich", "socket", "ssl"}


async def test_check_config_imports_no_part_that_runs(tmp_path: Path) -> None:
    file = tmp_path / "neolink.toml"
    file.write_text(CONFIG)
    found = await imported_by("check-config", str(file))
    assert "neolink.config.load" in found
    assert not found & (NEVER | OF_PAGE | OF_METRICS | {"asyncio", "neolink.app", "ssl"})


async def test_a_bridge_without_a_page_imports_no_http_server(tmp_path: Path) -> None:
    file = tmp_path / "neolink.toml"
    file.write_text(CONFIG)
    found = await imported_by("rtsp", "--config", str(file), until_ready=True)
    assert "neolink.rtsp_server.server" in found
    assert not found & (NEVER | OF_PAGE | OF_METRICS)


async def test_a_bridge_with_a_page_imports_no_decoder_before_a_picture_is_asked_for(
    tmp_path: Path,
) -> None:
    file = tmp_path / "neolink.toml"
    file.write_text(CONFIG + '\n[http]\nbind = "127.0.0.1"\nport = 0\n')
    found = await imported_by("rtsp", "--config", str(file), until_ready=True)
    assert found >= OF_PAGE
    assert not found & NEVER
