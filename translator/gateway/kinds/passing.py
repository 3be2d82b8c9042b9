"""What the routes below HTTP have in common: one rule, which says to whom connections or datagrams are passed on."""

from dataclasses import field
from typing import Annotated, ClassVar

from translator.decode import Rule, rule
from translator.gateway.kinds.http_route import Weight
from translator.gateway.kinds.shared import BackendObjectRef, SectionName
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PassingRef(BackendObjectRef):
    """A share of what is passed on."""

    OPEN: ClassVar[bool] = True

    weight: Weight = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PassingRule:
    """To whom it is passed on."""

    OPEN: ClassVar[bool] = True

    name: SectionName | None = None
    backend_refs: Annotated[tuple[PassingRef, ...], Rule(min_size=1, max_size=16)] = field(
        metadata=rule(name="backendRefs", required=True)
    )


PassingRules = Annotated[tuple[PassingRule, ...], Rule(min_size=1, max_size=1)]
"""The rules of a route: one."""
