"""What a process has before it forks is never freed; so its references need not be counted.

Each use of an object changes its count, and a fork has to copy the page for that in which the count stands. Since 3.12
Python has immortal objects, such as None, whose counts it leaves alone, but no way to ask for more of them. It knows
them by the count itself: so what is to be immortal gets the count that None has. Where that makes nothing immortal, as
in Python 3.11, which counts None's references too, nothing is done; that is tried with one object first.

Who gives up the last reference to such an object does not free it: what is to close when nobody needs it any more must
not be there yet.
"""

import ctypes
import gc
from types import CodeType
from typing import Final

_BYTES: Final = 4
"""The lower half of a count, by which an object is known to be immortal."""
_ADDRESSES: Final = 1 << 47
"""What a process can have, on processors of 64 bits."""
_TOGETHER: Final = 512
"""Objects that the collector is asked about at once."""
_FEW: Final = 8
"""References that nobody but us can have to a new object."""


def immortalize() -> int:
    """Have the references to all objects that there are counted no more; to how many, or 0 where Python counts all."""
    counts = _all_memory()
    for_ever = counts[_place(None)]
    if not _is_obeyed(counts, for_ever):
        return 0
    found: list[object] = gc.get_objects()
    for each in found:
        counts[_place(each)] = for_ever
    many = len(found)
    while found:
        leaves = _mortal(found, counts, for_ever)
        many += len(leaves)
        constants: list[object] = [each.co_consts for each in leaves if isinstance(each, CodeType)]
        for each in constants:
            counts[_place(each)] = for_ever
        found = constants + [each for each in leaves if isinstance(each, tuple)]
    return many


def _mortal(found: list[object], counts: memoryview, for_ever: int) -> list[object]:
    """What these refer to that was not immortal, and is now: texts, numbers and code are nowhere else to be found."""
    new: list[object] = []
    for first in range(0, len(found), _TOGETHER):
        for each in gc.get_referents(*found[first : first + _TOGETHER]):
            place = id(each) // _BYTES
            if counts[place] != for_ever:
                counts[place] = for_ever
                new.append(each)
    return new


def _is_obeyed(counts: memoryview, for_ever: int) -> bool:
    """Whether this count makes an object immortal: tried with a new one, to which more references are made then."""
    tried = object()
    place = _place(tried)
    before = counts[place]
    if not 0 < before < _FEW:
        return False  # the count is elsewhere
    counts[place] = for_ever
    more = [tried] * _FEW
    if counts[place] == for_ever:
        return True
    counts[place] = before + len(more)
    return False


def _place(thing: object) -> int:
    return id(thing) // _BYTES


def _all_memory() -> memoryview:
    """This process' memory as numbers of 32 bits; what is not there must not be asked for."""
    return memoryview((ctypes.c_ubyte * (_ADDRESSES - _BYTES)).from_address(0)).cast("B").cast("I")
