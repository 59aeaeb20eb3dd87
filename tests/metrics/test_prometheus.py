"""A real Prometheus scrapes a real bridge, by our own configuration and rules."""

import asyncio
import json
import socket
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from neolink.web.settings import HttpSettings
from support.bridge import HOST, RunningBridge, running_bridge
from support.camera_bench import PROFILE
from support.processes import need_programs
from support.rtsp_client import RtspClient
from support.scenario import until_soon

CONTRIB = Path(__file__).parent.parent.parent / "contrib"
EXAMPLE_TARGET = "127.0.0.1:8080"

pytestmark = pytest.mark.foreign


class Prometheus:
    """A server that runs, and what it answers."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def get(self, path: str, **query: str) -> Any:
        """Return the data of an answer; None while there is none."""
        url = f"http://{HOST}:{self._port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            return await asyncio.to_thread(_fetch, url)
        except OSError:
            return None

    async def value(self, expression: str) -> float | None:
        """Return what an expression gives, if that is one number."""
        answer = await self.get("query", query=expression)
        found = answer["result"] if answer else []
        return float(found[0]["value"][1]) if len(found) == 1 else None

    async def until(self, expression: str, value: float) -> None:
        """Wait until an expression has a value."""
        async with asyncio.timeout(30):
            while await self.value(expression) != value:  # noqa: ASYNC110 - only by asking
                await asyncio.sleep(0.2)


def _fetch(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)["data"]


@asynccontextmanager
async def scraping(running: RunningBridge, folder: Path) -> AsyncIterator[Prometheus]:
    """Run Prometheus with our files; only the target and the pace are changed."""
    web = running.bridge.onlookers.web
    assert web is not None
    text = (CONTRIB / "prometheus.yml").read_text("utf-8")
    assert text.count(EXAMPLE_TARGET) == text.count("scrape_interval: 15s") == 1
    text = text.replace(EXAMPLE_TARGET, f"{HOST}:{web.port}")
    text = text.replace("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s")
    (folder / "prometheus.yml").write_text(text)
    rules = (CONTRIB / "prometheus-alerts.yml").read_text("utf-8")
    (folder / "prometheus-alerts.yml").write_text(rules)
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--log.level=warn",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield Prometheus(port)
        assert process.returncode is None, "Prometheus ended"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_prometheus_scrapes_the_bridge_and_sees_what_happens(tmp_path: Path) -> None:
    need_programs("prometheus")
    async with (
        running_bridge(PROFILE, http=HttpSettings()) as running,
        scraping(running, tmp_path) as prometheus,
    ):
        await prometheus.until('up{job="neolink"}', 1)
        await prometheus.until('neolink_camera_connected{camera="porch"}', 1)
        assert await prometheus.value("sum(neolink_clients)") == 0
        async with RtspClient(running.url("porch")) as player:
            await player.watch(0)
            await prometheus.until('neolink_clients{camera="porch",stream="main"}', 1)
            await prometheus.until("count(neolink_player_playing == 1)", 1)
            await prometheus.until(
                "sum(rate(neolink_frames_total{media='video'}[5s])) > bool 10", 1
            )
        await prometheus.until("sum(neolink_clients)", 0)
        await until_soon(lambda: not running.bridge.observer.read().cameras[0].streams[0].players)
        await prometheus.until("count(neolink_player_playing) or vector(0)", 0)

        rules = await prometheus.get("rules")
        found = [rule for group in rules["groups"] for rule in group["rules"]]
        assert len(found) > 10
        assert {rule["health"] for rule in found} <= {"ok", "unknown"}
        assert [rule["name"] for rule in found if rule["state"] == "firing"] == []

        targets = await prometheus.get("targets")
        (target,) = targets["activeTargets"]
        assert (target["health"], target["lastError"]) == ("up", "")
