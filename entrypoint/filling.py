"""What a process makes after a fork lies together: whatever place is free among what stays is taken before.

Python puts objects of a size into pools of pages, and a new object into a pool that has room. After a start that room
is in a few hundred pools; in a fork each is another page that has to be copied. The same goes for the parent, which
would write to pages that its forks have in common.

A new pool is known by its addresses: they begin with the first that a pool has, and go on in order. Where an allocator
does otherwise, some megabytes are taken in vain, once for all processes.
"""

import sys
from itertools import repeat
from typing import Final

_STEP: Final = 16
_LARGEST: Final = 512
_POOL: Final = 1 << 14
_POOL_HEAD: Final = 48
"""Of Python's allocator (Objects/obmalloc.c): sizes of objects in pools, a pool's bytes, how many come first."""
_BATCH: Final = 16
"""Objects between two looks."""
_SURE: Final = 4
"""Addresses in a row from a pool's first one that no old pool gives."""
_MOST: Final = 1 << 18
"""Bytes of one size that are taken at most."""
_COMPLEX: Final = 32
_BYTES_HEAD: Final = sys.getsizeof(b"")


def filling() -> list[object]:
    """Objects that take these places, as long as they live."""
    made: list[object] = []
    for size in range(_STEP, _LARGEST + 1, _STEP):
        for _ in range(_MOST // (size * _BATCH)):
            batch = [_of_size(size) for _ in repeat(None, _BATCH)]
            made += batch
            if is_in_a_new_pool([id(each) for each in batch], size):
                break
    return made


def is_in_a_new_pool(places: list[int], size: int) -> bool:
    """Whether among these addresses a pool begins that was not there before."""
    firsts = [number for number, place in enumerate(places) if place % _POOL == _POOL_HEAD]
    row = range(0, _SURE * size, size)
    return any(places[first : first + _SURE] == [places[first] + step for step in row] for first in firsts)


def _of_size(size: int) -> object:
    """An object that takes so many bytes, and of which Python keeps no store of its own."""
    if size > _COMPLEX:
        return bytes(size - _BYTES_HEAD)
    return object() if size < _COMPLEX else complex(0, 1)
