"""What pure functions gave before, in a room that is bounded by bytes.

The texts that people write decide how much an answer weighs, so a bound by number is none: two hundred edits of one
long text would stay for good. What is asked for again and again stays; what is larger than half the room never does.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

ROOM: Final = 4 << 20
"""Bytes for one function; a gateway with 50,000 short names needs about as many."""

_UNKNOWN: Final[Any] = object()

_ENTRY: Final = 200
"""Bytes of a place in a dict, and of a small answer."""


def remembered(size: Callable[[K], int], room: int = ROOM) -> Callable[[Callable[[K], V]], Callable[[K], V]]:
    """Remember the answers of a function of one argument that can be hashed; what it raises is not remembered.

    Two generations: when the young one fills half of the room, it becomes the old one, and what was not asked for since
    the last time is forgotten. So a hit costs one look-up, and there is no list to keep in order.

    Args:
        size: the bytes that an argument and its answer weigh, about; asked once for each that is not known.
        room: the bytes that all of them may weigh.
    """

    def decorate(function: Callable[[K], V]) -> Callable[[K], V]:
        young: dict[K, V] = {}
        old: dict[K, V] = {}
        spent = 0

        @wraps(function)
        def ask(argument: K) -> V:
            nonlocal young, old, spent
            answer: V = young.get(argument, _UNKNOWN)
            if answer is not _UNKNOWN:
                return answer
            answer = old.get(argument, _UNKNOWN)
            if answer is _UNKNOWN:
                answer = function(argument)
            weight = size(argument) + _ENTRY
            if 2 * weight > room:
                return answer
            if 2 * (spent + weight) > room:
                young, old, spent = {}, young, 0
            young[argument] = answer
            spent += weight
            return answer

        return ask

    return decorate


def text_size(text: str) -> int:
    """The bytes of a text and of an answer about as long."""
    return 4 * len(text)


@remembered(text_size)
def shared(text: str) -> str:
    """The same text as it was first met: many objects name one host, one service, one namespace, each in a copy.

    Not `sys.intern`, from which Python 3.12 never lets go of a text.
    """
    return text
