"""The problems of one object, few enough to be shown: the first ones are kept, the rest is counted.

A single object may have a hundred thousand problems. Nobody reads them, and whoever passes them on pays: the log, the
diagnostics, the snapshot. So they are bounded where they arise. Those that stop the object are kept apart from those
that do not: however many of these there are, it is said what stops it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from translator.decoding.values import Problem, join

MOST: Final = 20
"""Problems that are told of one object, at most."""


class Findings:
    """What is wrong with an object that is being read. `found` counts all, and is a mark for the other methods."""

    __slots__ = ("_kept", "_last_stop", "_left_out", "_room", "found")

    def __init__(self) -> None:
        self.found = 0
        self._kept: list[tuple[int, Problem]] = []
        self._room = {True: MOST, False: MOST}
        self._left_out = 0
        self._last_stop = -1

    def is_full(self, *, stops: bool = False) -> bool:
        """Whether more problems that stop nothing, or that stop the object as others do, would only be counted."""
        return not self._room[stops]

    def add(self, problem: Problem) -> None:
        """One more; or as many as it stands for."""
        if problem.more:
            self.found += problem.more
            self._left_out += problem.more
            return
        if problem.stops:
            self._last_stop = self.found
        if self._room[problem.stops]:
            self._room[problem.stops] -= 1
            self._kept.append((self.found, problem))
        else:
            self._left_out += 1
        self.found += 1

    def extend(self, problems: Iterable[Problem]) -> None:
        """Several more."""
        for problem in problems:
            self.add(problem)

    def count_one(self) -> None:
        """One more that is not kept, and stops nothing that is not stopped already."""
        self.found += 1
        self._left_out += 1

    def stop_since(self, mark: int) -> bool:
        """Whether any that was found since then stops the object."""
        return self._last_stop >= mark

    def put_under(self, where: str, mark: int) -> None:
        """Lengthen the paths of those that were found since then."""
        for index in range(len(self._kept) - 1, -1, -1):
            number, problem = self._kept[index]
            if number < mark:
                return
            self._kept[index] = number, replace(problem, path=join(where, problem.path))

    def told(self) -> tuple[Problem, ...]:
        """Those that are kept, in their order, and one that stands for the rest."""
        kept = tuple([problem for _, problem in self._kept])
        return (*kept, rest(self._left_out)) if self._left_out else kept


def rest(count: int) -> Problem:
    """What stands for problems that are not listed. They stop nothing that is not stopped by one that is."""
    return Problem("", f"and {count:,} more", stops=False, more=count)


def few(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """At most as many as are told of one object, those that stop it first, and one that stands for the rest."""
    found = tuple(problems)
    if not found:
        return found
    if len(found) <= MOST and not any(problem.more for problem in found):
        return found
    left_out = sum(problem.more for problem in found)
    listed = sorted((problem for problem in found if not problem.more), key=lambda problem: not problem.stops)
    left_out += len(listed[MOST:])
    return (*listed[:MOST], rest(left_out)) if left_out else tuple(listed)
