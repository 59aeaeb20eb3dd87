"""What the system says of this process, on systems that say less too."""

import os
import resource
import socket
import threading
from pathlib import Path

import pytest

from neolink.observe.process import read_figures

MIB = 1 << 20
NOTHING = Path("/nonexistent")


@pytest.mark.parametrize("proc", [Path("/proc/self"), NOTHING])
def test_figures_are_those_of_this_process(proc: Path) -> None:
    figures = read_figures(proc)
    assert 10 * MIB < figures.rss_bytes < 4096 * MIB
    assert figures.cpu_s > 0
    assert figures.threads >= threading.active_count() > 0
    assert 3 <= figures.open_descriptors <= figures.max_descriptors or not figures.max_descriptors


@pytest.mark.parametrize("proc", [Path("/proc/self"), NOTHING])
def test_descriptors_are_counted_without_the_one_that_counts(proc: Path) -> None:
    before = read_figures(proc).open_descriptors
    pairs = [socket.socketpair() for _ in range(5)]
    assert read_figures(proc).open_descriptors == before + 10
    for pair in pairs:
        for one in pair:
            one.close()
    assert read_figures(proc).open_descriptors == before


def test_a_thread_is_counted() -> None:
    is_over = threading.Event()
    before = read_figures().threads
    thread = threading.Thread(target=is_over.wait)
    thread.start()
    assert read_figures().threads == before + 1
    is_over.set()
    thread.join()


def test_cpu_time_is_that_which_the_system_counts() -> None:
    used = os.times()
    assert read_figures().cpu_s == pytest.approx(used.user + used.system, abs=1.0)


def test_no_limit_of_descriptors_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    assert read_figures().max_descriptors == 0
