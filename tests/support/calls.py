"""A cost that does not depend on the machine: how many functions are called."""

import gc
import sys
from collections.abc import Callable
from types import FrameType


def calls_of(work: Callable[[], object]) -> int:
    """How many functions, Python's and C's, the work calls.

    No collection may fall into it: it would call the finalizers of others, and whoever asked to be told of collections.
    """
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    is_collecting = gc.isenabled()
    gc.disable()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
        if is_collecting:
            gc.enable()
    return calls
