"""CPU time and memory of processes, from the kernel: what a change costs wherever it is done."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

OURS: Final = ("watcher", "translator", "adsserver", "diagnostics")
"""Our parts whose CPU and memory are counted."""


def cpu_ms(pids: Iterable[int]) -> float:
    """CPU milliseconds that these processes have used, all threads, to the nanosecond (schedstat)."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e6


def main_ms(pid: int) -> float:
    """CPU milliseconds of a process's main thread."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e6


def resident_mb(pid: int) -> float:
    """Resident memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
