"""What a stack is doing: a line on stderr as each step begins, with the seconds since the command did."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

MORE_THAN_A_DAY = 86_400.0  # seconds: a begin that is older is another machine's clock


def begun_at() -> float:
    """When this process began, by the kernel where it says so: Python has taken its time by the first line."""
    now = time.time()
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[19])  # field 22, starttime, in clock ticks since boot (proc(5))
        up = float(Path("/proc/uptime").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return now
    age = up - ticks / os.sysconf("SC_CLK_TCK")
    return now - age if 0 <= age < MORE_THAN_A_DAY else now


_BEGAN = begun_at()


def step(words: str) -> None:
    """One line, at once: `[ 1.4 s] Starting PostgreSQL and Valkey …`."""
    print(f"[{time.time() - _BEGAN:5.1f} s] {words} …", file=sys.stderr, flush=True)


def silent(_words: str) -> None:
    """For stacks that nobody watches: tests and chaos."""
