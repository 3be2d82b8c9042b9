"""The paths of a virtual host with very many routes in regions, each with the routes that can match a path there.

So a change of one route is a change of a small part, and a request is found its region by what its path begins with. A
region is the paths that begin with its prefix, without those of the regions below it. Which prefixes there are depends
on how many routes begin with them and on nothing else: equal routes have equal regions, whatever happened before.

A route belongs where its own beginning leads, and to every region whose prefix begins with that beginning.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from itertools import chain, takewhile
from typing import Final

from translator.values import dataclass

MOST_ROUTES: Final = 128
"""In one region, as long as what they begin with tells them apart."""

GREATEST_GROWTH: Final = 4
"""There are no regions where so many routes match everywhere that they would stand so many times on average."""


@dataclass(frozen=True, slots=True)
class Region:
    """The paths that begin with `prefix`, but with none of `below`."""

    prefix: str
    below: tuple[str, ...] = ()


@dataclass(frozen=True)
class Regions:
    """All regions of a virtual host; one of them is for paths that begin with nothing in particular."""

    all: tuple[Region, ...]
    _prefixes: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_prefixes", tuple(region.prefix for region in self.all))

    def of(self, beginning: str) -> Iterator[str]:
        """The prefixes of the regions of a route with this beginning."""
        known = self._prefixes
        place = bisect_left(known, beginning)
        if place == len(known) or known[place] != beginning:
            yield self._above(beginning, place)
        while place < len(known) and known[place].startswith(beginning):
            yield known[place]
            place += 1

    def _above(self, beginning: str, place: int) -> str:
        """The longest prefix that a beginning begins with; in their order it is before the beginning."""
        while not beginning.startswith(self._prefixes[place - 1]):
            place -= 1
        return self._prefixes[place - 1]


WHOLE: Final = Regions((Region(""),))


def regions_of(beginnings: Iterable[str], most: int | None = None) -> Regions:
    """The regions for routes with these beginnings, one for each route; `most` routes in one, or MOST_ROUTES."""
    known = sorted(beginnings)
    found = Regions(tuple(sorted(_split("", known, most or MOST_ROUTES), key=lambda region: region.prefix)))
    placed = sum(1 for beginning in known for _ in found.of(beginning))
    return found if placed <= GREATEST_GROWTH * len(known) else WHOLE


def _split(prefix: str, known: Sequence[str], most: int) -> Iterator[Region]:
    """The region of a prefix, and those below it; what is `known` is sorted, and all of it begins with the prefix."""
    rest, below, deeper = len(known), [], []
    if rest > most:
        children = sorted(_children(prefix, known), key=lambda each: (-len(each[1]), each[0]))
        for child, routes in children:
            if rest <= most:
                break
            rest -= len(routes)
            below.append(child)
            deeper.append(_split(child, routes, most))
    yield Region(prefix, tuple(sorted(below)))
    yield from chain.from_iterable(deeper)


def _children(prefix: str, known: Sequence[str]) -> Iterator[tuple[str, Sequence[str]]]:
    """What is longer than the prefix, by the next letter; each with all that it begins with in common."""
    start = place = len(prefix)
    first = next((index for index, text in enumerate(known) if len(text) > start), len(known))
    while first < len(known):
        end = bisect_right(known, known[first][place], lo=first, key=lambda text: text[place])
        same = known[first:end]
        yield _in_common(same[0], same[-1]), same
        first = end


def _in_common(first: str, last: str) -> str:
    return first[: sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))]
