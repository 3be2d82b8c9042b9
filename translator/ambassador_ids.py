"""Which gateway an object of ours is for, by its `ambassador_id`: of several in a cluster each reads its own."""

from dataclasses import field
from typing import Any, ClassVar, Final

from translator.decode import Problem, decode, rule
from translator.values import dataclass

DEFAULT: Final = "default"
EVERYONE: Final = ["_automatic_"]
COMMON: Final = frozenset({"ambassador_id", "ambassadorId"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ids:
    """Which gateways an object is for."""

    OPEN: ClassVar[bool] = True

    ambassador_id: str | tuple[str, ...] | None = field(default=None, metadata=rule(aliases=("ambassadorId",)))


def problems_of_ids(spec: object) -> tuple[Problem, ...]:
    """What is wrong with how an object says whose it is."""
    if not isinstance(spec, dict) or COMMON.isdisjoint(spec):
        return ()
    return tuple(problem for problem in decode(_Ids, spec).problems if problem.stops or problem.more)


def is_for(spec: object, ambassador_id: str) -> bool:
    """Whether an object is for the gateway with this id. One of which no id can be read names nobody."""
    ids = named_ids(spec)
    if ids is None:
        return ambassador_id == DEFAULT
    return ambassador_id in ids or ids == EVERYONE


def named_ids(spec: object) -> list[str] | None:
    """The gateways that can be read; None where none is named."""
    return _ids_of(spec) if isinstance(spec, dict) else None


def _ids_of(spec: dict[str, Any]) -> list[str] | None:
    ids = spec.get("ambassador_id")
    if ids is None:
        ids = spec.get("ambassadorId")
    if isinstance(ids, str):
        return [ids]
    if not isinstance(ids, list):
        return None
    named = [one for one in ids if isinstance(one, str)]
    return named if named or not ids else None
