"""Who of a group of Mappings is asked how many of its requests, who gets copies, and who is left out."""

from collections.abc import Mapping, Sequence
from typing import Final

from translator.decode import Problem
from translator.emissary.grouping import arrival, disagreement
from translator.emissary.mappings import Member
from translator.emissary.weights import WHOLE, shares_of
from translator.ir import ObjectKey
from translator.values import dataclass

Placed = tuple[ObjectKey, Member]

NOTHING_TO_COPY: Final = "copies nothing: no other Mapping asks for the same requests"
MOST_CALLED: Final = 8
"""Mappings that a problem names; each of thousands for the same requests may have one."""


@dataclass(frozen=True, slots=True)
class Division:
    """Who of a group is served, with which cumulative share, in the order of evaluation; and why others are not.

    `shadow` gets copies of all that the others are asked.
    """

    served: tuple[tuple[Placed, int], ...]
    problems: Mapping[ObjectKey, Problem]
    shadow: Placed | None = None


def divide(members: Mapping[ObjectKey, Member]) -> Division:
    """Divide a group's requests among its members; whoever comes first by name decides what fits."""
    if len(members) == 1:
        [placed_alone] = members.items()
        if not placed_alone[1].spec.shadow:
            return Division(((placed_alone, WHOLE),), {})
    every = sorted(members.items(), key=arrival_of)
    placed = [each for each in every if not each[1].spec.shadow]
    shadow, problems = _shadow_of([each for each in every if each[1].spec.shadow], placed)
    if not placed:
        return Division((), problems)
    _, first = placed[0]
    fitting = placed[:1]
    for key, member in placed[1:]:
        problem = disagreement(first.spec, first.called, member.spec)
        if problem is None:
            fitting.append((key, member))
        else:
            problems[key] = problem
    shares = shares_of([member.spec.weight for _, member in fitting])
    together = _called(fitting)
    for position in shares.refused:
        key, member = fitting[position]
        said = f"is beyond the 100 % that the Mappings for the same requests may have together: {together}"
        problems[key] = Problem("spec.weight", said, reason="Conflict")
    before = 0
    for position, reached in shares.reached:
        key, member = fitting[position]
        if reached == before and member.spec.weight is None:
            said = f"leaves it nothing: the Mappings for the same requests have 100 %: {together}"
            problems[key] = Problem("spec.weight", said, stops=False)
        before = reached
    return Division(tuple((fitting[position], reached) for position, reached in shares.reached), problems, shadow)


def _shadow_of(shadows: Sequence[Placed], others: Sequence[Placed]) -> tuple[Placed | None, dict[ObjectKey, Problem]]:
    """The one of the shadows that gets copies, if there is something to copy, and what is wrong with each."""
    problems = {
        key: Problem(
            "spec.shadow", f"cannot be beside {shadows[0][1].called}: requests are copied once", reason="Conflict"
        )
        for key, _ in shadows[1:]
    }
    if not shadows:
        return None, problems
    if others and not others[0][1].spec.redirects:
        return shadows[0], problems
    said = f"copies nothing: {others[0][1].called} redirects the requests" if others else NOTHING_TO_COPY
    problems[shadows[0][0]] = Problem("spec.shadow", said, stops=False, reason="NotAttached")
    return None, problems


def arrival_of(placed: Placed) -> tuple[str, ObjectKey]:
    """Whoever comes first by this decides for a group."""
    key, member = placed
    return arrival(member.namespace, member.name), key


def _called(placed: Sequence[Placed]) -> str:
    named = ", ".join(member.called for _, member in placed[:MOST_CALLED])
    return f"{named} and {len(placed) - MOST_CALLED:,} more" if len(placed) > MOST_CALLED else named
