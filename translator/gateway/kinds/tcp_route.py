"""TCPRoute: where connections go that come in at a port.

Source: Gateway API v1.7.0, TCPRoute v1.
"""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar

from translator.decode import Problem, Rule, rule
from translator.gateway.kinds.passing import PassingRules
from translator.gateway.kinds.shared import ParentRef, checked_parents
from translator.values import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TCPRouteSpec:
    """What a TCPRoute says."""

    OPEN: ClassVar[bool] = True

    parent_refs: Annotated[tuple[ParentRef, ...], Rule(max_size=32)] = field(
        default=(), metadata=rule(name="parentRefs")
    )
    rules: PassingRules

    @property
    def hostnames(self) -> tuple[str, ...]:
        """None: connections have no name."""
        return ()

    def cross_check(self) -> Iterable[Problem]:
        """What its parts say of each other."""
        yield from checked_parents(self.parent_refs)
