"""Problems that an object cannot see alone: found where objects meet, told to each of them."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from translator.decode import Problem, few
from translator.ir import ObjectKey
from translator.tables import Table, Tables

V = TypeVar("V")
Told = Mapping[ObjectKey, tuple[Problem, ...]]
Problems = Table[ObjectKey, tuple[Problem, ...]]


def told(tables: Tables, name: str, parent: Table[str, V], find: Callable[[str, V], Told]) -> Problems:
    """A table of problems by object, from rows in which several objects meet: of each object the first ones."""
    spread: Table[ObjectKey, Mapping[Any, tuple[Problem, ...]]] = tables.group(
        f"{name}, where they are found", parent, find
    )
    return tables.each(
        name, spread, lambda _, found: few(problem for where in sorted(found) for problem in found[where])
    )
