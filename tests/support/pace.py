"""Promises in seconds, on machines that differ: a busy one is asked what something plain takes there, just now.

What would break such a promise is a pause, a second try, or a wait for somebody: seconds, on whatever machine. What a
busy machine adds is a multiple of what all that runs there takes.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from tests.support.part import ROOT

_TIMES = 5


def a_python() -> None:
    """Python starts, and imports what every part of ours does."""
    subprocess.run([sys.executable, "-c", "import process.main"], check=True, cwd=ROOT)


def is_within(took: float, seconds: float, *, plain: Callable[[], object] = a_python, times: float = 3) -> bool:
    """Whether something took less than so many seconds, or less than so many times what `plain` takes now."""
    return took < seconds or took < times * _median(plain)


def _median(work: Callable[[], object]) -> float:
    took = []
    for _ in range(_TIMES):
        began = time.monotonic()
        work()
        took.append(time.monotonic() - began)
    return statistics.median(took)
