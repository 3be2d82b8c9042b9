"""Problems that an object cannot see alone: found where objects meet, told to each of them."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from translator.decode import Problem, Reason, few
from translator.ir import ObjectKey
from translator.tables import Table, Tables

_PASSED_ON: Final[frozenset[Reason]] = frozenset({"SecretNotUsable", "TLSContextNotUsable"})

V = TypeVar("V")
ProblemsByObject = Mapping[ObjectKey, tuple[Problem, ...]]
Problems = Table[ObjectKey, tuple[Problem, ...]]


def stopped_by(problems: Iterable[Problem]) -> str:
    """That an object is stopped, for those who need it; with the reason where that is a Secret, which is none's own."""
    said = "which its own problems stop"
    reason = next((problem for problem in problems if problem.stops and problem.reason in _PASSED_ON), None)
    return f"{said}: {reason.path} {reason.message}" if reason else said


def problems_found(
    tables: Tables, name: str, parent: Table[str, V], find: Callable[[str, V], ProblemsByObject]
) -> Problems:
    """A table of problems by object, from rows in which several objects meet: of each object the first ones."""
    spread: Table[ObjectKey, Mapping[Any, tuple[Problem, ...]]] = tables.group(
        f"{name}, where they are found", parent, find
    )
    return tables.each(
        name, spread, lambda _, found: few(problem for where in sorted(found) for problem in found[where])
    )
