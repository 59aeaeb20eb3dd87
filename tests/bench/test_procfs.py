"""What is read of ``/proc``: names with brackets, lines by name, and the clock of a process."""

import os
import time

import pytest

from bench import procfs

STAT = "4711 (a ) b (c) S 1 4711 4711 0 -1 4194304 1 2 3 4 250 75 9 9 20 0 3 0 100 1 1"
STATUS = "Name:\tVmRSS: 1 kB\nVmHWM:\t  9000 kB\nVmRSS:\t  8192 kB\nRssAnon:\t  4096 kB\n"


def test_user_and_system_time_are_found_behind_any_name() -> None:
    assert procfs.parse_cpu_ticks(STAT) == 250 + 75


def test_a_line_of_the_status_is_found_by_its_whole_name() -> None:
    assert procfs.parse_kib(STATUS, "VmRSS") == 8192
    assert procfs.parse_kib(STATUS, "VmHWM") == 9000


def test_a_missing_line_is_told() -> None:
    with pytest.raises(ValueError, match="VmSwap"):
        procfs.parse_kib(STATUS, "VmSwap")


def test_the_load_average_is_the_first_number() -> None:
    assert procfs.parse_load("0.42 1.00 2.00 1/234 5678\n") == 0.42


def test_the_clock_of_a_process_is_its_processor_time() -> None:
    before, own_before = procfs.cpu_s(os.getpid()), time.process_time()
    sum(range(300_000))
    used_s, own_s = procfs.cpu_s(os.getpid()) - before, time.process_time() - own_before
    assert used_s > 0
    assert used_s == pytest.approx(own_s, abs=0.02)


def test_a_process_that_is_gone_has_no_clock() -> None:
    with pytest.raises(OSError, match="4194304"):
        procfs.cpu_s(1 << 22)  # above the largest process id of Linux


def test_resident_memory_is_some_of_this_process() -> None:
    assert 5 < procfs.rss_mib(os.getpid()) < 5000
