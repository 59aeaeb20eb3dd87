"""What Linux tells of another process: processor time, memory. Reading and parsing, no starting."""

import os
import time
from pathlib import Path

__all__ = ["cpu_s", "load_average", "parse_cpu_ticks", "parse_kib", "parse_load", "rss_mib"]

_PROCESS_CLOCK = 2  # CPUCLOCK_SCHED of linux/posix-timers.h: user and system, of all threads


def cpu_s(pid: int) -> float:
    """Return the user and system seconds of a process and its threads so far.

    The kernel's clock of the process: the sum that ``/proc`` shows in ticks of 10 ms, to the
    nanosecond, so that a second with one player can be measured. Raises OSError without such a
    process.
    """
    try:
        return time.clock_gettime((~pid << 3) | _PROCESS_CLOCK)
    except OSError:
        ticks = parse_cpu_ticks(Path(f"/proc/{pid}/stat").read_text())
        return ticks / os.sysconf("SC_CLK_TCK")


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process. Raises OSError without such a process."""
    return parse_kib(Path(f"/proc/{pid}/status").read_text(), "VmRSS") / 1024


def load_average() -> float:
    """Return how many processes wanted to run during the last minute."""
    return parse_load(Path("/proc/loadavg").read_text())


def parse_cpu_ticks(stat: str) -> int:
    """Return user and system time of ``/proc/PID/stat``; the name in it may hold anything."""
    fields = stat.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def parse_kib(status: str, name: str) -> int:
    """Return a line of ``/proc/PID/status`` that counts kB. Raises ValueError without it."""
    for line in status.splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise ValueError(f"no line {name} in the status of the process")


def parse_load(text: str) -> float:
    """Return the first number of ``/proc/loadavg``."""
    return float(text.split(maxsplit=1)[0])
