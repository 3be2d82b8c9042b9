"""Memory that is free in this process, given back to the system: who shares the pod's limit has a use for it.

The C library keeps what was freed in the middle of its heap, for ever: after a first translation of 10,000 Mappings
that was a third of all that the process had. To be asked costs it 3 ms then, and 0.1 ms where there is little.
"""

import asyncio
import ctypes
import time
from mmap import MADV_DONTNEED, PAGESIZE
from typing import Final

EVERY: Final = 10.0
"""Seconds between two looks at whether something is to be given back."""

WORK: Final = 0.05
"""Seconds of CPU without which nothing that is worth a look can have become free."""

_ZEROS: Final = bytes(PAGESIZE)
_LIBRARY: Final = ctypes.CDLL(None)
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_APART: Final = 1 << 17
"""Bytes from which on memory is got from the system by itself, and given back when it is freed (glibc's own value)."""


def keep_apart() -> None:
    """Have what is large never lie among what is small, here and in forks.

    glibc gives that up by itself once something large was freed (mallopt(3)). Nor has each thread a heap of its own.
    """
    if hasattr(_LIBRARY, "mallopt"):
        _LIBRARY.mallopt(_M_MMAP_THRESHOLD, _APART)
        _LIBRARY.mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Give back what is free and whole pages; where the C library is not glibc, which alone can be asked, nothing."""
    if hasattr(_LIBRARY, "malloc_trim"):
        _LIBRARY.malloc_trim(0)


def give_back_zeros(thing: object) -> None:
    """Give back what is nothing but zeros in an object: the system makes zeros of it again when somebody writes there.

    An event loop of uvloop's has 250 kB to read into: it fills all of them with zeros, and mostly uses the beginning.
    """
    if not hasattr(_LIBRARY, "madvise"):
        return
    end = id(thing) + type(thing).__basicsize__
    for page in range(-(-id(thing) // PAGESIZE) * PAGESIZE, end - PAGESIZE + 1, PAGESIZE):
        if ctypes.string_at(page, PAGESIZE) == _ZEROS:
            _LIBRARY.madvise(ctypes.c_void_p(page), ctypes.c_size_t(PAGESIZE), MADV_DONTNEED)


async def tidy() -> None:
    """Give back now and then what became free; endless, and nothing while the process is at rest."""
    worked = 0.0
    while True:
        await asyncio.sleep(EVERY)
        spent = time.process_time()
        if spent - worked >= WORK:
            give_back()
            worked = time.process_time()
